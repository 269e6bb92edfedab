"""What is kept about chats, in the order it comes about."""

from sessions.models.delivery import Delivery
from sessions.models.health import SessionHealth
from sessions.models.message import Message
from sessions.models.progress import ProgressTransition, ProgressUpdate
from sessions.models.session import Session
from sessions.models.tally import ClosedDay, DayTally
from sessions.models.user import ChatUser, ContextLoss, Takeover

__all__ = [
    "ChatUser",
    "ClosedDay",
    "ContextLoss",
    "DayTally",
    "Delivery",
    "Message",
    "ProgressTransition",
    "ProgressUpdate",
    "Session",
    "SessionHealth",
    "Takeover",
]

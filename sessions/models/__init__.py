"""What is kept about chats, in the order it comes about."""

from sessions.models.message import Message
from sessions.models.progress import ProgressTransition, ProgressUpdate
from sessions.models.session import Session
from sessions.models.tally import DayTally
from sessions.models.user import ChatUser, ContextLoss, Takeover

__all__ = [
    "ChatUser",
    "ContextLoss",
    "DayTally",
    "Message",
    "ProgressTransition",
    "ProgressUpdate",
    "Session",
    "Takeover",
]

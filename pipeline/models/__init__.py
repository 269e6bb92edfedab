"""The tables, in the order the data flows."""

from pipeline.models.conversation import Conversation, ConversationVersion
from pipeline.models.knowledge import ContextDocument, ContextUsage, VocabularyVersion
from pipeline.models.merge_pass import MergePass, Reassignment
from pipeline.models.run import Call, Item, QueueHeartbeat, Run, Source
from pipeline.models.signature import Decision, Merge, Move, Registry, Rename, Signature, SignatureRoot, Split, Veto
from pipeline.models.spending import Batch, Budget, Endpoint, Reservation
from pipeline.models.story import Orphan, Story, StoryEvidence
from pipeline.models.theme import Evidence, NewVector, Theme

__all__ = [
    "Batch",
    "Budget",
    "Call",
    "ContextDocument",
    "ContextUsage",
    "Conversation",
    "ConversationVersion",
    "Decision",
    "Endpoint",
    "Evidence",
    "Item",
    "Merge",
    "MergePass",
    "Move",
    "NewVector",
    "Orphan",
    "QueueHeartbeat",
    "Reassignment",
    "Registry",
    "Rename",
    "Reservation",
    "Run",
    "Signature",
    "SignatureRoot",
    "Source",
    "Split",
    "Story",
    "StoryEvidence",
    "Theme",
    "Veto",
    "VocabularyVersion",
]

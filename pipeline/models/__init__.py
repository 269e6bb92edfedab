"""The tables, in the order the data flows."""

from pipeline.models.conversation import Conversation, ConversationVersion
from pipeline.models.run import Call, Item, Run, Source
from pipeline.models.signature import Merge, Registry, Signature, SignatureRoot
from pipeline.models.story import Orphan, Story, StoryEvidence
from pipeline.models.theme import Evidence, Theme

__all__ = [
    "Call",
    "Conversation",
    "ConversationVersion",
    "Evidence",
    "Item",
    "Merge",
    "Orphan",
    "Registry",
    "Run",
    "Signature",
    "SignatureRoot",
    "Source",
    "Story",
    "StoryEvidence",
    "Theme",
]

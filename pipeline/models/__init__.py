"""The tables, in the order the data flows."""

from pipeline.models.access import ApiToken, KeyedWrite
from pipeline.models.change import Change, Comment, SavedView, Visit
from pipeline.models.company import Company, CompanyUrl, Fetch, PageOutcome, Snapshot, StatusChange
from pipeline.models.conversation import Conversation, ConversationVersion
from pipeline.models.erasure import ErasedMark, Erasure
from pipeline.models.judgement import Judgement
from pipeline.models.knowledge import ContextDocument, ContextUsage, VocabularyVersion
from pipeline.models.merge_pass import MergePass, Reassignment
from pipeline.models.run import Call, Item, QueueHeartbeat, Run, Source
from pipeline.models.search import SearchText
from pipeline.models.signature import (
    Decision,
    Hold,
    Merge,
    Move,
    Registry,
    Rename,
    Signature,
    SignatureRoot,
    Split,
    Veto,
)
from pipeline.models.spending import Batch, Budget, Endpoint, LeftFile, Reservation
from pipeline.models.story import Orphan, Story, StoryEvidence
from pipeline.models.tally import Tally
from pipeline.models.theme import Evidence, NewVector, Theme
from pipeline.models.theme_map import MapPoint, ThemeMap
from pipeline.models.upload import Upload

__all__ = [
    "ApiToken",
    "Batch",
    "Budget",
    "Call",
    "Change",
    "Comment",
    "Company",
    "CompanyUrl",
    "ContextDocument",
    "ContextUsage",
    "Conversation",
    "ConversationVersion",
    "Decision",
    "Endpoint",
    "ErasedMark",
    "Erasure",
    "Evidence",
    "Fetch",
    "Hold",
    "Item",
    "Judgement",
    "KeyedWrite",
    "LeftFile",
    "MapPoint",
    "Merge",
    "MergePass",
    "Move",
    "NewVector",
    "Orphan",
    "PageOutcome",
    "QueueHeartbeat",
    "Reassignment",
    "Registry",
    "Rename",
    "Reservation",
    "Run",
    "SavedView",
    "SearchText",
    "Signature",
    "SignatureRoot",
    "Snapshot",
    "Source",
    "Split",
    "StatusChange",
    "Story",
    "StoryEvidence",
    "Tally",
    "Theme",
    "ThemeMap",
    "Upload",
    "Veto",
    "Visit",
    "VocabularyVersion",
]

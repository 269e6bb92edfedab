"""What an erasure makes of each column that can hold words: every one of every table is named here.

`tests/pipeline/runs/test_erased_columns.py` fails for a column that is not named, and plants words in those that are.
`settings.ERASERS` name those of their own tables in the same way, as `COLUMNS`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from django.apps import apps
from django.db import models

from pipeline.models.erasure import Fate

_DECIDED = {Fate.HIDDEN: "reason", Fate.OURS: "actor"}
"""Of decisions about signatures: why, in a person's words or a model's."""

COLUMNS: Mapping[str, Mapping[Fate, str]] = {
    # --- what was read, and from where
    "pipeline.Source": {Fate.OPERATORS: "name reading", Fate.EMPTIED: "repeated_passages", Fate.OURS: "kind cursor"},
    "pipeline.Conversation": {Fate.EMPTIED: "external_id customer url label metadata"},
    "pipeline.ConversationVersion": {Fate.EMPTIED: "content_hash messages"},
    "pipeline.SearchText": {Fate.EMPTIED: "words", Fate.OURS: "config"},
    "pipeline.Upload": {Fate.HIDDEN: "name error choice rejects", Fate.EMPTIED: "look", Fate.OURS: "imported counts"},
    # --- what a run noted
    "pipeline.Run": {
        Fate.EMPTIED: "preview error attention judging_stopped",
        Fate.OURS: "profile extractor parameters versions",
    },
    "pipeline.Item": {Fate.EMPTIED: "reason error", Fate.OURS: "error_class category language flaws claim"},
    "pipeline.Call": {
        Fate.EMPTIED: "request_hash answer raw vectors vectors_hash",
        Fate.OURS: "unit prompt model finish_reason",
    },
    "pipeline.LeftFile": {Fate.OURS: "base_url file_id", Fate.HIDDEN: "problem"},
    "pipeline.Batch": {Fate.EMPTIED: "faults", Fate.OURS: "remote_id file_id claim requests"},
    # --- what was made of it
    "pipeline.Theme": {
        Fate.EMPTIED: "raw_signature raw_key summary details gate_reason vector",
        Fate.OURS: "profile category unread_language vector_model signature_rule",
    },
    "pipeline.NewVector": {Fate.EMPTIED: "vector", Fate.OURS: "vector_model unread_language"},
    "pipeline.Evidence": {Fate.EMPTIED: "quote details"},
    "pipeline.ContextUsage": {Fate.EMPTIED: "missing", Fate.OURS: "offered used"},
    "pipeline.Signature": {Fate.EMPTIED: "key title normal_form vector_sum", Fate.OURS: "profile vector_model"},
    "pipeline.Story": {
        Fate.EMPTIED: "title description",
        Fate.OPERATORS: "ticket_url",
        Fate.OURS: "category confidence_parts edited_actor",
    },
    "pipeline.Orphan": {Fate.EMPTIED: "detail", Fate.OURS: "confidence_parts"},
    # --- what people and models decided and wrote
    "pipeline.Merge": {**_DECIDED, Fate.OURS: "actor rule rule_version vector_model"},
    "pipeline.Veto": _DECIDED,
    "pipeline.Split": _DECIDED,
    "pipeline.Move": {**_DECIDED, Fate.OURS: "actor rule_before"},
    "pipeline.Rename": {**_DECIDED, Fate.EMPTIED: "old_key new_key new_form", Fate.OURS: "actor profile"},
    "pipeline.Hold": _DECIDED,
    "pipeline.MergePass": {Fate.HIDDEN: "reason", Fate.OURS: "profile rules"},
    "pipeline.Reassignment": {Fate.EMPTIED: "reason"},
    "pipeline.Judgement": {
        Fate.HIDDEN: "reason answer outcome error",
        Fate.OURS: "request_hash verdict error_class claim",
    },
    "pipeline.Change": {Fate.HIDDEN: "before after reason", Fate.OURS: "actor"},
    "pipeline.Comment": {Fate.HIDDEN: "text"},
    "pipeline.SavedView": {Fate.HIDDEN: "name query", Fate.OURS: "page"},
    "pipeline.KeyedWrite": {Fate.HIDDEN: "answer", Fate.OURS: "key digest"},
    "admin.LogEntry": {Fate.HIDDEN: "object_repr change_message", Fate.OURS: "object_id"},
    # --- companies, where they are the customer
    "pipeline.Company": {Fate.EMPTIED: "external_id name metadata explanation override_reason"},
    "pipeline.StatusChange": {Fate.EMPTIED: "reason"},
    "pipeline.CompanyUrl": {Fate.EMPTIED: "url host detail etag last_modified"},
    "pipeline.Snapshot": {Fate.EMPTIED: "content_hash title"},
    "pipeline.Fetch": {Fate.EMPTIED: "detail final_url"},
    # --- no customers in it
    "pipeline.VocabularyVersion": {Fate.OPERATORS: "content", Fate.OURS: "profile"},
    "pipeline.ContextDocument": {Fate.OPERATORS: "name area text", Fate.OURS: "profile content_hash"},
    "pipeline.ApiToken": {Fate.OPERATORS: "name made_by revoked_by", Fate.OURS: "handle digest scopes"},
    "pipeline.Erasure": {Fate.OPERATORS: "operator", Fate.OURS: "counts"},
    "pipeline.ErasedMark": {Fate.OURS: "digest"},
    "pipeline.Registry": {Fate.OURS: "profile"},
    "pipeline.QueueHeartbeat": {Fate.OURS: "queue"},
    "pipeline.Endpoint": {Fate.OURS: "base_url model abilities"},
    "pipeline.Reservation": {Fate.OURS: "claim"},
    "pipeline.Tally": {Fate.OURS: "name label"},
    "pipeline.ThemeMap": {Fate.OURS: "profile vector_model"},
    "auth.User": {Fate.OPERATORS: "username first_name last_name email", Fate.OURS: "password"},
    "auth.Group": {Fate.OPERATORS: "name"},
    "auth.Permission": {Fate.OURS: "name codename"},
    "contenttypes.ContentType": {Fate.OURS: "app_label model"},
    "sessions.Session": {Fate.OURS: "session_key session_data"},  # of logins; they go when they expire
    "django_celery_beat.CrontabSchedule": {
        Fate.OURS: "minute hour day_of_month month_of_year day_of_week",
    },
    "django_celery_beat.PeriodicTask": {
        Fate.OPERATORS: "name args kwargs description",
        Fate.OURS: "task queue exchange routing_key headers",
    },
}


def columns_with(fate: Fate) -> Iterator[tuple[type[models.Model], tuple[str, ...]]]:
    """Yield the models that have columns of this fate, with their names."""
    for label, columns in COLUMNS.items():
        if fate in columns:
            yield apps.get_model(label), tuple(columns[fate].split())


def word_columns(model: type[models.Model]) -> set[str]:
    """Return the columns of a table of our database that can hold words, or what is made of words as bytes.

    Columns whose values are chosen from a list, and ids, cannot.
    """
    kinds = (models.CharField, models.TextField, models.JSONField, models.BinaryField)
    return {field.name for field in model._meta.concrete_fields if _holds_words(field, kinds)}


def _holds_words(field: Any, kinds: tuple[type[Any], ...]) -> bool:
    is_text = isinstance(field, kinds) or type(field).__name__ in ("SearchVectorField", "ArrayField")
    return is_text and not field.choices

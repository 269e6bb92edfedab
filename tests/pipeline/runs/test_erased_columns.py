"""Every column that can hold words says what an erasure makes of it, and an erasure does so: words planted in each."""

from collections.abc import Mapping
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection, models
from django.utils import timezone

from pipeline.models import (
    ApiToken,
    Change,
    Comment,
    Company,
    CompanyUrl,
    Conversation,
    ConversationVersion,
    Fetch,
    Hold,
    Judgement,
    KeyedWrite,
    LeftFile,
    Merge,
    MergePass,
    Move,
    Rename,
    SavedView,
    Snapshot,
    Split,
    StatusChange,
    Upload,
    Veto,
)
from pipeline.models.erasure import Fate
from pipeline.runs import erased_columns
from pipeline.runs.erase import erase_customer, holdings_of
from pipeline.runs.erased_columns import columns_with, word_columns
from pipeline.runs.erased_text import HIDDEN
from pipeline.runs.retention import apply_retention
from pipeline.sources.companies.lists import Listed
from pipeline.sources.companies.sync import sync_companies
from tests.support.factories import (
    ConversationFactory,
    ConversationVersionFactory,
    RunFactory,
    SignatureFactory,
    StoryFactory,
    ThemeFactory,
    alice,
)

SAID = "tadpoles waltz under marmalade"
"""Four words in a row of the customer's, which is a quotation wherever it stands."""

MODELS = [model for model in apps.get_models() if model._meta.managed and not model._meta.proxy]


def fates() -> dict[str, dict[str, set[str]]]:
    """Return for each table the columns of each fate, of this project and of settings.ERASERS."""
    named: list[Mapping[str, Mapping[Any, str]]] = [erased_columns.COLUMNS]
    named += [import_module(path).COLUMNS for path in settings.ERASERS]
    return {
        label: {Fate(fate): set(columns.split()) for fate, columns in of_model.items()}
        for of_table in named
        for label, of_model in of_table.items()
    }


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_each_column_that_can_hold_words_says_what_becomes_of_them(model: type[models.Model]) -> None:
    named = [column for columns in fates().get(model._meta.label, {}).values() for column in columns]
    assert sorted(named) == sorted(word_columns(model)), "name it in pipeline/runs/erased_columns.py"


# --- It does what is said -----------------------------------------------------------------------------------------


def tables_with(words: str) -> set[str]:
    """Return the columns of our tables in which these words stand, as text or as bytes."""
    found = set()
    with connection.cursor() as cursor:
        for model in MODELS:
            for field in model._meta.concrete_fields:
                text = f"\"{field.column}\"::text ILIKE '%%' || %(words)s || '%%'"
                if field.get_internal_type() == "BinaryField":
                    text = f"position(convert_to(%(words)s, 'UTF8') IN \"{field.column}\") > 0"
                cursor.execute(f'SELECT 1 FROM "{model._meta.db_table}" WHERE {text} LIMIT 1', {"words": words})
                if cursor.fetchone():
                    found.add(f"{model._meta.label}.{field.name}")
    return found


def one_row_of_each() -> None:
    """Make a row of every table whose columns are searched; none of them is the customer's."""
    now, user, (first, second) = timezone.now(), alice(), (SignatureFactory(), SignatureFactory())
    by = {"created_at": now, "created_by": user}
    decided = {**by, "registry_version": 1}
    story, theme, run = StoryFactory(conversations=1), ThemeFactory(signature=first), RunFactory()
    Comment.objects.create(story=story, text="x", **by)
    Change.objects.create(story=story, what="title", before={"title": "x"}, after={"title": "y"}, reason="x", **by)
    Merge.objects.create(child=first, parent=second, rule="person", reason="x", **decided)
    Veto.objects.create(first=first, second=second, reason="x", undone_at=now, **decided)
    split = Split.objects.create(signature=first, made=second, reason="x", undone_at=now, **decided)
    Move.objects.create(theme=theme, source=first, target=second, split=split, reason="x", **decided)
    Rename.objects.create(signature=first, profile="support", old_key="a", new_key="b", reason="x", **decided)
    Hold.objects.create(signature=first, reason="x", **decided)
    MergePass.objects.create(
        profile="other", kind="join", rules="x", registry_version=1, theme_count=0, new_count=0, moved_count=0,
        reason="x", **by,
    )  # fmt: skip
    asked = {"run": run, "about": "title", "first": first, "request_hash": "x", "created_at": now}
    Judgement.objects.create(answer={"title": "x"}, **asked)
    SavedView.objects.create(user=user, page="search", name="x", query="x")
    LeftFile.objects.create(base_url="http://x", file_id="x", left_at=now, problem="x")
    token = ApiToken.objects.create(name="x", handle="x", digest="x", scopes=["read"], made_at=now)
    KeyedWrite.objects.create(token=token, key="x", digest="x", begun_at=now, status=200, answer='{"size": 4711}')
    LogEntry.objects.create(
        user=user, content_type=ContentType.objects.get_for_model(Comment), object_repr="x", action_flag=CHANGE,
        change_message='[{"changed": {}}]',
    )  # fmt: skip
    Upload.objects.create(
        name="x", size=1, state="failed", error="x", rejects=[{"raw": "x"}], choice={"name": "x"}, **by
    )


def plant(model: type[models.Model], column: str) -> None:
    """Let a column of a row say the words, beside or in place of what it says."""
    row = model._default_manager.latest("pk")
    before: Any = getattr(row, column)
    after: Any = f"they said: {SAID}!"
    if isinstance(before, list):
        after = [*before, after]
    elif isinstance(before, dict):
        after = {**before, "said": after}
    elif isinstance(before, str) and before.startswith("{"):
        after = before.replace("}", f', "said": "{SAID}"}}')
    model._default_manager.filter(pk=row.pk).update(**{column: after})


@pytest.mark.django_db
def test_words_in_a_column_that_is_searched_are_hidden_whichever_it_is() -> None:
    ConversationFactory(text=f"Lately {SAID} in our office. Order 4711.", customer="Tess Tidemill")
    one_row_of_each()
    planted = [(model, column) for model, columns in columns_with(Fate.HIDDEN) for column in columns]
    for model, column in planted:
        plant(model, column)
    assert {f"{model._meta.label}.{column}" for model, column in planted} <= tables_with(SAID)
    erase_customer(word="Tess Tidemill")
    assert tables_with(SAID) == set()
    for model, column in planted:
        assert HIDDEN in str(getattr(model._default_manager.latest("pk"), column)), f"{model}.{column}"
    assert KeyedWrite.objects.get().answer == f'{{"size": 4711, "said": "{HIDDEN}"}}'  # numbers in JSON are no words


# --- Companies that are watched -----------------------------------------------------------------------------------


def company(name: str, external_id: str, *, pages: int = 1) -> Company:
    """Make a watched company with pages, each seen twice, and a status that a person set."""
    urls = tuple(f"https://{external_id}.example/{number}" for number in range(pages))
    sync_companies([Listed(external_id=external_id, name=name, urls=urls, metadata={"owner": SAID})])
    made, now = Company.objects.get(external_id=external_id), timezone.now()
    Company.objects.filter(pk=made.pk).update(
        explanation=f"says {SAID}", override="operational", override_reason=SAID, override_at=now
    )
    StatusChange.objects.create(
        company=made, kind="overridden", before="unknown", after="operational", concluded="unknown", reason=SAID,
        created_at=now,
    )  # fmt: skip
    for page in made.urls.all():
        for number, days in enumerate((40, 1)):
            version = ConversationVersionFactory(
                conversation=page.conversation, messages=[{"role": "page", "text": f"We say {SAID}, {number}."}]
            )
            seen = now - timedelta(days=days)
            snapshot = Snapshot.objects.create(
                company_url=page, version=version, content_hash=version.content_hash, title=SAID, first_seen_at=seen
            )
            Conversation.objects.filter(pk=page.conversation_id).update(current_version=version)
        CompanyUrl.objects.filter(pk=page.pk).update(
            snapshot=snapshot, detail=SAID, etag=SAID, outcome="ok", checked_at=now, good_at=now
        )
    return made


@pytest.mark.django_db
@pytest.mark.parametrize("word", ["tidemill works", "T-7"])
def test_a_watched_company_is_erased_with_its_pages_by_name_or_id(word: str) -> None:
    gone, other = company("Tidemill Works", "T-7", pages=2), company("Weir & Sons", "W-1")
    assert holdings_of(word).counts["companies"] == 1
    done = erase_customer(word=word)
    assert (done.counts["companies"], done.counts["snapshots"]) == (1, 4)
    for table in ("Company", "CompanyUrl", "Snapshot", "StatusChange"):
        rows = [str(row) for row in apps.get_model("pipeline", table)._default_manager.values()]
        assert not any("tidemill" in row.lower() or "t-7" in row.lower() for row in rows), table
    assert not StatusChange.objects.filter(company=gone, reason__contains=SAID).exists()
    assert not Snapshot.objects.filter(company_url__company=gone, title__contains=SAID).exists()
    versions = ConversationVersion.objects.filter(conversation__page__company=gone)
    assert [version.text for version in versions if version.text] == []
    assert CompanyUrl.objects.filter(company=gone, removed_at=None).count() == 0  # not fetched any more
    other.refresh_from_db()
    assert (other.name, other.explanation) == ("Weir & Sons", f"says {SAID}")
    assert Snapshot.objects.filter(company_url__company=other, title=SAID).count() == 2


@pytest.mark.django_db
def test_a_company_without_pages_is_erased_too_and_one_of_two_with_a_name_only_by_its_id() -> None:
    for external_id in ("T-7", "T-8"):
        company("Tidemill", external_id, pages=0)
    assert holdings_of("Tidemill").is_empty
    erase_customer(word="t-8")
    assert list(Company.objects.exclude(external_id__startswith="erased").values_list("external_id", flat=True)) == [
        "T-7"
    ]


@pytest.mark.django_db
def test_what_pages_said_long_ago_goes_by_age_and_what_they_say_now_stays() -> None:
    company("Tidemill", "T-7", pages=2)
    now, month = timezone.now(), timedelta(days=30)
    assert apply_retention(at=now, dry_run=True, keep={"snapshots": month})["snapshots"] == 2
    assert apply_retention(at=now, keep={"snapshots": month})["snapshots"] == 2
    assert apply_retention(at=now, keep={"snapshots": month})["snapshots"] == 0
    old, latest = Snapshot.objects.filter(first_seen_at__lt=now - month), Snapshot.objects.filter(title=SAID)
    assert [(each.title, each.version.text) for each in old] == [("", "")] * 2
    assert [each.version.text for each in latest] == [f"We say {SAID}, 1."] * 2
    assert not Fetch.objects.exists()

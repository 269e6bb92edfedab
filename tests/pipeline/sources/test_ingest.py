"""Records become rows: what is new, what changed, what stays, and two imports at once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from django.utils import timezone

from pipeline.models import Conversation, ConversationVersion, Source
from pipeline.sources import ingest as step
from pipeline.sources import staging
from pipeline.sources.ingest import ingest
from pipeline.sources.records import Record, Reject
from pipeline.sources.staging import ImportCounts

pytestmark = pytest.mark.django_db

MARCH = datetime(2026, 3, 1, 10, tzinfo=UTC)


def said(*texts: str) -> list[dict[str, str]]:
    return [{"role": "customer", "author": "", "text": text, "created_at": ""} for text in texts]


def thread(key: str = "a", *texts: str, line: int = 1, **fields: Any) -> Record:
    return Record(line=line, external_id=key, messages=said(*texts or ("Hello",)), **fields)


@pytest.fixture
def source() -> Source:
    return Source.objects.create(kind="file", name="export")


def counts(new: int = 0, updated: int = 0, unchanged: int = 0, rejected: int = 0) -> ImportCounts:
    return ImportCounts(new=new, updated=updated, unchanged=unchanged, rejected=rejected)


def rows() -> tuple[list[Any], list[Any]]:
    """Return everything stored."""
    return list(Conversation.objects.order_by("id").values()), list(ConversationVersion.objects.order_by("id").values())


# --- Storing ------------------------------------------------------------------------------------------------------


def test_it_stores_a_conversation_and_its_version(source: Source) -> None:
    given = thread(
        "a", "Hello", "It is slow", occurred_at=MARCH, customer="acme", url="https://a.example", label="slow",
        metadata={"plan": "pro"}, classified_at=MARCH + timedelta(days=1),
    )  # fmt: skip
    assert ingest(source=source, records=[given]) == counts(new=1)
    stored = Conversation.objects.get()
    assert (stored.source, stored.external_id, stored.customer) == (source, "a", "acme")
    assert (stored.url, stored.label, stored.metadata) == ("https://a.example", "slow", {"plan": "pro"})
    assert (stored.occurred_at, stored.occurred_at_is_import_time) == (MARCH, False)
    assert (stored.classified_at, stored.first_run) == (MARCH + timedelta(days=1), None)
    version = stored.versions.get()
    assert stored.current_version == version
    assert version.messages == said("Hello", "It is slow")


def test_it_hashes_equal_messages_alike_for_ever(source: Source) -> None:
    ingest(source=source, records=[thread("a", 'Grüße, "so" \\ \n\t/ 🙂 \x7f\x01\u2028')])
    # The sha256 of [{"role":"customer","author":"","text":...,"created_at":""}]. Another value would give every stored
    # conversation a new version at its next import.
    golden = "18ca70c3b974e5765514beb801ba1d81247de69963e906a5deb87b8f8cd34878"
    assert ConversationVersion.objects.get().content_hash == golden


def test_it_changes_nothing_the_second_time(source: Source) -> None:
    given = [
        thread("a", occurred_at=MARCH, metadata={"n": 1.0}),
        thread("b", line=2),
        thread("c", line=3, customer="acme"),
    ]
    assert ingest(source=source, records=given) == counts(new=3)
    before = rows()
    assert ingest(source=source, records=given) == counts(unchanged=3)
    assert rows() == before


def test_it_makes_a_new_version_of_a_changed_text(source: Source) -> None:
    ingest(source=source, records=[thread("a", "one")])
    assert ingest(source=source, records=[thread("a", "one", "two")]) == counts(updated=1)
    stored = Conversation.objects.get()
    assert [version.text for version in stored.versions.order_by("id")] == ["one", "one\ntwo"]
    assert stored.current_version is not None
    assert stored.current_version.text == "one\ntwo"


def test_it_returns_to_an_earlier_version(source: Source) -> None:
    for text in ("one", "two", "one"):
        ingest(source=source, records=[thread("a", text)])
    stored = Conversation.objects.get()
    assert stored.versions.count() == 2
    assert stored.current_version is not None
    assert stored.current_version.text == "one"


CHANGES: list[dict[str, Any]] = [
    {"customer": "acme"},
    {"url": "https://a.example"},
    {"label": "sync"},
    {"metadata": {"a": [1, {"b": None}]}},
    {"classified_at": MARCH},
    {"occurred_at": MARCH},
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: next(iter(change)))
def test_it_updates_the_row_alone_when_the_text_is_the_same(source: Source, change: dict[str, Any]) -> None:
    ingest(source=source, records=[thread()])
    assert ingest(source=source, records=[thread(**change)]) == counts(updated=1)
    stored = Conversation.objects.get()
    assert {name: getattr(stored, name) for name in change} == change
    assert stored.versions.count() == 1
    assert ingest(source=source, records=[thread(**change)]) == counts(unchanged=1)


def test_it_empties_what_a_record_no_longer_names(source: Source) -> None:
    ingest(source=source, records=[thread(customer="acme", metadata={"a": 1}, classified_at=MARCH)])
    assert ingest(source=source, records=[thread()]) == counts(updated=1)
    stored = Conversation.objects.get()
    assert (stored.customer, stored.metadata, stored.classified_at) == ("", {}, None)


def test_it_marks_the_import_time_and_never_moves_it(source: Source) -> None:
    before = timezone.now()
    ingest(source=source, records=[thread()])
    stored = Conversation.objects.get()
    assert stored.occurred_at_is_import_time
    assert before <= stored.occurred_at <= timezone.now()
    assert ingest(source=source, records=[thread(customer="acme")]) == counts(updated=1)
    assert Conversation.objects.get().occurred_at == stored.occurred_at


def test_it_replaces_the_import_time_by_a_known_one_and_keeps_that(source: Source) -> None:
    ingest(source=source, records=[thread()])
    assert ingest(source=source, records=[thread(occurred_at=MARCH)]) == counts(updated=1)
    assert ingest(source=source, records=[thread()]) == counts(unchanged=1)
    stored = Conversation.objects.get()
    assert (stored.occurred_at, stored.occurred_at_is_import_time) == (MARCH, False)


def test_ids_are_unique_inside_a_source_only(source: Source) -> None:
    other = Source.objects.create(kind="file", name="other")
    ingest(source=source, records=[thread("a", "one")])
    assert ingest(source=other, records=[thread("a", "two")]) == counts(new=1)
    assert Conversation.objects.count() == 2


def test_nothing_given_nothing_stored(source: Source) -> None:
    assert ingest(source=source, records=[]) == counts()


# --- Rejecting ----------------------------------------------------------------------------------------------------


@pytest.fixture(params=[2, 5000], ids=["batches of two", "one batch"])
def _batches(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step, "BATCH_ROWS", request.param)


@pytest.mark.usefixtures("_batches")
def test_the_first_of_a_duplicate_id_wins(source: Source) -> None:
    refused: list[Reject] = []
    given = [thread(key, f"{key} {line}", line=line, raw=b"as it came") for line, key in enumerate("abacab", start=1)]
    assert ingest(source=source, records=given, on_reject=refused.append) == counts(new=3, rejected=3)
    texts = ConversationVersion.objects.order_by("conversation__external_id")
    assert [version.text for version in texts] == ["a 1", "b 2", "c 4"]
    assert refused == [
        Reject(line, f"duplicate id: already in line {first}", key, "as it came")
        for line, first, key in ((3, 1, "a"), (5, 1, "a"), (6, 2, "b"))
    ]


@pytest.mark.usefixtures("_batches")
def test_it_passes_on_the_rejects_of_the_source(source: Source) -> None:
    refused: list[Reject] = []
    given: list[Record | Reject]
    given = [Reject(1, "no id"), thread("a", line=2), Reject(3, "no text"), Reject(4, "no text"), thread("b", line=5)]
    assert ingest(source=source, records=given, on_reject=refused.append) == counts(new=2, rejected=3)
    assert [each.line for each in refused] == [1, 3, 4]


@pytest.mark.usefixtures("_batches")
def test_a_value_that_cannot_be_stored_costs_only_its_record(source: Source) -> None:
    refused: list[Reject] = []
    bad = [thread("nul", "a\0b", line=3), thread("nan", line=5, metadata={"n": float("nan")})]
    given = [thread("a", line=1), thread("b", line=2), bad[0], thread("c", line=4), bad[1], thread("a", line=6)]
    assert ingest(source=source, records=given, on_reject=refused.append) == counts(new=3, rejected=3)
    assert sorted((each.line, each.external_id) for each in refused) == [(3, "nul"), (5, "nan"), (6, "a")]


def test_what_was_stored_before_an_interruption_stays(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step, "BATCH_ROWS", 10)

    def interrupted() -> Iterator[Record]:
        yield from (thread(str(n), line=n) for n in range(25))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ingest(source=source, records=interrupted())
    again = [thread(str(n), line=n) for n in range(25)]
    assert ingest(source=source, records=again) == counts(new=5, unchanged=20)


# --- Two at once --------------------------------------------------------------------------------------------------

together = pytest.mark.django_db(transaction=True)
Outcome = ImportCounts | Exception


def at_once(source: Source, *files: list[Record]) -> list[Outcome]:
    """Import each list of records over a connection of its own, all beginning at the same moment."""
    start = Barrier(len(files), timeout=240)

    def work(records: list[Record]) -> Outcome:
        try:
            start.wait()
            return ingest(source=source, records=records)
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(files)) as pool:
        return list(pool.map(work, files))


def many(text: str) -> list[Record]:
    return [thread(f"{n:05}", f"{text} {n}", line=n) for n in range(1, 2001)]


@together
def test_two_imports_of_one_file_at_once_both_succeed(source: Source) -> None:
    first, second = at_once(source, many("text"), many("text"))
    assert isinstance(first, ImportCounts), first
    assert isinstance(second, ImportCounts), second
    assert first.new + second.new == 2000
    assert first.unchanged + second.unchanged == 2000
    assert Conversation.objects.count() == ConversationVersion.objects.count() == 2000
    assert ingest(source=source, records=many("text")) == counts(unchanged=2000)


@together
def test_two_imports_in_opposite_orders_do_not_deadlock(source: Source) -> None:
    for text in ("new", "changed"):
        outcomes = at_once(source, many(text), many(text)[::-1], many(text + "!"), many(text + "!")[::-1])
        assert all(isinstance(each, ImportCounts) for each in outcomes), outcomes
    assert Conversation.objects.count() == 2000
    assert not Conversation.objects.filter(current_version=None).exists()


@together
@pytest.mark.slow
def test_without_the_order_they_deadlock(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging, "_ADD", staging._ADD.replace("ORDER BY external_id", ""))
    for attempt in range(20):
        given = [replace(record, external_id=f"{attempt} {record.external_id}") for record in many("text")]
        if any(isinstance(each, OperationalError) for each in at_once(source, given, given[::-1])):
            return
    pytest.fail("no deadlock in 20 attempts: is the order still needed?")


def import_beside_an_uncommitted_twin(source: Source) -> Outcome:
    """Import a conversation that another connection has inserted and not yet committed."""
    outcome: list[Outcome] = []
    worker = Thread(target=lambda: outcome.extend(at_once(source, [thread("a", "ours")])))
    with transaction.atomic():
        Conversation.objects.create(source=source, external_id="a", occurred_at=MARCH)
        worker.start()
        worker.join(timeout=0.5)
        assert worker.is_alive(), "it did not wait"
    worker.join(240)
    return outcome[0]


@together
def test_it_waits_for_another_import_and_goes_on(source: Source) -> None:
    assert import_beside_an_uncommitted_twin(source) == counts(updated=1)
    stored = Conversation.objects.get()
    assert stored.current_version is not None
    assert stored.current_version.text == "ours"


@together
def test_without_conflict_handling_it_would_fail(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging, "_ADD", staging._ADD.replace("ON CONFLICT (source_id, external_id) DO NOTHING", ""))
    assert isinstance(import_beside_an_uncommitted_twin(source), IntegrityError)

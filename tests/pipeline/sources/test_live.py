"""Live sources against real local servers: what is asked for and read, limits and faults, going on, starting over."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from pipeline.models import Conversation, Source
from pipeline.sources import ingest as ingesting
from pipeline.sources import staging
from pipeline.sources.ingest import import_live
from pipeline.sources.live.client import Api
from pipeline.sources.live.intercom import IntercomSource
from pipeline.sources.live.zendesk import ZendeskSource
from pipeline.sources.records import Checkpoint, Record, Reject, UnreadableSource
from tests.fakes.helpdesks import (
    DROP,
    EMAIL,
    TOKEN,
    FakeTime,
    Intercom,
    Zendesk,
    error,
    intercom_conversation,
    served,
)

pytestmark = pytest.mark.django_db

MATTER = "The export stops after ten rows."
FIRST = 1_770_000_000
DAY = 86_400


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture(autouse=True)
def _clock(time: FakeTime, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sources that an import makes by themselves have the test's clock too."""
    for kind in (IntercomSource, ZendeskSource):
        made = kind.__init__
        monkeypatch.setattr(kind, "__init__", lambda self, name="main", made=made: made(self, name, clock=time.clock))


@pytest.fixture
def intercom(time: FakeTime, monkeypatch: pytest.MonkeyPatch) -> Iterator[Intercom]:
    desk = Intercom(time)
    with served(desk) as url:
        monkeypatch.setenv("INTERCOM_TOKEN", TOKEN)
        monkeypatch.setenv("INTERCOM_URL", url)
        monkeypatch.setenv("INTERCOM_SINCE", "2026-01-01")
        yield desk


@pytest.fixture
def zendesk(time: FakeTime, monkeypatch: pytest.MonkeyPatch) -> Iterator[Zendesk]:
    desk = Zendesk(time)
    with served(desk) as url:
        monkeypatch.setenv("ZENDESK_EMAIL", EMAIL)
        monkeypatch.setenv("ZENDESK_TOKEN", TOKEN)
        monkeypatch.setenv("ZENDESK_URL", url)
        monkeypatch.setenv("ZENDESK_SINCE", "2026-01-01")
        yield desk


def fill(desk: Intercom, count: int, first: int = 0) -> None:
    for number in range(first, first + count):
        key = f"k{number}"
        desk.conversations[key] = intercom_conversation(
            key, ("user", f"{MATTER} Row {number}"), at=FIRST + 100 * number
        )


def texts(key: str) -> list[tuple[str, str]]:
    """Return (role, text) of what is stored of a conversation."""
    version = Conversation.objects.get(external_id=key).current_version
    assert version is not None
    return [(message["role"], message["text"]) for message in version.messages]


# --- Intercom -----------------------------------------------------------------------------------------------------


def test_intercom_threads_are_read_whole_over_all_pages(intercom: Intercom) -> None:
    fill(intercom, 120)
    intercom.conversations["whole"] = intercom_conversation(
        "whole", ("user", f"<p>{MATTER}</p>"), ("bot", "We are here soon."), ("note", "a difficult one"),
        ("admin", "Which file?"),
        ("user", "All of them"), at=FIRST + 5,
    )  # fmt: skip
    source, counts = import_live("intercom", "main")
    assert (counts.new, counts.rejected) == (121, 0)
    assert texts("whole") == [
        ("customer", MATTER), ("bot", "We are here soon."), ("agent", "Which file?"), ("customer", "All of them"),
    ]  # fmt: skip
    assert Conversation.objects.get(external_id="whole").customer == "whole@post.example"
    assert intercom.count("/conversations/search") == 3
    assert json.loads(source.__class__.objects.get().cursor)["changed_at"] == FIRST + 100 * 119


def test_intercom_filters_are_the_other_sides_to_apply(intercom: Intercom) -> None:
    fill(intercom, 2)
    intercom.conversations["old"] = intercom_conversation("old", ("user", MATTER), at=1_500_000_000)
    assert import_live("intercom", "main")[1].new == 2
    assert intercom.count("/conversations/old") == 0
    asked = next(given for _, path, given in intercom.asked if path.endswith("search"))
    assert {each["field"] for each in asked["query"]["value"]} == {"updated_at", "created_at"}


def test_intercom_goes_on_from_the_last_change(intercom: Intercom) -> None:
    fill(intercom, 60)
    import_live("intercom", "main")
    intercom.asked.clear()
    intercom.conversations["k7"] = intercom_conversation(
        "k7", ("user", f"{MATTER} Row 7"), ("admin", "Solved"), at=FIRST + 1_000_000
    )
    counts = import_live("intercom", "main")[1]
    assert (counts.new, counts.updated) == (0, 1)
    assert intercom.count("/conversations/k3") == 0
    assert texts("k7")[-1] == ("agent", "Solved")


def test_intercom_conversations_without_substance_are_left_out_and_told(intercom: Intercom) -> None:
    for key, *said in (
        ("good", ("user", MATTER)), ("hello", ("user", "Hello")), ("later", ("user", "Hi"), ("admin", "Yes?"),
        ("user", MATTER)),
        ("ours", ("admin", "We have news for you, read them all.")), ("none", ("user", "")),
    ):  # fmt: skip
        intercom.conversations[key] = intercom_conversation(key, *said, at=FIRST)
    counts = import_live("intercom", "main")[1]
    assert set(Conversation.objects.values_list("external_id", flat=True)) == {"good", "later"}
    assert counts.rejected == 0
    assert counts.notes[0].startswith("Left out 3 conversations: ")
    assert "Kept 1 conversation" in counts.notes[1]


def test_intercom_waits_until_its_limit_is_reset(intercom: Intercom, time: FakeTime) -> None:
    intercom.limit = 20
    fill(intercom, 60)
    begun = time.at
    assert import_live("intercom", "main")[1].new == 60
    assert intercom.limited >= 1
    assert time.at - begun >= 20


@pytest.mark.parametrize(
    "fault",
    [
        error(500), error(503), (DROP, {}, b""), (200, {}, b"<html>a proxy"), (200, {}, b"[1, 2]"), (200, {},
        b"[" * 100_000),
        error(429), error(429, X_RateLimit_Reset="soon"), error(429, X_RateLimit_Reset="0"),
    ],
)  # fmt: skip
def test_a_fault_that_passes_costs_nothing(intercom: Intercom, fault: Any) -> None:
    fill(intercom, 3)
    intercom.faults.extend([fault, fault])
    assert import_live("intercom", "main")[1].new == 3


def test_a_fault_that_stays_ends_the_import_and_keeps_what_is_stored(intercom: Intercom) -> None:
    fill(intercom, 120)
    search, pages = intercom._search, []

    def broken(given: Any) -> Any:
        pages.append(given)
        return search(given) if len(pages) <= 1 else error(500)

    intercom._search = broken  # type: ignore[method-assign]
    with pytest.raises(UnreadableSource, match="could not be read after 6 tries"):
        import_live("intercom", "main")
    assert Conversation.objects.count() == 50
    assert json.loads(Source.objects.get().cursor)["changed_at"] == FIRST + 100 * 49
    intercom._search = search  # type: ignore[method-assign]
    assert import_live("intercom", "main")[1].new == 70


def test_a_very_long_wait_is_not_waited(intercom: Intercom, time: FakeTime) -> None:
    intercom.faults.append(error(429, X_RateLimit_Reset=str(int(time.at + 7200))))
    with pytest.raises(UnreadableSource, match="asks to wait 7,200 seconds"):
        import_live("intercom", "main")
    assert time.waits == []


def test_a_refused_token_is_said_by_its_variable_and_is_nowhere_else(
    intercom: Intercom, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    fill(intercom, 2)
    import_live("intercom", "main")
    monkeypatch.setenv("INTERCOM_TOKEN", "wr0ng-t0ken")
    with pytest.raises(UnreadableSource, match="token in INTERCOM_TOKEN") as refused:
        import_live("intercom", "main")
    everything = caplog.text + str(refused.value) + repr(refused.value.__context__)
    assert TOKEN not in everything
    assert "wr0ng" not in everything


def test_a_missing_token_is_said_at_once_and_leaves_no_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INTERCOM_TOKEN", raising=False)
    with pytest.raises(UnreadableSource, match="set INTERCOM_TOKEN_EU_SHOP in the environment"):
        import_live("intercom", "eu-shop")
    assert not Source.objects.exists()


def test_a_token_is_not_sent_over_an_open_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERCOM_TOKEN", TOKEN)
    monkeypatch.setenv("INTERCOM_URL", "http://api.intercom.example")
    with pytest.raises(UnreadableSource, match="must start with https://"):
        import_live("intercom", "main")


@pytest.mark.parametrize(
    "cursor", ["garbage", "{}", '{"changed_at": -5}', '{"changed_at": 9e15}', '{"changed_at": "x"}', "[" * 5000]
)
def test_an_invalid_cursor_starts_over_with_a_warning(intercom: Intercom, cursor: str) -> None:
    fill(intercom, 3)
    Source.objects.create(kind="intercom", name="main", cursor=cursor)
    counts = import_live("intercom", "main")[1]
    assert counts.new == 3
    assert "starts over" in counts.notes[0]


def test_a_page_that_is_no_longer_known_is_searched_for_again(intercom: Intercom) -> None:
    fill(intercom, 160)
    search = intercom._search

    def forgetful(given: Any) -> Any:
        if given["pagination"].get("starting_after") == "page-1":
            intercom.known_pages.clear()
        return search(given)

    intercom._search = forgetful  # type: ignore[method-assign]
    counts = import_live("intercom", "main")[1]
    assert Conversation.objects.count() == counts.new == 160
    assert "no longer knows" in counts.notes[0]


def test_a_cursor_is_saved_only_when_its_rows_are_stored(intercom: Intercom, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(intercom, 120)
    store, stored = staging.store, []

    def broken(rows: Any, *args: Any) -> Any:
        stored.append(rows)
        if len(stored) == 2:
            raise RuntimeError("the disk is full")
        return store(rows, *args)

    monkeypatch.setattr(ingesting, "store", broken)
    with pytest.raises(RuntimeError):
        import_live("intercom", "main")
    assert json.loads(Source.objects.get().cursor)["changed_at"] == FIRST + 100 * 49
    monkeypatch.setattr(ingesting, "store", store)
    assert import_live("intercom", "main")[1].new == 70


def test_parts_beyond_intercoms_500_are_noticed(intercom: Intercom) -> None:
    intercom.conversations["long"] = intercom_conversation("long", ("user", MATTER), ("user", "more"), at=FIRST)
    intercom.conversations["long"]["conversation_parts"]["total_count"] = 731
    assert any("newest 500 parts" in note for note in import_live("intercom", "main")[1].notes)


def test_a_conversation_deleted_meanwhile_is_passed_over(intercom: Intercom) -> None:
    fill(intercom, 3)
    reply = intercom.reply
    intercom.reply = lambda *asked: error(404) if asked[1].endswith("/k1") else reply(*asked)  # type: ignore[method-assign]
    assert import_live("intercom", "main")[1].new == 2


ODD: dict[str, dict[str, Any]] = {
    "NUL": {"source": {"body": f"{MATTER}\0", "author": {"type": "user"}}},
    "no source": {"source": None},
    "parts are a word": {"conversation_parts": "none"},
    "author is a list": {"source": {"body": MATTER, "author": [1]}},
    "body is a number": {"source": {"body": 5, "author": {"type": "user"}}},
    "odd times": {"created_at": "yesterday"},
    "script": {"source": {"body": f"<script>x</script><p>{MATTER}", "author": {"type": "user"}}},
    "long title": {"title": "t" * 100_000},
    "lonely surrogate": {"source": {"body": f"{MATTER} \ud800", "author": {"type": "user"}}},
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD.keys())
def test_odd_content_costs_at_most_its_own_conversation(intercom: Intercom, odd: dict[str, Any]) -> None:
    fill(intercom, 3)
    intercom.conversations["odd"] = {**intercom_conversation("odd", ("user", MATTER), at=FIRST), **odd}
    counts = import_live("intercom", "main")[1]
    assert counts.new >= 3
    assert counts.new + counts.rejected <= 4
    assert Conversation.objects.filter(external_id__startswith="k").count() == 3


def test_an_id_that_is_a_path_is_not_asked_for(intercom: Intercom) -> None:
    fill(intercom, 1)
    intercom.conversations["../admins"] = intercom_conversation("../admins", ("user", MATTER), at=FIRST)
    assert import_live("intercom", "main")[1].new == 1
    assert all("admins" not in path for _, path, _ in intercom.asked)


@pytest.mark.django_db(transaction=True)
def test_no_request_is_sent_while_a_transaction_is_open(intercom: Intercom, monkeypatch: pytest.MonkeyPatch) -> None:
    send, sent = Api._send, []

    def noting(self: Api, *args: Any) -> Any:
        sent.append(connection.in_atomic_block)
        return send(self, *args)

    monkeypatch.setattr(Api, "_send", noting)
    fill(intercom, 60)
    import_live("intercom", "main")
    assert sent == [False] * 62


# --- Zendesk ------------------------------------------------------------------------------------------------------


def test_zendesk_tickets_are_put_together_with_their_comments(zendesk: Zendesk) -> None:
    zendesk.add(1, (501, MATTER), (900, "Which file?"), (501, "All of them"), at=FIRST)
    zendesk.add(1, (900, "a difficult one"), at=FIRST + 300, public=False)
    zendesk.add(2, (502, "Hello"), at=FIRST + 50)
    _, counts = import_live("zendesk", "main")
    assert (counts.new, counts.rejected) == (1, 0)
    assert texts("1") == [("customer", f"A matter\n{MATTER}"), ("agent", "Which file?"), ("customer", "All of them")]
    stored = Conversation.objects.get()
    assert (stored.customer, stored.url) == ("p501@post.example", "https://shop.zendesk.example/agent/tickets/1")
    assert counts.notes[0].startswith("Left out 1 conversation: ")


def test_zendesk_goes_on_and_an_old_ticket_that_grows_is_read_whole(zendesk: Zendesk, time: FakeTime) -> None:
    zendesk.add(1, (501, MATTER), (900, "Which file?"), at=FIRST)
    zendesk.add(2, (502, f"{MATTER} Again."), at=FIRST + 50)
    import_live("zendesk", "main")
    time.at += DAY
    zendesk.add(1, (501, "All of them"), at=int(time.at) - 600)
    zendesk.add(3, (503, "A new one: the film has no sound."), (900, "We look."), at=int(time.at) - 500)
    zendesk.asked.clear()
    counts = import_live("zendesk", "main")[1]
    assert (counts.new, counts.updated) == (1, 1)
    assert [text for _, text in texts("1")] == [f"A matter\n{MATTER}", "Which file?", "All of them"]
    assert texts("3")[-1] == ("agent", "We look.")
    assert zendesk.count("/api/v2/tickets/1/comments.json") == 1
    assert zendesk.count("/api/v2/tickets/3/comments.json") == 0
    assert all("cursor" in given for _, path, given in zendesk.asked if path.endswith("cursor.json"))


def test_zendesks_ten_exports_a_minute_are_kept_and_repeated_rows_do_no_harm(zendesk: Zendesk, time: FakeTime) -> None:
    zendesk.page = 3
    for number in range(40):
        zendesk.add(number + 1, (500 + number, f"{MATTER} Row {number}"), (900, "We look."), at=FIRST + 100 * number)
    begun = time.at
    counts = import_live("zendesk", "main")[1]
    assert Conversation.objects.count() == counts.new == 40
    assert counts.rejected == 0
    assert all(len(texts(str(number + 1))) == 2 for number in range(40))
    assert zendesk.limited == 0
    exports = sum("incremental" in path for _, path, _ in zendesk.asked)
    assert exports > 20
    assert time.at - begun >= 60 * ((exports - 1) // 10)


def test_zendesk_waits_as_long_as_retry_after_says(zendesk: Zendesk, time: FakeTime) -> None:
    zendesk.add(1, (501, MATTER), at=FIRST)
    zendesk.faults.append(error(429, Retry_After="93"))
    assert import_live("zendesk", "main")[1].new == 1
    assert 93 in time.waits


def test_a_ticket_that_comes_again_in_a_later_page_is_stored_as_it_is_then(zendesk: Zendesk) -> None:
    zendesk.page = 2
    for number in range(1, 7):
        zendesk.add(number, (500 + number, f"{MATTER} Row {number}"), at=FIRST + 100 * number)
    tickets, asked = zendesk._tickets, list[dict[str, str]]()

    def growing(given: dict[str, str]) -> Any:
        answer = tickets(given)
        if not asked:
            zendesk.add(1, (501, "It still does."), at=FIRST + 5000)
        asked.append(given)
        return answer

    zendesk._tickets = growing  # type: ignore[method-assign]
    counts = import_live("zendesk", "main")[1]
    assert (counts.new, counts.rejected) == (6, 0)
    assert texts("1")[-1] == ("customer", "It still does.")


@pytest.mark.parametrize(
    "cursor", ["garbage", "{}", '{"tickets": "after-5", "events": "x"}', '{"tickets": "gone", "events": 5}']
)
def test_zendesk_starts_over_where_its_cursor_is_not_valid(zendesk: Zendesk, cursor: str) -> None:
    zendesk.add(1, (501, MATTER), at=FIRST)
    Source.objects.create(kind="zendesk", name="main", cursor=cursor)
    counts = import_live("zendesk", "main")[1]
    assert counts.new == 1
    assert "starts over" in counts.notes[0]


def test_a_refused_account_is_said(zendesk: Zendesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZENDESK_TOKEN", "wr0ng")
    with pytest.raises(UnreadableSource, match="rejected the token in ZENDESK_TOKEN"):
        import_live("zendesk", "main")
    monkeypatch.delenv("ZENDESK_URL")
    monkeypatch.setenv("ZENDESK_SUBDOMAIN", "evil.example/")
    with pytest.raises(UnreadableSource, match="ZENDESK_SUBDOMAIN is not an account name"):
        import_live("zendesk", "main")


def test_all_rows_are_records_rejects_or_checkpoints(zendesk: Zendesk) -> None:
    zendesk.add(1, (501, MATTER), at=FIRST)
    zendesk.tickets[2] = {
        "id": 2,
        "generated_timestamp": FIRST + 1,
        "requester_id": 1,
        "description": ["odd"],
        "created_at": 5,
    }
    zendesk.comments[2] = [{"id": 1, "author_id": {}, "body": {"a": 1}, "at": FIRST, "created_at": None}]
    rows = list(ZendeskSource().records())
    assert {type(row) for row in rows} <= {Record, Reject, Checkpoint}
    assert sum(isinstance(row, Record) for row in rows) == 1


# --- As people use it ---------------------------------------------------------------------------------------------


def test_run_pipeline_brings_in_what_is_new_and_says_what_it_left_out(
    intercom: Intercom, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(intercom, 4)
    intercom.conversations["hello"] = intercom_conversation("hello", ("user", "Hello"), at=FIRST)
    call_command("run_pipeline", "intercom:main", "--dry-run", "--extractor", "null")
    told = capsys.readouterr()
    assert "4 new, 0 updated, 0 unchanged, 0 rejected" in told.out + told.err
    words = " ".join((told.out + told.err).split())
    assert "Left out 1 conversation: 1 with little more than a greeting." in words
    monkeypatch.setenv("INTERCOM_TOKEN", "wr0ng")
    with pytest.raises(CommandError, match="rejected the token in INTERCOM_TOKEN"):
        call_command("run_pipeline", "intercom:main", "--dry-run", "--extractor", "null")


# --- What fails at once -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [401, 404, 500])
def test_what_fails_before_anything_is_stored_leaves_no_source(intercom: Intercom, status: int) -> None:
    """The search is answered, and then each conversation is refused."""
    fill(intercom, 3)
    first = intercom.reply

    def reply(method: str, path: str, given: Any) -> Any:
        return first(method, path, given) if path.endswith("search") else error(403 if status == 401 else status)

    intercom.reply = reply  # type: ignore[method-assign]
    if status == 404:  # they were deleted meanwhile: an import like any other, of nothing
        assert import_live("intercom", "main")[1].rows == 0
        assert Source.objects.get().cursor
        return
    with pytest.raises(UnreadableSource):
        import_live("intercom", "main")
    assert not Source.objects.exists()


def test_a_source_that_holds_something_survives_a_failure(intercom: Intercom) -> None:
    fill(intercom, 2)
    import_live("intercom", "main")
    intercom.faults.extend([error(403)] * 3)
    with pytest.raises(UnreadableSource):
        import_live("intercom", "main")
    assert Source.objects.get().conversations.count() == 2

"""A customer who asks is forgotten everywhere: proven by looking through all rows of all tables for what was said."""

import base64
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.management import CommandError
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from pipeline.group.conservation import homes_of_themes
from pipeline.merge.rules.normalise import normal_form
from pipeline.models import (
    Call,
    Change,
    Comment,
    Conversation,
    Erasure,
    Evidence,
    Judgement,
    Orphan,
    Run,
    SavedView,
    Signature,
    Source,
    Story,
    Theme,
    Upload,
)
from pipeline.reports.summary import with_sizes
from pipeline.reports.verify import verify
from pipeline.review.regroup import plan_regroup, regroup
from pipeline.runs.create import RunIsLive, Selection
from pipeline.runs.erase import NothingToErase, erase_customer, holdings_of, mentions_of
from pipeline.runs.erased_text import HIDDEN, ErasedText
from pipeline.runs.preview import preview
from pipeline.runs.uploads import keep_upload, path_of
from pipeline.sources.ingest import Import, Imported, import_files
from sessions.chat.opening import open_session
from sessions.models import Message, Session
from tests.support.commands import Captured, command
from tests.support.decided import broken_promises
from tests.support.factories import alice
from tests.support.seeding import finish, start

pytestmark = pytest.mark.django_db(transaction=True)

ADDRESS, NAME = "ann.quillfeather@example.org", "Ann Quillfeather"
OPENINGS = (
    "The heron lamp in my greenhouse goes dark every night at nine",
    "my greenhouse lamp goes dark each night around nine, heron model",
    "Each evening the heron lamp of the greenhouse goes dark. It is always nine",
    "Why does the greenhouse lamp go dark at nine every night?",
)
PLANTED = (
    "Quillfeather",
    "the plumbago order 7741-0923 from Ottersby",
    "Heron lamps blink thrice and then my marrows sulk",
    "only the wombatberry seedlings noticed before I did",
    "zorbulation",
)
"""What only Ann wrote, in her texts, her metadata or her names."""


def rows(folder: Path) -> Path:
    """Write an export: four customers about one lamp, Ann about the same in two conversations and once alone."""
    said = [(f"c-{number}", f"gardener-{number}", OPENINGS[number]) for number in range(4)]
    said += [
        ("c-10", ADDRESS, f"The heron lamp in my greenhouse goes dark every night at nine. {PLANTED[2]}."),
        ("c-11", ADDRESS, f"Again the heron lamp of the greenhouse goes dark at nine, {PLANTED[3]}."),
        ("c-12", ADDRESS, f"Cancel {PLANTED[1]} because of zorbulation, zorbulation of the zorbulation kind."),
    ]
    file = folder / "garden.jsonl"
    lines = []
    for pk, customer, text in said:
        is_ann = customer == ADDRESS
        messages = [
            {"role": "customer", "author": NAME if is_ann else "", "text": text, "created_at": "2026-10-05T08:00:00Z"},
            {"role": "agent", "author": "Bo", "text": "Thank you for writing. We are looking into it."},
        ]
        metadata = {"seat": "plumbago order 7741-0923"} if is_ann else {}
        record = {"id": pk, "customer": customer, "created_at": "2026-10-05T08:00:00Z", "messages": messages}
        lines.append(json.dumps({**record, "metadata": metadata}))
    file.write_text("\n".join(lines))
    return file


def bring(file: Path) -> Imported:
    return import_files(Import((str(file),)))


def all_rows() -> Iterator[tuple[str, str]]:
    """Yield each row of each table of the database as text, with the table; bytes are in hexadecimal."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT row_to_json(each)::text FROM "{table}" AS each')
            yield from ((table, str(row)) for (row,) in cursor.fetchall())


def tables_with(*words: str) -> set[str]:
    """Return the tables in which one of these words stands: as text, as JSON in text, as bytes, or as a lexeme."""
    forms = {word.casefold() for word in words} | {word.casefold().encode().hex() for word in words}
    forms |= {word.encode().hex() for word in words}
    return {table for table, row in all_rows() if any(form in row.casefold() for form in forms)}


@pytest.fixture
def read(tmp_path: Path, settings: Settings) -> Run:
    """A run that read the export, with traces of Ann wherever there can be some."""
    settings.UPLOADS_DIR = str(tmp_path / "uploads")
    settings.LLM_RECORD = str(tmp_path / "recorded.jsonl")
    file = rows(tmp_path)
    bring(file)
    source = Source.objects.get()
    preview(source=source, profile="support", extractor="local", selection=Selection())
    run = finish(start(source, "local"))
    lone = Theme.objects.get(conversation__external_id="c-12")  # named as a reader may name it, by the customer's words
    key = "zorbulation_order_cancelled"
    Signature.objects.filter(pk=lone.signature_id).update(key=key, normal_form=normal_form(key))
    Theme.objects.filter(pk=lone.pk).update(raw_signature=key, raw_key=normal_form(key))
    user, now = alice(), timezone.now()
    story = Story.objects.standing().get()
    Comment.objects.create(story=story, text=f'"{PLANTED[2]}", says {NAME}. Nice!', created_at=now, created_by=user)
    Change.objects.create(
        story=story, what="title", before={"title": "Lamp"}, after={"title": PLANTED[2]}, created_at=now,
        reason=f"as in {ADDRESS}: {PLANTED[3]}",
    )  # fmt: skip
    SavedView.objects.create(user=user, page="search", name="Ann", query=f"q={ADDRESS}")
    LogEntry.objects.create(
        user=user, content_type=ContentType.objects.get_for_model(Conversation), object_repr=PLANTED[2],
        action_flag=CHANGE, change_message=NAME,
    )  # fmt: skip
    upload = keep_upload(name="garden.jsonl", chunks=[file.read_bytes()], by=user, at=now)
    raw = json.dumps({"customer": ADDRESS, "text": PLANTED[1]})
    Upload.objects.filter(pk=upload.pk).update(run=run, rejects=[{"line": 1, "reason": "no id", "raw": raw}])
    judgement = Judgement.objects.create(
        run=run, about="group", first=story.signature, request_hash="asked", created_at=now, ended_at=now,
        state="answered", verdict="keep", reason=f"All say that {PLANTED[3]}.", answer={"reason": PLANTED[3]},
        outcome=f"as {NAME} says",
    )  # fmt: skip
    # as a model may quote it: over two lines, in JSON within JSON, so that it stands nowhere as it was said
    quoted = json.dumps({"reason": PLANTED[3].replace(" noticed ", "\nnoticed \u201creally\u201d ")})
    for attempt, said in enumerate((json.dumps({"reason": PLANTED[2]}), quoted, json.dumps({"reason": OPENINGS[3]}))):
        answer = json.dumps({"choices": [{"message": {"content": said}}]})
        Call.objects.create(judgement=judgement, step="review", attempt=attempt + 1, answer=answer, answered_at=now)
    body = json.dumps({"choices": [{"message": {"content": json.dumps({"quote": PLANTED[3]})}}]})
    other = json.dumps({"choices": [{"message": {"content": json.dumps({"quote": OPENINGS[3]})}}]})
    lines = [{"key": str(n), "body": base64.b64encode(text.encode()).decode()} for n, text in enumerate((body, other))]
    Path(settings.LLM_RECORD).write_text("".join(json.dumps(line) + "\n" for line in lines))
    chat = open_session(user_id=ADDRESS, at=now).session
    Message.objects.create(
        session_id=chat.pk, user_id=ADDRESS, key=f"{ADDRESS}-1", role="customer", text=PLANTED[2], state="received",
        sent_at=now,
    )  # fmt: skip
    return run


def test_nothing_of_it_is_left_and_every_count_is_as_before(
    read: Run, tmp_path: Path, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    wanted = (ADDRESS, *PLANTED)
    before = tables_with(*wanted)
    assert {
        "pipeline_conversation", "pipeline_conversationversion", "pipeline_call", "pipeline_theme", "pipeline_evidence",
        "pipeline_signature", "pipeline_searchtext", "pipeline_run", "pipeline_comment", "pipeline_change",
        "pipeline_savedview", "pipeline_upload", "pipeline_judgement", "django_admin_log", "chat_session",
        "chat_message",
    } <= before  # fmt: skip
    vectors = {
        bytes(vector).hex()
        for vector in Theme.objects.filter(conversation__customer=ADDRESS).values_list("vector", flat=True)
    }
    assert tables_with(*vectors) == {"pipeline_theme", "pipeline_signature"}  # a lone theme is its signature's sum
    counted = counts(read)
    upload = path_of(Upload.objects.get())
    done = erase_customer(word=ADDRESS.upper())
    assert tables_with(*wanted) == set()
    assert tables_with(*vectors) == set()
    assert not upload.exists()
    assert [json.loads(line)["key"] for line in Path(settings.LLM_RECORD).read_text().splitlines()] == ["1"]
    assert counts(read) == counted
    found = verify(run_id=read.pk)
    assert found.faults == ()
    assert broken_promises() == []
    assert done.counts["conversations"] == 3
    assert done.counts["chat messages"] == 1
    assert done.operator
    assert str(done.counts["conversations"]) in caplog.text
    assert not any(word.casefold() in caplog.text.casefold() for word in wanted)


def counts(run: Run) -> dict[str, Any]:
    """Return what must not change: rows, sizes of stories, customers, where themes are."""
    sizes = with_sizes(Story.objects.order_by("pk")).values_list(  # type: ignore[misc]  # annotated
        "pk", "conversations", "customers", "status"
    )
    tables = (Conversation, Theme, Evidence, Call, Signature, Comment, Message, Session, Story, Orphan)
    return {
        "rows": {model.__name__: model._default_manager.count() for model in tables},
        "stories": list(sizes),
        "homes": homes_of_themes(run),
        "customers": Conversation.objects.values("customer").distinct().count(),
        "signatures": sorted(Signature.objects.values_list("size", flat=True)),
    }


def test_what_others_said_stays_word_for_word(read: Run) -> None:
    others = Conversation.objects.exclude(customer=ADDRESS).order_by("pk")
    texts = [row.current_version.text for row in others if row.current_version]
    quotes = list(Evidence.objects.exclude(theme__conversation__customer=ADDRESS).values_list("quote", flat=True))
    erase_customer(word=ADDRESS)
    left = Conversation.objects.filter(pk__in=[row.pk for row in others]).order_by("pk")
    assert [row.current_version.text for row in left if row.current_version] == texts
    assert sorted(Evidence.objects.exclude(quote="").values_list("quote", flat=True)) == sorted(quotes)
    assert Comment.objects.get().text == f'"{HIDDEN}", says {HIDDEN}. Nice!'
    story = Story.objects.standing().get()
    assert normal_form(story.title) != ""
    assert any(word in story.description for word in ("lamp", "greenhouse"))


def test_what_a_model_judged_is_emptied_where_it_quotes_them_and_nowhere_else(read: Run) -> None:
    erase_customer(word=ADDRESS)
    judgement = Judgement.objects.get()
    assert (judgement.reason, judgement.answer) == (f"All say that {HIDDEN}.", {"reason": HIDDEN})
    assert judgement.outcome == f"as {HIDDEN} says"
    quoting, over_lines, of_others = judgement.calls.order_by("attempt")
    for call in (quoting, over_lines):
        assert (call.body, call.erased_at is None) == (b"", False)
    assert OPENINGS[3] in of_others.answer
    assert of_others.erased_at is None


def test_pages_say_that_it_was_erased_and_show_the_rest(read: Run, client: Client) -> None:
    mine = Conversation.objects.filter(customer=ADDRESS).values_list("pk", flat=True)
    ids, story = list(mine), Story.objects.standing().get()
    erase_customer(word=ADDRESS)
    client.force_login(alice())
    for pk in ids:
        assert "Its text was erased" in client.get(reverse("admin:conversation", args=[pk])).content.decode()
        assert client.get(reverse("admin:pipeline_conversation_change", args=[pk])).status_code == 200
    for address in (
        reverse("admin:story", args=[story.pk]), reverse("admin:pipeline_story_change", args=[story.pk]),
        reverse("admin:stories"), reverse("admin:orphans"), reverse("admin:customers"), reverse("admin:search"),
        reverse("admin:run", args=[read.pk]), reverse("admin:index"), reverse("admin:run_file", args=[read.pk]),
        reverse("admin:export", args=["themes", "csv"]), reverse("admin:export", args=["conversations", "jsonl"]),
    ):  # fmt: skip
        answer = client.get(address)
        assert answer.status_code == 200, address
        assert "“”" not in b"".join(answer).decode(), address  # no quotation marks around nothing


def test_a_second_look_finds_the_names_of_authors_too(read: Run) -> None:
    assert len(holdings_of(NAME).conversations) == 3
    assert holdings_of(NAME).customers == (ADDRESS,)
    erase_customer(word=NAME)
    assert holdings_of(NAME).is_empty
    with pytest.raises(NothingToErase, match="nothing is stored"):
        erase_customer(word=NAME)
    assert mentions_of(NAME) == {}


def test_an_import_does_not_bring_it_back(read: Run, tmp_path: Path) -> None:
    erase_customer(word=ADDRESS)
    again = bring(tmp_path / "garden.jsonl")
    assert (again.counts.new, again.counts.unchanged, again.counts.rejected) == (0, 4, 3)
    assert "erased at the customer's request" in " ".join(again.reasons.sentences())
    assert again.counts.rejects_path is not None
    assert not any(word in again.counts.rejects_path.read_text() for word in (ADDRESS, *PLANTED))
    other = tmp_path / "other.jsonl"  # under other ids, in another source
    other.write_text((tmp_path / "garden.jsonl").read_text().replace('"c-1', '"x-1'))
    assert (bring(other).counts.new, bring(other).counts.rejected) == (4, 3)
    later = {"id": "c-20", "customer": ADDRESS, "created_at": (timezone.now() + timedelta(days=1)).isoformat()}
    (tmp_path / "later.jsonl").write_text(json.dumps({**later, "text": "A new lamp, please"}))
    assert bring(tmp_path / "later.jsonl").counts.new == 1
    assert tables_with(*PLANTED[1:]) == set()


def test_an_erased_conversation_stays_in_its_story_when_all_is_grouped_again(read: Run) -> None:
    erase_customer(word=ADDRESS)
    before = counts(read)
    regroup(plan=plan_regroup(profile="support"), reason="test")
    assert counts(read)["stories"] == before["stories"]
    second = finish(start(Source.objects.get(), "local", force_refresh=True))
    assert second.planned_count == 4  # what has no text is not read again
    assert counts(second)["stories"] == before["stories"]
    assert verify(run_id=second.pk).faults == ()


def test_a_live_run_is_waited_for(read: Run) -> None:
    start(Source.objects.get(), "local", force_refresh=True)
    with pytest.raises(RunIsLive):
        erase_customer(word=ADDRESS)
    assert tables_with(ADDRESS) != set()
    assert not Erasure.objects.exists()


def test_the_command_says_what_it_will_do_and_asks(
    read: Run, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    command("erase_customer", ADDRESS, "--dry-run")
    said = capsys.readouterr().out
    assert "conversations (3)" in said
    assert "chat messages (1)" in said
    monkeypatch.setattr("builtins.input", lambda _: "n")
    command("erase_customer", ADDRESS)
    assert "Nothing was erased." in capsys.readouterr().out
    assert not Erasure.objects.exists()
    command("erase_customer", ADDRESS, "--yes")
    said = capsys.readouterr().out
    assert "Erased (erasure" in said
    assert "still appears" not in said
    with pytest.raises(CommandError, match="nothing is stored"):
        command("erase_customer", ADDRESS, "--yes")


# --- What counts as a quotation -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("he wrote: the pump sings at night, poor man", f"he wrote: {HIDDEN}, poor man"),
        ("THE PUMP\nSINGS AT", HIDDEN),
        ("the pump sings", "the pump sings"),
        ("order 55-2907 is late", f"order 55-{HIDDEN} is late"),
        ("JO BELL called, not Jobell", f"{HIDDEN} called, not Jobell"),
        ("look: https://shop.example/b/7 now", f"look: {HIDDEN} now"),
        ("昨日から庭のポンプが歌います", HIDDEN),
        ("nothing of it", "nothing of it"),
        ("", ""),
    ],
)
def test_a_quotation_is_hidden_and_the_rest_is_not(text: str, left: str) -> None:
    said = ErasedText()
    said.name("Jo Bell")
    said.add("The pump sings at night. See https://shop.example/b/7 and order 2907")
    said.add("昨日から庭のポンプが歌います。")
    assert said.hidden(text) == left
    assert said.hidden_in({"a": [text, 7]}) == {"a": [left, 7]}


def test_a_title_made_of_the_text_is_told_from_one_that_is_not() -> None:
    said = ErasedText()
    said.add("Since Tuesday my pump sings at night and nobody sleeps")
    assert said.is_made_of_it("Pump sings at night")
    assert not said.is_made_of_it("Night buses are late again")
    assert said.names_in("") is False

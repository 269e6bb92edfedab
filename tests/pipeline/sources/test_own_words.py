"""Own words from the file to the reader: the stored original, what the import tells, what a reader is given."""

import json
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client

from pipeline.extract.local.reader import LocalExtractor
from pipeline.extract.profiles.support import SUPPORT
from pipeline.ledger.transcript import Transcript, transcript_of
from pipeline.models import Conversation, Source
from pipeline.sources.ingest import ingest
from pipeline.sources.records import Record, read_record
from pipeline.sources.repetition import repeated_of

pytestmark = pytest.mark.django_db

FRAME = "I have been your customer since 1999 and I have never been so angry about anything that you did to me before."
PROBLEMS = ("The invoice lists my plan twice.", "The export stops.", "My parcel never came.", "The video has no sound.")


def write(path: Path, *rows: dict[str, object]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def transcript(conversation: Conversation) -> Transcript:
    """Return what a reader is given of a conversation."""
    assert conversation.current_version is not None
    return transcript_of("", conversation.current_version.messages, repeated_of(conversation.source))


def test_markup_is_stored_as_plain_text_beside_its_original(tmp_path: Path) -> None:
    markup = "<p>The&nbsp;export <b>stops</b>.</p>"
    path = write(
        tmp_path / "mail.jsonl",
        {"id": 1, "text": markup},
        {"id": 2, "text": "plain"},
        {"id": 3, "messages": [{"role": "customer", "text": markup}, {"role": "agent", "text": "<img src=x>"}]},
    )
    call_command("import_conversations", str(path))
    messages = {c.external_id: c.current_version.messages for c in Conversation.objects.all() if c.current_version}
    assert [(m["text"], m["original"]) for m in messages["1"]] == [("The export stops.", markup)]
    assert "original" not in messages["2"][0]
    assert [m["text"] for m in messages["3"]] == ["The export stops."]


def test_the_import_says_what_is_repeated_and_a_reader_does_not_get_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{"id": n, "text": f"{FRAME} {PROBLEMS[n % 4]} Case {'abcd'[n % 4] * 5}."} for n in range(20)]
    path = write(tmp_path / "mail.jsonl", *rows)
    call_command("import_conversations", str(path))
    assert '1 sentence, for example "I have been your customer since 1999' in capsys.readouterr().out
    conversation = Conversation.objects.get(external_id="0")
    assert transcript(conversation).customer_text.strip() == "The invoice lists my plan twice. Case aaaaa."
    assert transcript(conversation).text == rows[0]["text"]
    call_command("import_conversations", str(path))
    assert "word for word" not in capsys.readouterr().out  # nothing changed


def test_what_is_repeated_does_not_depend_on_the_number_of_imports() -> None:
    def records(source: Source, numbers: range) -> None:
        rows = [json.dumps({"id": n, "text": f"{FRAME} {PROBLEMS[n % 4]}"}).encode() for n in numbers]
        read = [read_record(row, line=n) for n, row in enumerate(rows)]
        ingest(source=source, records=[each for each in read if isinstance(each, Record)])

    whole, piecewise = (Source.objects.create(kind="file", name=name) for name in ("whole", "piecewise"))
    records(whole, range(24))
    for start in (18, 12, 6, 0):
        records(piecewise, range(start, start + 6))
    assert whole.repeated_passages == piecewise.repeated_passages != []


def test_the_page_shows_what_is_not_read_and_why(admin_client: Client, tmp_path: Path) -> None:
    quote = "On Tue, 5 May 2026 at 09:12, Support <a@example.com> wrote:\n> Hi"
    text = f"The export stops.\n\nBest regards,\nCara\n\n{quote}"
    call_command("import_conversations", str(write(tmp_path / "mail.jsonl", {"id": 1, "text": text})))
    conversation = Conversation.objects.get()
    page = admin_client.get(f"/admin/pipeline/conversation/{conversation.pk}/change/").content.decode()
    assert "Not read, and shown in grey: quoted reply, signature." in page
    assert 'title="Not read: signature">Best regards,\nCara</span>' in page
    assert 'title="Not read: quoted reply">On Tue' in page


def test_the_page_of_a_source_lists_what_is_repeated(admin_client: Client, tmp_path: Path) -> None:
    rows = [{"id": n, "text": f"{FRAME} {PROBLEMS[n % 4]}"} for n in range(20)]
    call_command("import_conversations", str(write(tmp_path / "mail.jsonl", *rows)))
    source = Source.objects.get()
    page = admin_client.get(f"/admin/pipeline/source/{source.pk}/change/").content.decode()
    assert FRAME in page
    assert "Repeated passages" in page


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Your order has been shipped. You can track it in your account.", "automatic notice"),
        ("Ihre Bestellung wurde versandt. Sie können sie in Ihrem Konto verfolgen.", "automatic notice"),
        ("On Tue, 5 May 2026 at 09:12, Support <a@example.com> wrote:\n> Hello there, how are you?", "quoted reply"),
    ],
)
def test_a_conversation_without_own_words_is_filtered_with_the_reason(text: str, why: str) -> None:
    said = transcript_of("", [{"role": "customer", "text": text}])
    (answer,) = LocalExtractor().read([said], SUPPORT)
    assert json.loads(answer.text)["filtered_because"] == f"nothing in it was written by a customer: {why}"

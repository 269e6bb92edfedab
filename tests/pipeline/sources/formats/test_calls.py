# ruff: noqa: E501 (a transcript is easier to compare on one line)
"""Calls and transcripts: WebVTT, SRT, and plain text with a speaker before each line."""

from pathlib import Path

import pytest

from tests.pipeline.sources.formats.reading import by_id, read, recognised, said

VTT = """\ufeffWEBVTT - a call

NOTE nobody says this

STYLE
::cue { color: red }

1
00:00:01.000 --> 00:00:04.000 align:start
<v Cara>My plan was</v>

2
00:00:04.000 --> 00:00:06.000
<v.loud Cara><i>charged</i> <00:00:05.000>twice.

3
00:00:06.500 --> 00:00:08.000
<v Ada Example>I give it back &amp; write you.
It takes a week.
"""
LABELLED = """1
00:00:01,000 --> 00:00:04,000
Cara: My plan was

2
00:00:04,000 --> 00:00:06,000
charged twice. Note: not once.

3
00:00:06,500 --> 00:00:08,000
Ada Example: I give it back & write you.
It takes a week.

4
00:00:09,500 --> 00:00:10,000
Cara: Thanks.
"""
EXPECTED = [("Cara", "My plan was charged twice."), ("Ada Example", "I give it back & write you. It takes a week.")]


def test_a_vtt_is_a_conversation_of_its_voices(tmp_path: Path) -> None:
    path = tmp_path / "call.vtt"
    path.write_text(VTT)
    records, rejects, summary = read(path)
    assert (summary.format, rejects, summary.times_unknown) == ("Subtitles of a call", [], 1)
    assert said(records[0]) == EXPECTED


def test_an_srt_is_a_conversation_of_the_names_before_the_colons(tmp_path: Path) -> None:
    path = tmp_path / "call"
    path.write_bytes(LABELLED.replace("\n", "\r\n").encode("utf-16"))
    records, rejects, _ = read(path)
    assert rejects == []
    assert said(records[0]) == [
        ("Cara", "My plan was charged twice. Note: not once."), EXPECTED[1], ("Cara", "Thanks."),
    ]  # fmt: skip


def test_a_folder_of_calls_is_one_conversation_for_each(tmp_path: Path) -> None:
    folder = tmp_path / "calls"
    (folder / "b").mkdir(parents=True)
    for name in ("a.vtt", "b/a.vtt", "c.vtt"):
        (folder / name).write_text(VTT)
    records, rejects, _ = read(folder)
    assert rejects == []
    assert len({record.external_id for record in records}) == 3
    assert "c" in by_id(records)


@pytest.mark.parametrize(
    ("name", "time"),
    [
        ("GMT20260502-080000_Recording.transcript.vtt", "2026-05-02 08:00"),
        ("Sales call_2026-05-02.vtt", "2026-05-02 00:00"),
        ("audio_2026-05-02_08-15-30 Kim.vtt", "2026-05-02 08:15"),
        ("2026.05.02 20h10 appel.srt.vtt", "2026-05-02 20:10"),
        ("call 20260231.vtt", ""),
        ("call 02-05-2026.vtt", ""),  # the day or the month first
        ("order 4920260502123.vtt", ""),
        ("2026-05-02 until 2026-05-04.vtt", ""),
    ],
)
def test_a_call_is_of_the_day_in_the_name_of_its_file(name: str, time: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(VTT)
    (record,), _, _ = read(path)
    assert (f"{record.occurred_at:%Y-%m-%d %H:%M}" if record.occurred_at else "") == time
    assert record.external_id == name.removesuffix(".vtt")


def test_a_call_is_of_the_day_above_its_transcript(tmp_path: Path) -> None:
    head = "Pool call 3\nSat, May 2, 2026 8:15AM • 4 min\n\nSPEAKERS\nKim, Customer\n\n"
    said = "Kim  00:00\nHow can I help?\n\nCustomer  00:06\nMy pool arrived without its cover.\n"
    path = tmp_path / "call.txt"
    path.write_text(head + said)
    (record,), _, _ = read(path)
    assert f"{record.occurred_at:%Y-%m-%d %H:%M}" == "2026-05-02 08:15"
    srt = "1\n00:00:00,000 --> 00:00:04,000\nKim: How can I help?\n\n2\n00:00:06,000 --> 00:00:09,000\nCustomer: My pool.\n"
    (tmp_path / "call.srt").write_text(srt)
    (record,), _, _ = read(tmp_path)  # the text beside it is passed over but for its date
    assert (record.external_id, f"{record.occurred_at:%Y-%m-%d %H:%M}") == ("call", "2026-05-02 08:15")


def test_words_for_roles_are_roles_and_rolling_captions_are_said_once(tmp_path: Path) -> None:
    path = tmp_path / "call.srt"
    path.write_text(
        "1\n00:00:01,000 --> 00:00:02,000\nAGENT: Hello there\n\n2\n00:00:02,000 --> 00:00:03,000\nCALLER: I was "
        "charged\n\n"
        "3\n00:00:03,000 --> 00:00:04,000\nI was charged\n\n4\n00:00:04,000 --> 00:00:05,000\ntwice\n"
    )
    records, *_ = read(path)
    assert [(message["role"], message["text"]) for message in records[0].messages] == [
        ("agent", "Hello there"), ("customer", "I was charged twice"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ["WEBVTT\n", "WEBVTT\n\nNOTE only\n", "1\n00:00:01,000 --> 00:00:02,000\n\n2\n", "WEBVTT\n\n00:00 --> x\nhello\n"],
)
def test_a_call_in_which_nothing_is_said_is_rejected(text: str, tmp_path: Path) -> None:
    path = tmp_path / "call"
    path.write_text(text)
    records, rejects, _ = read(path)
    assert (records, [reject.reason for reject in rejects]) == ([], ["no text"])


TRANSCRIPTS = {
    "roles": "Customer: My plan was charged twice.\nIt is the one of May.\nAgent: I give it back.\nCustomer: Thanks!\n",
    "clocks": "[10:03] Customer: My plan was charged twice.\nIt is the one of May.\n[10:04] Agent: I give it back.\n"
    "[10:05] Customer: Thanks!\n",
    "speakers on lines of their own": "Customer  0:03\nMy plan was charged twice.\nIt is the one of May.\n\n"
    "Agent  0:10\nI give it back.\n\nCustomer  1:02:03\nThanks!\n",
    "German": "Kunde: My plan was charged twice.\nIt is the one of May.\nMitarbeiter: I give it back.\nKunde: "
    "Thanks!\n",
}


def test_who_is_called_is_not_the_customer_for_speaking_first(tmp_path: Path) -> None:
    path = tmp_path / "call.vtt"
    path.write_text(
        "WEBVTT\n\n00:01.000 --> 00:02.000\n<v Ada Example>Thanks for calling, how can I help you?</v>\n\n"
        "00:02.000 --> 00:03.000\n<v Cara>My plan was charged twice.</v>\n"
    )
    records, _, _ = read(path)
    assert [message["role"] for message in records[0].messages] == ["agent", "customer"]


def test_roles_in_brackets_are_roles_and_sounds_are_none(tmp_path: Path) -> None:
    path = tmp_path / "call.srt"
    cues = ("[Agent] Good morning.", "[Music] la la", "[Customer] My plan was charged twice.", "[Music] la la la")
    path.write_text(
        "\n".join(f"{n}\n00:00:0{n},000 --> 00:00:0{n},900\n{cue}\n" for n, cue in enumerate(cues, start=1))
    )
    records, _, _ = read(path)
    assert [(message["role"], message["author"]) for message in records[0].messages] == [
        ("agent", ""),
        ("customer", ""),
    ]
    assert records[0].messages[0]["text"] == "Good morning. [Music] la la"


@pytest.mark.parametrize("text", TRANSCRIPTS.values(), ids=TRANSCRIPTS.keys())
def test_a_transcript_is_read_with_roles_and_lines_that_go_on(text: str, tmp_path: Path) -> None:
    path = tmp_path / "chat.txt"
    path.write_text(text)
    records, rejects, summary = read(path)
    assert (summary.format, rejects) == ("Transcript", [])
    assert [(message["role"], message["text"]) for message in records[0].messages] == [
        ("customer", "My plan was charged twice.\nIt is the one of May."),
        ("agent", "I give it back."),
        ("customer", "Thanks!"),
    ]


def test_a_file_of_several_transcripts_is_several_conversations(tmp_path: Path) -> None:
    one, two, three = (TRANSCRIPTS[name] for name in ("roles", "clocks", "German"))
    path = tmp_path / "chats.txt"
    path.write_text(
        f"=== Chat 17 ===\n{one}\n=== Chat A-18 ===\n{two}\n--------\n{three}\nConversation #4\nnothing here\n"
    )
    records, rejects, _ = read(path)
    assert [len(record.messages) for record in records] == [3, 3, 3]
    assert {"17", "A-18"} < by_id(records).keys()
    assert [(reject.external_id, reject.reason) for reject in rejects] == [("4", "no line says who speaks")]


@pytest.mark.parametrize(
    "text", ["name: x\nkind: y\n", "Just words.\nMore words.\n", "Order: 55\nName: Cara\n", "a,b\nc:d\n"]
)
def test_other_text_is_no_transcript(text: str, tmp_path: Path) -> None:
    path = tmp_path / "note.txt"
    path.write_text(text)
    assert recognised(path) != "Transcript"


ASKS, ANSWERS = "My jug leaks at the handle since Monday.", "We send another one tomorrow."
BY_PROGRAM = {
    "speaker and clock above": "Ottilie Brandt  0:03\n{0}\n\nPotter (Support)  0:15\n{1}\n\nOttilie Brandt  0:31\nThanks.\n",
    "a head with a date": "Meeting: Jug\nDate: Sep 25, 2026\n\nOttilie Brandt - 00:03\n{0}\n\nPotter - 00:15\n{1}\n",
    "clock before the speaker": "Call with Brandt\n\n0:03 | Ottilie Brandt\n{0}\n\n0:15 | Potter\n{1}\n\n0:31 | Ottilie Brandt\nBye.\n",
    "speaker in brackets": "[Ottilie Brandt] 08:00:03\n{0}\n\n[Potter] 08:00:15\n{1}\n\n[Ottilie Brandt] 08:00:31\nThanks.\n",
    "copied out of a meeting": "[2:05 PM] Ottilie Brandt\n{0}\n\n[2:07 PM] Potter\n{1}\n",
    "copied out of a channel": "Ottilie Brandt  2:05 PM\n{0}\nPotter  2:07 PM\n{1}\n",
    "clocks between": "00:00:00\n\nOttilie Brandt: {0}\nPotter: {1}\n\n00:05:00\n\nOttilie Brandt: Thanks.\nPotter: Bye.\n",
    "a colon behind the clock": "Ottilie Brandt (00:03):\n{0}\n\nPotter (00:15):\n{1}\n",
    "seconds since the beginning": "Chat started: Friday\n(2m 3s) Ottilie Brandt: {0}\n(3m 4s) Agent Potter: {1}\n",
    "the visitor has no name": "Visitor (14:05:02): {0}\nPotter (14:07:02): {1}\nVisitor (14:08:00): Thanks.\n",
    "of a video call": "14:05:01\t From Ottilie Brandt : {0}\n14:07:01\t From Potter : {1}\n",
    "joined and left": "(02:05:12 PM) Ottilie Brandt: {0}\n(02:06:00 PM) *** Potter joined ***\n(02:07:12 PM) Potter: {1}\n",
}


@pytest.mark.parametrize("text", BY_PROGRAM.values(), ids=BY_PROGRAM.keys())
def test_transcripts_of_programs_say_who_speaks_in_many_ways(text: str, tmp_path: Path) -> None:
    path = tmp_path / "call.txt"
    path.write_text(text.format(ASKS, ANSWERS))
    records, rejects, summary = read(path)
    assert (summary.format, rejects, len(records)) == ("Transcript", [], 1)
    said = [each for each in records[0].messages if each["text"] in (ASKS, ANSWERS)]
    assert [each["text"] for each in said] == [ASKS, ANSWERS]
    assert said[0]["role"] == "customer"
    assert said[1]["role"] in ("agent", "")
    assert "Potter" in said[1]["author"] or said[1]["role"] == "agent"
    assert records[0].occurred_at is None  # how far a call has gone is no time of day

# ruff: noqa: E501 (letters of other scripts are meant; some are counted as two columns)
"""Mail: mbox, single mails and folders of them; threads, charsets, alternatives, attachments, hostile mail."""

import gzip
import mailbox
import random
import zipfile
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import pytest

from tests.pipeline.sources.formats.reading import by_id, read, recognised, said

HELP = "Example Help <help@shop.example>"


def mail(
    number: int, text: str, *, sender: str = "Cara <Cara@Post.example>", to: str = HELP, subject: str = "Two charges",
    answers: int | None = None, **headers: str,
) -> EmailMessage:  # fmt: skip
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, to, subject
    message["Date"] = f"Sat, 02 May 2026 {(8 + number) % 24:02}:00:00 +0200"
    message["Message-ID"] = f"<m{number}@post.example>"
    if answers is not None:
        message["In-Reply-To"] = f"<m{answers}@post.example>"
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return message


def write_mbox(path: Path, *mails: EmailMessage) -> Path:
    box = mailbox.mbox(path, create=True)
    for each in mails:
        box.add(each)
    box.close()
    return path


THREAD = (
    mail(1, "The plan was charged twice."),
    mail(2, "We give it back.", sender=HELP, to="cara@post.example", subject="Re: Two charges", answers=1),
    mail(3, "Thank you, it came.", subject="Re: Two charges", answers=2),
)
OTHER = mail(4, "The film has no sound.", sender="dan@else.example", subject="Mute film")


def test_an_mbox_is_threads_in_order_of_time_with_roles(tmp_path: Path) -> None:
    path = write_mbox(tmp_path / "inbox", THREAD[2], OTHER, THREAD[1], THREAD[0])
    records, rejects, summary = read(path)
    assert (summary.format, rejects) == ("Mail", [])
    found = by_id(records)
    assert found.keys() == {"m1@post.example", "m4@post.example"}
    thread = found["m1@post.example"]
    assert [message["role"] for message in thread.messages] == ["customer", "agent", "customer"]
    assert [text.strip().splitlines()[-1] for _, text in said(thread)] == [
        "The plan was charged twice.", "We give it back.", "Thank you, it came.",
    ]  # fmt: skip
    assert thread.messages[0]["text"].startswith("Two charges\n")
    assert thread.customer == "cara@post.example"
    assert thread.messages[0]["created_at"] == "2026-05-02T07:00:00+00:00"
    assert found["m4@post.example"].customer == "dan@else.example"


def test_one_mail_and_a_folder_and_a_zip_of_them(tmp_path: Path) -> None:
    folder = tmp_path / "mails"
    folder.mkdir()
    for number, each in enumerate((*THREAD, OTHER)):
        (folder / f"{number}.eml").write_bytes(each.as_bytes(policy=SMTP))
    (folder / "packed").write_bytes(gzip.compress(mail(5, "Packed.", subject="Other").as_bytes()))
    records, rejects, _ = read(folder)
    assert rejects == []
    assert {key: len(record.messages) for key, record in by_id(records).items()} == {
        "m1@post.example": 3, "m4@post.example": 1, "m5@post.example": 1,
    }  # fmt: skip
    with zipfile.ZipFile(tmp_path / "mails.zip", "w") as archive:
        for path in folder.iterdir():
            archive.write(path, path.name)
    assert by_id(read(tmp_path / "mails.zip")[0]).keys() == by_id(records).keys()
    single, _, _ = read(folder / "3.eml")
    assert [text for _, text in said(single[0])] == ["Mute film\nThe film has no sound."]


def test_a_thread_is_joined_by_references_across_a_mail_that_is_missing(tmp_path: Path) -> None:
    first = mail(1, "First.", References="<lost@post.example>")
    second = mail(2, "Second.", References="<older@x.example> <lost@post.example>", subject="Other words")
    records, *_ = read(write_mbox(tmp_path / "inbox", first, second))
    assert [record.external_id for record in records] == ["lost@post.example"]
    assert len(records[0].messages) == 2


def test_a_reply_without_references_is_joined_by_subject_and_people_and_a_namesake_is_not(tmp_path: Path) -> None:
    path = write_mbox(
        tmp_path / "inbox",
        mail(1, "First."),
        mail(2, "Second.", subject="AW: Re[2]: Two charges", sender=HELP, to="cara@post.example"),
        mail(3, "Mine is another one.", subject="Two charges", sender="eve@else.example"),
        mail(4, "New, with the same subject.", subject="Two charges"),
    )
    assert sorted(len(record.messages) for record in read(path)[0]) == [1, 1, 2]


def test_of_alternatives_the_plain_text_is_read_else_the_markup(tmp_path: Path) -> None:
    both = mail(1, "Plain words.")
    both.add_alternative("<p>Other <b>words</b>.</p>", subtype="html")
    only = mail(2, "x", subject="Two")
    only.set_content("<div>Only<br>markup.</div>", subtype="html")
    empty = mail(3, " ", subject="Three")
    empty.add_alternative("<p>Not empty.</p>", subtype="html")
    found = by_id(read(write_mbox(tmp_path / "inbox", both, only, empty))[0])
    assert [found[f"m{number}@post.example"].messages[0]["text"].split("\n", 1)[1] for number in (1, 2, 3)] == [
        "Plain words.", "Only\nmarkup.", "Not empty.",
    ]  # fmt: skip


def test_attachments_are_counted_and_not_read(tmp_path: Path) -> None:
    one = mail(1, "See the file.")
    one.add_attachment(b"\x89PNG" * 1000, maintype="image", subtype="png", filename="a.png")
    one.add_attachment("secret words", filename="notes.txt")
    one.add_attachment(OTHER)
    records, _, summary = read(write_mbox(tmp_path / "inbox", one))
    assert said(records[0]) == [("Cara", "Two charges\nSee the file.")]
    assert "3 attachments were left out." in summary.notes
    assert (records[0].metadata or {})["attachments"] == 3


@pytest.mark.parametrize(
    ("charset", "text"),
    [
        ("iso-8859-1", "Die Prüfung läuft nicht"),
        ("windows-1252", "“Größe” – 5 €"),
        ("iso-2022-jp", "請求が二重です"),
        ("shift_jis", "請求が二重です"),
        ("gb2312", "扣款两次"),
        ("koi8-r", "Двойная оплата"),
        ("utf-8", "חיוב כפול"),
    ],
)
def test_each_part_is_read_in_its_charset_and_a_subject_in_its_own(charset: str, text: str, tmp_path: Path) -> None:
    message = mail(1, "x", subject=f"{text}!")
    message.set_content(text, charset=charset)
    message["X-Note"] = "y"
    records, *_ = read(write_mbox(tmp_path / "inbox", message))
    assert records[0].messages[0]["text"] == f"{text}!\n{text}"


@pytest.mark.parametrize("charset", ["", "charset=no-such-thing", "charset=utf-8", "charset=us-ascii"])
def test_a_wrong_or_missing_charset_is_found_by_the_letters(charset: str, tmp_path: Path) -> None:
    path = tmp_path / "one.eml"
    text = "Die Prüfung läuft nicht, die Größe fehlt.\n".encode("cp1252")
    kind = f"text/plain; {charset}" if charset else "text/plain"
    path.write_bytes(
        b"From: Karla <k@x.example>\nDate: Sat, 2 May 2026 08:00:00 +0000\nContent-Type: %s\n\n%s"
        % (kind.encode(), text)
    )
    records, *_ = read(path)
    assert records[0].messages[0]["text"].strip() == "Die Prüfung läuft nicht, die Größe fehlt."


def test_a_line_that_begins_with_from_stays_in_its_mail(tmp_path: Path) -> None:
    path = write_mbox(
        tmp_path / "inbox", mail(1, "One.\n\nFrom here it is slow.\n\nFrom Monday on."), mail(2, "Two.", subject="B")
    )
    records, *_ = read(path)
    assert len(records) == 2
    assert "From here it is slow." in by_id(records)["m1@post.example"].messages[0]["text"]


def test_what_a_program_sent_is_a_bots(tmp_path: Path) -> None:
    path = write_mbox(tmp_path / "inbox", *THREAD, mail(5, "I am away.", answers=2, Auto_Submitted="auto-replied"))
    records, _, summary = read(path)
    assert records[0].messages[-1]["role"] == "bot"
    assert any("sent by a program" in note for note in summary.notes)


def test_the_same_mail_in_two_folders_is_read_once(tmp_path: Path) -> None:
    folder = tmp_path / "mails"
    folder.mkdir()
    for name in ("inbox", "archive"):
        write_mbox(folder / name, THREAD[0])
    records, *_ = read(folder)
    assert [len(record.messages) for record in records] == [1]


HOSTILE = {
    "deep": b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(2000)),
    "no boundary": b"Content-Type: multipart/mixed\n\nwords\n",
    "broken base64": b"Content-Transfer-Encoding: base64\nContent-Type: text/plain\n\n!!!!\n",
    "broken words": b"Subject: =?utf-8?b?!!!?= =?x?q?=41?=\n\nwords\n",
    "long header": b"To: " + b"a <b@c.example>, " * 20_000 + b"\n\nwords\n",
    "many references": b"References: " + b"<x@y.example> " * 20_000 + b"\n\nwords\n",
    "no body": b"",
    "odd address": b'Reply-To: "<@(((,,;;\n\nwords\n',
    "odd type": b"Content-Type: ;;;=\n\nwords\n",
    "NUL": b"Content-Type: text/plain\n\nwo\0rds\n",
    "odd date": b"Date: yesterday, perhaps 99:99\n\nwords\n",
}


@pytest.mark.parametrize("rest", HOSTILE.values(), ids=HOSTILE.keys())
def test_odd_mail_costs_at_most_itself(rest: bytes, tmp_path: Path) -> None:
    top = b"From: Cara <cara@post.example>\nMIME-Version: 1.0\nMessage-ID: <odd@post.example>\n"
    postmark = b"From cara@post.example Sat May  2 08:00:00 2026\n"
    path = tmp_path / "inbox"
    path.write_bytes(postmark + top + rest + b"\n\n" + postmark + OTHER.as_bytes() + b"\n")
    records, rejects, _ = read(path)
    assert "m4@post.example" in by_id(records)
    assert len(records) + len(rejects) == 2


def test_a_damaged_file_is_read_up_to_its_damage(tmp_path: Path) -> None:
    noise = random.Random(1)
    many = (mail(n, noise.randbytes(3000).hex(), subject=str(n)) for n in range(5, 205))
    whole = gzip.compress(write_mbox(tmp_path / "inbox", *many).read_bytes())
    path = tmp_path / "cut"
    path.write_bytes(whole[: len(whole) // 2])
    records, rejects, _ = read(path)
    assert records
    assert "damaged" in rejects[0].reason


@pytest.mark.parametrize(
    "text", ["From: Cara\nhello", "From here on it is slow.", "Subject: x\n\nhello", "Cara: hi\nShop: hi\n"]
)
def test_other_text_is_no_mail(text: str, tmp_path: Path) -> None:
    path = tmp_path / "note"
    path.write_text(text)
    assert recognised(path) != "Mail"


def test_gmails_number_of_a_thread_joins_mails_that_name_each_other_otherwise_not(tmp_path: Path) -> None:
    path = write_mbox(
        tmp_path / "inbox",
        mail(1, "First.", X_GM_THRID="18600000001"),
        mail(2, "Second.", subject="Another subject", X_GM_THRID="18600000001"),
        mail(3, "Third.", subject="A third subject", X_GM_THRID="18600000002"),
    )
    assert sorted(len(record.messages) for record in read(path)[0]) == [1, 2]


AS_TEXT = {
    "Outlook": (
        "From:\t{0}\nSent:\t25 Sept 2026, 14:05\nTo:\tPottery\nSubject:\tJug\n\nIt leaks.\n________________________________\n\n"
        "From:\tPottery <hello@pot.example>\nSent:\t25 Sept 2026, 15:00\nTo:\tOttilie Brandt\nSubject:\tRE: Jug\n\nWe send another.\n\n"
        "________________________________\nFrom: {0}\nSent: 25 Sept 2026, 14:05\nTo: Pottery\nSubject: Jug\n\nIt leaks.\n"
    ),
    "German, without tabs": (
        "Von: {0}\nGesendet: Freitag, 25. September 2026 14:05\nAn: Pottery\nBetreff: Jug\n\nIt leaks.\n\n"
        "Von: Pottery <hello@pot.example>\nGesendet: Freitag, 25. September 2026 15:00\nAn: Ottilie Brandt\nBetreff: AW: Jug\n\nWe send another.\n\n"
        "-----Ursprüngliche Nachricht-----\nVon: {0}\nGesendet: Freitag, 25. September 2026 14:05\nAn: Pottery\nBetreff: Jug\n\nIt leaks.\n"
    ),
    "Japanese": (
        "差出人: {0}\n送信日時: 2026年9月25日 14:05\n宛先: Pottery\n件名: Jug\n\nIt leaks.\n\n"
        "差出人: Pottery <hello@pot.example>\n送信日時: 2026年9月25日 15:00\n宛先: Ottilie Brandt\n件名: RE: Jug\n\nWe send another.\n"
    ),
    "Russian": (
        "От: {0}\nДата: 25 сентября 2026 г. 14:05\nКому: Pottery\nТема: Jug\n\nIt leaks.\n\n"
        "От: Pottery <hello@pot.example>\nДата: 25 сентября 2026 г. 15:00\nКому: Ottilie Brandt\nТема: RE: Jug\n\nWe send another.\n"
    ),
}


@pytest.mark.parametrize("text", AS_TEXT.values(), ids=AS_TEXT.keys())
def test_mail_saved_as_text_is_threads_and_what_it_quotes_is_no_mail(text: str, tmp_path: Path) -> None:
    path = tmp_path / "inbox"
    path.write_text(text.format("Ottilie Brandt <otti@post.example>"))
    records, rejects, summary = read(path)
    assert (summary.format, rejects, len(records)) == ("Mail", [], 1)
    assert [(each["role"], each["author"]) for each in records[0].messages] == [
        ("customer", "Ottilie Brandt"),
        ("agent", "Pottery"),
    ]
    assert [each["created_at"][:16] for each in records[0].messages] == ["2026-09-25T14:05", "2026-09-25T15:00"]
    assert (records[0].customer, records[0].messages[0]["text"]) == ("otti@post.example", "Jug\nIt leaks.")

# ruff: noqa: E501 (letters of other scripts are meant; some are counted as two columns)
"""Chats kept as text by many programs in many languages: how their lines begin is learned from the file."""

import zipfile
from datetime import timedelta
from pathlib import Path

import pytest

from pipeline.sources.formats.base import Options
from tests.pipeline.sources.formats.reading import read, recognised, said

LATE = "The box is late\nand the page with its way is blank"
CHATS = {
    "Android, British": (
        "02/03/2026, 09:14 - Messages and calls are end-to-end encrypted. Only people in this chat can read them.\n"
        f"02/03/2026, 09:15 - Cara: {LATE}\n02/03/2026, 09:20 - Shop: We look\n"
    ),
    "Android, American": f"3/2/26, 9:15 AM - Cara: {LATE}\n3/2/26, 9:20\u202fAM - Shop: We look\n",
    "Android, Indian": f"02/03/26, 9:15 am - Cara: {LATE}\n02/03/26, 9:20 am - Shop: We look\n",
    "Android, German": (
        "02.03.26, 09:14 - Nachrichten und Anrufe sind Ende-zu-Ende-verschlüsselt.\n"
        f"02.03.26, 09:15 - Cara: {LATE}\n02.03.26, 09:17 - Cara: <Medien ausgeschlossen>\n02.03.26, 09:20 - Shop: "
        f"We look\n"
    ),
    "Android, Portuguese": f"02/03/2026 09:15 - Cara: {LATE}\n02/03/2026 09:20 - Shop: We look\n",
    "Android, Japanese": f"2026/03/02 9:15 - Cara: {LATE}\n2026/03/02 9:20 - Shop: We look\n",
    "Android, Korean": f"2026년 3월 2일 오전 9:15, Cara : {LATE}\n2026년 3월 2일 오전 9:20, Shop : We look\n",
    "iOS, German": (
        "[02.03.26, 09:14:00] Shop: \u200eNachrichten und Anrufe sind Ende-zu-Ende-verschlüsselt.\n"
        f"[02.03.26, 09:15:00] Cara: {LATE}\n\u200e[02.03.26, 09:16:00] Cara: \u200eBild weggelassen\n"
        "[02.03.26, 09:20:00] Shop: We look\n"
    ),
    "iOS, American": f"[3/2/26, 9:15:00\u202fAM] Cara: {LATE}\n[3/2/26, 9:20:00 AM] Shop: We look\n",
    "iOS, British": f"[02/03/2026, 09:15:00] Cara: {LATE}\n[02/03/2026, 09:20:00] Shop: We look\n",
    "iOS, Chinese": f"[2026/3/2 上午9:15:00] Cara: {LATE}\n[2026/3/2 上午9:20:00] Shop: We look\n",
    "Android, French": f"02/03/2026 à 09:15 - Cara: {LATE}\n02/03/2026 à 09:20 - Shop : We look\n",
    "Android, Arabic": (f"٢\u200f/٣\u200f/٢٠٢٦، ٩:١٥ ص - Cara: {LATE}\n٢\u200f/٣\u200f/٢٠٢٦، ٩:٢٠ ص - Shop: We look\n"),
    "Android, Spanish": f"2/3/26, 9:15\u202fa.\u00a0m. - Cara: {LATE}\n2/3/26, 9:20\u202fa.\u00a0m. - Shop: We look\n",
    "Android, Swedish": f"2026-03-02 09:15 - Cara: {LATE}\n2026-03-02 09:20 - Shop: We look\n",
    "Android, Bulgarian": f"02.03.26 г., 09:15 - Cara: {LATE}\n02.03.26 г., 09:20 - Shop: We look\n",
    "iOS, Finnish": f"[2.3.2026 klo 9.15.00] Cara: {LATE}\n[2.3.2026 klo 9.20.00] Shop: We look\n",
    "Windows line ends": f"02/03/2026, 09:15 - Cara: {LATE}\n02/03/2026, 09:20 - Shop: We look\n".replace("\n", "\r\n"),
}


@pytest.mark.parametrize("chat", CHATS.values(), ids=CHATS.keys())
def test_a_chat_is_read_with_authors_times_and_lines_that_go_on(chat: str, tmp_path: Path) -> None:
    path = tmp_path / "anything"
    path.write_bytes(chat.encode())
    records, rejects, summary = read(path)
    assert (summary.format, rejects, len(records)) == ("Chat log", [], 1)
    assert said(records[0]) == [("Cara", LATE), ("Shop", "We look")]
    times = [message["created_at"] for message in records[0].messages]
    assert times == ["2026-03-02T09:15:00+00:00", "2026-03-02T09:20:00+00:00"]


@pytest.mark.parametrize(
    ("days", "first"),
    [
        (("12/05/2026", "13/05/2026"), "2026-05-12"),  # a number above 12
        (("5/12/26", "5/13/26"), "2026-05-12"),
        (("02/11/2026", "02/12/2026", "03/01/2027"), "2026-11-02"),  # forward in time only with the day first
        (("11/02/2026", "12/01/2026", "01/03/2027"), "2026-11-02"),  # ... and here only with the month first
    ],
)
def test_the_order_of_day_and_month_is_found_from_all_dates(days: tuple[str, ...], first: str, tmp_path: Path) -> None:
    path = tmp_path / "chat.txt"
    path.write_text("".join(f"{day}, 10:0{number} - Cara: message {number}\n" for number, day in enumerate(days)))
    records, _, summary = read(path)
    assert records[0].messages[0]["created_at"].startswith(first)
    assert any("--date-format" in note for note in summary.notes)


def test_a_person_may_say_the_order(tmp_path: Path) -> None:
    path = tmp_path / "chat.txt"
    path.write_text("02/03/2026, 10:00 - Cara: hello\n02/03/2026, 10:01 - Shop: hello\n")
    records, *_ = read(path, Options(date_format="MM/DD/YYYY"))
    assert records[0].messages[0]["created_at"].startswith("2026-02-03")


def test_a_zip_of_the_telephone_is_read_and_its_pictures_are_not(tmp_path: Path) -> None:
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("_chat.txt", CHATS["iOS, German"])
        archive.writestr("00000007-PHOTO-2026-03-02-09-16-00.jpg", b"\xff\xd8\xff\xe0" + bytes(range(256)))
    records, rejects, summary = read(path)
    assert (summary.format, rejects) == ("Chat log", [])
    assert [said(record) for record in records] == [[("Cara", LATE), ("Shop", "We look")]]
    assert records[0].external_id.startswith("export:")


def test_a_group_is_cut_by_pauses_and_a_longer_export_has_the_same_ids(tmp_path: Path) -> None:
    first = "".join(
        f"02/03/2026, {hour}:0{number} - {who}: {who} says {hour}{number}\n"
        for hour in (10, 14)
        for number, who in enumerate(("Ada", "Bo", "Cy"))
    )
    path = tmp_path / "chat.txt"
    path.write_text(first)
    records, _, summary = read(path)
    assert [len(record.messages) for record in records] == [3, 3]
    assert any("6 messages divided into 2 conversations" in note for note in summary.notes)
    path.write_text(first + "03/03/2026, 10:00 - Ada: hello again\n")
    again, *_ = read(path)
    assert [record.external_id for record in again[:2]] == [record.external_id for record in records]
    everything, *_ = read(path, Options(pause=timedelta(days=2)))
    assert [len(record.messages) for record in everything] == [7]


@pytest.mark.parametrize(
    "line",
    [
        'Cara created group "Box: late"',
        "Bo joined using this group's invite link",
        "Cara changed the subject from “A: b” to “C: d”",
        "+49 170 1234567 left",
        "Your security code with Bo changed. Tap to learn more.",
        "Cara: <Media omitted>",
        "Cara: IMG-20260302-WA0001.jpg (file attached)",
        "Cara: This message was deleted",
        "Cara: null",
    ],
)
def test_what_nobody_said_is_left_out_and_counted(line: str, tmp_path: Path) -> None:
    path = tmp_path / "chat.txt"
    path.write_text(f"02/03/2026, 09:15 - Bo: It is: late\n02/03/2026, 09:16 - {line}\n02/03/2026, 09:17 - Cara: ok\n")
    records, _, summary = read(path)
    assert said(records[0]) == [("Bo", "It is: late"), ("Cara", "ok")]
    assert any(note.startswith("Left out: 1 message") for note in summary.notes)


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-02, the box is late",
        "Cara: hello\nShop: hello",
        "12/05/2026\n",
        "[x] done\n[ ] open\n",
        "id,text\n1,a\n",
    ],
)
def test_other_text_is_no_chat(text: str, tmp_path: Path) -> None:
    path = tmp_path / "chat.txt"
    path.write_text(text)
    assert recognised(path) != "Chat log"


def test_a_broken_chat_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    path = tmp_path / "chat.txt"
    path.write_text(f"99/99/2026, 09:15 - Cara: odd\n02/03/2026, 25:15 - Cara: odd too\n{'x' * 500_000}\n")
    records, _, _ = read(path)
    assert [message["created_at"] for record in records for message in record.messages] == ["", ""]


ASKS, ANSWERS = "Does the jug come with a lid: yes or no?", "It does."
LOGS = {
    "WhatsApp, copied from the browser": "[14:05, 9/25/2026] Ottilie Brandt: {0}\n[14:07, 9/25/2026] Potter: {1}\n",
    "WhatsApp, Hungarian": "2026. 09. 25. 14:05 - Ottilie Brandt: {0}\n2026. 09. 25. 14:07 - Potter: {1}\n",
    "WhatsApp, Turkish": "25.09.2026 14:05 - Ottilie Brandt: {0}\n25.09.2026 14:06 - Ottilie Brandt: <Medya dahil edilmedi>\n25.09.2026 14:07 - Potter: {1}\n",
    "WhatsApp, Persian": "۲۵/۹/۲۰۲۶،\u200f ۲:۰۵ ب.ظ. - Ottilie Brandt: {0}\n۲۵/۹/۲۰۲۶،\u200f ۲:۰۷ ب.ظ. - Potter: {1}\n",
    "WhatsApp, Hindi with its digits": "२५/०९/२०२६, २:०५ pm - Ottilie Brandt: {0}\n२५/०९/२०२६, २:०७ pm - Potter: {1}\n",
    "WhatsApp, Taiwanese": "2026/9/25 下午2:05 - Ottilie Brandt: {0}\n2026/9/25 下午2:07 - Potter: {1}\n",
    "WhatsApp, Korean": "2026. 9. 25. 오후 2:05 - Ottilie Brandt: {0}\n2026. 9. 25. 오후 2:07 - Potter: {1}\n",
    "WhatsApp, Greek": "25/9/2026, 2:05 μ.μ. - Ottilie Brandt: {0}\n25/9/2026, 2:07 μ.μ. - Potter: {1}\n",
    "WhatsApp, Danish iPhone": "[25.09.2026 14.05.00] Ottilie Brandt: {0}\n\u200e[25.09.2026 14.06.00] Potter: \u200ebillede udeladt\n[25.09.2026 14.07.00] Potter: {1}\n",
    "WhatsApp, Czech iPhone": "[25. 9. 2026 14:05:00] Ottilie Brandt: {0}\n[25. 9. 2026 14:07:00] Potter: {1}\n",
    "irssi": "--- Log opened Fri Sep 25 14:00:00 2026\n14:04 -!- otti [~o@203.0.113.7] has joined #pots\n14:05 < Ottilie Brandt> {0}\n14:06  * Potter looks\n14:07 <@Potter> {1}\n",
    "weechat": "2026-09-25 14:04:00\t-->\totti (~o@203.0.113.7) has joined #pots\n2026-09-25 14:05:00\tOttilie Brandt\t{0}\n2026-09-25 14:06:00\t *\tPotter looks\n2026-09-25 14:07:00\t@Potter\t{1}\n2026-09-25 14:08:00\t<--\totti has quit\n",
    "HexChat": "**** BEGIN LOGGING AT Fri Sep 25 14:00:00 2026\n\nSep 25 14:04:00 *\tNow talking on #pots\nSep 25 14:05:00 <Ottilie Brandt>\t{0}\nSep 25 14:07:00 <Potter>\t{1}\n",
    "mIRC": "Session Start: Fri Sep 25 14:00:00 2026\nSession Ident: #pots\n[14:05] <Ottilie Brandt> {0}\n[14:07] <@Potter> {1}\n[14:08] * otti has quit (bye)\nSession Close: Fri Sep 25 14:30:00 2026\n",
    "Pidgin": "Conversation with otti@chat.example at Fri 25 Sep 2026 02:00:00 PM on pot@chat.example (xmpp)\n(02:05:00 PM) Ottilie Brandt: {0}\n(02:07:00 PM) Potter: {1}\n",
    "Skype": "[25.09.2026 14:05:00] Ottilie Brandt: {0}\n[25.09.2026 14:07:00] Potter: {1}\n",
    "Matrix as text": "2026-09-25T14:05:00Z <Ottilie Brandt> {0}\n2026-09-25T14:07:00Z <Potter> {1}\n",
    "LINE, English": "Chat history with Ottilie Brandt\nSaved on: 9/27/2026, 10:00\n\nFri, 9/25/2026\n2:05 PM\tOttilie Brandt\t{0}\n2:06 PM\tOttilie Brandt\t[Sticker]\n2:07 PM\tPotter\t{1}\n",
    "LINE, Thai order of days": "2026.09.25 金曜日\n14:05\tOttilie Brandt\t{0}\n14:06\tPotter\t[写真]\n14:07\tPotter\t{1}\n",
    "KakaoTalk, English computer": "KakaoTalk Chats with Ottilie Brandt\nDate Saved : 2026-09-27 10:00:00\n\n--------------- Friday, September 25, 2026 ---------------\n[Ottilie Brandt] [2:05 PM] {0}\n[Ottilie Brandt] [2:06 PM] Photo\n[Potter] [2:07 PM] {1}\n",
    "KakaoTalk, iPhone": "2026년 9월 25일 금요일\n2026. 9. 25. 14:05, Ottilie Brandt : {0}\n2026. 9. 25. 14:07, Potter : {1}\n",
    "Viber": "[ 25.09.2026 ] 14:05 Ottilie Brandt: {0}\n[ 25.09.2026 ] 14:07 Potter: {1}\n",
    "QQ": "消息记录\n\n2026-09-25 14:05:00 Ottilie Brandt(10004321)\n{0}\n\n2026-09-25 14:07:00 Potter<pots@shop.example>\n{1}\n",
    "Telegram, copied": "Ottilie Brandt, [25.09.2026 14:05]\n{0}\n\nPotter, [25.09.2026 14:07]\n{1}\n",
    "Discord, copied": "Ottilie Brandt — 09/25/2026 2:05 PM\n{0}\nPotter — 09/25/2026 2:07 PM\n{1}\n",
    "Russian months": "25 сентября 2026 г., 14:05 - Ottilie Brandt: {0}\n25 сентября 2026 г., 14:07 - Potter: {1}\n",
    "Spanish months": "25 de septiembre de 2026, 14:05 - Ottilie Brandt: {0}\n25 de septiembre de 2026, 14:07 - Potter: {1}\n",
    "Signal, by a tool": "Conversation: Ottilie Brandt (+49301234)\n\nFrom: Ottilie Brandt (+49301234)\nType: incoming\nSent: Fri, 25 Sep 2026 14:05:00 +0000\n\n{0}\n\nFrom: You\nType: outgoing\nSent: Fri, 25 Sep 2026 14:07:00 +0000\n\n{1}\n",
    "headed in German": "Von: Ottilie Brandt\nGesendet: 25.09.2026 14:05\n\n{0}\n\nVon: Potter\nGesendet: 25.09.2026 14:07\n\n{1}\n",
}


@pytest.mark.parametrize("saver", ["You", "Tú", "Você", "Minä", "Я", "أنا", "אתה", "あなた"])
def test_who_saved_the_chat_is_not_its_customer(saver: str, tmp_path: Path) -> None:
    (path := tmp_path / "saved").write_text(
        f"25/09/2026, 14:05 - {saver}: {ANSWERS}\n25/09/2026, 14:07 - Ottilie Brandt: {ASKS}\n"
    )
    records, _, _ = read(path)
    assert [message["role"] for message in records[0].messages] == ["agent", "customer"]


@pytest.mark.parametrize("log", LOGS.values(), ids=LOGS.keys())
def test_how_lines_begin_is_learned_from_the_file(log: str, tmp_path: Path) -> None:
    path = tmp_path / "saved"
    path.write_text(
        log.format(f"{ASKS}\nLid: 4711", ANSWERS) if "<" not in log and "\t" not in log else log.format(ASKS, ANSWERS)
    )
    records, rejects, summary = read(path)
    assert (summary.format, rejects, len(records)) == ("Chat log", [], 1)
    found = [(each["role"], each["author"], each["text"].splitlines()[0]) for each in records[0].messages]
    answers = "You" if "From: You" in log else "Potter"
    assert found == [("customer", "Ottilie Brandt", ASKS), ("agent", answers, ANSWERS)]
    assert [each["created_at"][:16] for each in records[0].messages] == ["2026-09-25T14:05", "2026-09-25T14:07"]

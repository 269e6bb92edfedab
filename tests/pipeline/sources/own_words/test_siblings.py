# ruff: noqa: E501 (letters of other scripts count as two columns)
"""Mails and notices in many languages: what remains of each is what the customer wrote, which may be nothing."""

import json
from pathlib import Path

import pytest

from pipeline.sources.own_words.reading import left_out
from pipeline.sources.own_words.spans import own_parts

NOBODYS = [
    "ご注文の商品を発送いたしました。",
    "お荷物をお届けしました。",
    "ご注文ありがとうございます。商品は本日発送いたします。",
    "お客様のお荷物は配達中です。",
    "パスワードの再設定が完了しました。",
    "このメールは送信専用です。ご返信いただいてもお答えできません。",
    "お問い合わせありがとうございます。3営業日以内にご連絡いたします。",
    "認証コードは 123456 です。",
    "お支払いを確認いたしました。",
    "ただいま夏季休暇中のため、ご返信が遅れます。",
    "8月10日まで不在にしております。急ぎの場合は代表電話までご連絡ください。",
    "【自動返信】お問い合わせを受け付けました。",
    "ご予約を承りました。予約番号: 8812",
    "会員登録が完了いたしました。",
    "배송이 시작되었습니다. 운송장 번호: 1234",
    "주문이 접수되었습니다.",
    "您的验证码是 1234，请勿告诉他人。",
]
"""Notices that no person wrote."""

OWN = [
    (
        "商品が届きません。",
        "商品が届きません。",
    ),
    (
        "発送の連絡が来ましたが、まだ届いていません。",
        "発送の連絡が来ましたが、まだ届いていません。",
    ),
    (
        "注文した鍵が発送されたか確認したいです。",
        "注文した鍵が発送されたか確認したいです。",
    ),
    (
        "認証コードが届きません。",
        "認証コードが届きません。",
    ),
    (
        "鍵が開きません。",
        "鍵が開きません。\n\nよろしくお願いいたします。\n山田太郎\n株式会社テスト\n東京都千代田区1-2-3\nTEL 03-1234-5678",
    ),
    (
        "Das Schloss klemmt seit Montag.",
        "Das Schloss klemmt seit Montag.\n\nMit freundlichen Grüßen\nKim Doe\nMusterweg 12\n80331 München\nTel.: 089 123456",
    ),
    (
        "Das Schloss klemmt.",
        "Das Schloss klemmt.\n\nViele Grüße\nKim Doe\nAm Hang 3a\nD-80331 München",
    ),
    (
        "Das Schloss klemmt.",
        "Das Schloss klemmt.\n\nMfG\nKim Doe\nDoe Räder GmbH & Co. KG\nKleine Gasse 4-6, 80331 München\nGeschäftsführer: Lee Roe\nAmtsgericht München, HRB 12345\nUSt-IdNr.: DE123456789",
    ),
    (
        "Das Schloss klemmt. | Die Lieferung ging an Musterweg 12, aber ich wohne in Nummer 14.",
        "Das Schloss klemmt.\n\nMit freundlichen Grüßen\nKim Doe\n\nDie Lieferung ging an Musterweg 12, aber ich wohne in Nummer 14.",
    ),
    (
        "La serrure est bloquée.",
        "La serrure est bloquée.\n\nCordialement,\nKim Doe\n12 rue des Lilas\n75011 Paris",
    ),
    (
        "Mi candado no abre.",
        "Mi candado no abre.\n\nUn saludo,\nKim Doe\nCalle Mayor 12, 28013 Madrid",
    ),
    (
        "המנעול תקוע מיום שני.",
        "המנעול תקוע מיום שני.\n\nבתאריך 2 במאי 2026 בשעה 08:00, שירות <help@desk.example> כתב:\n> האם ניסית לשמן?",
    ),
    (
        "القفل عالق منذ يوم الاثنين.",
        "القفل عالق منذ يوم الاثنين.\n\nفي السبت، 2 مايو 2026 في 8:00 ص، كتب الدعم <help@desk.example>:\n> هل جربت الزيت؟",
    ),
    (
        "鍵が開きません。",
        "鍵が開きません。\n\n2026年5月2日(土) 8:00 サポート <help@desk.example>:\n> 油をさしましたか。",
    ),
    (
        "鍵が開きません。",
        "鍵が開きません。\n\n-----Original Message-----\n差出人: サポート\n送信日時: 2026年5月2日 8:00\n宛先: キム\n件名: 鍵\n\n油をさしましたか。",
    ),
    (
        "Zamek się zaciął.",
        "Zamek się zaciął.\n\nW dniu sob., 2 maj 2026 o 08:00 Pomoc <help@desk.example> napisał(a):\n> Czy próbowałeś oleju?",
    ),
    (
        "Замок заклинило.",
        "Замок заклинило.\n\nсб, 2 мая 2026 г. в 08:00, Поддержка <help@desk.example>:\n> Пробовали смазать?",
    ),
    (
        "The lock is stuck.",
        "The lock is stuck.\n\nFrom: Lee Roe <lee@desk.example>\nSent: Saturday, 2 May 2026 08:00\nTo: Kim Doe\nSubject: RE: Lock\n\nDid you oil it?",
    ),
]
"""What is left, and the mail; parts are set apart by ` | `."""


def own(text: str) -> str:
    parts = (text[start:end].strip() for start, end in own_parts(text, left_out(text, role="customer")))
    return " | ".join(part for part in parts if part)


@pytest.mark.parametrize("text", NOBODYS)
def test_a_notice_is_nobodys_words(text: str) -> None:
    assert own(text) == ""


@pytest.mark.parametrize(("wanted", "text"), OWN)
def test_what_the_customer_wrote_is_left(wanted: str, text: str) -> None:
    assert own(text) == wanted


MAILS = [json.loads(line) for line in Path(__file__).with_name("mails.jsonl").read_text().splitlines()]
"""Footers of telephones, quotes above and below, forwarded mail, signatures, absences, forms and notices in ten languages."""


@pytest.mark.parametrize("mail", MAILS, ids=[f"{number} {mail['text'][:20]}" for number, mail in enumerate(MAILS)])
def test_mails_in_many_languages_keep_what_was_written(mail: dict[str, str]) -> None:
    assert own(mail["text"]) == mail["own"]

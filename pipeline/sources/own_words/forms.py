# ruff: noqa: E501 (letters of other scripts count as two columns)
"""Contact forms that came as text: `Name: ...  E-mail: ...  Message: ...`. Only the message is the customer's."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipeline.sources.own_words.spans import FORM, LINE_LENGTH, Line, Span

_PERSON = (
    "your name|full name|first name|last name|surname|name|e-?mail(?: address)?|your e-?mail|phone(?: number)?"
    "|telephone|mobile"
    "|company|organi[sz]ation|address|city|country|zip(?: code)?|postal code|postcode|customer (?:number|id|no)"
    "|order (?:number|id|no)|vorname|nachname|ihr name|e-mail-adresse|telefon(?:nummer)?|handy|firma"
    "|adresse|ort|plz|land|kundennummer|bestellnummer|nom|prénom|adresse e-?mail|courriel|téléphone|société"
    "|entreprise|ville|pays|code postal"
    "|numéro de commande|nombre|apellidos?|correo(?: electrónico)?|teléfono|empresa|dirección|ciudad|país"
    "|número de pedido"
    "|nome|cognome|indirizzo(?: e-?mail)?|telefono|azienda|città|paese|numero d['’]ordine|naam|voornaam|achternaam"
    "|e-mailadres|telefoonnummer"
    "|bedrijf|adres|plaats|bestelnummer|sobrenome|apelido|telefone|endereço|cidade|número do pedido|名前|お名前|氏名"
    "|メールアドレス"
    "|メール|電話番号|電話"
    "|会社名|住所|注文番号|姓名|名字|邮箱|电子邮件|電子郵件|电话|電話"
    '|手机|公司|地址|订单号|שם|שם מלא|דוא"ל|אימייל|מייל|טלפון|חברה|כתובת|מספר הזמנה'
    "|imię(?: i nazwisko)?|nazwisko|adres e-?mail|numer telefonu|firma|miejscowość|numer zamówienia|имя(?: и фамилия)?|фамилия|фио"
    "|эл\\. ?почта|электронная почта|почта|телефон|компания|адрес|город|номер заказа|ім['’ʼ]я|пошта|이름|성함|이메일|연락처|전화번호|회사|주문번호"
)
_MESSAGE = (
    "message|your message|comments?|question|your question|enquiry|inquiry|description|details"
    "|how can we help(?: you)?|subject|topic"
    "|nachricht|ihre nachricht|frage|ihre frage|kommentar|beschreibung|anliegen|ihr anliegen|betreff|votre message"
    "|commentaire|demande|objet|sujet"
    "|mensaje|comentarios?|consulta|pregunta|descripción|asunto|messaggio|domanda|commento|richiesta|descrizione"
    "|oggetto"
    "|bericht|vraag|opmerking|omschrijving|onderwerp|mensagem|comentário|pergunta|dúvida|descrição|assunto"
    "|お問い合わせ内容|内容|メッセージ|ご質問|件名|留言|消息|内容描述|问题|問題|主题|主題|הודעה|תוכן ההודעה|שאלה|wiadomość|treść(?: wiadomości)?|pytanie|opis|temat|сообщение|вопрос|текст(?: сообщения)?|описание|тема"
    "|повідомлення|питання|문의 ?내용|내용|제목|메시지|문의"
    "|פנייה|נושא"
)
_PAGE = (
    "ip(?: address)?|user agent|browser|page|url|website|submitted(?: on| at)?|date|time|datum|uhrzeit|seite|fecha|data"
    "|日時|日期"
)
_LABEL = re.compile(
    rf"(?:(?<=^)|(?<=[\s,;|]))[*_]{{0,2}}(?:(?P<person>{_PERSON})|(?P<message>{_MESSAGE})|(?P<page>{_PAGE}))"
    r"[*_]{0,2}\s?[?？]?\s?[:：][*_]{0,2}",
    re.IGNORECASE,
)
CLUES = {"form": re.compile(rf"(?:{_PERSON})[*_]{{0,2}}\s?[?？]?\s?[:：]", re.IGNORECASE)}
"""What `glance` looks for: no form is without a field about its writer."""

_LABEL_FIRST = re.compile(r"[\s*_\-•]{0,20}$")
FORM_LINES = 40
"""Lines from the top in which a form is looked for."""


@dataclass(frozen=True, slots=True)
class _Label:
    """A label at start..end of the text; `line` is its line's place."""

    kind: str
    start: int
    end: int
    line: int


def form_spans(text: str, lines: Sequence[Line]) -> list[Span]:
    """Return the spans of labels and fields about the writer, if the lines are a contact form.

    They are if a message label comes with a field that says who writes, or if three such fields do, or two of which one
    holds an e-mail address. What stands in no field is read like the message.
    """
    lines = lines[:FORM_LINES]
    labels = [label for place, line in enumerate(lines) for label in _labels(text, line, place)]
    persons = sum(label.kind == "person" for label in labels)
    has_message = any(label.kind == "message" for label in labels)
    has_address = any("@" in text[label.end : lines[label.line].end] for label in labels if label.kind == "person")
    if persons == 0 or (persons < (2 if has_address else 3) and not has_message):
        return []
    return [
        (label.start, label.end if label.kind == "message" else _value_end(text, lines, label, following), FORM)
        for label, following in zip(labels, [*labels[1:], None], strict=True)
    ]


def _labels(text: str, line: Line, place: int) -> Iterator[_Label]:
    """Yield a line's labels: one at its start and those after it, up to one for the message."""
    raw, is_first = text[line.start : min(line.end, line.start + LINE_LENGTH)], True
    if ":" not in raw and "：" not in raw:
        return
    for found in _LABEL.finditer(raw):
        if line.depth or (is_first and not _LABEL_FIRST.match(raw[: found.start()])):
            return
        is_first = False
        kind = next(kind for kind, value in found.groupdict().items() if value)
        yield _Label(kind, line.start + found.start(), line.start + found.end(), place)
        if kind == "message":
            return


def _value_end(text: str, lines: Sequence[Line], label: _Label, following: _Label | None) -> int:
    """Return where a field's value ends: at the next label, with its line, or with the next one that is written."""
    line = lines[label.line]
    if following and following.line == label.line:
        return following.start
    if text[label.end : line.end].strip():
        return line.end
    for place in range(label.line + 1, min(label.line + 3, len(lines))):
        if following and following.line == place:
            break
        if lines[place].text:
            return lines[place].end
    return line.end

# ruff: noqa: E501 (letters of other scripts count as two columns)
"""Signatures: what a mail program or a polite person puts below each message.

A signature ends where a sentence begins again, so that a postscript is read.
"""

import re
from collections.abc import Sequence

from pipeline.sources.own_words.spans import SIGNATURE, Line, Span, over

MAX_SIGNATURE_LINES = 15

_DASHES = re.compile(r"(?:--|—|–|__|\*\*|==)$")
_CLOSING = re.compile(
    r"[*_]{0,2}(?:(?:with |mit |avec |con |met |com )?(?:my |our |meine[nr]? |mes |i miei |os meus )?"
    r"(?:(?:best|kind|kindest|warm|warmest|many|with) (?:regards|wishes|greetings|thanks)|regards|best"
    r"|yours (?:sincerely|faithfully|truly)|sincerely(?: yours)?|"
    r"respectfully|rgds|br|kr|cheers|all the best|"
    r"(?:mit )?(?:freundliche[nmr]?|besten?|viele[nr]?|liebe[nr]?|schöne[nr]?|herzliche[nr]?) (?:gr(?:ü|ue)(?:ß"
    r"|ss)en?|gruss|gruß|dank)|mfg|lg|vg|grüße|gruß|hochachtungsvoll|"
    r"(?:bien )?cordialement|(?:sincères |meilleures |bien )salutations(?: distinguées)?|salutations(?: distinguées)?"
    r"|bien à vous|amicalement|"
    r"(?:un )?(?:cordial |atento |afectuoso )?saludos?(?: cordial(?:es)?)?|cordialmente|atentamente|"
    r"cordiali saluti|distinti saluti|(?:un )?(?:caro |cordiale )?salut[oi]|cordialità|"
    r"(?:met )?vriendelijke groet(?:en)?|hartelijke groet(?:en)?|groet(?:en|jes)?|mvg|hoogachtend|"
    r"(?:com os melhores )?cumprimentos|atenciosamente|abraços?|grat[oa]|att|"
    r"cdlt|cdt|bonne (?:journée|soirée|réception)|bien à toi|att\.?|s pozdravem|saygılarımla|üdvözlettel"
    r"|z poważaniem|z wyrazami szacunku|pozdrawiam (?:serdecznie|ciepło)|с наилучшими пожеланиями"
    r"|всего (?:доброго|хорошего)|з повагою|з найкращими побажаннями|ystävällisin terveisin|terveisin|με εκτίμηση|"
    r"med vänlig hälsning|med venlig hilsen|mvh|pozdrawiam|с уважением))"
    r"(?: (?:aus|from|de|da|uit|z|из|från|fra) [^\W\d_][\w-]{1,20})?[,.!]?[*_]{0,2}"
    r"|(?:よろしくお願い(?:いた|致)?します|宜しくお願い(?:いた|致)?します|敬具|以上|此致|敬礼|敬上|祝好|谢谢|謝謝|감사합니다|고맙습니다"
    r"|בברכה|תודה(?: רבה)?(?: מראש)?)[,.。，、!]?$",
    re.IGNORECASE,
)
_THANKS = re.compile(
    r"(?:(?:many |kind )?thanks?(?: you)?(?: so much| very much| in advance| again)?|thx|danke(?: schön| im voraus)?"
    r"|vielen dank(?: im voraus)?|merci(?: d['’]avance| beaucoup)?|"
    r"(?:muchas )?gracias(?: de antemano| por adelantado)?|grazie(?: mille| in anticipo)?|(?:alvast )?bedankt"
    r"|dank u(?: wel)?|(?:muito )?obrigad[oa](?: desde já)?|(?:z góry )?dziękuję(?: bardzo)?|(?:заранее )?спасибо(?: большое)?"
    r"|благодарю|дякую|děkuji|teşekkürler|tack(?: på förhand)?|på forhånd tak|kiitos)[,.!]?$",
    re.IGNORECASE,
)
_FOOTER_OF = re.compile(
    r"iphone|ipad|\bios\b|android|samsung|galaxy|huawei|xiaomi|outlook|yahoo|gmail|\bmail\b|mail\.ru|proton|\bgmx\b|windows"
    r"|smartphone|celular|móvil|telefon|почт|яндекс|华为|手机|邮箱|手機|郵件|メール|携帯|메일|휴대폰",
    re.IGNORECASE,
)
_FOOTER_VERB = (
    r"gesendet|versendet|verschickt|holen sie sich|laden sie|envoyée?|obtenir|téléchargez?r?|enviad[oa]|obtene?r|obter|descargar?"
    r"|baixar?|inviat[oa]|scarica|ottieni|verzonden|verstuurd|downloaden|download|wysłan[oeay]|pobierz|отправлен[оа]?|скачать"
    r"|надіслано|відправлено|завантажити|odesláno|stáhnout|skickat|hämta|sendt|hent|lähetetty|hanki|gönderildi|edinin|küldve"
    r"|発信|送信(?:されました)?|を入手|入手|发自|发送|来自|获取|獲取|取得|傳送|寄自|보냄|보냈습니다|보낸 메일|다운로드|נשלח|הורד|أُ?رسلت?"
)
_FOOTER = re.compile(rf"(?:(?:{_FOOTER_VERB}).{{1,70}}|.{{1,70}}(?:{_FOOTER_VERB}))[.!。]?$", re.IGNORECASE)
"""What a mail program says of itself below a message: a device or program, and a word for sending or getting it."""

_DEVICE = (
    r"(?:i?phone|i?pad|ipod|android\w*|samsung\w*|galaxy\w*|huawei\w*|xiaomi\w*|pixel\w*|blackberry\w*|nokia\w*"
    r"|smartphone|handy|mobil\w*|móvil|celular|telefon\w*|phone|tablet|outlook\w*|"
    r"yahoo\w*|gmail\w*|windows\w*|mail\w*|gmx\w*|web\.de\w*|proton\w*|mac\w*|aol\w*|t-online\w*|zoho\w*|spark"
    r"|thunderbird)"
)
_SENT_FROM = re.compile(
    rf"(?:(?:sent|typed|written) (?:from|via|with|using|by) (?:my |the "
    rf"|a )?(?:[\w.&'’-]{{1,20}} ){{0,3}}{_DEVICE}(?: (?:for|on|app|device|mail|phone|\w{{1,12}})){{0,4}}"
    rf"|get outlook for (?:ios|android|mac|windows)(?:\s?<\S{{1,60}}>)?"
    rf"|(?:von meine[mr]|diese nachricht wurde von meine[mr]|gesendet (?:mit|von|über)|mit|versendet mit"
    rf"|von) (?:\w{{1,12}} ){{0,3}}{_DEVICE}.{{0,40}}(?:gesendet|versandt|verschickt|geschickt)?"
    rf"|envoy[ée]e? (?:de(?:puis)?|à partir de|avec|via) (?:mon |ma "
    rf"|l['’])?(?:[\w.-]{{1,16}} ){{0,3}}{_DEVICE}.{{0,30}}"
    rf"|(?:enviado|mandado|escrito) (?:desde|do|de|a partir do|pelo|con|com o?) (?:mi |meu |o "
    rf"|el )?(?:[\w.-]{{1,16}} ){{0,3}}{_DEVICE}.{{0,30}}"
    rf"|inviato (?:da|dal|con|tramite) (?:il mio |mio )?(?:[\w.-]{{1,16}} ){{0,3}}{_DEVICE}.{{0,30}}"
    rf"|(?:verzonden|verstuurd) (?:vanaf|met|via|van) (?:mijn |m['’]n )?(?:[\w.-]{{1,16}} ){{0,3}}{_DEVICE}.{{0,30}}"
    rf"|(?:skickat från|sendt fra|wysłane? z|отправлено с) (?:\w{{1,12}} ){{0,2}}\S{{1,20}}.{{0,20}}"
    r"|(?:iphone|ipad|android|スマートフォン|携帯)から送信(?:されました)?|从?我?的?\s?(?:iphone|ipad|手机)\s?发送"
    r"|发自我的\s?\S{1,20}"
    r"|從我的 ?\S{1,20} ?傳送|נשלח מה-?\s?\S{1,20}(?: שלי)?"
    r")[.!。]?$",
    re.IGNORECASE,
)
_CONTACT = re.compile(
    r"(?:\+?\d[\d ()/.-]{6,}\d|\S+@\S+\.\w{2,}|https?://|\bwww\.|\b(?:tel|phone|mobile?|fax|cell|telefon|mobil|tél|t"
    r"|m|p|e|w)\s?[.:]|"
    r"\b(?:gmbh|ltd|inc|llc|s\.?a\.?r\.?l|b\.?v|s\.?r\.?l|s\.?l|kg|ag|limited|plc)\b\.?$|\b(?:street|strasse|straße"
    r"|str\.|road|avenue|platz|rue|calle|via|straat)\b|[|•])",
    re.IGNORECASE,
)
_ADDRESS = re.compile(
    # 80331 München; D-80331 München; 1010 Wien; 75011 Paris; 28013 Madrid; 1012 AB Amsterdam
    r"(?:[A-Z]{1,3}[- ])?\d{4,5}(?: [A-Z]{2})? [^\W\d_][^\d,;:!?]{1,40}(?:, [^\W\d_][^\d,;:!?]{1,30})?$"
    # Musterweg 12; Am Hang 3a; Kleine Gasse 4-6, 80331 München
    r"|(?:(?:am|an der|an den|auf dem|auf der|beim|im|in der|zum|zur|unter den|hinter der) )?[^\W\d_][^\d,;:!?]{1,40} "
    r"\d{1,4} ?[a-z]?(?: ?[-/] ?\d{1,4} ?[a-z]?)?(?:,? (?:[A-Z]{1,3}[- ])?\d{4,5} [^\W\d_][^\d,;:!?]{1,40})?$"
    r"|\d{1,4}(?: ?(?:bis|ter|[a-z]))?,? (?:rue|avenue|boulevard|bd|place|chemin|impasse|allée|quai)\b[^,;:!?]{1,50}$"
    r"|〒? ?[\d-]{0,10} ?[^\W\d_]{1,6}[都道府県市区][^。、]{1,30}\d[\d-]{0,12}.{0,20}$|〒 ?\d{3}-?\d{4}.{0,40}$"
    r"|(?:postfach|po box|p\.o\. box|bp|apartado)\b[\d ]{1,12}$"
    r"|(?:germany|deutschland|österreich|austria|schweiz|switzerland|france|italia|españa|nederland)$"
    # what a German, Austrian or Swiss firm must say
    r"|.{0,60}\b(?:hrb|hra|amtsgericht|registergericht|handelsregister|ust-?id\w*|uid|steuernummer|iban|bic"
    r"|geschäftsführ\w+|sitz der gesellschaft|vorstand|aufsichtsrat)\b.{0,80}$",
    re.IGNORECASE,
)
"""Lines of an address, and of what stands below it. Under a closing only: alone, `Bus 12` looks the same."""

_FORMS = r"[^\W\d_]{2,6} ?/ ?[^\W\d_]{2,6}(?: ?/ ?[^\W\d_]{2,8})?"
"""she/her, they/them, er/ihm: below a name, or in brackets behind it."""

_PRONOUNS = re.compile(rf"[(\[]?{_FORMS}[)\]]?$")
_PRONOUNS_BEHIND = re.compile(rf" ?[(\[]{_FORMS}[)\]]$")
_AND = re.compile(r" (?:and|und|et|y|e|en|i|и|och|og|&) ", re.IGNORECASE)

_TITLE = re.compile(
    r"\b(?:manager|director|head of|engineer|assistant|officer|consultant|ceo|cto|cfo|coo|vp|founder|owner|lead"
    r"|analyst|accountant|developer|administrator|department|sales|office|"
    r"leiter\w*|geschäftsführer\w*|assistent\w*|vertrieb|buchhaltung|directeur|responsable|directora?|gerente"
    r"|direttore|responsabile|diretora?|hoofd|medewerker)\b|部|課長|经理|מנהל",
    re.IGNORECASE,
)
_ENDS_SIGNATURE = re.compile(r"(?:--$)|(?:p\.?\s?p?\.?s\.?|nb|n\.b|ps)\b\s?[.:,-]?", re.IGNORECASE)
_NAME_WORD = re.compile(r"[^\W\d_][\w'’.-]{0,25}$")
_PARTICLES = frozenset(
    [
        "von",
        "van",
        "de",
        "der",
        "den",
        "da",
        "di",
        "del",
        "la",
        "le",
        "dos",
        "das",
        "du",
        "and",
        "und",
        "y",
        "e",
        "ter",
        "ten",
        "bin",
        "ben",
    ]
)


def signature_spans(text: str, lines: Sequence[Line], *, before_end: bool = False) -> list[Span]:
    """Return the spans of signatures in a run of lines that nothing else has left out.

    With `before_end` a name alone at the end of the run counts as well: a quoted mail or a legal notice follows it.
    """
    spans: list[Span] = []
    place = 0
    while place < len(lines):
        end = _signature_end(text, lines, place)
        if end > place:
            spans.append(over(lines[place], lines[end - 1], SIGNATURE))
        place = max(end, place + 1)
    if (
        before_end
        and (found := _closing_name(lines))
        and not any(start <= found.start < end for start, end, _ in spans)
    ):
        spans.append(over(found, found, SIGNATURE))
    return spans


def _signature_end(text: str, lines: Sequence[Line], place: int) -> int:
    """Return the place after the signature that begins with a line, or `place` if none does."""
    line = lines[place]
    if line.is_cut or not line.text or line.depth:
        return place
    if _SENT_FROM.match(line.text) or _is_footer(lines, place):
        return place + 1
    if _DASHES.match(line.text) and place:
        is_mark = text.startswith("-- ", line.start) or _is_card(lines, place + 1)
        end = _last_signature_line(lines, place + 1, is_marked=is_mark)
        return end if end > place + 1 and _ends_run(lines, end) else place
    thanks, _, closing = _AND.sub("\0", line.text, count=1).partition("\0")
    if closing and _THANKS.match(thanks) and _CLOSING.fullmatch(closing):
        return _last_signature_line(lines, place + 1)
    if _CLOSING.fullmatch(line.text) or _closing_with_name(line.text):
        return _last_signature_line(lines, place + 1)
    if _THANKS.match(line.text):
        end = _last_signature_line(lines, place + 1)
        return end if end > place + 1 or _ends_run(lines, end) else place
    return place


def _is_card(lines: Sequence[Line], place: int) -> bool:
    """Return whether a name and at most three short lines that are no sentences are all that is left.

    Many programs lose the space behind the mark `-- `, and below a name may stand anything: a trade, a town, pronouns.
    """
    written = [line.text for line in lines[place:] if line.text]
    if not 1 < len(written) <= 4 or not is_name(written[0]):
        return False
    return all(len(each) <= 60 and not each.endswith((".", "?", "!", "。", "？")) for each in written)


def _is_footer(lines: Sequence[Line], place: int) -> bool:
    """Return whether a line is a mail program's own, in a paragraph of its own below something written."""
    text = lines[place].text
    is_apart = place > 0 and (not lines[place - 1].text or bool(_DASHES.match(lines[place - 1].text)))
    is_last = place + 1 == len(lines) or not lines[place + 1].text
    return is_apart and is_last and len(text.split()) <= 10 and _is_of_a_program(text)


def _is_of_a_program(text: str) -> bool:
    return bool(_FOOTER_OF.search(text) and _FOOTER.match(text))


def _last_signature_line(lines: Sequence[Line], place: int, *, is_marked: bool = False) -> int:
    """Return the place after the lines that look like a signature's, empty ones at their end not counted.

    Under the mark `--` a line needs only to be short; under a closing the first one is a name, and the others hold a
    name, a title, a company or a way to reach somebody.
    """
    end, written = place, 0
    for number in range(place, min(place + MAX_SIGNATURE_LINES, len(lines))):
        line = lines[number]
        if not line.text:
            continue
        if (
            line.is_cut
            or line.depth
            or _ENDS_SIGNATURE.match(line.text)
            or not _is_signature_line(line.text, is_marked)
        ):
            break
        written += 1
        end = number + 1
    return end


def _is_signature_line(text: str, is_marked: bool) -> bool:
    if is_marked:
        return len(text) <= 100
    if len(text) > 80 or text.endswith(("?", "!")):
        return False
    return (
        is_name(text)
        or (bool(_CONTACT.search(text)) and len(text.split()) <= 10)
        or (bool(_TITLE.search(text)) and len(text.split()) <= 6)
        or bool(_SENT_FROM.match(text))
        or bool(_ADDRESS.match(text))
        or bool(_PRONOUNS.match(text))
        or _is_of_a_program(text)
    )


def is_name(text: str) -> bool:
    """Return whether a line could be a name: up to four words, each with a capital or of a script without any."""
    words = _PRONOUNS_BEHIND.sub("", text).strip("*_,. ").split()
    if not 1 <= len(words) <= 4 or text.endswith((":", ";")):
        return False
    if not any(word[:1].isupper() or not (word[:1].islower() or word[:1].isupper()) for word in words):
        return False
    if len(words) == 1 and not text.isascii() and not words[0][:1].isupper():
        return len(words[0]) <= 8 and all(map(str.isalpha, words[0]))
    return all(
        bool(_NAME_WORD.match(word)) and (not word[:1].islower() or word.lower() in _PARTICLES) for word in words
    )


def _closing_with_name(text: str) -> bool:
    """Return whether a closing and a name share a line: "Kind regards, Cara"."""
    found = _CLOSING.match(text)
    rest = text[found.end() :].strip() if found else ""
    return bool(found and rest and found[0].rstrip("*_").endswith(",") and is_name(rest))


def _ends_run(lines: Sequence[Line], place: int) -> bool:
    return not any(line.text for line in lines[place:])


def _closing_name(lines: Sequence[Line]) -> Line | None:
    """Return the last written line if it is a name in a paragraph of its own below a sentence."""
    written = [place for place, line in enumerate(lines) if line.text]
    if len(written) < 2 or written[-1] == written[-2] + 1:
        return None
    last = lines[written[-1]]
    return last if is_name(last.text) and len(last.text.split()) <= 3 and not last.depth else None

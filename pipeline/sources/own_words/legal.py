# ruff: noqa: E501 (letters of other scripts count as two columns)
"""Legal notices below mail, warnings above it, and requests to save paper.

A customer may well write about confidential mail that reached the wrong person. A notice is told from that by speaking
of itself ("this e-mail"), never of an "I", and by standing at an end of the message with something else before it.
"""

import re
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass

from pipeline.sources.own_words.spans import LEGAL, Line, Span, over

_OPENING = re.compile(
    r"^[*_\s]{0,5}(?:"
    r"(?:legal |e-?mail |privacy )?(?:confidentiality|disclaimer|legal)(?: notice| statement| note)?\s?[:.\-–]|"
    r"(?:confidentiality|privacy|legal) (?:notice|statement|disclaimer)|disclaimer\b|privileged and confidential|"
    r"haftungsausschluss|vertraulichkeitshinweis|rechtlicher hinweis|datenschutzhinweis|wichtiger hinweis:|"
    r"avis de confidentialité|clause de confidentialité|avertissement\s?:|aviso (?:legal|de confidencialidad(?:e)?)"
    r"|advertencia legal|"
    r"cláusula de confidencialidad|avvertenza|informativa (?:sulla )?privacy|nota di riservatezza"
    r"|avviso di riservatezza|"
    r"vertrouwelijkheid|aviso de confidencialidade|免责声明|保密声明|機密保持|免責事項|הבהרה משפטית|הודעת סודיות)",
    re.IGNORECASE,
)
_MESSAGE = re.compile(
    r"\b(?:th(?:is|e) (?:e-?mail|message|communication|transmission|information)|any attachments?|e-?mails? (?:is"
    r"|are) not|"
    r"(?:the|its) contents|diese[rsn]?\s(?:e-?mail|nachricht|mitteilung)|der inhalt|ce(?:t)?\s(?:e-?mail|message"
    r"|courriel|mail)|"
    r"est[ea]\s(?:correo|mensaje|e-?mail|mensagem)|quest[oa]\s(?:messaggio|e-?mail|comunicazione)"
    r"|il presente messaggio|"
    r"le informazioni|dit\s(?:bericht|e-?mail\w*)|deze\s(?:e-?mail\w*|mail|boodschap)|"
    r"you have received|you are not the intended|sie (?:nicht der|diese|irrtümlich)|vous (?:avez reçu|n['’]êtes pas)|"
    r"(?:ha|ha usted) recibido|avete ricevuto|avesse ricevuto|heeft ontvangen|recebeu|"
    r"(?:detta|det här) (?:meddelande|mejl|e-?post\w*)|(?:denne|dette) (?:e-?mail|e-?post\w*|besked|melding\w*|meddelelse)|"
    r"(?:niniejsza|ta) wiadomość|tato zpráva|tämä viesti|(?:har|om du har) (?:fått|modtaget|mottatt) d\w+|"
    r"otrzymali państwo|bu (?:e-?posta|ileti|mesaj))\b|(?:данн\w+|настоящ\w+|это) (?:сообщение|письмо|электронное письмо)|このメール|このメッセージ|本(?:メール|电子邮件|邮件"
    r"|電子メール)"
    r"|הודעה זו|דוא\"ל זה|מסר זה",
    re.IGNORECASE,
)
_SECRET = re.compile(
    r"\b(?:confidential\w*|privileged|proprietary|intended (?:solely|only|recipient|for)|addressee|solely for"
    r"|recipient\(s\)|vertraulich\w*|"
    r"rechtlich geschützt\w*|bestimmungsgemäß\w*|(?:richtige|vorgesehene)r? (?:adressat|empfänger)\w*"
    r"|ausschließlich für|confidentiel\w*|"
    r"destinataires?|exclusivement|confidencia\w*|exclusiv\w*|destinatari[oa]s?|riservat\w*|esclusivamente"
    r"|confidenziali|vertrouwelijk\w*|"
    r"uitsluitend|geadresseerde|bestemd voor|privilegiad\w*|sigilos\w*|konfidentiell\w*|avsett|mottagaren?|fortrolig\w*|"
    r"poufn\w*|wyłącznie dla|adresat\w*|důvěrn\w*|určen\w*|luottamuksel\w*|gizli\w*|конфиденциальн\w*)\b|機密|宛先|保密|机密|收件人|סודי|חסוי|נמען"
    r"|מיועד",
    re.IGNORECASE,
)
_ERROR = re.compile(
    r"\b(?:in error|by mistake|notify (?:the sender|us)|contact the sender|delete|destroy|irrtümlich|versehentlich"
    r"|vernichten|löschen|informieren sie|"
    r"par erreur|détruire|supprimer|avertir|por error|elimin\w+|borr\w+|notifi\w+|per errore|cancell\w+|distrugg\w+"
    r"|per vergissing|abusievelijk|"
    r"ten onrechte|verwijder\w*|por engano|por erro|apag\w+|exclu\w+|av misstag|ved en fejl|ved (?:en )?feil\w*|rader\w*|"
    r"slet\w*|omyłkowo|usunięci\w+|powiadomi\w+|omylem|smazat|vahingossa|yanlışlıkla|по ошибке|удалит\w*)\b|誤って|ご連絡のうえ|削除|误收|错误|删除|בטעות|למחוק|מחק",
    re.IGNORECASE,
)
_FORBIDDEN = re.compile(
    r"\b(?:unauthori[sz]ed|prohibited|disclos\w+|distribut\w+|disseminat\w+|copying|liab\w+|warrant\w+|viruses"
    r"|unbefugt\w*|nicht gestattet|"
    r"unzulässig|untersagt|haftung|weitergabe|vervielfältigung|verboten|interdit\w*|non autorisée?|diffusion"
    r"|divulgation|responsabilité|"
    r"prohibid\w*|difusión|divulg\w+|no autorizad\w+|responsabilidad\w*|vietat\w*|diffusione|divulgazione"
    r"|non autorizzat\w+|verspreiding|verboden|"
    r"openbaarmaking|aansprakelijk\w*|proibid\w*|reprodu\w+)\b|禁止|責任|无权|禁|אסור|אחריות",
    re.IGNORECASE,
)
_GROUPS = (_MESSAGE, _SECRET, _ERROR, _FORBIDDEN)
_COMPANY = re.compile(
    r"\b(?:registered (?:office|in (?:england|scotland|wales|ireland))|sitz der gesellschaft|amtsgericht \w+,? hr[ab]|"
    r"registergericht|ust-?id\w*\.?:? ?(?:nr\.?)?|steuernummer:|n° ?tva|tva intracom|partita iva|kvk[- ]?(?:nr|nummer)|"
    r"geschäftsführe\w+:|vorsitzender? des aufsichtsrats|siège social|capital social de)",
    re.IGNORECASE,
)
_PAPER = re.compile(
    r"(?:consider the environment|think before (?:you )?print|before printing this|denken sie an die umwelt"
    r"|bevor sie diese e-?mail|"
    r"pensez à l['’](?:environnement|impression)|n['’]imprimez|avant d['’]imprimer|piense en el medio ?ambiente"
    r"|antes de imprimir|"
    r"prima di stampare|rispetta l['’]ambiente|denk aan het milieu|voordat u dit bericht print|環境(?:保護)?のため"
    r"|打印(?:本"
    r"|此)邮件前|"
    r"לפני שאתה מדפיס|virus-?free\b|scanned (?:for|by) .{0,40}virus|avast\.com|avg\.com|checked for viruses|virengeprüft|auf viren geprüft"
    r"|wurde von .{0,30} auf viren)",
    re.IGNORECASE,
)
_BANNER = re.compile(
    r"^[\[\s*!⚠️]{0,6}(?:external(?: e-?mail| sender| message)?\s?[\]:!]|extern(?:e e-?mail|er absender)?\s?[\]:]"
    r"|caution\b.{0,40}(?:external|outside)|"
    r"warning\b.{0,40}(?:external|outside)|this (?:e-?mail|message) (?:originated|was sent) (?:from )?(?:outside"
    r"|by an external)|"
    r"you don['’]t often get e-?mail from|achtung\b.{0,40}extern|attention\b.{0,40}externe"
    r"|some people who received this message don['’]t often)",
    re.IGNORECASE,
)
_BANNER_GOES_ON = re.compile(
    r"(?:do not click|learn why this is important|only click|open attachments|klicken sie nicht|ne cliquez pas)",
    re.IGNORECASE,
)
_FIRST_PERSON = re.compile(
    r"(?-i:\bI\b)|\b(?:my|me|ich|mein\w*|mir|je|j['’]|mon|ma|mes|mi|mis|yo|mio|mia|ik|mijn|eu|meu|minha)\b|私|我的|אני"
    r"|שלי",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"[.!?](?=\s|$)|[。！？]|\n")
CLUES = {
    **{f"legal {number}": group for number, group in enumerate(_GROUPS)},
    "legal opening": _OPENING, "legal company": _COMPANY, "legal paper": _PAPER, "legal banner": _BANNER,
}  # fmt: skip
"""What `glance` looks for. Of `_FIRST_PERSON` nothing: it only takes away."""

_GROUP_CLUES = frozenset(f"legal {number}" for number in range(len(_GROUPS)))
MAX_SENTENCE = 600
WRAPPED = 55
"""A shorter line ends its sentence; a longer one was broken by the mail program and goes on in the next."""

MIN_NOTICE = 100
"""Characters: less than that may be a customer's own remark that something is confidential."""


MIN_TEXT = 20
"""Characters; most messages of a chat are shorter and need not be searched."""


@dataclass(frozen=True, slots=True)
class _Sentence:
    """A sentence at start..end of the text, and what in it speaks for a notice."""

    start: int
    end: int
    groups: frozenset[int]
    opens: bool
    stands_alone: bool  # a company's register entry, a plea to save paper, a virus scanner's advertisement

    @property
    def is_evidence(self) -> bool:
        return bool(self.groups) or self.opens or self.stands_alone


def are_possible(clues: Set[str]) -> bool:
    """Whether a text with these clues and no others can hold a notice: see `_notices`, of which this asks less."""
    if clues & {"legal company", "legal paper", "legal banner"}:
        return True
    groups = len(clues & _GROUP_CLUES)
    return ("legal 0" in clues and groups >= 3) or ("legal opening" in clues and groups >= 2)


def legal_spans(text: str, lines: Sequence[Line]) -> list[Span]:
    """Return the spans of legal notices and warnings among lines that nothing else has left out."""
    spans: list[Span] = []
    if lines[-1].end - lines[0].start < MIN_TEXT:
        return spans
    for paragraph in _paragraphs(lines):
        if _BANNER.search(paragraph[0].text):  # on top, or below where a list of mails moved it
            spans += _banner(paragraph)
        sentences = [_sentence(text, start, end) for start, end in _sentences(text, paragraph)]
        for cluster in _clusters(sentences):
            spans += [(first.start, last.end, LEGAL) for first, last in _notices(cluster)]
    return spans


def _banner(paragraph: Sequence[Line]) -> list[Span]:
    """Return the span of a warning in the first lines: it goes on in those that speak of links and senders."""
    last = paragraph[0]
    for line in paragraph[1:]:
        if not (_BANNER.search(line.text) or _BANNER_GOES_ON.search(line.text)):
            break
        last = line
    return [over(paragraph[0], last, LEGAL)]


def _paragraphs(lines: Sequence[Line]) -> Iterator[list[Line]]:
    paragraph: list[Line] = []
    for line in lines:
        if line.text:
            paragraph.append(line)
        elif paragraph:
            yield paragraph
            paragraph = []
    if paragraph:
        yield paragraph


def _sentences(text: str, paragraph: Sequence[Line]) -> Iterator[tuple[int, int]]:
    start, end = paragraph[0].start, paragraph[-1].end
    line_start = start
    for found in _SENTENCE_END.finditer(text, start, end):
        is_line_end = found[0] == "\n"
        is_wrapped = is_line_end and found.start() - line_start >= WRAPPED
        if is_line_end:
            line_start = found.end()
        if is_wrapped and found.end() - start < MAX_SENTENCE:
            continue
        if text[start : found.end()].strip():
            yield start, found.end() - is_line_end
        start = found.end()
    if text[start:end].strip():
        yield start, end


def _sentence(text: str, start: int, end: int) -> _Sentence:
    seen = text[start : min(end, start + MAX_SENTENCE)].replace("\n", " ").strip()
    groups = frozenset(number for number, group in enumerate(_GROUPS) if group.search(seen))
    opens = bool(_OPENING.search(seen))
    stands_alone = bool(_COMPANY.search(seen) or _PAPER.search(seen))
    if (groups or opens or stands_alone) and _FIRST_PERSON.search(seen):
        groups, opens, stands_alone = frozenset(), False, False
    return _Sentence(start, end, groups, opens, stands_alone)


def _clusters(sentences: Sequence[_Sentence]) -> Iterator[list[_Sentence]]:
    """Yield runs of sentences from one that speaks for a notice to another, with at most one between that does not."""
    run: list[_Sentence] = []
    since = 0
    for sentence in sentences:
        if sentence.is_evidence:
            run.append(sentence)
            since = 0
        elif run:
            since += 1
            run.append(sentence)
            if since > 1:
                yield run[:-since]
                run, since = [], 0
    if run:
        yield run[: len(run) - since]


def _notices(cluster: Sequence[_Sentence]) -> Iterator[tuple[_Sentence, _Sentence]]:
    """Yield (first, last) sentence of what is a notice in a cluster: all of it, or what stands alone."""
    groups = frozenset[int]().union(*(sentence.groups for sentence in cluster))
    is_long = cluster[-1].end - cluster[0].start >= MIN_NOTICE
    opens = any(sentence.opens for sentence in cluster)
    if is_long and ((0 in groups and len(groups) >= 3) or (opens and len(groups) >= 2)):
        yield cluster[0], cluster[-1]
    else:
        yield from ((sentence, sentence) for sentence in cluster if sentence.stands_alone)

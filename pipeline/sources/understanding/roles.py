# ruff: noqa: RUF001, E501 (letters of other scripts are meant; some are counted as two columns)
"""Who speaks: words, vendor fields and marks in a text for the customer, the agent, a bot or the system.

Three levels. `role_of` knows words and numbers. `split_transcript` cuts a text in which lines begin with who speaks.
`Census` looks at all threads of a file, since one thread alone does not tell: an author of many threads is staff or a
bot, whoever opens them.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from pipeline.sources.understanding.column_names import compact

CUSTOMER: Final = "customer"
AGENT: Final = "agent"
BOT: Final = "bot"
SYSTEM: Final = "system"

# --- Words --------------------------------------------------------------------------------------------------------

_PHRASES: Final[dict[str, str]] = {
    CUSTOMER: """
        customer, user, client, requester, requestor, visitor, end user, enduser, contact, human, prompter,
        guest, buyer, shopper, member, subscriber, patient, caller, consumer, lead, prospect, submitter,
        complainant, inquirer, enquirer, asker, questioner, reviewer, respondent, player, student, passenger,
        traveler, traveller, tenant, applicant, cardholder, policyholder, borrower, original poster, op,
        inbound, incoming, received, from customer, external, kunde, kundin, kunden, nutzer, nutzerin, benutzer,
        benutzerin, anwender, anwenderin, besucher, besucherin, gast, anfragender, anfragende, anfragesteller,
        anfragestellerin, auftraggeber, mandant, käufer, käuferin, mieter, mieterin, anrufer, anruferin, melder,
        meldender, kontakt, interessent, mitglied, schüler, verbraucher, eingehend, eingang, empfangen,
        versicherter, cliente, clients, utilisateur, utilisatrice, usager, usagère, visiteur, visiteuse,
        demandeur, demandeuse, acheteur, acheteuse, invité, invitée, appelant, appelante, membre, abonné,
        abonnée, entrant, reçu, locataire, usuario, usuaria, visitante, solicitante, comprador, compradora,
        invitado, invitada, contacto, miembro, paciente, huésped, suscriptor, entrante, recibido, consumidor,
        llamante, utente, visitatore, visitatrice, richiedente, acquirente, ospite, contatto, chiamante,
        abbonato, in entrata, ricevuto, usuário, usuária, utilizador, utilizadora, hóspede, contato, assinante,
        recebido, klant, gebruiker, bezoeker, aanvrager, koper, inkomend, beller, klient, użytkownik, kund,
        användare, bruger, asiakas, müşteri, kullanıcı, zákazník, входящее, входящий, входящие, вхідне, przychodzące, przychodząca, gelen, inkommande, indgående,
        inngående, 受信, 接收, 收到, 수신, وارد, клиент, пользователь, посетитель, заявитель,
        покупатель, клієнт, користувач, 顧客, お客様, 客様, ユーザー, ユーザ, 利用者, 客户, 用户, 访客, 客戶, 用戶, 고객, 사용자, 문의자, לקוח,
        לקוחה, משתמש, פונה, عميل, العميل
    """,
    AGENT: """
        agent, assistant, support, staff, operator, admin, administrator, teammate, representative, rep, csr,
        gpt, ai, model, chatbot, llm, chatgpt, claude, gemini, outbound, outgoing, sent, moderator, advisor,
        adviser, consultant, specialist, technician, helpdesk, help desk, service desk, desk, front desk, reception,
        receptionist, rezeption, empfang, réception, recepción, hotline, team, company, business,
        seller, merchant, host, owner, vendor, developer, salesperson, salesman, concierge, doctor, nurse,
        tutor, teacher, expert, supervisor, manager, internal, customer service, customer support, customer
        care, customer success, client service, user support, dispatcher, mitarbeiter, mitarbeiterin,
        bearbeiter, bearbeiterin, berater, beraterin, betreuer, betreuerin, sachbearbeiter, sachbearbeiterin,
        kundenservice, kundendienst, kundenbetreuer, kundenbetreuung, kundenberater, service, techniker,
        technikerin, ausgehend, ausgang, gesendet, verkäufer, händler, anbieter, zuständiger, assistent,
        assistentin, conseiller, conseillère, opérateur, opératrice, assistante, employé, employée, technicien,
        technicienne, vendeur, service client, support client, service clients, équipe, sortant, envoyé,
        gestionnaire, administrateur, agente, asesor, asesora, operador, operadora, soporte, asistente,
        vendedor, vendedora, empleado, empleada, equipo, saliente, enviado, técnico, técnica, atención al
        cliente, servicio al cliente, representante, soporte al cliente, operatore, operatrice, assistenza,
        assistente, supporto, consulente, tecnico, venditore, in uscita, inviato, servizio clienti, assistenza
        clienti, servizio cliente, atendente, suporte, atendimento, atendimento ao cliente, suporte ao cliente,
        equipe, enviada, medewerker, medewerkster, adviseur, ondersteuning, klantenservice, verkoper, uitgaand,
        beheerder, konsultant, doradca, handläggare, medarbejder, temsilci, оператор, агент, поддержка,
        сотрудник, менеджер, консультант, підтримка, 担当者, 担当, オペレーター, オペレータ, サポート, スタッフ, 客服, 坐席, 客服人员, 상담원, 상담사,
        담당자, исходящее, исходящий, исходящие, вихідне, wychodzące, wychodząca, giden, utgående, udgående, 送信, 发送, 发出,
        발신, صادر, נציג, נציגה, תמיכה, סוכן, وكيل, الدعم
    """,
    BOT: """
        bot, virtual agent, virtual assistant, workflow, automation, automated, auto responder, autoresponder,
        answer bot, answerbot, robot, bot user, app bot, integration, ボット, 机器人, бот
    """,
    SYSTEM: """
        system, event, notification, activity, status, tool, function, note, internal note, private note,
        lineitem, log, systemnachricht, système, sistema, notiz, система, システム, 系统
    """,
}


def normalise(word: str) -> str:
    """Return a word as it is looked up: `endUser`, `End-User` and `end_user` are `end user`."""
    word = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", unicodedata.normalize("NFKC", word[:200]))
    return " ".join(re.sub(r"[\s_\-./:]+", " ", word).casefold().split())


ROLES: Final[dict[str, str]] = {
    normalise(phrase): role
    for role in (CUSTOMER, AGENT, BOT, SYSTEM)
    for phrase in _PHRASES[role].replace("\n", " ").split(",")
}
"""What a source's word for a speaker means here."""

_PLURAL: Final = re.compile(r"s$|es$")


def role_of(word: object) -> str | None:
    """Return the role that a word means, or None if it is not understood.

    A phrase that is not known as a whole is known by its words: the `Level 2 Support Agent` and the `customer service
    representative` are agents, the `Premium customer` is a customer.
    """
    if not isinstance(word, str) or not (given := normalise(word)):
        return None
    if found := ROLES.get(given) or ROLES.get(_PLURAL.sub("", given)):
        return found
    parts = given.split()
    if not 1 < len(parts) <= 5:
        return None
    if "to" in parts[:-1]:  # `message to operator`: who it goes to did not say it
        goes_to = role_of(" ".join(parts[parts.index("to") + 1 :]))
        return {CUSTOMER: AGENT, AGENT: CUSTOMER}.get(goes_to or "")
    # up to five words: a longer one is a sentence, in which any word may stand
    means = {ROLES.get(part) or ROLES.get(_PLURAL.sub("", part)) for part in parts}
    # `chat bot user` is the bot's, `customer support` the agent's: the customer is named in other people's titles
    return next((role for role in (BOT, AGENT, CUSTOMER, SYSTEM) if role in means), None)


def is_role_word(name: str) -> bool:
    """Return whether a name is nothing but a word for a role, and so nobody's: `Agent`, not `Guest 17`."""
    given = normalise(name)
    return given in ROLES or _PLURAL.sub("", given) in ROLES


USER: Final = "user"
_NEVER_STAFF: Final = frozenset(("contact", "visitor", "customer", "end user", "lead", "client", "requester", "guest"))


def has_other_customers(words: Collection[str]) -> bool:
    """Return whether the words for roles, normalised, call customers otherwise than `user`, and all by one word."""
    others = {word for word in words if word != USER and role_of(word) == CUSTOMER}
    return len(others) == 1 and others <= _NEVER_STAFF


# --- Fields of vendors --------------------------------------------------------------------------------------------

_BY_NUMBER: Final[dict[str, dict[str, str]]] = {
    "direction": {"in": CUSTOMER, "out": AGENT, "i": CUSTOMER, "o": AGENT},
    "messagetype": {"0": CUSTOMER, "1": AGENT, "2": SYSTEM, "3": BOT, "template": BOT},  # Chatwoot
    # tawk.to; the others are what Rocket.Chat itself writes: who joined, who took over, why it was closed
    "t": {
        "v": CUSTOMER, "a": AGENT, "s": SYSTEM,
        **dict.fromkeys(("uj", "ul", "au", "ru", "ut", "wm", "rm", "command", "room_changed_topic"), SYSTEM),
    },
    "type": {"10000": SYSTEM, "10002": SYSTEM},  # WeChat's notices
}  # fmt: skip
_YES: Final = frozenset("true 1 yes y t ja oui si sí sì vrai wahr verdadero vero sim tak да evet はい 是 예".split())  # noqa: SIM905
_NO: Final = frozenset(
    "false 0 no n f nein non faux falsch falso não nao nee nie нет hayır いいえ 否 아니요".split()  # noqa: SIM905
)


def is_yes(value: object) -> bool:
    """Return whether a flag of an export says yes, as JSON, as a number or in words: True, 1, "yes", "ja"."""
    return value is True or (isinstance(value, str | int | float) and _plain(value) in _YES)


def is_no(value: object) -> bool:
    """Return whether a flag of an export says no; a flag that is empty says neither."""
    return value is False or (isinstance(value, str | int | float) and _plain(value) in _NO)


def _plain(value: object) -> str:
    return str(value).strip().casefold().removesuffix(".0")  # a spreadsheet writes the number 1 as 1.0


_FLAGS: Final[dict[str, tuple[str, str]]] = {
    **dict.fromkeys(
        ("inbound", "incoming", "isinbound", "isincoming", "iscustomer", "fromcustomer", "isuser", "fromuser",
         "customermessage", "isfromcustomer", "isclient", "fromclient", "eingehend", "entrant", "entrante", "isvisitor",
         "isrequester", "fromrequester", "bycustomer", "isenduser", "iscreatedbyuser", "createdbyuser", "sentbyuser"),
        (CUSTOMER, AGENT),
    ),
    **dict.fromkeys(
        ("outbound", "outgoing", "isoutbound", "isoutgoing", "isagent", "fromagent", "isstaff", "fromstaff", "fromme",
         "isfromagent", "isadmin", "issupport", "ausgehend", "sortant", "saliente", "isoperator", "fromoperator",
         "byagent", "isreply", "isstaffreply", "issender", "isself", "isme", "sentbyme", "isfromme", "ismine", "isown",
         "fromself", "isoutgoingmessage", "issentbyme"),
        (AGENT, CUSTOMER),
    ),
    **dict.fromkeys(("isbot", "frombot", "isautomated", "bot", "automated", "autoresponse", "auto"), (BOT, "")),
    **dict.fromkeys(("system", "issystem", "systemmessage", "issystemmessage", "systemgenerated"), (SYSTEM, "")),
    **dict.fromkeys(("staff", "admin", "moderator", "ismoderator", "employee", "isemployee"), (AGENT, "")),
}  # fmt: skip


def is_flag(name: str) -> bool:
    """Return whether a column or field of that name says by true and false who speaks: `inbound`, `from_agent`."""
    return _compact(name) in _FLAGS


def role_in_field(name: str, value: object) -> str | None:
    """Return what a field of a message says about its speaker, or None.

    `inbound` true, `from_agent` false, `message_type` 0 and `direction` "inbound-api" are all the customer's.
    """
    text = str(value).strip()
    plain, field_name = _plain(value), _compact(name)
    if field_name in _FLAGS:
        when_true, when_false = _FLAGS[field_name]
        if plain in _YES:
            return when_true
        if plain in _NO:
            return when_false or None
    if field_name == "t" and plain.startswith(("livechat", "omnichannel", "user-", "subscription-role")):
        return SYSTEM
    return _BY_NUMBER.get(field_name, {}).get(plain) or role_of(text)


def _compact(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.casefold())


# --- Transcripts inside one text ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Utterance:
    """One message of a transcript; `role` is empty where only a name is given, `time` where none is."""

    role: str
    author: str
    text: str
    time: str = ""


# [08:00] Ada (Support): Hello  |  2026-05-02 08:00 - Cara: Hello  |  (10:01:02 AM) Visitor 123: Hello  |  **Agent:** Hello
_TIME: Final = (
    r"[\[(]?((?:\d{1,4}[-./]\d{1,2}[-./]\d{1,4}[ ,T]{1,2})?\d{1,2}:\d{2}(?::\d{2})?(?: ?[AaPp]\.?[Mm]\.?)?)[\])]?"
)
_LABEL: Final = re.compile(
    rf"^[ \t>]{{0,3}}(?:{_TIME}[ \t]*[-–|,]?[ \t]*)?[*_<\[]{{0,2}}"
    r"([^\W\d_][^\n:：\[\]()<>*|]{0,39}?|[QA])"  # who speaks
    r"(?:[ \t]*[(\[]([^\n()\[\]]{1,40})[)\]])?"  # (Support)
    rf"(?:[ \t]*{_TIME})?"
    r"[\]>*_]{0,2}[ \t]*[:：][*_]{0,2}(?=[ \t]|$|[^\d/\\])[ \t]*(.*)$"
)
_FORM_WORDS: Final = frozenset(
    """
    subject betreff objet asunto oggetto assunto order bestellung commande pedido ordine name nom nombre nome
    email e-mail mail phone telefon téléphone teléfono telefono date datum fecha data note notes hinweis nota
    error fehler erreur url link steps step expected actual version browser device os platform system product
    produkt produit producto message nachricht mensaje messaggio description beschreibung address adresse
    dirección from to cc sent von an gesendet de para company firma category kategorie priority priorität status
    id number nummer invoice rechnung facture factura account konto reason grund problem issue question frage re
    aw fwd wg ps p.s summary environment time zeit hora heure ip type result output input warning info debug
    example beispiel reproduce attachment attachments model serial quantity
    """.split()  # noqa: SIM905 (a list of 200 words is read best as text)
)
MAX_LINES = 4000
"""A text of more lines is not looked at as a transcript."""

_MAX_LINE = 300  # characters of a line in which a label is looked for


def split_transcript(text: str, customers: Collection[str] = ()) -> list[Utterance] | None:
    """Return the messages of a text in which lines begin with who speaks, or None if it is an ordinary text.

    It is a transcript if its labels name both sides, or if two names take turns; a single label does only for a word
    such as `Caller`, behind an introduction. Labels of a form (`Order: 55`) make none. `customers` are names by which
    the customer is known: beside one of them any other name is somebody else's.
    """
    if text.count("\n") > MAX_LINES:
        return None
    text = _one_label_a_line(text)
    if not re.search(r"[:：]", text):
        return None
    lines = [(line, _LABEL.match(line[:_MAX_LINE])) for line in text.splitlines()]
    labels = [found for _, found in lines if found]
    starts = bool(lines) and lines[0][1] is not None
    speakers = _speakers(labels, {identity(name) for name in customers if name}, starts=starts)
    return list(_utterances(lines, speakers)) if speakers else None


_ELAPSED: Final = re.compile(r"^\( ?(?:\d{1,3}h )?(?:(\d{1,2})m )?(\d{1,2})s ?\)\s{0,3}", re.MULTILINE)
"""How Salesforce's chats say when: `( 12s ) Kim: Hello`."""

_ARROW: Final = re.compile(r"^[<>]{1,2} (?=[^\W\d_][^\n:]{0,60}:)", re.MULTILINE)
_TO: Final = re.compile(r"^(.{0,12}\bFrom [^\n:()]{1,60}?) ?\([^\n:()]{1,40}\) (to [^\n:]{1,60}:)", re.MULTILINE)
_IN_BRACKETS: Final = re.compile(r"^\[([^\W\d_][^\n:\[\]]{1,30})\][ \t]{1,3}(?=\S)", re.MULTILINE)
_INLINE: Final = re.compile(r"(?<=[.!?…|;])\s{0,3}\|?\s{1,3}([^\W\d_][\w -]{1,25}):(?=\s)")
MAX_INLINE: Final = 20_000
"""Characters of a line in which labels are looked for."""


def _one_label_a_line(text: str) -> str:
    """Return a transcript as `split_transcript` reads it, each message on a line that begins with who speaks.

    Others write `[Customer] Hello`, `( 12s ) Kim: Hello`, `> Visitor (10:32): Hello`, the word on a line of its own, or
    all in one line. A text that is no transcript is returned as it is.
    """
    text = _ELAPSED.sub(lambda found: f"[{int(found[1] or 0):02}:{int(found[2]):02}] ", _ARROW.sub("", text))
    text = _TO.sub(r"\1 \2", text)
    text = _if_both_sides(text, _IN_BRACKETS, r"\1: ")
    lines = text.split("\n")
    if ":" not in text or len(lines) > 1:
        alone = [role_of(line.strip()) for line in lines if len(line) <= 30 and is_role_word(line.strip())]
        if {CUSTOMER, AGENT} <= set(alone):
            text = "\n".join(
                f"{line.strip()}:" if len(line) <= 30 and is_role_word(line.strip()) else line for line in lines
            )
    first = re.match(r"\s{0,5}([^\W\d_][\w -]{1,25}):\s", text)
    if first and role_of(first[1]) and len(text) <= MAX_INLINE:
        roles = {role_of(found[1]) for found in _INLINE.finditer(text)} | {role_of(first[1])}
        if {CUSTOMER, AGENT} <= roles:
            text = _INLINE.sub(lambda found: f"\n{found[1]}:" if role_of(found[1]) else found[0], text)
    return text


def _if_both_sides(text: str, label: re.Pattern[str], instead: str) -> str:
    """Return a text with other labels, if the words in them are those of a customer and of an agent."""
    roles = {role_of(found[1]) for found in label.finditer(text)}
    return label.sub(instead, text) if {CUSTOMER, AGENT} <= roles else text


def _speakers(labels: Sequence[re.Match[str]], customers: Collection[str], *, starts: bool) -> dict[str, str]:
    """Return who the labels name, with the role as far as the words tell; nothing if they make no transcript."""
    roles: dict[str, str] = {}
    timed, turns = set(), Counter(_who(label) for label in labels)
    for label in labels:
        who = _who(label)
        words = (label[2], label[3] or "", re.sub(r"[\s#]*[\d-]+$", "", label[2]))  # `Visitor 8812` is a visitor
        own = CUSTOMER if identity(who) in customers else ""
        roles[who] = own or roles.get(who) or next((role for word in words if (role := role_of(word))), "")
        if label[1] or label[4]:
            timed.add(who)
    named = {who: role for who, role in roles.items() if role or who in timed or who.casefold() not in _FORM_WORDS}
    with_role = {who: role for who, role in named.items() if role and who.casefold() not in _FORM_WORDS}
    # both sides by word, or one word and times: then every label that speaks more than once counts
    if len(set(with_role.values())) > 1 or (with_role and timed and len(named) > 1):
        return {who: role for who, role in named.items() if role or who in timed or turns[who] > 1}
    is_known = any(identity(who) in customers for who in with_role)
    enough = 2 if is_known and starts else 3  # `Agent:` and `Cara:` in turns
    if with_role and len(named) == 2 and len(roles) == 2 and sum(turns.values()) >= enough:
        return named
    names = {who: "" for who in named if turns[who] > 1 or who in timed}
    if starts and not with_role and 2 <= len(names) <= 6 and len(names) == len(roles):
        return names
    single = {who: role for who, role in with_role.items() if who.casefold() in _SINGLE}
    return single if len(single) == 1 and len(roles) == 1 else {}


_SINGLE: Final = frozenset(("caller", "customer", "anrufer", "anruferin", "kunde", "kundin", "appelant", "llamante"))


def _who(label: re.Match[str]) -> str:
    who = str(label[2]).strip()
    told = _FROM_TO.match(who)
    return told[1] if told else who


_FROM_TO: Final = re.compile(r"(?:From|Von|De|Da|Van) (\S.{0,60}?) (?:to|an|à|a|para|naar) \S", re.IGNORECASE)
"""How the chat of a video call says who wrote to whom: `From Ada Roe to Everyone`."""


_AND_NUMBER: Final = re.compile(r"[\s#]*[\d-]+$")
_IN_PARENTHESES: Final = re.compile(r"(.{1,60}?)\s{0,3}[(\[]([^\n()\[\]]{1,40})[)\]]$")
_ROLE_BEHIND: Final = re.compile(r"(.{1,60}?)\s{0,3}[|,/–-]\s{0,3}([^\n()\[\]]{1,40})$")


def speaker_of(label: str) -> tuple[str, str]:
    """Return the role and the name that a label before a message tells, each empty if it does not.

    `Ada (Support)` is Ada, an agent; `Visitor 8812` a customer without a name; `From Ada Roe to Everyone` is Ada Roe.
    """
    told = _FROM_TO.match(label.strip())
    who = told[1] if told else label.strip().removeprefix("From ")
    if behind := _IN_PARENTHESES.match(who):  # what stands in them is never part of the name
        return role_of(behind[2]) or role_of(behind[1]) or "", "" if is_role_word(behind[1]) else behind[1]
    if role := role_of(_AND_NUMBER.sub("", who)):
        return role, "" if is_role_word(_AND_NUMBER.sub("", who)) else who
    if (parts := _ROLE_BEHIND.match(who)) and (role := role_of(parts[2])):
        return role, parts[1].strip()
    return "", who


def _utterances(lines: Iterable[tuple[str, re.Match[str] | None]], speakers: Mapping[str, str]) -> Iterator[Utterance]:
    """Yield the messages; what stands before the first label is nobody's, and a label that names nobody is text."""
    role = author = time = ""
    parts: list[str] = []
    for line, label in lines:
        if label is None or _who(label) not in speakers:
            parts.append(line)
            continue
        if text := "\n".join(parts).strip():
            yield Utterance(role if author or role else _preface(text), author, text, time)
        author, time = _who(label), label[1] or label[4] or ""
        role = speakers[author]
        if role and (role_of(author) or role_of(re.sub(r"[\s#]*[\d-]+$", "", author))):
            author = "" if role_of(label[3]) else label[3] or ""  # a word for a role is nobody's name
        parts = [line[label.start(5) :]]
    if text := "\n".join(parts).strip():
        yield Utterance(role, author, text, time)


_ENTRY: Final = re.compile(
    r"^(\d{1,4}[-./]\d{1,2}[-./]\d{1,4} \d{1,2}:\d{2}(?::\d{2})?(?: [AP]M)?) - ([^\n()]{1,80}?) \(([^()\n]{3,40})\)[ \t]*$",
    re.MULTILINE,
)
_OF_THE_TEAM: Final = re.compile(r"work|intern|arbeits|travail|trabajo", re.IGNORECASE)


def split_journal(text: str) -> list[Utterance]:
    """Return the entries of a journal field as ServiceNow writes it, the oldest first, without the team's work notes.

    Each begins with a line such as `2026-05-02 09:00:00 - Lee Roe (Additional comments)`. Empty if it is none.
    """
    found = list(_ENTRY.finditer(text))
    if not found:
        return []
    ends = [each.start() for each in found[1:]] + [len(text)]
    entries = [
        Utterance("", each[2].strip(), text[each.end() : end].strip(), each[1])
        for each, end in zip(found, ends, strict=True)
        if not _OF_THE_TEAM.search(each[3])
    ]
    return entries[::-1] if entries and entries[0].time > entries[-1].time else entries


_PREFACE: Final = re.compile(
    r"\s{0,3}[^\n]{0,60}(?:chat|transcript|conversation|call|gespräch|unterhaltung|appel|conversación|llamada|chiamata|会話)"
    r"[^\n]{0,120}(?:\n[^\n]{0,120}){0,3}",
    re.IGNORECASE,
)


def _preface(text: str) -> str:
    """Return the role of what stands above a transcript: the system's if it is its heading, else still open."""
    is_heading = _PREFACE.fullmatch(text) and (re.search(r"\d", text) or text.endswith(":"))
    return SYSTEM if is_heading else ""


# --- A whole file -------------------------------------------------------------------------------------------------

MAX_AUTHORS = 100_000
"""Authors that a census remembers; beyond that, those of the fewest threads are forgotten first."""


@dataclass(slots=True)
class Census:
    """Who occurs in how many threads, and which words for roles there are, over a whole file.

    It decides where a message says only who wrote it: who opens a thread need not be its customer.
    """

    threads: int = 0
    threads_of: Counter[str] = field(default_factory=Counter)
    opened_by: Counter[str] = field(default_factory=Counter)
    words: Counter[str] = field(default_factory=Counter)
    _floor: int = 0

    def see(self, authors: Sequence[str], words: Iterable[str] = ()) -> None:
        """Take a thread into account: the authors of its messages in their order, and their words for roles."""
        self.threads += 1
        who = [key for author in authors if (key := identity(author))]
        self.threads_of.update(set(who))
        self.opened_by.update(who[:1])
        self.words.update(normalise(word) for word in words if word)
        if len(self.threads_of) > MAX_AUTHORS:
            self._forget()
        if len(self.words) > MAX_AUTHORS:  # a column of names or of texts is not one of roles
            self.words = Counter(dict(self.words.most_common(1000)))

    def _forget(self) -> None:
        while len(self.threads_of) > MAX_AUTHORS // 2:
            # the bar rises until half have gone, so that forgetting is rare and costs little each time
            self._floor += 1
            self.threads_of = Counter({who: count for who, count in self.threads_of.items() if count > self._floor})
        self.opened_by = Counter({who: count for who, count in self.opened_by.items() if who in self.threads_of})

    def is_staff(self, who: str) -> bool:
        """Return whether somebody is in so many threads that they are hardly the customer of all: staff, or a bot.

        That is at least 3 threads and one in twenty, or 30 and one in five hundred (one of many agents). Somebody who
        opened most of their threads may as well be a customer who asks often; then it takes half of all threads, or 15
        and one in ten.
        """
        count, threads = self.threads_of[who], self.threads
        if count < min(max(3, threads / 20), max(30, threads / 500)):
            return False
        return 2 * self.opened_by[who] <= count or count >= threads / 2 or count >= max(15, threads / 10)

    def customer_among(self, authors: Sequence[str]) -> str:
        """Return the identity of the customer among the authors of a thread, in their order; empty if there is none.

        It is the first who is not staff; but not somebody of 30 threads beside somebody of a tenth of them. Where all
        look like staff, it is who occurs in a third of the threads, or fewer, of each of the others; or else the only
        one who opens most of the threads they occur in. An author who writes alone in the whole file is the customer.
        """
        who = list(dict.fromkeys(key for author in authors if (key := identity(author))))
        if others := [each for each in who if not self.is_staff(each)]:
            first = self.threads_of[others[0]]
            return next((each for each in others if first >= 30 and 10 * self.threads_of[each] <= first), others[0])
        if len(self.threads_of) == 1 and who:
            return who[0]
        rarest = sorted(who, key=lambda each: self.threads_of[each])[:2]
        if len(rarest) == 2 and 3 * self.threads_of[rarest[0]] <= self.threads_of[rarest[1]]:
            return rarest[0]
        asking = [each for each in who if 2 * self.opened_by[each] >= self.threads_of[each]]
        return asking[0] if len(asking) == 1 and len(who) > 1 else ""

    def meanings(self) -> dict[str, str]:
        """Return what each word for a role means in this file; a word that stays open is not in it.

        Where the other words are all of the agents' side, the one other word that is used in at least a tenth of the
        messages is the customer's; likewise the other way round. A `user` beside a `contact`, with nobody called an
        agent, is who works with the program.
        """
        known = {word: role for word in self.words if (role := role_of(word))}
        if USER in known and has_other_customers(known) and AGENT not in known.values():
            known[USER] = AGENT
        sides = {role for role in known.values() if role in (CUSTOMER, AGENT)}
        open_words = [word for word in self.words if word not in known]
        if len(open_words) == 1 and len(sides) == 1 and self.words[open_words[0]] * 10 >= self.words.total():
            known[open_words[0]] = AGENT if sides == {CUSTOMER} else CUSTOMER
        return known


@lru_cache(maxsize=20_000)
def identity(name: str) -> str:
    """Return what two ways of writing one person's name have in common: `Żaneta Ciołek` is `zaneta.ciolek`."""
    plain = unicodedata.normalize("NFKC", name).casefold().lstrip("@")
    if "@" in plain:
        return " ".join(plain.split())  # in an address each sign counts
    return compact(plain) if any(map(str.isalnum, plain)) else " ".join(plain.split())


def assign_roles(
    messages: Sequence[dict[str, str]],
    *,
    customer_names: Collection[str] = (),
    census: Census | None = None,
    meanings: Mapping[str, str] | None = None,
) -> None:
    """Set the role of each message of a thread, in place.

    A message's word for its role decides where there is one (`meanings` first, which a person or a census gave); a word
    that is not understood stays, in lower case. Else its author does: one of the record's customers is the customer, a
    word for a role means that. Where nobody is the customer by then, messages without author are the customer's, and so
    are those of the one whom the census takes for it, or without a census, of who speaks first. Of the other names,
    staff are agents, and any other stays open: an empty role.
    """
    customers = {identity(name) for name in customer_names if name}
    desk = _at_the_desk(messages)
    for message in messages:
        # all words first: whether anybody is the customer by word decides what the census is asked
        message["role"] = _own_role(message, customers, meanings or {})
    _keep_roles(messages)
    _know_the_owner(messages)
    census = census or Census()
    is_named = any(message["role"] == CUSTOMER and message["author"] for message in messages)
    authors = [message["author"] for message in messages if not message["role"]]
    open_authors = [author for author in authors if identity(author) not in desk]
    customer = "" if is_named else census.customer_among(open_authors)
    for message in messages:
        who = identity(message["author"])
        if message["role"]:
            continue
        if not who or who == customer:
            message["role"] = CUSTOMER
        elif (
            who in desk
            or census.is_staff(who)
            or (customer and census.threads_of[who] >= max(30, 10 * census.threads_of[customer]))
        ):
            message["role"] = AGENT


_ONESELF: Final = frozenset(
    map(
        identity,
        """
        you me i myself ich du sie selbst moi vous toi tu yo tú usted io lei ik jij u eu você jag jeg minä ben sen siz
        ja ty pan pani я ты вы ви ти я(вы) ја εγώ 自分 自己 私 あなた 我 您 你 나 회원님 אני אתה أنا أنت
        """.split(),  # noqa: SIM905 (read best as text)
    )
)


def is_oneself(name: str) -> bool:
    """Return whether a name is how a program calls whoever saved the chat: the desk's own telephone or account."""
    return identity(name) in _ONESELF


def _know_the_owner(messages: Sequence[dict[str, str]]) -> None:
    """Give the messages of `Me` to the agent, beside others with a name: who exports a chat is the firm.

    Not where somebody is an agent already: then the text is one that a customer copied.
    """
    owners = [each for each in messages if not each["role"] and is_oneself(each["author"])]
    others = [each for each in messages if each["author"] and not is_oneself(each["author"])]
    if owners and others and not any(each["role"] == AGENT for each in messages):
        for message in owners:
            message["role"] = AGENT


def _keep_roles(messages: Sequence[dict[str, str]]) -> None:
    """Give a message without a role that which its author has everywhere else in the thread."""
    roles: dict[str, set[str]] = {}
    for message in messages:
        if message["role"] in (CUSTOMER, AGENT) and message["author"]:
            roles.setdefault(identity(message["author"]), set()).add(message["role"])
    for message in messages:
        if not message["role"] and len(known := roles.get(identity(message["author"]), set())) == 1:
            message["role"] = next(iter(known))


_OF_A_DESK: Final = re.compile(
    r"thanks? (?:you )?for (?:calling|contacting|reaching out|your patience|holding)|how (?:can|may) (?:i|we) (?:help|assist)"
    r"|(?:danke|vielen dank) für (?:ihren|deinen) anruf|(?:wie|womit) kann ich (?:ihnen|dir) (?:weiter)?helfen"
    r"|merci (?:de votre|d['’]avoir|pour votre) appel|(?:comment|en quoi) puis-je vous (?:aider|être utile)"
    r"|gracias por (?:llamar|contactar|comunicarse)|en qué (?:le |te )?puedo ayudar|grazie per (?:aver|averci|la chiamata)"
    r"|come posso (?:aiutar|esser)|waarmee kan ik|bedankt voor (?:het bellen|uw telefoontje|je telefoontje)"
    r"|(?:em que|como) posso (?:te |lhe |o |a )?ajud|お電話ありがとうございます|ご用件を|请问有什么(?:可以|能)帮|무엇을 도와",
    re.IGNORECASE,
)
GREETED: Final = 6
"""Messages at the beginning of a conversation in which somebody of the desk greets."""


def greets_as_a_desk(text: str) -> bool:
    """Return whether a message begins as those of whoever is called and asked do."""
    return bool(_OF_A_DESK.search(text[:300]))


def _at_the_desk(messages: Sequence[Mapping[str, str]]) -> set[str]:
    """Return who greets as those do who are called and asked, unless that is everybody."""
    authors = {identity(message["author"]) for message in messages if message["author"]}
    desk = {
        identity(message["author"])
        for message in messages[:GREETED]
        if message["author"] and greets_as_a_desk(message["text"])
    }
    # if everybody greets so, it tells nobody apart
    return desk if desk < authors else set()


def _own_role(message: dict[str, str], customers: Collection[str], meanings: Mapping[str, str]) -> str:
    if given := message["role"].strip():
        return meanings.get(normalise(given)) or role_of(given) or given.lower()[:200]
    if (who := identity(message["author"])) and who in customers:
        return CUSTOMER
    role = role_of(message["author"])
    if is_role_word(message["author"]):
        message["author"] = ""
    return role or ""

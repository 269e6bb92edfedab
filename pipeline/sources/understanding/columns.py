# ruff: noqa: E501 (letters of other scripts count as two columns)
"""Which column of a table, or which path in a JSON object, means what: by its name, by its values, or as a person says.

`find` gives a `Mapping`, which says in a sentence what it took for what, so that a person can check it. Where columns
would do alike, nothing is guessed: `AmbiguousColumns` names them, with the --map to give.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from pipeline.sources.understanding import times
from pipeline.sources.understanding.roles import CUSTOMER, is_flag, role_in_field


class AmbiguousColumns(ValueError):
    """It cannot be told which column is meant; the message names the candidates and what to give."""


class UnknownColumn(ValueError):
    """A mapping names a field or a column that is not there; the message names those that are."""


# --- Names --------------------------------------------------------------------------------------------------------

# What each field is called, the best name first: small letters and digits only.
_NAMES: Final[dict[str, str]] = {
    "id": """id ticketid ticketnumber ticketno ticketnr caseid casenumber caseno issuekey key issueid issuenumber tweetid messageid
        reviewid responseid feedbackid requestid requestnumber submissionid entryid postid commentid complaintid recordid uuid guid
        externalid _id objectid number no nr ticket case reference referencenumber ref # rowid index
        ticketnummer fallnummer vorgangsnummer vorgangsnr vorgang nummer kennung referenz anfragenummer
        identifiant ndeticket nticket ndedossier numero numeroticket numeroduticket numerodeticket idticket iddeticket numerodedossier
        identificador numerodecaso idcaso iddecaso numerocaso codigo folio numerodelticket codice idrichiesta
        protocolo numerodochamado zaaknummer kenmerk 番号 チケット番号 管理番号 编号 工单号 번호""",
    "conversation": """conversationid conversationhash conversationkey conversation threadid threadkey threadts thread chatid
        linkid topicid sessionid dialogid dialogueid dialogue dialog callid roomid interactionid chatsessionid gesprachsid gesprachid gesprach
        konversation konversationsid unterhaltung sitzungsid idconversation conversacion idconversacion iddeconversacion hilo
        conversazione idconversazione conversa idconversa gesprekid 会話id 会话id""",
    "text": """text body message messagetext messagebody content plaintext description customermessage initialmessage firstmessage
        usermessage comment comments feedback review reviewtext reviewbody reviewcontent transcript question complaint
        consumercomplaintnarrative complaintwhathappened narrative verbatim inquiry enquiry query request details problem issue post
        tweet utterance instruction prompt conversation dialogue chat fulltext note notes remarks answer freetext
        nachricht beschreibung inhalt kommentar kommentare anfrage anliegen problembeschreibung frage rezension bewertungstext
        ruckmeldung mitteilung freitext meldung nachrichtentext texte contenu commentaire commentaires demande avis probleme
        messageduclient texto mensaje descripcion comentario comentarios contenido consulta pregunta resena opinion solicitud
        problema reclamo queja testo messaggio descrizione commento contenuto richiesta recensione domanda segnalazione
        mensagem descricao conteudo pergunta avaliacao reclamacao tekst bericht omschrijving beschrijving opmerking vraag
        本文 内容 問い合わせ内容 お問い合わせ内容 メッセージ コメント 描述 评论 留言 正文 내용 메시지 문의내용""",
    "subject": """subject title ticketname casename issuename reviewtitle headline reviewheadline summary shortdescription ticketsubject
        betreff titel uberschrift zusammenfassung kurzbeschreibung objet sujet titre resume intitule asunto titulo
        oggetto titolo assunto onderwerp 件名 タイトル 标题 主题 제목""",
    "customer": """customer requester client contact caller callerid associatedcontact associatedcontacts user reporter customername requestername contactname clientname username
        reviewer reviewername reportername submitter submittername respondent fullname name displayname author authorname visitor
        member submittedby createdby openedby reportedby raisedby requestedby sender sendername from
        kunde kundin kundenname nutzer benutzer ersteller melder absender anfragender gemeldetvon erstelltvon
        demandeur nomduclient utilisateur auteur cliente usuario solicitante nombre nombredelcliente nombrecliente remitente
        richiedente utente nome nomecliente autore mittente autor klant naam
        顧客 お客様 お客様名 顧客名 氏名 客户 客户名称 用户 用户名 고객 고객명 이름""",
    "customer_email": """requesteremail customeremail contactemail clientemail useremail email emailaddress mail mailaddress
        reporteremail submitteremail respondentemail recipientemail senderemail fromemail fromaddress authoremail
        kundenemail emailkunde emailadresse mailadresse kundenmail emaildesanfragenden adresseemail adressemail courriel
        emailduclient emailclient correo correoelectronico emailcliente emaildelcliente correodelcliente
        direcciondecorreoelectronico indirizzoemail posta emaildocliente enderecodeemail emailadres klantemail
        メールアドレス 邮箱 电子邮件 이메일""",
    "customer_id": """requesterid reporterid customerid clientid contactid userid visitorid memberid subscriberid accountid customerkey
        customernumber customerno authorid senderid anonymousid kundennummer kundennr kundenid nutzerid benutzerid
        idclient numeroclient numeroduclient idutilisateur idcliente iddecliente idusuario numerodecliente idutente
        klantnummer klantid 顧客番号 会員番号 客户编号 고객번호""",
    "created_at": """createdat created createdon createddate createdtime creationdate creationtime datecreated timecreated createtime
        createdate creation opened openedat openedon openeddate opendate dateopened submittedat submitted submittedon submissiondate
        submissiontime datesubmitted submitdate received receivedat receiveddate datereceived sentat senton sentdate datesent sent
        date datetime timestamp posted postedat postdate postedon published publishedat publicationdate reviewdate reviewedat
        reviewsubmitdateandtime reviewcreationdate messagedate messagetime ticketcreated requestdate reportedat reportdate
        dateandtime starttime startdate startedat started recordeddate completedat enddate time at ts epoch day
        syscreatedon createddatetime sentdatetime timestampms
        reviewsubmitmillissinceepoch millis zeitstempel datum datumuhrzeit datumundzeit datumzeit erstelltam erstellt erstelldatum
        erstellungsdatum erstellungszeitpunkt eingang eingangsdatum eingegangenam angelegtam gemeldetam geoffnetam zeit zeitpunkt
        gesendetam datedecreation creele cree dateheure dateetheure horodateur horodatage dateouverture datedouverture dateenvoi
        recule fecha fechadecreacion fechacreacion creadoel creado fechayhora fechahora marcatemporal fechaapertura
        fechadeapertura fechadeenvio recibidoel data datacreazione datadicreazione creatoil creato dataeora dataora
        informazionicronologiche dataapertura datacriacao datadecriacao criadoem datahora carimbodedatahora dataehora
        aangemaaktop aangemaakt aanmaakdatum tijdstempel 作成日 作成日時 日時 日付 受付日時 タイムスタンプ 创建时间 时间 日期
        提交时间 생성일 날짜 작성일 타임스탬프""",
    "role": """role senderrole authorrole participantrole sendertype authortype usertype participanttype messagetype
        direction inbound isinbound incoming isincoming fromcustomer iscustomer isfromcustomer outbound isoutbound fromagent isagent
        isstaff fromme speaker party side participant type kind sender author from who
        rolle absendertyp richtung sprecher eingehend rol sens emetteur direccion sentido ruolo direzione papel direcao
        役割 送信者種別 角色 方向 역할""",
    "author": """author sender from authorname sendername fromname username user authorid senderid agentname speaker participant poster who name
        verfasser absender autor benutzer auteur expediteur remitente usuario mittente autore utente remetente afzender
        投稿者 送信者 发送者 作者 발신자 작성자""",
    "reply_to": """inresponsetotweetid inresponsetostatusid inresponsetoid inresponseto inreplyto inreplytoid inreplytostatusid
        inreplytotweetid replyto replytoid replytomessageid parentid parentmessageid parentcommentid parenttweetid repliedto
        antwortauf enreponsea enrespuestaa inrispostaa 返信先""",
    "label": """label intent category kategorie categorie categoria topic topicname thema class theme categorienaam
        カテゴリ 分類 分类 类别 카테고리""",
    "url": """url link permalink reviewlink ticketurl ticketlink weburl htmlurl weblink href lien enlace collegamento
        adresseurl リンク 链接 링크""",
    "metadata": "metadata",
    "classified_at": "classifiedat",
}  # fmt: skip

FIELDS: Final = (
    "id",
    "text",
    "subject",
    "customer",
    "created_at",
    "role",
    "author",
    "conversation",
    "reply_to",
    "label",
    "url",
)
"""What a person can map."""

_SYNONYMS: Final = {
    "time": "created_at", "date": "created_at", "created": "created_at", "times": "created_at", "thread": "conversation",
    "title": "subject", "body": "text", "message": "text", "link": "url", "requester": "customer", "email": "customer",
    "in_reply_to": "reply_to", "speaker": "role", "sender": "author", "category": "label",
}  # fmt: skip

_ROLE_ITSELF: Final = frozenset(
    "role senderrole authorrole participantrole rolle rol ruolo papel 役割 角色 역할".split()  # noqa: SIM905
)
"""Names of columns that say a role, whatever the words in them."""

# Columns about the other side, or about later events, whatever else their name says.
_NOT_THE_CUSTOMER: Final = re.compile(
    r"agent|assign|owner|operator|staff|bearbeiter|zustandig|assistent|empfanger|^to$|^cc$|manager|company|firma"
)
_TIME_OF_DAY: Final = frozenset("time uhrzeit zeit heure hora ora orario tijd createdtime 時刻 时间".split())  # noqa: SIM905


@lru_cache(maxsize=4096)
def compact(name: str) -> str:
    """Return a name as it is compared: `Ticket ID`, `ticket_id`, `ticketId` and ` TICKET-ID: ` are `ticketid`."""
    plain = unicodedata.normalize("NFKD", name[:200].casefold().replace("ø", "o").replace("ł", "l"))
    plain = re.sub(r"\((?:utc|gmt|cet|optional|required|text)\)|\*", "", plain)
    letters = "".join(sign for sign in plain if sign.isalnum())
    return unicodedata.normalize("NFKC", letters) or name.strip()


NAMES: Final[dict[str, dict[str, int]]] = {
    name: {compact(word): rank for rank, word in reversed(list(enumerate(words.split())))}
    for name, words in _NAMES.items()
}
"""For each field, its names with their rank; 0 is the best."""


# --- What a person says -------------------------------------------------------------------------------------------


def parse_mapping(given: Iterable[str]) -> dict[str, str]:
    """Return the field and the column of each `customer=Requester email`; several columns of a field stand in lines.

    UnknownColumn, which names the fields, if one is not written so. A field with nothing behind `=` is left out of the
    table: `subject=`.
    """
    mapping: dict[str, str] = {}
    for each in given:
        name, sign, column = each.partition("=")
        name = name.strip().casefold().replace("-", "_").replace(" ", "_")
        name = _SYNONYMS.get(name, name)
        if not sign or name not in FIELDS:
            raise UnknownColumn(f"--map {each!r}: write FIELD=COLUMN, where FIELD is one of {', '.join(FIELDS)}")
        mapping[name] = f"{mapping[name]}\n{column.strip()}" if mapping.get(name) else column.strip()
    return mapping


def at_path(found: object, path: str) -> Any:
    """Return what stands at `requester.email` or `messages.0.text` in a JSON value; None if nothing does."""
    if isinstance(found, MappingOf) and path in found:
        return found[path]
    head, _, rest = path.partition(".")
    if isinstance(found, MappingOf):
        if head in found:
            return at_path(found[head], rest) if rest else found[head]
        wanted = compact(head)
        key = next((key for key in found if compact(str(key)) == wanted), None)
        return None if key is None else at_path(found[key], rest) if rest else found[key]
    if isinstance(found, list) and head.isdecimal() and int(head) < len(found):
        return at_path(found[int(head)], rest) if rest else found[int(head)]
    return None


# --- Values -------------------------------------------------------------------------------------------------------

_EMAIL: Final = re.compile(r"(?:[^<>@]{0,200}<)?[^\s@<>]{1,64}@[^\s@<>]{1,190}\.[^\s@<>]{2,60}>?$")
_URL: Final = re.compile(r"https?://\S+$")
_CLOCK: Final = re.compile(r"\d{1,2}:\d{2}(:\d{2})?( ?[ap]\.?m\.?)?$", re.IGNORECASE)
_DENSE: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0e7f]")
MAX_DISTINCT: Final = 2000


@dataclass(slots=True)
class Profile:
    """What the values of one column look like, counted over a sample of rows."""

    name: str
    filled: int = 0
    words: int = 0
    lettered: int = 0
    emails: int = 0
    moments: int = 0
    urls: int = 0
    clocks: int = 0
    roles: int = 0
    longest: int = 0
    distinct: set[str] = field(default_factory=set)
    sides: set[str] = field(default_factory=set)

    def see(self, value: object) -> None:
        """Count one value; empty ones do not count."""
        text = value.strip() if isinstance(value, str) else "" if value is None else str(value)
        if not text:
            return
        self.filled += 1
        self.longest = max(self.longest, len(text))
        self.words += _word_count(text)
        self.lettered += any(sign.isalpha() for sign in text[:200])
        if len(self.distinct) < MAX_DISTINCT:
            self.distinct.add(text[:200])
        if len(text) > 300:
            return
        self.emails += text.count("@") == 1 and _EMAIL.match(text) is not None
        self.moments += not isinstance(value, bool) and (times.looks_like_time(value) or _is_moment(value))
        self.urls += _URL.match(text) is not None
        self.clocks += _CLOCK.match(text) is not None
        if role := role_in_field(self.name, value):
            self.roles += 1
            self.sides.add(role)

    def share(self, count: int) -> float:
        """Return a count as a share of the values."""
        return count / self.filled if self.filled else 0.0

    @property
    def mean_words(self) -> float:
        """The mean number of words; two signs of a script without spaces count as one."""
        return self.words / self.filled if self.filled else 0.0

    @property
    def uniqueness(self) -> float:
        """The share of values that are different from each other."""
        return len(self.distinct) / min(self.filled, MAX_DISTINCT) if self.filled else 0.0

    @property
    def is_text(self) -> bool:
        """Whether the values are sentences: several words, hardly ever the same, neither links nor times."""
        others = max(self.share(self.emails), self.share(self.urls), self.share(self.moments))
        return self.mean_words >= 3 and self.uniqueness >= 0.3 and others < 0.5

    @property
    def is_question(self) -> bool:
        """Whether the name itself is a sentence, as in an export of a survey."""
        name = self.name.strip()
        return name.endswith(("?", "\uff1f", "\u061f")) or _word_count(name) >= 5


def _word_count(text: str) -> int:
    return len(text.split()) + len(_DENSE.findall(text[:2000])) // 2


def _is_moment(value: object) -> bool:
    """Return whether a number or a date is a time; whether its column means one is for the name to say."""
    return not isinstance(value, str) and times.read(value) is not None


# --- Finding ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Mapping:
    """Which columns mean which field. A field may have several: texts are joined, of customers the first given counts."""

    fields: dict[str, tuple[str, ...]]
    columns: tuple[str, ...]
    time_of_day: str = ""
    notes: tuple[str, ...] = ()

    def of(self, name: str) -> tuple[str, ...]:
        """Return the columns of a field; empty if there is none."""
        return self.fields.get(name, ())

    def one(self, name: str) -> str:
        """Return the first column of a field, or an empty word."""
        return next(iter(self.of(name)), "")

    @property
    def unused(self) -> list[str]:
        """The columns that mean none of the fields; they are kept in the metadata."""
        used = {column for columns in self.fields.values() for column in columns} | {self.time_of_day}
        return [column for column in self.columns if column not in used]

    def described(self) -> dict[str, str]:
        """Return the field and its columns in words: {"text": "Subject + Description", ...}."""
        return {name: " + ".join(columns) for name, columns in self.fields.items() if columns}

    def __str__(self) -> str:
        """Return the sentence that a person can check."""
        found = ", ".join(f'{name} = "{columns}"' for name, columns in self.described().items())
        unused = self.unused
        rest = f"; not used: {', '.join(unused[:12])}{', ...' if len(unused) > 12 else ''}" if unused else ""
        return f"Columns: {found}{rest}"


def find(profiles: Sequence[Profile], given: MappingOf[str, str] | None = None) -> Mapping:
    """Return what each column means.

    `given` is what a person says (see `parse_mapping`), which goes before everything. AmbiguousColumns where no column
    is the text, or several may be; UnknownColumn where `given` names one that is not there.
    """
    finder = _Finder(list(profiles), dict(given or {}))
    return finder.mapping()


class _Finder:
    """Finds the columns one field after the other, the surest first; a column has one meaning."""

    def __init__(self, profiles: list[Profile], given: dict[str, str]) -> None:
        self._profiles = {profile.name: profile for profile in profiles}
        self._given = given
        self._found: dict[str, tuple[str, ...]] = {}
        self._notes: list[str] = []

    def mapping(self) -> Mapping:
        for name, columns in self._given.items():
            self._found[name] = tuple(self._named(name, column) for column in columns.split("\n") if column)
        self._find("reply_to")
        self._find_id()
        self._find("conversation", lambda profile: profile.longest <= 200 and profile.mean_words < 3)
        self._find_times()
        self._find_role()
        self._find_texts()
        self._find_customer()
        self._find("author", lambda profile: profile.mean_words < 5 and profile.filled > 0)
        self._find("label", lambda profile: profile.mean_words < 8)
        self._find("url", lambda profile: profile.share(profile.urls) >= 0.5)
        self._find("metadata")
        self._find("classified_at")
        order = {name: place for place, name in enumerate(FIELDS)}
        fields = dict(sorted(self._found.items(), key=lambda each: order.get(each[0], 99)))
        return Mapping(fields, tuple(self._profiles), self._time_of_day(), tuple(self._notes))

    # --- One field ------------------------------------------------------------------------------------------------

    def _named(self, name: str, column: str) -> str:
        """Return the column that a person names, in whatever case and spacing."""
        if column in self._profiles:
            return column
        alike = [each for each in self._profiles if compact(each) == compact(column)]
        if len(alike) == 1:
            return alike[0]
        there = ", ".join(repr(each) for each in self._profiles)
        raise UnknownColumn(f"--map {name}={column}: there is no such column. Columns: {there}")

    def _free(self) -> list[Profile]:
        used = {column for columns in self._found.values() for column in columns}
        return [profile for profile in self._profiles.values() if profile.name not in used]

    def _by_name(self, name: str, fits: Any = lambda _: True) -> list[Profile]:
        """Return the unused columns with a name of that field whose values fit, the best name first."""
        known = NAMES[name]
        ranked = [(rank, profile) for profile in self._free() if (rank := known.get(compact(profile.name))) is not None]
        ranked.sort(key=lambda each: each[0])
        return [profile for _, profile in ranked if not profile.filled or fits(profile)]

    def _find(self, name: str, fits: Any = lambda _: True) -> None:
        if name in self._found:
            return
        if found := self._by_name(name, fits):
            self._found[name] = (found[0].name,)

    # --- Fields that need a closer look ---------------------------------------------------------------------------

    def _find_id(self) -> None:
        self._find("id", lambda profile: profile.longest <= 200 and profile.mean_words < 3)
        if "id" in self._found:
            return
        theirs = {*NAMES["customer_id"], *NAMES["conversation"], *NAMES["customer"], *NAMES["author"]}
        alike = [
            each for each in self._free()
            if (name := compact(each.name)).endswith(("id", "key", "number", "nummer", "nr", "uuid", "番号", "编号"))
            and name not in theirs and each.uniqueness >= 0.95 and 0 < each.longest <= 64 and each.mean_words < 2
        ]  # fmt: skip
        if alike:
            self._found["id"] = (alike[0].name,)

    def _find_times(self) -> None:
        if "created_at" in self._found:
            return
        written = [
            each for each in self._free() if each.filled and each.share(max(each.moments, _readable(each))) >= 0.5
        ]
        named = [each for each in self._by_name("created_at") if not each.filled or each in written]
        named.sort(key=lambda each: not each.filled)
        if not named:
            dates = [each for each in written if each.share(each.moments) >= 0.9]
            if len(dates) == 1:
                named = dates
            elif dates:
                names = ", ".join(repr(each.name) for each in dates)
                self._notes.append(
                    f"No time column was recognised by its name; it could be {names}. Choose it with --map "
                    "created_at=..."
                )
        if named:
            self._found["created_at"] = (named[0].name,)

    def _time_of_day(self) -> str:
        """Return the column with the time of day that belongs to a column of days."""
        day = self._profiles.get(next(iter(self._found.get("created_at", ())), ""))
        if day is None or not day.distinct or any(":" in value for value in day.distinct):
            return ""
        clocks = [
            each for each in self._free() if each.share(each.clocks) >= 0.8 and compact(each.name) in _TIME_OF_DAY
        ]
        return clocks[0].name if len(clocks) == 1 else ""

    def _find_role(self) -> None:
        if "role" in self._found:
            return
        fits = [
            each for each in self._by_name("role")
            if each.share(each.roles) >= 0.6 and (is_flag(each.name) or CUSTOMER in each.sides) and len(each.distinct) <= 50
        ]  # fmt: skip
        plain = [each for each in self._by_name("role") if compact(each.name) in _ROLE_ITSELF and each.mean_words < 4]
        by_value = [
            each for each in self._free()
            if each.share(each.roles) >= 0.95 and len(each.sides) > 1 and CUSTOMER in each.sides and len(each.distinct) <= 12
        ]  # fmt: skip
        if found := fits or plain or by_value:
            self._found["role"] = (found[0].name,)

    def _find_customer(self) -> None:
        if "customer" in self._found:
            return
        columns: list[str] = []
        for name in ("customer_email", "customer_id", "customer"):
            found = [
                each for each in self._by_name(name, _fits_customer) if not _NOT_THE_CUSTOMER.search(compact(each.name))
            ]
            if name == "customer" and self._has_messages:
                found = [each for each in found if compact(each.name) not in NAMES["author"]]
            if name == "customer_id" and self._has_messages:
                found = [each for each in found if compact(each.name) not in ("authorid", "senderid", "userid")]
            if found and found[0].name not in columns:
                columns.append(found[0].name)
        if not columns:
            mails = [
                each for each in self._free()
                if each.share(each.emails) >= 0.9 and not _NOT_THE_CUSTOMER.search(compact(each.name))
            ]  # fmt: skip
            columns = [mails[0].name] if len(mails) == 1 else []
        if columns:
            self._found["customer"] = tuple(columns)

    @property
    def _has_messages(self) -> bool:
        """Whether a row is a message rather than a conversation: then its author need not be the customer."""
        ids = self._profiles.get(next(iter(self._found.get("id", ())), ""))
        repeats = ids is not None and ids.filled > 1 and ids.uniqueness < 0.95
        return repeats or any(name in self._found for name in ("role", "reply_to", "conversation"))

    def _find_texts(self) -> None:
        self._find("subject", lambda profile: profile.share(profile.lettered) >= 0.5 and profile.longest <= 2000)
        if "text" not in self._found:
            self._found["text"] = self._texts()
        if not self._found["text"] and (subject := self._found.pop("subject", ())):
            self._found["text"] = subject
        if not self._found["text"]:
            there = ", ".join(repr(each) for each in self._profiles) or "none"
            raise AmbiguousColumns(
                f"no column was recognised as the text. Columns: {there}. Choose it with --map text=COLUMN"
            )

    def _texts(self) -> tuple[str, ...]:
        """Return the columns of the text: the best by name, all open answers of a survey, or the only one by value."""
        named = self._by_name("text", lambda profile: profile.share(profile.lettered) >= 0.5)
        named = [each for each in named if each.filled] or named
        open_answers = [each for each in self._free() if each.is_question and each.is_text]
        if open_answers and not any(each.is_text for each in named):
            return tuple(each.name for each in open_answers)
        if named:
            best = named[0]
            wordier = [each for each in named[1:] if best.mean_words < 2 and each.mean_words > 4 * best.mean_words]
            best = wordier[0] if wordier else best
            others = ", ".join(repr(each.name) for each in named if each is not best and each.is_text)
            if others:
                self._notes.append(
                    f"The text is taken from {best.name!r}, not {others}. Change that with --map text=COLUMN "
                    "(can be repeated)."
                )
            return (best.name,)
        texts = sorted((each for each in self._free() if each.is_text), key=lambda each: -each.mean_words)
        if len(texts) > 1 and texts[1].mean_words * 2 > texts[0].mean_words:
            names = ", ".join(repr(each.name) for each in texts)
            raise AmbiguousColumns(
                f"several columns could be the text: {names}. Choose one or more with --map "
                f"text={_quoted(texts[0].name)}"
            )
        return tuple(each.name for each in texts[:1])


def _readable(profile: Profile) -> int:
    """Return how many of the values can be read as times, where the name says that they are."""
    if compact(profile.name) not in NAMES["created_at"]:
        return 0
    readable = sum(times.is_time(value) for value in profile.distinct)
    return round(readable / len(profile.distinct) * profile.filled) if profile.distinct else 0


def _fits_customer(profile: Profile) -> bool:
    return profile.mean_words < 6 and profile.share(profile.moments) < 0.5 and profile.share(profile.urls) < 0.5


def _quoted(name: str) -> str:
    return f'"{name}"' if re.search(r"[^\w.]", name) else name

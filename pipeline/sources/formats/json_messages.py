"""Where in a JSON object of an unknown shape its messages are, and which of them the customer never saw."""

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.sources.formats.base import Found
from pipeline.sources.understanding import column_names
from pipeline.sources.understanding.column_names import at_path, compact
from pipeline.sources.understanding.notes import says_note
from pipeline.sources.understanding.roles import BOT, CUSTOMER, SYSTEM, is_role_word, role_in_field, role_of
from pipeline.sources.understanding.threads import text_of, word

_MESSAGES = tuple(
    map(
        compact,
        """
        messages comments conversation conversations turns dialogue dialog utterances threads thread
        replies posts notes events interactions chat transcript log history entries items parts
        chatmessages messagelist articles answers emails nachrichten kommentare antworten verlauf
        mensajes comentarios respuestas messaggi commenti risposte commentaires reponses echanges
        berichten mensagens メッセージ 消息 메시지 sentences contents lines stories exchange messagegroups
        correspondence longdesc phrases journal journals input inputs prompt やりとり 履歴 対応履歴 zpravy
        wiadomosci сообщения children messagestree messagetree posttree commenttree
        """.split(),  # noqa: SIM905 (read best as text)
    )
)

_INPUTS = frozenset(("input", "inputs", "prompt"))


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


_ANSWERS = tuple(
    """
    comments replies notes answers responses followups articles kommentare antworten comentarios respuestas commenti
    risposte commentaires reponses stories emailmessages journals journal updates remarks children
    """.split()  # noqa: SIM905 (read best as text)
)
"""Lists of what was said to an object's own text, which comes before them."""


def are_answers(key: str) -> bool:
    """Return whether a list of that name, or at that path, holds what was said to an object's own text."""
    return any(compact(part).endswith(_ANSWERS) for part in key.split("."))


_MESSAGE_TEXT = tuple(
    map(
        compact,
        """
        text content body message commentbody value utterance bodytext textbody plaintextbody contents
        thetext messageparts parts textoriginal plainbody html bodyhtml bodyplain richtext comment note notes
        transcript description msg line cooked raw selftext nachricht inhalt mensaje texto contenido
        messaggio testo contenuto texte contenu bericht tekst mensagem 本文 内容 내용 htmlbody textdisplay
        сообщение tresc elements blocks messagebody messagetext strcontent payload
        """.split(),  # noqa: SIM905 (read best as text)
    )
)


def keyed(found: Found) -> dict[str, str]:
    """Return the keys of an object by their names as they are compared; of two alike the first."""
    # reversed: of two alike the last one written stays in a dict
    return {compact(str(key)): key for key in reversed(list(found))}


def value_of(found: Found, keys: Mapping[str, str], name: str) -> Any:
    """Return what an object holds under a name, as names are compared (`keyed`); None if it has no such key.

    Not `get` with an empty key for a missing one: damaged and hand-made files have a key without letters.
    """
    return found.get(keys[name]) if name in keys else None


def message_text(found: object) -> str:
    """Return the key of what a message says; nothing if it says nothing."""
    if not isinstance(found := unwrapped(found), Mapping):
        return ""
    keys = keyed(found)
    return next((keys[name] for name in _MESSAGE_TEXT if name in keys and text_of(found[keys[name]]).strip()), "")


def messages_key(found: Found, *, is_deep: bool = True) -> str:
    """Return the key of an object's list of messages, or of lines that take turns; nothing if it has none.

    The list may be in an object within the object: then it is a path such as `post_stream.posts`, or
    `comments.records`. A page of many conversations has no messages: its list holds things with ids and subjects.
    """
    keys = keyed(found)
    # it names itself, so it is no page of many
    is_one = any(name in keys for field in ("id", "subject") for name in column_names.NAMES[field])
    given = ((keys[name], found[keys[name]]) for name in _MESSAGES if name in keys)
    # a list of texts that was given to a model is no dialog
    given = ((key, each) for key, each in given if compact(key) not in _INPUTS or not _are_texts(each))
    lists = [(key, each) for key, each in given if are_messages(each) and not names_of_conversations(each)[1:]]
    own = next((key for key, each in lists if is_one or not _are_conversations(each)), "")
    if own := own or _key_of_list_within(found):
        return own
    if is_one and (own := next((key for key, value in found.items() if _are_said(value)), "")):
        return own
    for key, value in found.items() if is_deep else ():
        if isinstance(value, Mapping) and "." not in key and (inner := messages_key(value, is_deep=False)):
            return f"{key}.{inner}"
        # a list of one thing that holds them: `"transcripts": [{"phrases": [...]}]`
        is_alone = isinstance(value, list) and len(value) == 1 and isinstance(value[0], Mapping) and "." not in key
        is_alone = is_alone and _is_conversation(found) and not _is_conversation(value[0])
        if is_alone and (inner := messages_key(value[0], is_deep=False)):
            return f"{key}.0.{inner}"
    return ""


def names_of_conversations(messages: object) -> list[str]:
    """Return the different conversations that messages say they belong to, among the first of them."""
    some = [each for each in listed(messages)[:200] if isinstance(each, Mapping)]
    path = path_of_conversation(some)
    return list(dict.fromkeys(name for each in some if (name := word(at_path(each, path))))) if path else []


def path_of_conversation(messages: Sequence[Found]) -> str:
    """Return the key or path by which each of the messages names its conversation; nothing if they do not."""
    if not messages:
        return ""
    keys = keyed(messages[0])
    known = column_names.NAMES["conversation"]
    # by rank: Freshchat's messages have an `interaction_id` of their own beside the `conversation_id`
    named = [keys[name] for name in sorted(keys.keys() & known.keys(), key=known.__getitem__) if name.endswith(_IDS)]
    for outer in _THEIR_CONVERSATION:
        inside = value_of(messages[0], keys, outer)
        if isinstance(inside, Mapping):
            if outer == "links":
                named += [f"{keys[outer]}.{key}.href" for key in ("ticket", "conversation") if key in inside]
            named += [f"{keys[outer]}.{key}" for key in ("id", "_id", "slug", "number", "key", "uuid") if key in inside]
    return next((path for path in named if all(word(at_path(each, path)) for each in messages)), "")


_THEIR_CONVERSATION = (
    "conversation", "ticket", "thread", "issue", "case", "request", "incident", "chat", "dialog", "discussion",
    "session", "inquiry", "enquiry", "links",
)  # fmt: skip
"""Keys of a message under which the conversation it belongs to stands as an object."""

_IDS = ("id", "key", "hash")


def _key_of_list_within(found: Found) -> str:
    """Return the path to messages in an object that stands for their list, such as `comments.records`."""
    for key, value in found.items():
        if isinstance(value, Mapping) and compact(str(key)).endswith(_SOME_MESSAGES):
            for each in _LISTS:
                if are_messages(value.get(each)):
                    return f"{key}.{each}"
    return ""


_SOME_MESSAGES = ("messages", "comments", "replies", "notes", "posts", "threads", "answers")
_LISTS = ("records", "nodes", "edges", "results", "data", "items", "value", "values")
"""What a list is called in the object that stands for it: Salesforce, GraphQL, JSON:API."""


def _is_conversation(found: Found) -> bool:
    """Return whether an object names itself as a conversation does: by its id, or by a subject."""
    keys = keyed(found).keys()
    return bool(keys & (column_names.NAMES["conversation"].keys() | column_names.NAMES["subject"].keys() | {"id"}))


def _are_conversations(value: object) -> bool:
    """Return whether the things of a list are conversations by themselves: most have an id and a subject."""
    objects = [each for each in listed(value)[:20] if isinstance(each, Mapping)]
    # an answer's `title` may be there, and null
    some = [keyed({key: said for key, said in each.items() if said}) for each in objects]
    ids, subjects = (
        column_names.NAMES["id"].keys() | column_names.NAMES["conversation"].keys(),
        column_names.NAMES["subject"].keys(),
    )
    whole = [keys for keys in some if subjects & keys.keys() and (ids & keys.keys() or _OWN_ID & keys.keys())]
    return bool(some) and 2 * len(whole) >= len(some)


_OWN_ID = frozenset(("questionid", "threadid", "ticketid", "conversationid"))


def unwrapped(found: object) -> object:
    """Return the object that is all an object holds: `{"node": {...}}` of GraphQL, `{"messageCreate": {...}}`.

    A text under a word for a role is a message: `{"Customer": "It is stuck."}`.
    """
    if isinstance(found, Mapping) and len(found) == 1:
        ((key, inner),) = found.items()
        if isinstance(inner, str) and is_role_word(str(key)):
            return {"role": str(key), "text": inner}
        return inner if isinstance(inner, Mapping) else found
    return found


def spread(given: Sequence[object]) -> list[object]:
    """Return a list of messages, with those of a group of one speaker's in the group's place.

    LiveAgent and Gong write such groups: what the group says (who, when) its messages say too.
    """
    found: list[object] = []
    for each in map(unwrapped, given):
        inside = _key_of_group(each)
        if isinstance(each, Mapping) and inside:
            about = {key: value for key, value in each.items() if key != inside and not isinstance(value, list)}
            if compact(inside) == "sentences" and (whole := _as_one(each[inside])):
                found.append({**about, **whole})  # one turn of a call
                continue
            found += [{**about, **inner} if isinstance(inner, Mapping) else inner for inner in each[inside]]
        else:
            found.append(each)
            found += _answers_within(each)
    return found


def _as_one(sentences: Sequence[object]) -> Found:
    """Return the sentences of one turn as one message, which begins with the first; nothing if any says nothing."""
    said = [each for each in sentences if isinstance(each, Mapping)]
    keys = [message_text(each) for each in said]
    if not all(keys) or len(said) < len(sentences):
        return {}
    return {**said[0], keys[0]: " ".join(text_of(each[key]) for each, key in zip(said, keys, strict=True))}


def _answers_within(found: object, depth: int = 0) -> list[object]:
    """Return the answers to a message that stand within it, and theirs, as forums and branching chats write them."""
    if not isinstance(found, Mapping) or depth > MAX_ANSWERS_DEEP:
        return []
    given = (found[key] for key in ("children", "replies", "answers", "responses") if key in found)
    inside: list[object] = next((each for each in given if are_messages(each) and not _are_texts(each)), [])
    return [each for answer in inside for each in (answer, *_answers_within(answer, depth + 1))]


MAX_ANSWERS_DEEP = 50
"""Answers to answers to answers; what stands deeper is left out."""


def _key_of_group(found: object) -> str:
    """Return the key of the messages in a group of them; nothing if the object is a message itself."""
    if not isinstance(found, Mapping) or message_text(found):
        return ""
    keys = keyed(found)
    groups = (keys[name] for name in ("messages", "sentences", "parts") if name in keys)
    return next((key for key in groups if are_messages(found[key]) and _is_one_speaker(found, found[key])), "")


_SPEAKERS = ("speakerid", "speaker", "userid", "authorid", "senderid")


def _is_one_speaker(found: Found, messages: Sequence[object]) -> bool:
    """Return whether all messages in an object are of the speaker that it names: else it is a conversation."""
    keys = keyed(found)
    inner = [(each, keyed(each)) for each in messages if isinstance(each, Mapping)]
    for name in _SPEAKERS:
        if name not in keys:
            continue
        own = {str(each[names[name]]) for each, names in inner if name in names}
        is_said = any(_SAYS_WHO & names.keys() for _, names in inner)
        if own == {str(found[keys[name]])} or (not is_said and name.startswith("speaker")):
            return True
    return False


def flat(found: Found) -> Found:
    """Return an object with the fields that its envelope holds side by side; any other object as it is.

    Of JSON:API the attributes and the ids of what it belongs to, of Elasticsearch the source, of DynamoDB the plain
    values, of a webhook, or a chat with a thread in it, the object that has the messages.
    """
    found = _with_answers(_with_metadata(found))
    if isinstance(source := found.get("_source"), Mapping):
        return {"_id": found.get("_id"), **source}
    if isinstance(item := found.get("Item"), Mapping) and len(found) == 1:
        found = item
    if found and all(
        isinstance(value, Mapping) and len(value) == 1 and value.keys() <= _TYPES for value in found.values()
    ):
        return {key: next(iter(value.values())) for key, value in found.items()}
    attributes, related = found.get("attributes"), found.get("relationships")
    if not isinstance(attributes, Mapping) or not {"id", "type"} <= found.keys():
        return _with_inner(found)
    ids = {
        name: each["data"].get("id")
        for name, each in (related.items() if isinstance(related, Mapping) else ())
        if isinstance(each, Mapping) and isinstance(each.get("data"), Mapping)
    }
    return _with_answers({**ids, **attributes, "id": found["id"]})


def _with_metadata(found: Found) -> Found:
    """Return an object without an id with what stands beside its transcript about the whole: `metaData`, `callInfo`.

    Of an object that is a message that is told where it is gathered.
    """
    own = keyed(found)
    if any(name in own for field in ("id", "conversation") for name in column_names.NAMES[field]):
        return found
    for name, key in own.items():
        about = found[key]
        if not name.endswith(_ABOUT) or not isinstance(about, Mapping):
            continue
        keys = keyed(about)
        if known := next((keys[each] for each in _IDS_OF_THE_WHOLE if each in keys and word(about[keys[each]])), ""):
            rest = {key: value for key, value in about.items() if key != known}
            return {**rest, **found, "id": about[known]}
    return found


_ABOUT = ("metadata", "meta", "info", "details", "header", "envelope")
_IDS_OF_THE_WHOLE = (
    "id", "conversationid", "callid", "contactid", "chatid", "threadid", "sessionid", "interactionid", "recordingid",
    "meetingid", "ticketid", "uuid", "guid",
)  # fmt: skip
"""Ids of a whole conversation in the object that describes it."""


def _with_answers(found: Found) -> Found:
    """Return an object with the answers to the questions of a survey as its text, where it has no other text.

    They stand in a list, or in an object by the questions' names. What is no text (a number of stars) stays where it
    is.
    """
    for key, value in found.items():
        if not compact(str(key)).endswith(_SURVEYED):
            continue
        pairs = list(value.values()) if isinstance(value, Mapping) else listed(value)
        answers = [answer for each in pairs if (answer := _answer_to_question(each))]
        # one word alone is a choice
        if not pairs or len(answers) < len(pairs) or not any(" " in answer.strip() for answer in answers):
            continue
        rest = {name: each for name, each in found.items() if name != key}
        if not any(name in keyed(rest) for name in column_names.NAMES["text"]):
            return {**rest, "text": "\n\n".join(answers)}
    return found


_SURVEYED = ("answers", "responses", "antworten", "reponses", "respuestas", "risposte", "respostas", "answer")
_ASKED = frozenset("question questiontext text label title prompt name frage pregunta domanda pergunta vraag".split())  # noqa: SIM905
_ANSWERED = ("answer", "answertext", "value", "response", "antwort", "reponse", "respuesta", "risposta", "resposta")


def _answer_to_question(found: object) -> str:
    """Return the answer of an object that holds nothing but a question, its answer and what is about them."""
    if not isinstance(found, Mapping):
        return ""
    keys = keyed(found)
    answer = next((value for name in _ANSWERED if isinstance(value := value_of(found, keys, name), str)), "")
    return answer if _ASKED & keys.keys() and not _SAYS_WHO & (keys.keys() - _ASKED - {*_ANSWERED}) else ""


def _with_inner(found: Found) -> Found:
    """Return an object with the fields of the one in it that has its messages; its own go before those.

    tawk.to's webhooks hold a `chat` with its id, visitor and messages, LiveChat's chats a `thread` with its time. What
    only stands for a list, as `comments.records`, says nothing of the whole.
    """
    outer, _, inner = messages_key(found).partition(".")
    holder = found.get(outer)
    if not inner or "." in inner or inner in _LISTS or inner in found or not isinstance(holder, Mapping):
        return found
    return {**holder, **{key: value for key, value in found.items() if value not in (None, "")}}


_TYPES = frozenset(("S", "N", "BOOL", "NULL"))
"""Kinds of plain values in an item of DynamoDB."""


def is_log_entry(found: object) -> bool:
    """Return whether a message was taken back, or is a line of the program's own log.

    Rocket.Chat's are told by `t`: `uj` is a guest who joined.
    """
    if not isinstance(found, Mapping):
        return False
    if any(found.get(key) is True for key in ("deleted", "is_deleted", "isDeleted", "removed")):
        return True  # taken back
    if "msg" not in found:
        return False
    kind = found.get("t")
    return isinstance(kind, str) and len(kind) > 1 and role_in_field("t", kind) == SYSTEM


def is_file(found: Found) -> bool:
    """Return whether an object describes a file that somebody attached, itself or by an object in it."""
    keys = {compact(str(key)) for key in found}
    return len(keys & _OF_A_FILE) > 1 or any(
        isinstance(each, Mapping) and len(_OF_A_FILE & {compact(str(key)) for key in each}) > 1
        for each in found.values()
    )


_OF_A_FILE = frozenset("filetype fileextension contentsize mimetype filename filesize versiondata".split())  # noqa: SIM905


def is_internal(found: object) -> bool:
    """Return whether a message is a note of the team among themselves, as `notes` tells."""
    if not isinstance(found, Mapping):
        return False
    for key, value in found.items():
        if says_note(str(key), value):
            return True
        # what is said, or who may see it, may be an object of its own: `"content": {"type": "CONVERSATION_NOTE", ...}`
        if isinstance(value, Mapping) and compact(str(key)) in _HOLD_A_KIND and is_internal(_kinds_of(value)):
            return True
    return False


_HOLD_A_KIND = frozenset(("content", "source", "kind", "messagetype", "visibility", "audience"))


def _kinds_of(found: Found) -> Found:
    return {key: value for key, value in found.items() if compact(str(key)) in ("type", "kind", "visibility")}


def are_messages(value: object) -> bool:
    """Return whether a list holds messages, groups of them, or lines that take turns."""
    if not isinstance(value, list) or not value:
        return False
    some = value[:20]
    if all(isinstance(each, str) for each in some):
        return len(value) > 1 and any(each.strip() for each in some)
    if sum(bool(message_text(each) or _key_of_group(each)) for each in some) * 2 >= len(some):
        return True
    return _are_events(value[:200])


def _are_events(some: Sequence[object]) -> bool:
    """Return whether things are the events of a chat with a bot: all are of a kind, and by it those with a text speak.

    Most of them are what the bot did (Rasa's actions and slots, Voiceflow's blocks), and say nothing.
    """
    kinds = [_kind_of_event(each) for each in some]
    spoken = [kind for each, kind in zip(some, kinds, strict=True) if kind and message_text(each)]
    speak = [kind for kind in spoken if any(role_of(word) or word in TURNS for word in kind)]
    return all(kinds) and len(set(kinds)) > 1 and bool(speak) and 2 * len(speak) >= len(spoken)


def _kind_of_event(found: object) -> tuple[str, ...]:
    if not isinstance(found, Mapping):
        return ()
    return tuple(value for key, value in found.items() if compact(str(key)) in KINDS and isinstance(value, str))


KINDS = ("type", "kind", "messagetype", "eventtype", "event", "format")
TURNS: Mapping[str, str] = {"request": CUSTOMER, "trace": BOT, "response": BOT}
"""How a turn with a bot is called by those who count requests, and whose it is."""


def _are_said(value: object) -> bool:
    """Return whether a list under whatever name holds messages: texts with who wrote them, or when."""
    if not isinstance(value, list) or not are_messages(value):
        return False
    some = [keyed(each) for each in value[:20] if isinstance(each, Mapping)]
    says = all(_SAYS_WHO & keys.keys() and _SAYS_WHEN & keys.keys() for keys in some)
    return bool(some) and says and len(names_of_conversations(value)) < 2


_SAYS_WHO = frozenset((*column_names.NAMES["author"], *column_names.NAMES["role"], "poster", "createdby"))
_SAYS_WHEN = column_names.NAMES["created_at"].keys()


def listed(value: object) -> list[Any]:
    """Return the value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []

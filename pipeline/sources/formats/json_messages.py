"""Where in a JSON object of an unknown shape its messages are, and which of them the customer never saw."""

from collections.abc import Mapping
from typing import Any

from pipeline.sources.formats.json_objects import Found
from pipeline.sources.understanding import column_names
from pipeline.sources.understanding.column_names import compact
from pipeline.sources.understanding.threads import text_of

_MESSAGES = [
    "messages",
    "comments",
    "conversation",
    "conversations",
    "turns",
    "dialogue",
    "dialog",
    "utterances",
    "threads",
    "thread",
    "replies",
    "posts",
    "notes",
    "events",
    "interactions",
    "chat",
    "transcript",
    "log",
    "history",
    "entries",
    "items",
    "parts",
    "chatmessages",
    "messagelist",
    "articles",
    "answers",
    "emails",
    "nachrichten",
    "kommentare",
    "antworten",
    "verlauf",
    "mensajes",
    "comentarios",
    "respuestas",
    "messaggi",
    "commenti",
    "risposte",
    "commentaires",
    "reponses",
    "echanges",
    "berichten",
    "mensagens",
    "メッセージ",
    "消息",
    "메시지",
]

_ANSWERS = frozenset(
    """
    comments replies notes answers responses followups articles kommentare antworten comentarios respuestas commenti
    risposte commentaires reponses
    """.split()  # noqa: SIM905 (read best as text)
)
"""Lists of what was said to an object's own text, which comes before them."""


def are_answers(key: str) -> bool:
    """Return whether a list of that name, or at that path, holds what was said to an object's own text."""
    return any(compact(part).endswith(tuple(_ANSWERS)) for part in key.split("."))


_MESSAGE_TEXT = [
    "text",
    "content",
    "body",
    "message",
    "commentbody",
    "value",
    "utterance",
    "bodytext",
    "plainbody",
    "html",
    "bodyhtml",
    "bodyplain",
    "richtext",
    "comment",
    "note",
    "transcript",
    "description",
    "msg",
    "line",
    "cooked",
    "raw",
    "selftext",
    "nachricht",
    "inhalt",
    "mensaje",
    "texto",
    "contenido",
    "messaggio",
    "testo",
    "contenuto",
    "texte",
    "contenu",
    "bericht",
    "tekst",
    "mensagem",
    "本文",
    "内容",
    "내용",
]

_HIDDEN = ("internal", "isinternal", "private", "isprivate", "isnote", "draft", "isdraft")
_NOTES = frozenset(("note", "privatenote", "internalnote", "noteandreopen", "internal"))
_AUDIENCES = frozenset(("agents", "agentsonly", "internal", "internalonly", "team", "teamonly", "staff", "operators"))
"""For whom a message is that the customer does not see."""


def keyed(found: Found) -> dict[str, str]:
    """Return the keys of an object by their names as they are compared; of two alike the first."""
    # reversed: of two alike the last one written stays in a dict
    return {compact(str(key)): key for key in reversed(list(found))}


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
    is_one = any(
        name in keys for field in ("id", "subject") for name in column_names.NAMES[field]
    )  # and no page of many
    listed = ((keys[name], found[keys[name]]) for name in _MESSAGES if name in keys)
    own = next((key for key, each in listed if are_messages(each) and (is_one or not _are_conversations(each))), "")
    if own := own or _key_of_list_within(found):
        return own
    if is_one and (own := next((key for key, value in found.items() if _are_said(value)), "")):
        return own
    for key, value in found.items() if is_deep else ():
        if isinstance(value, Mapping) and "." not in key and (inner := messages_key(value, is_deep=False)):
            return f"{key}.{inner}"
    return ""


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


def _are_conversations(value: object) -> bool:
    """Return whether the things of a list are conversations by themselves: most have an id and a subject."""
    some = [keyed(each) for each in listed(value)[:20] if isinstance(each, Mapping)]
    ids, subjects = (
        column_names.NAMES["id"].keys() | column_names.NAMES["conversation"].keys(),
        column_names.NAMES["subject"].keys(),
    )
    whole = [keys for keys in some if subjects & keys.keys() and (ids & keys.keys() or _OWN_ID & keys.keys())]
    return bool(some) and 2 * len(whole) >= len(some)


_OWN_ID = frozenset(("questionid", "threadid", "ticketid", "conversationid"))


def unwrapped(found: object) -> object:
    """Return the object that is all an object holds: `{"node": {...}}` of GraphQL, `{"messageCreate": {...}}`."""
    if isinstance(found, Mapping) and len(found) == 1:
        (inner,) = found.values()
        return inner if isinstance(inner, Mapping) else found
    return found


def flat(found: Found) -> Found:
    """Return an object of JSON:API with its attributes, and the ids of what it belongs to, side by side.

    Any other object is returned as it is.
    """
    attributes, related = found.get("attributes"), found.get("relationships")
    if not isinstance(attributes, Mapping) or not {"id", "type"} <= found.keys():
        return found
    ids = {
        name: each["data"].get("id")
        for name, each in (related.items() if isinstance(related, Mapping) else ())
        if isinstance(each, Mapping) and isinstance(each.get("data"), Mapping)
    }
    return {**ids, **attributes, "id": found["id"]}


def is_internal(found: object) -> bool:
    """Return whether a message is a note of the team among themselves."""
    if not isinstance(found, Mapping):
        return False
    keys = keyed(found)
    if any(
        found[keys[name]] is True
        for name in ("internal", "isinternal", "private", "isprivate", "isnote")
        if name in keys
    ):
        return True
    if any(found[keys[name]] is False for name in ("public", "ispublic", "ispublished") if name in keys):
        return True
    for name in ("visibility", "audience"):
        if name in keys and isinstance(found[keys[name]], str) and compact(found[keys[name]]) in _AUDIENCES:
            return True
    return any(compact(str(found[keys[name]])) in _NOTES for name in ("type", "kind", "parttype") if name in keys)


def are_messages(value: object) -> bool:
    if not isinstance(value, list) or not value:
        return False
    some = value[:20]
    if all(isinstance(each, str) for each in some):
        return len(value) > 1 and any(each.strip() for each in some)
    return sum(bool(message_text(each)) for each in some) * 2 >= len(some)


def _are_said(value: object) -> bool:
    """Return whether a list under whatever name holds messages: texts with who wrote them, or when."""
    if not isinstance(value, list) or not are_messages(value):
        return False
    some = [keyed(each) for each in value[:20] if isinstance(each, Mapping)]
    says = all(_SAYS_WHO.keys() & keys.keys() and _SAYS_WHEN & keys.keys() for keys in some)
    return bool(some) and says and not any(column_names.NAMES["conversation"].keys() & keys.keys() for keys in some)


_SAYS_WHO = {**column_names.NAMES["author"], **column_names.NAMES["role"], "poster": 0, "createdby": 0}
_SAYS_WHEN = column_names.NAMES["created_at"].keys()


def listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []

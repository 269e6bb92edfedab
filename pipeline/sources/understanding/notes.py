"""Which messages of an export the customer never saw: notes of the team among themselves.

One rule for JSON objects and rows of tables alike: each says it by a flag (`private` true, `is_public` false), by who
may see it (`visibility` agents), or by its kind (`type` internal_note). Notes are not what the customer says, so they
are left out, and counted.
"""

from typing import Final

from pipeline.sources.understanding.column_names import compact
from pipeline.sources.understanding.roles import is_no, is_yes


def _compacted(words: str) -> frozenset[str]:
    return frozenset(map(compact, words.split()))


_SAY_INTERNAL: Final = _compacted(
    """
    internal isinternal private isprivate isnote note isinternalnote internalnote hidden whisper iswhisper
    isprivatenote privatenotes intern interne interno interna privat privado privada privato prive privé
    内部 社内 非公開 내부 внутренний wewnętrzny
    """
)
_SAY_PUBLIC: Final = _compacted(
    """
    public ispublic ispublished published isvisibleforcustomer visibletocustomer jsdpublic visibletocustomers
    iscustomervisible isvisibletocustomer
    öffentlich publique público pública pubblico pubblica openbaar publiczny публичный 公開 公开 공개
    """
)
_AUDIENCE_FIELDS: Final = _compacted(
    "visibility audience visiblefor visibleto privacy sichtbarkeit visibilité 公開範囲"
)
_AUDIENCES: Final = _compacted(
    """
    agents agentsonly agent internal internalonly team teamonly staff staffonly operators private hidden restricted
    """
)
"""For whom a message is that the customer does not see."""

_KIND_FIELDS: Final = _compacted(
    """
    type kind parttype messagetype notetype commenttype eventtype entrytype recordtype channel element category action
    typ tipo tipodemensaje 種別 種類 类型 유형 тип
    """
)
_KINDS_OF_NOTES: Final = _compacted(
    """
    note notes privatenote internalnote noteandreopen internal private worknote worknotes conversationnote
    internalcomment privatecomment agentnote staffnote teamnote whisper internalmessage
    interne-notiz internernotiz notiz nota nota-interna note-interne notitie interne-notitie notatka notatka-wewnętrzna
    внутренняя-заметка 社内メモ 内部メモ 内部备注 内部备注 내부메모
    """
)


_FIELDS: Final = _SAY_INTERNAL | _SAY_PUBLIC | _AUDIENCE_FIELDS | _KIND_FIELDS


def may_say_note(field: str) -> bool:
    """Return whether a field, or column, of that name can say that a message is a note; no other needs a look."""
    return compact(field) in _FIELDS


def says_note(field: str, value: object) -> bool:
    """Return whether a field of a message, or a column of its row, says that it is a note of the team.

    `value` is a flag, a word, or the number 1 of a `visibility` (Microsoft's and Gong's for internal).
    """
    name = compact(field)
    if name in _SAY_INTERNAL and is_yes(value):
        return True
    if name in _SAY_PUBLIC and is_no(value):
        return True
    if name in _AUDIENCE_FIELDS:
        return (value == 1 and not isinstance(value, bool)) or (isinstance(value, str) and compact(value) in _AUDIENCES)
    if name not in _KIND_FIELDS or not isinstance(value, str):
        return False
    kind = compact(value)
    # a channel may be a private one, in which customers write
    return kind in _KINDS_OF_NOTES and (name != "channel" or "note" in kind)

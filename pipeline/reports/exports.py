"""What people take away as a file: stories, orphans, themes, the merge map, conversations, in five forms.

One exporter for commands, pages and the API:

    rows = exported("stories", chosen)              rows in their order, read bit by bit; memory does not grow
    for piece in written(rows, "xlsx"): ...         bytes of a file

What customers said, and what they are called, is redacted as it is for language models, unless `private` asks for it as
it is. No cell of a table is ever a formula.
"""

import csv
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import chain, islice
from typing import Any, Final

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils.crypto import salted_hmac

from pipeline.extract.redaction import Redactor
from pipeline.group.current import Size, quotes_of_roots, sizes_of_signatures, sizes_that_wait
from pipeline.ledger.current import current_themes
from pipeline.models import (
    Conversation,
    Evidence,
    Merge,
    Orphan,
    Signature,
    SignatureRoot,
    Story,
    StoryEvidence,
    Theme,
)
from pipeline.models.refusal import Refusal
from pipeline.models.signature import STANDING
from pipeline.models.wording import counted, words
from pipeline.reports.trends import newest_moment, story_rows

BATCH = 500
"""Rows that are read and described together."""

Value = str | int | float | bool | None | list[Any] | dict[str, Any]
Row = dict[str, Value]


class UnknownExport(Refusal):
    """There is no such export, or no such form of one."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What narrows an export; what says nothing does not. Each kind of rows heeds what it has: the others refuse it.

    status: of stories: open (the default), all, or one; of orphans: waiting (the default), dismissed, all. run, source,
    story: ids. since, until: of conversations, when they began; of stories, whether a conversation began then.
    private: what customers said as they said it, and what they are called.
    """

    run: int | None = None
    source: int | None = None
    story: int | None = None
    profile: str = ""
    status: str = ""
    category: str = ""
    customer: str = ""
    since: datetime | None = None
    until: datetime | None = None
    private: bool = False


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export holds: what it is of, the names of its columns, and its rows, which can be gone through once."""

    what: str
    columns: Sequence[str]
    rows: Iterable[Row]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of rows that can be exported.

    chosen: the rows as a query, in their order. described: what is told of some of them. filters: what of `Chosen` it
    heeds besides `private`. right: the permission that whoever exports needs on the pages.
    """

    columns: tuple[str, ...]
    chosen: Callable[[Chosen], QuerySet[Any]]
    described: Callable[[Sequence[Any], bool], Iterable[Row]]
    filters: tuple[str, ...]
    right: str


def exported(what: str, chosen: Chosen = Chosen(), rows: QuerySet[Any] | None = None) -> Exported:
    """Return the rows that are asked for; UnknownExport for another kind, or for a filter that it does not have.

    `rows`: those, in their order, instead of what `chosen` would find: a page knows better what it shows.
    """
    kind = kind_of(what)
    asked = {name for name in Chosen.__slots__ if name != "private" and getattr(chosen, name)}
    if odd := sorted(asked - set(kind.filters)):
        raise UnknownExport(f"{what} cannot be filtered by {', '.join(odd)}. Use {', '.join(kind.filters)}.")
    found = kind.chosen(chosen) if rows is None else rows
    return Exported(what, kind.columns, _described(kind, found, chosen.private))


def kind_of(what: str) -> Kind:
    """Return a kind of rows by its name; UnknownExport says which there are."""
    if what not in KINDS:
        raise UnknownExport(f"{what!r} cannot be exported. Choose one of {', '.join(KINDS)}.")
    return KINDS[what]


def _described(kind: Kind, found: QuerySet[Any], private: bool) -> Iterator[Row]:
    """Yield the rows by a cursor of the server, some at a time."""
    rows = found.iterator(chunk_size=BATCH)
    while batch := list(islice(rows, BATCH)):
        yield from kind.described(batch, private)


# --- What is private ----------------------------------------------------------------------------------------------


def _hidden(text: str, customer: str) -> str:
    return Redactor((customer,), text).hide(text)


def pseudonym(customer: str) -> str:
    """Return what stands for a customer where names are private: the same in each export, and no way back.

    Keyed by SECRET_KEY, for whoever guesses an address could try a plain digest.
    """
    if not customer:
        return ""
    digest = salted_hmac("leitmotif.pseudonym", customer.casefold(), algorithm="sha256").hexdigest()
    return f"customer-{digest[:10]}"


def _moment(at: datetime | None) -> str:
    return at.isoformat().replace("+00:00", "Z") if at else ""


def _day(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d}" if at else ""


# --- Stories ------------------------------------------------------------------------------------------------------

STORY_COLUMNS: Final = (
    "id", "title", "status", "owner", "ticket", "category", "confidence", "conversations", "customers", "first_seen",
    "last_seen", "last_4_weeks", "4_weeks_before", "quote", "description", "signature", "profile",
)  # fmt: skip


def _stories(chosen: Chosen) -> QuerySet[Story]:
    stories: QuerySet[Story] = Story.objects.standing()
    if chosen.status in ("", "open"):
        stories = stories.filter(status__in=Story.OPEN)
    elif chosen.status != "all":
        _check(chosen.status, "open", "all", *Story.Status.values)
        stories = stories.filter(status=chosen.status)
    inside = StoryEvidence.objects.filter(story=OuterRef("pk"))
    if chosen.run:
        stories = stories.filter(Q(first_run=chosen.run) | Exists(inside.filter(run=chosen.run)))
    for name, value in (("signature__profile", chosen.profile), ("category", chosen.category)):
        stories = stories.filter(**{name: value}) if value else stories
    wanted = {
        "source": chosen.source, "customer__iexact": chosen.customer, "occurred_at__gte": chosen.since,
        "occurred_at__lt": chosen.until,
    }  # fmt: skip
    asked = {f"conversation__{name}": value for name, value in wanted.items() if value}
    if asked:  # of one and the same conversation, or a story with one before and one after a period would be in it
        stories = stories.filter(Exists(inside.filter(**asked)))
    return stories.annotate(size=Count("evidence")).order_by("-size", "title", "pk").select_related("owner")


def _check(status: str, *known: str) -> None:
    if status not in known:
        raise UnknownExport(f"there is no status {status!r}. Choose one of {', '.join(known)}.")


def _told_stories(stories: Sequence[Story], private: bool) -> Iterator[Row]:
    signatures = Signature.objects.filter(pk__in=[story.signature_id for story in stories])
    names = {pk: (key, profile) for pk, key, profile in signatures.values_list("pk", "key", "profile")}
    for row in story_rows(stories, until=newest_moment()):
        story, (key, profile) = row.story, names[row.story.signature_id]
        yield _row(
            STORY_COLUMNS, story.pk, story.title, words(story.status),
            story.owner.get_username() if story.owner else "", story.ticket_url, words(story.category),
            story.confidence, row.conversations, row.customers, _day(row.first_at), _day(row.last_at), row.recent,
            row.before, row.quote if private else _hidden(row.quote, ""), story.description, key, profile,
        )  # fmt: skip


def _row(columns: Sequence[str], *values: Value) -> Row:
    return dict(zip(columns, values, strict=True))


# --- Orphans ------------------------------------------------------------------------------------------------------

ORPHAN_COLUMNS: Final = (
    "id", "title", "signature", "profile", "reason", "needs", "missing_conversations", "confidence", "conversations",
    "customers", "first_seen", "last_seen", "nearest_story", "likeness", "dismissed", "quote",
)  # fmt: skip


def _orphans(chosen: Chosen) -> QuerySet[Orphan]:
    orphans: QuerySet[Orphan] = Orphan.objects.waiting()
    status = chosen.status or "waiting"
    _check(status, "waiting", "dismissed", "all")
    if status != "all":
        orphans = orphans.filter(dismissed_at__isnull=status == "waiting")
    if chosen.profile:
        orphans = orphans.filter(signature__profile=chosen.profile)
    of_themes = Theme.objects.all()
    of_themes = of_themes.filter(run=chosen.run) if chosen.run else of_themes
    of_themes = of_themes.filter(conversation__source=chosen.source) if chosen.source else of_themes
    if chosen.run or chosen.source:
        roots = SignatureRoot.objects.filter(signature__in=of_themes.values("signature")).values("root")
        orphans = orphans.filter(signature__in=roots)
    return (
        orphans.select_related("signature", "nearest_story")
        .defer("signature__vector_sum")
        .order_by("missing_conversations", "-confidence", "pk")
    )


def _told_orphans(orphans: Sequence[Orphan], private: bool) -> Iterator[Row]:
    roots = [orphan.signature_id for orphan in orphans]
    sizes, quotes = sizes_that_wait(roots), quotes_of_roots(roots)
    for orphan in orphans:
        size, quote = sizes.get(orphan.signature_id, Size()), quotes.get(orphan.signature_id, "")
        near = orphan.nearest_story
        yield _row(
            ORPHAN_COLUMNS, orphan.pk, orphan.signature.name, orphan.signature.key, orphan.signature.profile,
            words(orphan.reason), orphan.detail, orphan.missing_conversations, orphan.confidence, size.conversations,
            size.customers, _day(size.first_at), _day(size.last_at), near.title if near else "",
            round(orphan.nearest_cosine, 3) if near and orphan.nearest_cosine is not None else None,
            orphan.dismissed_at is not None, quote if private else _hidden(quote, ""),
        )  # fmt: skip


# --- Themes -------------------------------------------------------------------------------------------------------

THEME_COLUMNS: Final = (
    "id", "run", "profile", "source", "conversation", "customer", "occurred_at", "category", "summary", "quotes",
    "confidence", "raw_signature", "signature", "title", "rule", "score", "held_back", "is_current", "story", "details",
)  # fmt: skip


def _themes(chosen: Chosen) -> QuerySet[Theme]:
    themes = Theme.objects.all()
    for name, value in (
        ("run", chosen.run), ("profile", chosen.profile), ("category", chosen.category),
        ("conversation__source", chosen.source), ("conversation__customer__iexact", chosen.customer),
        ("conversation__occurred_at__gte", chosen.since), ("conversation__occurred_at__lt", chosen.until),
    ):  # fmt: skip
        themes = themes.filter(**{name: value}) if value else themes
    if chosen.story:
        themes = themes.filter(pk__in=_themes_of_story(chosen.story))
    return themes.select_related("conversation__source").defer("vector").order_by("pk")


def _themes_of_story(story: int) -> QuerySet[Theme]:
    """Return the themes that count in a story: current ones of its signature, in conversations that are in it."""
    home = Story.objects.filter(pk=story).select_related("signature").defer("signature__vector_sum").first()
    if home is None:
        return Theme.objects.none()
    inside = home.evidence.values("conversation")
    leaves = SignatureRoot.objects.filter(root=home.signature_id).values("signature")
    return current_themes(home.signature.profile).filter(signature__in=leaves, conversation__in=inside)


def _told_themes(themes: Sequence[Theme], private: bool) -> Iterator[Row]:
    ids = [theme.pk for theme in themes]
    quotes: dict[int, list[str]] = {}
    for pk, quote in Evidence.objects.filter(theme__in=ids).order_by("start").values_list("theme", "quote"):
        quotes.setdefault(pk, []).append(quote)
    leaves = {theme.signature_id for theme in themes if theme.signature_id}
    roots = {
        link.signature_id: link.root
        for link in SignatureRoot.objects.filter(signature__in=leaves).select_related("root").defer("root__vector_sum")
    }
    homes = StoryEvidence.objects.filter(
        conversation__in=[theme.conversation_id for theme in themes], story__absorbed_by__isnull=True
    )
    story_of = {
        (root, conversation): title
        for root, conversation, title in homes.order_by("story").values_list(
            "story__signature", "conversation", "story__title"
        )
    }
    current = {
        pk
        for profile in {theme.profile for theme in themes}
        for pk in current_themes(profile).filter(pk__in=ids).values_list("pk", flat=True)
    }
    for theme in themes:
        conversation, root = theme.conversation, roots.get(theme.signature_id or 0)
        hide = (lambda text: text) if private else partial(_hidden, customer=conversation.customer)
        yield _row(
            THEME_COLUMNS, theme.pk, theme.run_id, theme.profile, str(conversation.source), conversation.external_id,
            conversation.customer if private else pseudonym(conversation.customer), _moment(conversation.occurred_at),
            theme.category, hide(theme.summary), [hide(quote) for quote in quotes.get(theme.pk, [])],
            round(theme.confidence, 3), theme.raw_signature, root.key if root else "", root.name if root else "",
            words(theme.signature_rule), None if theme.signature_score is None else round(theme.signature_score, 4),
            theme.gate_reason, theme.pk in current, story_of.get((root.pk if root else 0, conversation.pk), ""),
            _hidden_in(theme.details or {}, hide),
        )  # fmt: skip


def _hidden_in(value: Any, hide: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return hide(value)
    if isinstance(value, list):
        return [_hidden_in(each, hide) for each in value]
    if isinstance(value, dict):
        return {key: _hidden_in(each, hide) for key, each in value.items()}
    return value


# --- The merge map ------------------------------------------------------------------------------------------------

MERGE_COLUMNS: Final = (
    "signature", "root", "profile", "merged_into", "rule", "score", "reason", "merged_at", "merged_by", "themes",
    "conversations", "story", "story_status",
)  # fmt: skip


def _merges(chosen: Chosen) -> QuerySet[Signature]:
    """All names, each with what it means: those that were merged and those that stand for themselves."""
    names: QuerySet[Signature] = Signature.objects.all()
    if chosen.profile:
        names = names.filter(profile=chosen.profile)
    if chosen.run:
        names = names.filter(pk__in=Theme.objects.filter(run=chosen.run).values("signature"))
    return names.defer("vector_sum").order_by("profile", "key")


def _told_merges(names: Sequence[Signature], private: bool) -> Iterator[Row]:
    ids = [name.pk for name in names]
    standing = Merge.objects.filter(STANDING, child__in=ids).select_related("created_by")
    merges = {merge.child_id: merge for merge in standing}
    parents = dict(
        Signature.objects.filter(pk__in=[each.parent_id for each in merges.values()]).values_list("pk", "key")
    )
    links = SignatureRoot.objects.filter(signature__in=ids).values_list("signature", "root", "root__key")
    roots = {signature: (root, key) for signature, root, key in links}
    sizes = sizes_of_signatures(ids)
    found = Story.objects.standing().filter(signature__in=[root for root, _ in roots.values()]).order_by("pk")
    stories = {story.signature_id: story for story in found}
    for name in names:
        merge, size = merges.get(name.pk), sizes.get(name.pk, Size())
        root, root_key = roots.get(name.pk, (name.pk, name.key))
        story = stories.get(root)
        yield _row(
            MERGE_COLUMNS, name.key, root_key, name.profile, parents.get(merge.parent_id, "") if merge else "",
            words(merge.rule) if merge else "", None if merge is None or merge.score is None else round(merge.score, 4),
            merge.reason if merge else "", _moment(merge.created_at) if merge else "",
            merge.created_by.get_username() if merge and merge.created_by else "", size.themes, size.conversations,
            story.title if story else "", words(story.status) if story else "",
        )  # fmt: skip


# --- Conversations ------------------------------------------------------------------------------------------------

CONVERSATION_COLUMNS: Final = ("id", "customer", "created_at", "url", "label", "metadata", "messages")
"""What an import reads, and no more: so a file of them can be imported again. `themes` say in which story each is."""


def _conversations(chosen: Chosen) -> QuerySet[Conversation]:
    found = Conversation.objects.filter(current_version__isnull=False)
    for name, value in (
        ("source", chosen.source), ("customer__iexact", chosen.customer), ("occurred_at__gte", chosen.since),
        ("occurred_at__lt", chosen.until),
    ):  # fmt: skip
        found = found.filter(**{name: value}) if value else found
    if chosen.run:
        found = found.filter(items__run=chosen.run)
    if chosen.story:
        found = found.filter(Exists(StoryEvidence.objects.filter(story=chosen.story, conversation=OuterRef("pk"))))
    return found.select_related("current_version").order_by("source", "occurred_at", "pk")


def _told_conversations(found: Sequence[Conversation], private: bool) -> Iterator[Row]:
    for each in found:
        version = each.current_version
        messages = version.messages if version else []
        shown = messages if private else _redacted(messages, each.customer)
        hide = (lambda text: text) if private else partial(_hidden, customer=each.customer)
        yield _row(
            CONVERSATION_COLUMNS, each.external_id, each.customer if private else pseudonym(each.customer),
            "" if each.occurred_at_is_import_time else _moment(each.occurred_at), each.url if private else "",
            each.label, _hidden_in(each.metadata, hide), shown,
        )  # fmt: skip


def _redacted(messages: Sequence[Mapping[str, Any]], customer: str) -> list[dict[str, Any]]:
    """Return the messages with placeholders; one value has the same one all through the conversation."""
    names = tuple({customer, *(message.get("author") or "" for message in messages)} - {""})
    redactor = Redactor(names, "\n".join(message.get("text") or "" for message in messages))
    kept = ("role", "created_at", "unit", "language")
    return [
        {
            **{key: message[key] for key in kept if key in message},
            "author": pseudonym(message.get("author") or ""),
            "text": redactor.hide(message.get("text") or ""),
        }
        for message in messages
    ]


KINDS: Final[Mapping[str, Kind]] = {
    "stories": Kind(
        STORY_COLUMNS, _stories, _told_stories,
        ("run", "source", "profile", "status", "category", "customer", "since", "until"), "pipeline.view_story",
    ),
    "orphans": Kind(
        ORPHAN_COLUMNS, _orphans, _told_orphans, ("run", "source", "profile", "status"), "pipeline.view_orphan"
    ),
    "themes": Kind(
        THEME_COLUMNS, _themes, _told_themes,
        ("run", "source", "story", "profile", "category", "customer", "since", "until"), "pipeline.view_theme",
    ),
    "merges": Kind(MERGE_COLUMNS, _merges, _told_merges, ("run", "profile"), "pipeline.view_signature"),
    "conversations": Kind(
        CONVERSATION_COLUMNS, _conversations, _told_conversations,
        ("run", "source", "story", "customer", "since", "until"), "pipeline.view_conversation",
    ),
}  # fmt: skip
"""What can be exported, by name."""


# --- Forms --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Form:
    """A form of file: its media type, and what writes rows in it, piece by piece."""

    media_type: str
    write: Callable[[Exported], Iterator[bytes]]


def written(asked: Exported, form: str) -> Iterator[bytes]:
    """Return the bytes of a file, piece by piece; UnknownExport, at once, for a form that there is not."""
    return form_of(form).write(asked)


def form_of(name: str) -> Form:
    """Return a form by its name; UnknownExport says which there are."""
    if name not in FORMS:
        raise UnknownExport(f"{name!r} is not an export format. Choose one of {', '.join(FORMS)}.")
    return FORMS[name]


PIECE = 64 * 1024
"""Bytes that are handed on together, so that a row costs no call of the web server's."""


def _in_pieces(lines: Iterable[str]) -> Iterator[bytes]:
    waiting, size = [], 0
    for line in lines:
        waiting.append(line)
        size += len(line)
        if size >= PIECE:
            yield "".join(waiting).encode("utf-8", "surrogatepass")
            waiting, size = [], 0
    if waiting:
        yield "".join(waiting).encode("utf-8", "surrogatepass")


# --- Tables -------------------------------------------------------------------------------------------------------

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "|", "%")


def plain_cell(value: object) -> object:
    """Return a value that no spreadsheet takes for a formula: a text that begins like one gets an apostrophe.

    So does one that begins like one behind apostrophes, so that `told_cell` can take exactly one away again.
    """
    if not isinstance(value, str):
        return value
    text = value.replace("\0", "")
    return f"'{text}" if _is_formula(text.lstrip("'")) else text


def told_cell(text: str) -> str:
    """Return the text that `plain_cell` made a cell of: what a reader of our tables takes it for."""
    return text[1:] if text.startswith("'") and _is_formula(text.lstrip("'")) else text


def _is_formula(text: str) -> bool:
    return text.lstrip(" \t\r\n").startswith(_FORMULA) or text.startswith(_FORMULA)


def _flat(asked: Exported) -> tuple[Sequence[str], Iterator[Row]]:
    """Return the columns and rows of a table; of conversations a row for each message, as an import reads them."""
    if asked.what != "conversations":
        return asked.columns, iter(asked.rows)
    columns = ("id", "customer", "role", "author", "created_at", "text", "url", "label", "metadata")
    return columns, chain.from_iterable(map(_messages_of, asked.rows))


def _messages_of(row: Row) -> Iterator[Row]:
    messages: Any = row["messages"]
    for message in messages:
        said = {name: message.get(name) or "" for name in ("role", "author", "created_at", "text")}
        said["created_at"] = said["created_at"] or row["created_at"]
        about = {name: row[name] for name in ("id", "customer", "url", "label", "metadata")}
        yield {**about, **said}


def _cell(value: Value) -> str | int | float | bool:
    """Return a value as it stands in a cell: lists of words joined by lines, what has parts as JSON."""
    if value is None:
        return ""
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return "\n".join(value)
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False) if value else ""
    return value


class _Echo:
    def write(self, line: str) -> str:
        return line


def _as_csv(asked: Exported) -> Iterator[bytes]:
    columns, rows = _flat(asked)
    writer: Any = csv.writer(_Echo())
    head = "\ufeff" + writer.writerow(columns)  # the mark tells spreadsheets that it is UTF-8
    lines = (writer.writerow([plain_cell(_cell(row[column])) for column in columns]) for row in rows)
    return _in_pieces(chain([head], lines))


MOST_ROWS: Final = 1_048_576
LONGEST_CELL: Final = 32_767
"""What a sheet, and a cell of one, can hold: https://support.microsoft.com/en-us/office/1672b34d"""

_CUT = " […]"


def _as_xlsx(asked: Exported) -> Iterator[bytes]:
    """Yield a workbook with as many sheets as the rows need. Rows are written to a temporary file one by one.

    Texts are stored as texts, so they are no formulas; those that look like one are marked as text as well, so that
    they stay text when somebody edits the cell. What is longer than a cell can hold is cut, and ends in [...].
    """
    import xlsxwriter  # half a second that only those who want a workbook have to spend

    columns, rows = _flat(asked)
    with tempfile.TemporaryFile() as file:
        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "in_memory": False}
        with xlsxwriter.Workbook(file, options) as book:
            head, quoted = book.add_format({"bold": True}), book.add_format({"quote_prefix": True})
            number = 0
            rows = iter(rows)
            first = next(rows, None)
            while first is not None or not number:
                number += 1
                sheet = book.add_worksheet(f"{asked.what}{f' {number}' if number > 1 else ''}")
                sheet.freeze_panes(1, 0)
                for at, column in enumerate(columns):
                    sheet.write_string(0, at, column, head)
                these = chain([first] if first is not None else [], islice(rows, MOST_ROWS - 2))
                for line, row in enumerate(these, 1):
                    for at, column in enumerate(columns):
                        _write_cell(sheet, line, at, _cell(row[column]), quoted)
                first = next(rows, None)
        file.seek(0)
        while piece := file.read(PIECE):
            yield piece


def _write_cell(sheet: Any, line: int, at: int, value: str | float | bool, quoted: Any) -> None:
    if isinstance(value, bool):
        sheet.write_boolean(line, at, value)
    elif isinstance(value, int | float):
        sheet.write_number(line, at, value)
    elif value:
        text = value.replace("\0", "")
        if len(text) > LONGEST_CELL:
            text = text[: LONGEST_CELL - len(_CUT)] + _CUT
        sheet.write_string(line, at, text, quoted if _is_formula(text.lstrip("'")) else None)


# --- JSON ---------------------------------------------------------------------------------------------------------


def _as_jsonl(asked: Exported) -> Iterator[bytes]:
    return _in_pieces(json.dumps(row, ensure_ascii=False) + "\n" for row in asked.rows)


def _as_json(asked: Exported) -> Iterator[bytes]:
    """Yield one array. One that broke off is no JSON, so nobody takes it for the whole."""

    def lines() -> Iterator[str]:
        yield "["
        for number, row in enumerate(asked.rows):
            yield ("," if number else "") + "\n" + json.dumps(row, ensure_ascii=False)
        yield "\n]\n"

    return _in_pieces(lines())


# --- Markdown -----------------------------------------------------------------------------------------------------

_MARKS = {ord(mark): f"\\{mark}" for mark in "\\`*_{}[]<>()#+-.!|~"}


def _marked(value: object) -> str:
    """Return a text in one line, in which nothing is a mark."""
    return " ".join(str(value).split()).translate(_MARKS)


def _as_markdown(asked: Exported) -> Iterator[bytes]:
    title = "Merge map" if asked.what == "merges" else asked.what.capitalize()
    tell = {"stories": _marked_story, "conversations": _marked_conversation}.get(asked.what)
    if tell is not None:
        return _in_pieces(chain([f"# {title}\n"], map(tell, asked.rows)))
    columns = asked.columns
    head = f"# {title}\n\n| {' | '.join(words(column) for column in columns)} |\n|{'---|' * len(columns)}\n"
    lines = (f"| {' | '.join(_marked(_cell(row[column])) for column in columns)} |\n" for row in asked.rows)
    return _in_pieces(chain([head], lines))


def _marked_story(row: Row) -> str:
    people = counted(int(str(row["customers"])), "customer")
    size = counted(int(str(row["conversations"])), "conversation")
    said = f"\n> {_marked(row['quote'])}\n" if row["quote"] else ""
    return f"\n## {_marked(row['title'])}\n\n{size}, {people}, {row['status']}\n{said}"


def _marked_conversation(row: Row) -> str:
    messages: Any = row["messages"]
    lines = [
        f"\n**{_marked(each.get('role') or 'unknown')}:** {_marked(each.get('text') or '')}\n" for each in messages
    ]
    return (
        f"\n## {_marked(row['id'])}\n\n{_marked(row['customer'] or 'unknown customer')}, {row['created_at']}\n"
        + "".join(lines)
    )


FORMS: Final[Mapping[str, Form]] = {
    "csv": Form("text/csv; charset=utf-8", _as_csv),
    "xlsx": Form("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", _as_xlsx),
    "json": Form("application/json; charset=utf-8", _as_json),
    "jsonl": Form("application/x-ndjson; charset=utf-8", _as_jsonl),
    "md": Form("text/markdown; charset=utf-8", _as_markdown),
}
"""The forms of a file, by the ending of its name."""

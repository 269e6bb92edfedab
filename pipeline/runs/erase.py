"""Erase what a customer said, at the customer's request, everywhere: text goes for good, rows and counts stay.

Every place that holds text of the conversations is emptied in one transaction: versions, raw answers, themes, quotes,
search index, previews, rejects, page snapshots. What was made of the text is made again from the others: names of
signatures, titles, descriptions. What people wrote stays, but for the parts that quote or name the customer. A theme's
vector becomes a stand-in: the middle of the others of its signature, so that it stays in its story and says nothing.

Whose text it is: conversations whose customer this is, and those in which somebody of that name or address wrote as a
customer. They go whole, with what others said in them, for others quote. Backups are not touched; see
docs/howto/erase-and-retain.md.
"""

import getpass
import json
import logging
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np
from django.apps import apps
from django.conf import settings
from django.db import connection, models, transaction
from django.db.models import Q
from django.utils import timezone

from pipeline.extract.llm.recording import forget_recorded, texts_in
from pipeline.group.settle import point_to_nearest_stories, settle
from pipeline.group.titles import title_of
from pipeline.merge.counting import recount
from pipeline.merge.forest import standing_forest
from pipeline.merge.rules.normalise import normal_form
from pipeline.models import (
    Batch,
    Call,
    Company,
    CompanyUrl,
    ContextUsage,
    Conversation,
    ConversationVersion,
    ErasedMark,
    Erasure,
    Evidence,
    Fetch,
    Item,
    MapPoint,
    Merge,
    MergePass,
    Move,
    NewVector,
    Orphan,
    Reassignment,
    Rename,
    Run,
    SearchText,
    Signature,
    SignatureRoot,
    Snapshot,
    Source,
    Split,
    StatusChange,
    Story,
    Theme,
    Upload,
    Veto,
    VocabularyVersion,
)
from pipeline.models.erasure import Fate
from pipeline.models.refusal import Refusal
from pipeline.review.deciding import as_of, deciding, lock, title_afterwards
from pipeline.runs.create import refuse_live
from pipeline.runs.erased_columns import columns_with
from pipeline.runs.erased_text import ErasedText
from pipeline.runs.uploads import forget_upload
from pipeline.sources.erased import digest_of_conversation, digest_of_customer
from pipeline.sources.repetition import remember_repeated

log = logging.getLogger(__name__)


class NothingToErase(Refusal):
    """Nobody of that name, id or address is known."""


@dataclass(frozen=True, slots=True)
class Person:
    """Whom an erasure is about: what they were called in the request, and the pseudonym that stands for them after."""

    word: str
    pseudonym: str


@dataclass(frozen=True, slots=True)
class Holdings:
    """What is held of a customer: conversations by id, the names they are under, and rows by what they are."""

    conversations: tuple[int, ...]
    customers: tuple[str, ...]
    counts: Mapping[str, int]

    @property
    def is_empty(self) -> bool:
        return not any(self.counts.values())

    def __str__(self) -> str:
        """Return the counts as a person reads them."""
        return in_words(self.counts)


def in_words(counts: Mapping[str, int]) -> str:
    """Return counts by name as a list of words, without those that are nothing."""
    return ", ".join(f"{name} ({number:,})" for name, number in counts.items() if number) or "nothing"


# --- The door -----------------------------------------------------------------------------------------------------


def holdings_of(word: str) -> Holdings:
    """Return what is held of a customer by name, id or address. Reads all texts once: authors have no index."""
    word = " ".join(word.split())
    conversations = _conversations_of(word)
    rows = Conversation.objects.filter(pk__in=conversations)
    customers = tuple(rows.exclude(customer="").values_list("customer", flat=True).distinct().order_by("customer"))
    counts = {name: found.count() for name, found in _texts_of(conversations).items()}
    counts["companies"] = _companies_of(conversations, word).count()
    for eraser in _others():
        counts |= eraser.held(word)
    return Holdings(tuple(conversations), customers, counts)


def erase_customer(*, word: str, by: Any = None) -> Erasure:
    """Erase all that is held of a customer by name, id or address, and return the record of it.

    Opens a transaction; files go after it. Raises NothingToErase if nothing is held, and RunIsLive, with nothing
    changed, while a run reads one of their sources: its worker holds the text.
    """
    word = " ".join(word.split())
    held = holdings_of(word)
    if held.is_empty:
        raise NothingToErase(f"nothing is stored about {word!r}, so nothing was erased. Check the spelling.")
    sources = list(Source.objects.filter(conversations__in=held.conversations).distinct().order_by("pk"))
    for source in sources:
        refuse_live(source=source)
    with transaction.atomic():
        # the lock holds off runs and imports that would begin meanwhile: their rows need the source's
        list(Source.objects.select_for_update().filter(pk__in=[source.pk for source in sources]).order_by("pk"))
        for source in sources:
            refuse_live(source=source)
        operator = "" if by else getpass.getuser()
        erasure = Erasure.objects.create(created_at=timezone.now(), created_by=by, operator=operator)
        person = Person(word, f"erased-{erasure.pk}")
        _mark(erasure, held, word)
        counts: Counter[str] = Counter(_erase(erasure, person, held, sources))
        for eraser in _others():
            counts.update(eraser.erase(person))
        erasure.counts = {name: number for name, number in counts.items() if number}
        erasure.save(update_fields=["counts"])
    log.warning("a customer was erased: %s by %s: %s", erasure, by or operator, in_words(erasure.counts))
    return erasure


def _others() -> list[Any]:
    """Return the modules, besides this one, that hold text of customers: settings.ERASERS.

    Each has `held(word)`, which returns counts by name, and `erase(person)`, which requires a transaction and returns
    the counts of what it emptied.
    """
    return [import_module(path) for path in settings.ERASERS]


# --- Whose it is --------------------------------------------------------------------------------------------------

# agents have names, too: only who wrote as a customer, or in no role, is meant by an author
_CONVERSATIONS = """
SELECT conversation.id FROM pipeline_conversation conversation WHERE lower(conversation.customer) = lower(%(word)s)
UNION
SELECT version.conversation_id FROM pipeline_conversationversion version,
       jsonb_array_elements(version.messages) AS each (message)
WHERE version.erased_at IS NULL AND message ->> 'role' IN ('customer', '')
  AND (lower(message ->> 'author') = lower(%(word)s) OR strpos(lower(message ->> 'author'), %(address)s) > 0)
ORDER BY 1
"""


def _conversations_of(word: str) -> list[int]:
    """Return the conversations of a customer, or the pages of a company that is one.

    An address is found in `Ann <ann@example.org>` too.
    """
    address = f"<{word.lower()}>"
    with connection.cursor() as cursor:
        cursor.execute(_CONVERSATIONS, {"word": word, "address": address})
        said = {pk for (pk,) in cursor.fetchall()}
    pages = CompanyUrl.objects.filter(company__in=_companies_called(word)).values_list("conversation_id", flat=True)
    return sorted(said.union(pages))


def _companies_called(word: str) -> models.QuerySet[Company]:
    """Return the watched company of this id or name. A name that two have is nobody's: the id has to be given."""
    named = Company.objects.filter(name__iexact=word)
    called = Q(external_id__iexact=word) | (Q(name__iexact=word) if named.count() == 1 else Q(pk__in=()))
    return Company.objects.filter(called)


def _texts_of(conversations: Sequence[int]) -> dict[str, models.QuerySet[Any]]:
    """Return the rows that hold text of these conversations, by what they are called."""
    return {
        "conversations": Conversation.objects.filter(pk__in=conversations),
        "versions": ConversationVersion.objects.filter(conversation__in=conversations, erased_at__isnull=True),
        "raw answers": Call.objects.filter(item__conversation__in=conversations, erased_at__isnull=True),
        "themes": Theme.objects.filter(conversation__in=conversations, erased_at__isnull=True),
        "quotes": Evidence.objects.filter(theme__conversation__in=conversations).exclude(quote=""),
        "snapshots": Snapshot.objects.filter(version__conversation__in=conversations, version__erased_at__isnull=True),
    }


def _companies_of(conversations: Sequence[int], word: str) -> models.QuerySet[Company]:
    """Return the watched companies whose pages are among these conversations, or that are called so."""
    ids = CompanyUrl.objects.filter(conversation__in=conversations).values("company")
    return Company.objects.filter(Q(pk__in=ids) | Q(pk__in=_companies_called(word).values("pk")))


def mentions_of(word: str) -> dict[str, int]:
    """Return in how many rows of each of our tables a name still stands, wherever that is: texts of others, comments.

    Reads every text there is.
    """
    found = {}
    pattern = f"%{word.translate(_LIKE)}%"
    for model in apps.get_models():
        table = model._meta.db_table
        columns = [
            f'"{field.column}"::text ILIKE %(pattern)s'
            for field in model._meta.concrete_fields
            if isinstance(field, models.CharField | models.TextField | models.JSONField)
        ]
        if columns and model._meta.managed and not model._meta.proxy:
            with connection.cursor() as cursor:
                cursor.execute(f'SELECT count(*) FROM "{table}" WHERE {" OR ".join(columns)}', {"pattern": pattern})
                if count := cursor.fetchone()[0]:
                    found[model._meta.verbose_name_plural or table] = count
    return {str(name): count for name, count in found.items()}


_LIKE = {ord("%"): r"\%", ord("_"): r"\_", ord("\\"): r"\\"}


def _mark(erasure: Erasure, held: Holdings, word: str) -> None:
    """Keep digests by which an import is recognised that brings the same again."""
    rows = Conversation.objects.filter(pk__in=held.conversations).values_list("source_id", "external_id")
    digests = [(ErasedMark.Kind.CONVERSATION, digest_of_conversation(*row)) for row in rows]
    digests += [(ErasedMark.Kind.CUSTOMER, digest_of_customer(name)) for name in {word, *held.customers}]
    # marked by an earlier erasure: from now on what came between the two is refused as well
    ErasedMark.objects.filter(digest__in=[digest for _, digest in digests]).update(erasure=erasure)
    marks = [ErasedMark(erasure=erasure, kind=kind, digest=digest) for kind, digest in sorted(set(digests))]
    ErasedMark.objects.bulk_create(marks, ignore_conflicts=True, batch_size=2000)


# --- Erasing ------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Scene:
    """What an erasure works on. `external_ids` and `texts` are of before."""

    erasure: Erasure
    conversations: Sequence[int]
    texts: ErasedText
    external_ids: set[str] = field(default_factory=set)
    renamed: dict[str, str] = field(default_factory=dict)
    """Keys of signatures that were made of erased text, and what they are called now."""


def _erase(erasure: Erasure, person: Person, held: Holdings, sources: Sequence[Source]) -> dict[str, int]:
    counts = {name: rows.count() for name, rows in _texts_of(held.conversations).items()}
    companies = list(_companies_of(held.conversations, person.word).order_by("pk"))
    counts["companies"] = len(companies)
    scene = _Scene(erasure, held.conversations, _said_by(person, held))
    ids = Conversation.objects.filter(pk__in=held.conversations).values_list("external_id", flat=True)
    scene.external_ids = set(ids)
    roots = _roots_by_profile(held.conversations)
    with ExitStack() as deciders:
        for profile in sorted(roots):
            deciders.enter_context(deciding(profile, None))  # a merge that runs meanwhile computes again
        lock(root for touched in roots.values() for root in touched)
        _empty_conversations(scene, person)
        _empty_readings(scene)
        counts["judgements"] = _empty_judgements(scene)
        _empty_companies(scene, companies)
        for profile in sorted(roots):
            _empty_themes(scene, profile)
        _retitle(scene)
        for profile, touched in sorted(roots.items()):
            settle(profile=profile, as_of=as_of(profile), roots=sorted(touched))
        for profile, touched in sorted(roots.items()):
            point_to_nearest_stories(profile=profile, roots=sorted(touched))
            title_afterwards(profile, touched)
        counts["written by people"] = _hide_in_what_people_wrote(scene)
        counts["previews and rejects"] = _hide_in_runs(scene, sources)
        counts["uploaded files"] = _forget_uploads(sources)
    for source in sources:
        remember_repeated(source)  # a sentence that only this customer repeated is not kept with the source either
    transaction.on_commit(partial(forget_recorded, is_of=scene.texts.quotes))
    return counts


def _said_by(person: Person, held: Holdings) -> ErasedText:
    """Return all texts that are about to be erased, and what the customer is called in them."""
    texts = ErasedText()
    texts.name(person.word, *held.customers)
    versions = ConversationVersion.objects.filter(conversation__in=held.conversations, erased_at__isnull=True)
    for messages in versions.values_list("messages", flat=True).iterator(chunk_size=200):
        for message in messages:
            texts.add(message.get("text") or "")
            if message.get("role") in ("customer", "") and _is_name(message.get("author") or ""):
                texts.name(message["author"])
    for label, url, metadata in Conversation.objects.filter(pk__in=held.conversations).values_list(
        "label", "url", "metadata"
    ):
        texts.name(url)
        for said in (label, *_strings(metadata)):
            texts.add(said)
    for summary in Theme.objects.filter(conversation__in=held.conversations).values_list("summary", flat=True):
        texts.add(summary)
    return texts


def _is_name(author: str) -> bool:
    """Whether an author is named so that the name is theirs: `User` and `Customer` are called many."""
    return " " in author.strip() or "@" in author


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _strings(each)


def _roots_by_profile(conversations: Sequence[int]) -> dict[str, set[int]]:
    """Return the root signatures that the themes of these conversations belong to, by profile.

    A profile whose themes have none stands there with none: its gate held them back.
    """
    themes = Theme.objects.filter(conversation__in=conversations)
    roots: dict[str, set[int]] = {profile: set() for profile in themes.values_list("profile", flat=True).distinct()}
    leaves = themes.filter(signature__isnull=False).values_list("signature", flat=True)
    for profile, root in SignatureRoot.objects.filter(signature__in=leaves).values_list("root__profile", "root"):
        roots[profile].add(root)
    return roots


_BLANK = """
UPDATE pipeline_conversationversion version
SET messages = coalesce((
        SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
            'role', message -> 'role', 'author', '', 'text', '', 'created_at', message -> 'created_at',
            'unit', message -> 'unit', 'language', message -> 'language')) ORDER BY place)
        FROM jsonb_array_elements(version.messages) WITH ORDINALITY AS turn (message, place)
    ), '[]'::jsonb),
    content_hash = CASE WHEN %(keeps_hash)s THEN content_hash ELSE 'erased-' || id END,
    erased_at = %(at)s
WHERE id = ANY(%(ids)s)
"""
"""Who spoke when stays, and how often; what was said goes."""


def blank_versions(*, ids: Sequence[int], at: Any, keeps_hash: bool) -> int:
    """Take the text out of these versions for good; return how many. Requires a transaction.

    `keeps_hash`: an import that brings the same text again finds it unchanged, and does not bring it back.
    """
    with connection.cursor() as cursor:
        cursor.execute(_BLANK, {"ids": list(ids), "at": at, "keeps_hash": keeps_hash})
        done = int(cursor.rowcount)
        cursor.execute("UPDATE pipeline_searchtext SET words = ''::tsvector WHERE version_id = ANY(%s)", [list(ids)])
    return done


def _empty_conversations(scene: _Scene, person: Person) -> None:
    versions = ConversationVersion.objects.filter(conversation__in=scene.conversations)
    ids = list(versions.values_list("pk", flat=True))
    blank_versions(ids=ids, at=scene.erasure.created_at, keeps_hash=False)
    SearchText.objects.filter(conversation__in=scene.conversations).update(words="")
    rows = Conversation.objects.filter(pk__in=scene.conversations)
    customers = rows.exclude(customer="").order_by("customer").values_list("customer", flat=True).distinct()
    # one customer stays one, so that the customers of a story are as many as before; case does not tell two apart
    known = {customer.casefold(): "" for customer in customers}
    names = {key: f"{person.pseudonym}-{number}" for number, key in enumerate(sorted(known), 1)}
    emptied = [
        Conversation(pk=row.pk, customer=names.get(row.customer.casefold(), ""), external_id=f"erased-{row.pk}")
        for row in rows
    ]
    for row in emptied:
        row.url, row.label, row.metadata = "", "", {}
    Conversation.objects.bulk_update(emptied, ["customer", "external_id", "url", "label", "metadata"], batch_size=500)


def _empty_readings(scene: _Scene) -> None:
    """Empty raw answers, and what the ledger quotes of failures."""
    at, mine = scene.erasure.created_at, Q(item__conversation__in=scene.conversations)
    calls = Call.objects.filter(mine)
    calls.update(answer="", raw=b"", vectors=b"", vectors_hash="", request_hash="", erased_at=at)
    items = Item.objects.filter(conversation__in=scene.conversations)
    items.exclude(error="").update(error="erased")
    _hide(items, ("reason",), scene)
    own = set(items.values_list("pk", flat=True))
    for batch in Batch.objects.filter(run__items__conversation__in=scene.conversations).distinct():
        # a fault is item, step, unit, status and body, see `Batch.faults`: the body may quote the question
        batch.faults = [[*fault[:4], "" if fault[0] in own else fault[4]] for fault in batch.faults]
        batch.save(update_fields=["faults"])


def _empty_judgements(scene: _Scene) -> int:
    """Empty the raw answers of a model that judged, where they quote or name the customer; return how many.

    Whole and not by words: an answer is JSON within JSON, and what is quoted there is written with escapes.
    """
    calls = Call.objects.filter(judgement__isnull=False, erased_at__isnull=True)
    telling = [
        call.pk
        for call in calls.only("answer", "raw").iterator(chunk_size=1000)
        if any(map(scene.texts.quotes, texts_in(call.body.decode(errors="replace"))))
    ]
    said = Call.objects.filter(pk__in=telling)
    return said.update(answer="", raw=b"", request_hash="", erased_at=scene.erasure.created_at)


def _empty_companies(scene: _Scene, companies: Sequence[Company]) -> None:
    """Empty what is kept of watched companies, which are the customer, and of their pages."""
    pages = CompanyUrl.objects.filter(company__in=companies)
    for snapshot in Snapshot.objects.filter(company_url__in=pages):
        Snapshot.objects.filter(pk=snapshot.pk).update(title="", content_hash=f"erased-{snapshot.pk}")
    Fetch.objects.filter(company_url__in=pages).update(detail="", final_url="")
    StatusChange.objects.filter(company__in=companies).update(reason="erased")
    for company in companies:
        Company.objects.filter(pk=company.pk).update(
            external_id=f"erased-{company.pk}", name=f"erased {company.pk}", metadata={}, explanation="",
            override_reason="erased" if company.override else "",
        )  # fmt: skip
    for page in pages:
        CompanyUrl.objects.filter(pk=page.pk).update(
            url=f"erased:{page.pk}", host="", detail="", etag="", last_modified="",
            removed_at=page.removed_at or scene.erasure.created_at,
        )  # fmt: skip


# --- Themes and what was made of them -----------------------------------------------------------------------------


def _empty_themes(scene: _Scene, profile: str) -> None:
    """Empty the themes of a profile; they keep their signature, under a name that others gave it."""
    themes = list(Theme.objects.filter(conversation__in=scene.conversations, profile=profile).order_by("pk"))
    ids = [theme.pk for theme in themes]
    Evidence.objects.filter(theme__in=ids).update(quote="", details=None)
    ContextUsage.objects.filter(theme__in=ids).update(missing="")
    MapPoint.objects.filter(theme__in=ids).delete()  # where it lies says what it meant
    NewVector.objects.filter(theme__in=ids).delete()  # `reembed` makes it again where it is under way
    leaves = sorted({theme.signature_id for theme in themes if theme.signature_id})
    forms = {theme.raw_key for theme in themes}
    named = Signature.objects.filter(Q(pk__in=leaves) | Q(normal_form__in=forms), profile=profile)
    _rename_signatures(scene, profile, sorted(named.values_list("pk", flat=True)), ids)
    stand_in(themes=themes, at=scene.erasure.created_at)
    keys = dict(Signature.objects.filter(pk__in=leaves).values_list("pk", "key"))
    taken: set[tuple[int, str]] = set()
    for theme in themes:
        theme.summary, theme.details = "", None
        theme.raw_signature = keys.get(theme.signature_id or 0, "")
        if not theme.raw_signature or (theme.item_id, normal_form(theme.raw_signature)) in taken:
            theme.raw_signature = f"erased_{theme.pk}"
        theme.raw_key = normal_form(theme.raw_signature)
        taken.add((theme.item_id, theme.raw_key))
        theme.gate_reason = scene.texts.hidden(theme.gate_reason)
    # first apart from each other: one may take the name that another gives up
    for theme in themes:
        Theme.objects.filter(pk=theme.pk).update(raw_key=f"erased {theme.pk}")
    columns = ["summary", "details", "raw_signature", "raw_key", "gate_reason"]
    Theme.objects.bulk_update(themes, columns, batch_size=500)


def stand_in(*, themes: Sequence[Theme], at: Any, by_stand_ins: bool = False) -> None:
    """Give themes a vector that says nothing of what they said: the middle of the others of their signature.

    So each stays where it is, also when all are grouped again. Where there are no others it is a direction by chance.
    `by_stand_ins`: others that have a stand-in themselves count too, where nobody asked to be forgotten. Counts the
    signatures' sums again; requires a transaction that holds them.
    """
    mine = [theme.pk for theme in themes]
    leaves = [theme.signature_id for theme in themes if theme.signature_id]
    links = SignatureRoot.objects.filter(root__in=SignatureRoot.objects.filter(signature__in=leaves).values("root"))
    profiles = {theme.profile for theme in themes}
    forests = {profile: standing_forest(profile) for profile in profiles}
    centre_of = {theme.pk: forests[theme.profile].centre(theme.signature_id) for theme in themes if theme.signature_id}
    sums: dict[int, np.ndarray] = {}
    others = Theme.objects.filter(signature__in=list(links.values_list("signature", flat=True))).exclude(pk__in=mine)
    others = others if by_stand_ins else others.filter(erased_at__isnull=True)
    for profile, leaf, vector in others.order_by("pk").values_list("profile", "signature_id", "vector").iterator(2000):
        centre = forests[profile].centre(leaf)
        numbers = np.frombuffer(bytes(vector), np.float32).astype(np.float64)
        sums[centre] = sums.get(centre, 0) + numbers
    for theme in themes:
        size = len(bytes(theme.vector)) // 4
        middle = sums.get(centre_of.get(theme.pk, 0))
        if middle is None or not np.linalg.norm(middle):
            # by its id, so that it is the same each time; directions by chance are near to nothing
            middle = np.random.default_rng(theme.pk).normal(size=size)
        theme.vector = (middle / np.linalg.norm(middle)).astype(np.float32).tobytes()
        theme.signature_score, theme.erased_at = None, at
    Theme.objects.bulk_update(themes, ["vector", "signature_score", "erased_at"], batch_size=500)
    recount(set(centre_of.values()))


def _rename_signatures(scene: _Scene, profile: str, leaves: Sequence[int], themes: Sequence[int]) -> None:
    """Give those signatures another name whose name only erased themes proposed: that of the others, or a number.

    A name that a person chose stays, unless it names the customer.
    """
    others = Theme.objects.filter(profile=profile).exclude(pk__in=themes)
    chosen = set(
        Rename.objects.filter(signature__in=leaves, undone_at__isnull=True).values_list("signature", flat=True)
    )
    chosen |= set(Split.objects.filter(made__in=leaves, undone_at__isnull=True).values_list("made", flat=True))
    for signature in Signature.objects.filter(pk__in=leaves).order_by("pk"):
        is_theirs = others.filter(raw_key=signature.normal_form).exists()
        says_name = scene.texts.names_in(signature.key)
        if not says_name and (is_theirs or signature.pk in chosen):
            continue
        key = _free_name(profile, signature, others, scene)
        scene.renamed[signature.key] = key
        Signature.objects.filter(pk=signature.pk).update(key=key, normal_form=normal_form(key))
    for old, new in scene.renamed.items():
        _replace_key(profile, old, new)


def _free_name(profile: str, signature: Signature, others: models.QuerySet[Theme], scene: _Scene) -> str:
    """Return the commonest name that the signature's other themes propose and that no signature has."""
    raw = others.filter(signature=signature).values_list("raw_signature", flat=True)
    for name, _ in sorted(Counter(raw).items(), key=lambda pair: (-pair[1], pair[0])):
        form = normal_form(name)
        is_free = not Signature.objects.filter(Q(key=name) | Q(normal_form=form), profile=profile).exists()
        if is_free and not scene.texts.names_in(name):
            return name
    return f"erased_{signature.pk}"


def _replace_key(profile: str, old: str, new: str) -> None:
    """Take a name of a signature out of what was recorded about it, where it stands as a word of its own."""
    name = re.compile(rf"(?<!\w){re.escape(old)}(?!\w)")
    of_profile: dict[type[models.Model], tuple[str, Sequence[str]]] = {
        Rename: ("profile", ("old_key", "new_key")),
        Merge: ("child__profile", ("reason",)),
        Veto: ("first__profile", ("reason",)),
        Split: ("signature__profile", ("reason",)),
        Move: ("source__profile", ("reason",)),
        Reassignment: ("source__profile", ("reason",)),
        MergePass: ("profile", ("reason",)),
        Orphan: ("signature__profile", ("detail",)),
        Run: ("profile", ("attention", "error")),
    }
    for model, (place, columns) in of_profile.items():
        for column in columns:
            for row in model._default_manager.filter(**{place: profile, f"{column}__contains": old}):
                setattr(row, column, name.sub(lambda _: new, getattr(row, column)))
                row.save(update_fields=[column])
    for vocabulary in VocabularyVersion.objects.filter(profile=profile):
        said = json.dumps(vocabulary.content, ensure_ascii=False)
        if f'"{old}"' in said:
            vocabulary.content = json.loads(said.replace(f'"{old}"', json.dumps(new)))
            vocabulary.save(update_fields=["content"])
    Rename.objects.filter(profile=profile, new_form=normal_form(old)).update(new_form=normal_form(new))


def _retitle(scene: _Scene) -> None:
    """Take back titles and descriptions that were made of the text; settling and titling make others."""
    stories = Story.objects.filter(evidence__conversation__in=scene.conversations).distinct()
    for story in stories.select_related("signature").defer("signature__vector_sum"):
        if story.edited_at:
            title, description = scene.texts.hidden(story.title), scene.texts.hidden(story.description)
            Story.objects.filter(pk=story.pk).update(title=title, description=description)
            continue
        changed: dict[str, Any] = {"description": ""}  # it quotes three of its conversations
        if story.title == title_of(story.signature.key) or not story.titled_at or _is_from(scene, story.title):
            changed |= {"title": title_of(story.signature.key), "titled_at": None}
        Story.objects.filter(pk=story.pk).update(**changed)
    leaves = Theme.objects.filter(conversation__in=scene.conversations, signature__isnull=False).values("signature")
    roots = SignatureRoot.objects.filter(signature__in=leaves).values("root")
    named = Signature.objects.filter(Q(pk__in=leaves) | Q(pk__in=roots)).exclude(title="")
    theirs = [pk for pk, title in named.values_list("pk", "title") if _is_from(scene, title)]
    Signature.objects.filter(pk__in=theirs).update(title="")


def _is_from(scene: _Scene, title: str) -> bool:
    return scene.texts.is_made_of_it(title) or scene.texts.hidden(title) != title


# --- Where others quote it ----------------------------------------------------------------------------------------


def _hide(rows: models.QuerySet[Any], columns: Sequence[str], scene: _Scene) -> int:
    """Hide what quotes or names the customer in columns of text or JSON; return how many rows had some."""
    count, longest = 0, {column: getattr(rows.model._meta.get_field(column), "max_length", None) for column in columns}
    for row in rows.only("pk", *columns).iterator(chunk_size=1000):
        after = {column: _hidden_in(getattr(row, column), scene) for column in columns}
        # what stands for a short name is longer than it
        after |= {column: after[column][:most] for column, most in longest.items() if most and after[column]}
        changed = {column: value for column, value in after.items() if value != getattr(row, column)}
        if changed:
            type(row)._default_manager.filter(pk=row.pk).update(**changed)
            count += 1
    return count


def _hidden_in(value: Any, scene: _Scene) -> Any:
    """Return a value without what quotes or names the customer; JSON in a column of text stays JSON."""
    if isinstance(value, str) and value.startswith(("{", "[")):
        with suppress(ValueError):
            said = json.loads(value)
            hidden = scene.texts.hidden_in(said)
            return value if hidden == said else json.dumps(hidden, ensure_ascii=False)
    return scene.texts.hidden_in(value)


def _hide_in_what_people_wrote(scene: _Scene) -> int:
    """Hide it in all columns that `erased_columns` names for that, wherever they are."""
    count = sum(_hide(model._default_manager.all(), names, scene) for model, names in columns_with(Fate.HIDDEN))
    # titles and descriptions that nobody wrote are made again instead: their words are those of others, too
    return count + _hide(Story.objects.exclude(edited_at=None), ("title", "description"), scene)


def _hide_in_runs(scene: _Scene, sources: Sequence[Source]) -> int:
    """Hide it in dry runs' samples and runs' notes."""
    count = 0
    for run in Run.objects.filter(source__in=sources, preview__isnull=False):
        samples = (run.preview or {}).get("samples", [])
        kept = [each for each in samples if each.get("id") not in scene.external_ids]
        if len(kept) != len(samples):
            Run.objects.filter(pk=run.pk).update(preview={**(run.preview or {}), "samples": kept})
            count += 1
    return count + _hide(Run.objects.filter(source__in=sources), ("error", "attention", "judging_stopped"), scene)


def _forget_uploads(sources: Sequence[Source]) -> int:
    """Remove the uploaded files of these sources, and those no run was started with: nobody knows whose they are."""
    uploads = list(Upload.objects.filter(Q(run__source__in=sources) | Q(run__isnull=True)))
    for upload in uploads:
        transaction.on_commit(partial(forget_upload, upload))
    return len(uploads)

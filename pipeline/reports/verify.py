"""Prove a run from what is stored: that nothing is missing, nothing was changed, and the rules give the same partition.

Everything is read in one snapshot of the database, so that other runs may go on meanwhile; the partition is derived
after the snapshot is closed. Groups belong to all runs of a profile, so the newest pass over all its themes is made
again. What cannot be derived any more, because people decided since or a version is gone, is said and is no fault.
"""

import random
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256

import numpy as np
from django.db import connection, transaction
from django.db.models import Exists, F, Func, IntegerField, OuterRef, Prefetch, Q, QuerySet

from pipeline.extract.base import Answer, Asking, Extractor, UnknownExtractor, asks, get_extractor
from pipeline.extract.embedding.endpoint import EndpointEmbedder
from pipeline.extract.knowledge import profile_of
from pipeline.extract.llm.calls import bodies_of
from pipeline.extract.llm.replay import reread
from pipeline.extract.profiles import Profile, UnknownProfile
from pipeline.extract.reading import UNIT_TOLERANCE, Draft, Outcome, parse
from pipeline.extract.themes import Reading
from pipeline.extract.versions import versions
from pipeline.group.conservation import Homes, extracted_items_without_a_theme, homes_of_themes
from pipeline.group.titles import Model
from pipeline.group.titling import model_of_profile
from pipeline.ledger.counts import ItemCounts, find_run, item_counts
from pipeline.ledger.errors import RunError
from pipeline.ledger.transcript import Question, transcript_of
from pipeline.merge import registry
from pipeline.merge.rules import normalise
from pipeline.merge.rules.assign import assign
from pipeline.models import Call, Evidence, Item, Run, Signature, Theme, schema
from pipeline.models.wording import counted
from pipeline.reports.companies import page_run, uneven_companies
from pipeline.reports.last_pass import LastPass, last_pass, unlike
from pipeline.reports.portraits import Portrait, loose, misnamed, portraits_of, stories_of_run

ORDERS = 3
"""In how many shuffled orders the groups are made again."""

NAMED = 5
"""Rows that a fault names; of the others it says how many there are."""

SUM_TOLERANCE = 1e-4
"""What adding up in float32 may lose, for each theme of a sum."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must hold of a run: `said` is what was looked at; without faults it holds.

    `not_checked` says why some of it, or all, could not be looked at. `warnings` are no faults: people should look.
    """

    name: str
    said: str
    faults: tuple[str, ...] = ()
    not_checked: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        return not self.faults


@dataclass(frozen=True, slots=True)
class Verification:
    """What was looked at, check by check."""

    run: int
    checks: tuple[Check, ...] = field(default_factory=tuple)

    @property
    def holds(self) -> bool:
        return all(check.holds for check in self.checks)

    @property
    def faults(self) -> tuple[str, ...]:
        """What does not hold, each with the name of its check."""
        return tuple(f"{check.name}: {fault}" for check in self.checks for fault in check.faults)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What holds and may be wrong all the same, each with the name of its check."""
        return tuple(f"{check.name}: {warning}" for check in self.checks for warning in check.warnings)

    def as_json(self) -> dict[str, object]:
        """Return plain values; `holds` is there for the whole and for each check."""
        checks = [{**asdict(check), "holds": check.holds} for check in self.checks]
        return {"run": self.run, "holds": self.holds, "checks": checks}


def verify(*, run_id: int, orders: int = ORDERS) -> Verification:
    """Look at everything and change nothing. Reads in a transaction of its own, so it must be called outside of one.

    The groups are made again in so many shuffled orders; that is what takes time where there are many themes.

    Raises RunError if there is no such run, it is a dry run, or it is alive.
    """
    run = _verifiable(run_id)
    with _snapshot():
        looked_at = (_conservation, _answers, _raw_names, _evidence, _vectors)
        stored = [check(run) for check in (*looked_at, *((_pages,) if run.is_of_pages else ()))]
        sums = _registry(run.profile)
        # a registry that does not add up would only give the same fault a hundred times
        found = last_pass(run.profile) if sums.holds else "the totals in the registry are wrong"
        strays = _unrecorded(run)
        portraits = portraits_of(run.profile) if sums.holds else []  # vectors that do not add up show nothing
        mine, model = stories_of_run(run.pk), _free_model(run.profile)
    stories = _cohesion(portraits, mine), _titles(portraits, mine, model)
    return Verification(run.pk, (*stored, _partition(found, strays, orders), *stories, sums, _promises()))


def _verifiable(run_id: int) -> Run:
    run = find_run(run_id)
    if run.is_preview:
        raise RunError(f"run {run_id} is a dry run, so it read nothing and there is nothing to verify.")
    if run.is_live:
        raise RunError(f"run {run_id} is {run.state}; verify it after it has ended.")
    return run


@contextmanager
def _snapshot() -> Iterator[None]:
    """Open a read-only transaction that sees the database as it is now, until the end."""
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        # REPEATABLE READ is a snapshot in PostgreSQL: all statements see one moment, and nobody is locked out
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def _some(faults: Sequence[str]) -> tuple[str, ...]:
    """Return the first faults, and how many more there are."""
    more = len(faults) - NAMED
    return (*faults[:NAMED], f"... and {more} more like these") if more > 0 else tuple(faults)


# --- Conservation -------------------------------------------------------------------------------------------------


def _conservation(run: Run) -> Check:
    counts, homes = item_counts(run), homes_of_themes(run)
    said = (
        f"{counted(counts.planned, 'conversation')} = {counts.extracted} extracted + {counts.filtered} filtered + "
        f"{counts.failed} failed + {counts.skipped} skipped; "
    )
    themes = counted(homes.total, "theme")
    if run.makes_stories:
        said += f"{themes} = {homes.in_story} in stories + {homes.in_orphan} in orphans"
        said += f" + {homes.held_by_gate} held back by their gate" if homes.held_by_gate else ""
        said += f" + {homes.replaced} replaced by a newer reading" if homes.replaced else ""
    else:
        said += f"{themes}, {homes.total - homes.unassigned} with a signature; no stories were requested"
    return Check("conservation", said, tuple(_unbalanced(run, counts, homes)))


def _unbalanced(run: Run, counts: ItemCounts, homes: Homes) -> Iterator[str]:
    if run.planned_count not in (None, counts.planned):
        yield f"{run.planned_count} conversations were planned, but there are items for {counts.planned}"
    if counts.finished != counts.planned:
        left = counts.planned - counts.finished
        yield f"{left} of {counts.planned} conversations are unfinished; the run ended as {run.state}"
    if homes.unassigned:
        yield f"{homes.unassigned} of {homes.total} themes have no signature"
    if run.makes_stories and homes.homeless:
        yield f"{homes.homeless} of {homes.total} themes are in no story and no orphan"
    if run.makes_stories and homes.in_two_stories:
        yield f"{homes.in_two_stories} of {homes.total} themes are in more than one story"
    for fault, items in (
        ("is extracted but has no theme", extracted_items_without_a_theme(run)),
        ("has themes but is not extracted", run.items.exclude(state=Item.State.EXTRACTED).filter(_HAS_THEME)),
    ):
        yield from _some([f"item {pk} {fault}" for pk in items.order_by("id").values_list("pk", flat=True)])


_HAS_THEME = Exists(Theme.objects.filter(item=OuterRef("pk")))


def _pages(run: Run) -> Check:
    """Look whether what became of each page is what its last fetch says, and count pages by company."""
    found = page_run(run, item_counts(run))
    said = (
        f"{counted(found.companies_processed, 'company', 'companies')}, {counted(found.urls_planned, 'URL')} = "
        f"{found.urls_fetched} fetched + {found.urls_failed} failed + {found.urls_fresh} fresh"
    )
    faults = list(uneven_companies(run))
    if found.urls_planned != found.urls_fetched + found.urls_failed + found.urls_fresh + found.urls_unfinished:
        faults.append("the URLs fetched, failed and fresh do not add up to the planned ones")
    return Check("pages", said, _some(faults))


# --- Answers ------------------------------------------------------------------------------------------------------


def _answers(run: Run) -> Check:
    """Parse every stored answer again and compare what comes out with the rows."""
    read = run.items.filter(state__in=(Item.State.EXTRACTED, Item.State.FILTERED))
    gone = read.filter(_IS_ERASED).count()
    silent = read.exclude(Exists(Call.objects.filter(item=OuterRef("pk")))).order_by("id")
    faults = [f"item {pk} has no answer" for pk in silent.values_list("pk", flat=True)]
    if changed := _reader_changed(run):
        return Check(
            "answers",
            counted(read.count(), "conversation has an answer", "conversations have an answer"),
            _some(faults),
            changed,
        )
    erased = f"{counted(gone, 'answer was', 'answers were')} erased" if gone else ""
    profile, extractor = profile_of(run), get_extractor(run.extractor)
    count = 0
    for item in items_with_answers(read.exclude(_IS_ERASED)):
        count += 1
        faults += differences(item, profile, extractor)
    return Check("answers", f"{counted(count, 'answer')}, parsed again: same themes as stored", _some(faults), erased)


_IS_ERASED = Q(version__erased_at__isnull=False) | Exists(
    Call.objects.filter(item=OuterRef("pk"), erased_at__isnull=False)
)
"""Items whose text, or an answer about them, is gone for good: there is nothing to read again."""


def _reader_changed(run: Run) -> str:
    """Return why today's rules cannot be expected to read the run's answers in the same way, if so."""
    try:
        now = versions(run.profile, run.extractor)
    except (UnknownProfile, UnknownExtractor) as error:
        return f"answers cannot be parsed again: {error}"
    parts = [part for part in now if part != "rules" and run.versions.get(part) != now[part]]
    changed = ", ".join(f"{part} {run.versions.get(part)} is now {now[part]}" for part in parts)
    return f"answers cannot be parsed as they were then: {changed}" if changed else ""


def items_with_answers(items: QuerySet[Item]) -> Iterator[Item]:
    """Yield those of the items that have answers, with their version, their answers and their themes."""
    themes = Prefetch("themes", Theme.objects.prefetch_related("evidence").order_by("id"))
    rows = items.order_by("id").select_related("version").prefetch_related("calls", themes)
    return rows.filter(Exists(Call.objects.filter(item=OuterRef("pk")))).iterator(chunk_size=500)


def differences(item: Item, profile: Profile, extractor: Extractor) -> list[str]:
    """Return how the item's rows differ from what its answers say; of several answers one must fit."""
    calls = list(item.calls.all())
    if asks(extractor):
        return _compared(item, calls[-1], _reread(item, calls, profile, extractor))
    found = [_compared(item, call, _parsed(item, call, profile, extractor)) for call in calls]
    # salvage may have read it again: only one of its answers made the rows
    return min(found, key=len)


def _reread(item: Item, calls: Sequence[Call], profile: Profile, extractor: Asking) -> Outcome:
    """Return what the item's answers make of it when they are gone through again, question by question."""
    assert item.version  # what was asked about was there
    question = Question(item.pk, transcript_of(f"conversation {item.conversation_id}", item.version.messages))
    answer = reread(question, bodies_of(calls), profile, extractor)
    if isinstance(answer, Answer):
        answer = replace(answer, vectors=_stand_ins(answer.text, extractor.dimension))
    return parse(question, answer, profile, extractor)


def _parsed(item: Item, call: Call, profile: Profile, extractor: Extractor) -> Outcome:
    assert item.version is not None  # the constraint what_was_read_has_a_version
    question = Question(item.pk, transcript_of(f"conversation {item.conversation_id}", item.version.messages))
    vectors = bytes(call.vectors) or _stand_ins(call.answer, extractor.dimension)
    return parse(question, Answer(text=call.answer, vectors=vectors), profile, extractor)


def _stand_ins(answer: str, dimension: int) -> bytes:
    """Return vectors for an answer whose own its themes have: as many as it has themes, all the same."""
    try:
        count = len(Reading.model_validate_json(answer).themes)
    except ValueError:
        return b""
    return np.repeat(np.eye(1, dimension, dtype=np.float32), count, axis=0).tobytes()


def _compared(item: Item, call: Call, outcome: Outcome) -> list[str]:
    if outcome.state != item.state:
        return [f"item {item.pk} is {item.state}, but its answer gives {outcome.state} {outcome.error}".strip()]
    stored = {theme.raw_key: theme for theme in item.themes.all()}
    said = {normalise.normal_form(draft.proposed.signature): draft for draft in outcome.themes}
    faults = [
        f"item {item.pk}: its answer has the theme {form}, but it is not stored"
        for form in sorted(said.keys() - stored)
    ]
    faults += [f"theme {stored[form].pk} ({form}) is not in its answer" for form in sorted(stored.keys() - said)]
    for form in sorted(stored.keys() & said):
        faults += _compared_theme(stored[form], said[form])
    if call.vectors_hash and stored.keys() == said.keys():
        now = sha256(b"".join(bytes(stored[form].vector) for form in said)).hexdigest()
        if now != call.vectors_hash:
            faults.append(
                f"theme {', '.join(str(stored[form].pk) for form in said)}: its vector is not the one in its answer"
            )
    return faults


def _compared_theme(theme: Theme, draft: Draft) -> list[str]:
    proposed = draft.proposed
    columns = {
        "raw signature": (theme.raw_signature, proposed.signature),
        "category": (theme.category, proposed.category),
        "summary": (theme.summary, proposed.summary),
        "confidence": (theme.confidence, proposed.confidence),
    }
    faults = [
        f"{name} is {here!r}, but its answer gives {there!r}"
        for name, (here, there) in columns.items()
        if here != there
    ]
    quotes = {(row.quote, row.start, row.end) for row in theme.evidence.all()}
    if quotes != set(draft.quotes):
        faults.append(f"its quotes {sorted(quotes)!r} are not those in its answer, {sorted(draft.quotes)!r}")
    return [f"theme {theme.pk}: {fault}" for fault in faults]


def _raw_names(run: Run) -> Check:
    """Look whether each raw key is still the normal form of its raw signature."""
    names = Theme.objects.filter(run=run).order_by("id").values_list("id", "raw_signature", "raw_key").iterator(2000)
    count, faults = 0, []
    for pk, raw, key in names:
        count += 1
        if key != (form := normalise.normal_form(raw)):
            faults.append(f"theme {pk}: raw signature {raw!r} has the key {key!r}, not {form!r}")
    if normalise.VERSION not in run.versions.get("rules", ""):
        return Check(
            "raw names", f"{count} raw signatures", (), (f"normal forms are now computed by {normalise.VERSION}")
        )
    return Check("raw names", f"{count} raw signatures have their normal form", _some(faults))


# --- Evidence and vectors -----------------------------------------------------------------------------------------

# The text of a version is its messages joined by newlines, as ConversationVersion.text has it; characters count.
_MISQUOTED = """
WITH quoted AS (
    SELECT evidence.id, evidence.theme_id, evidence.start, evidence."end", evidence.quote,
           evidence.version_id <> item.version_id AS is_elsewhere,
           substr(whole.text, evidence.start + 1, evidence."end" - evidence.start) AS text
    FROM pipeline_evidence evidence
    JOIN pipeline_theme theme ON theme.id = evidence.theme_id JOIN pipeline_item item ON item.id = theme.item_id
    JOIN pipeline_conversationversion version ON version.id = evidence.version_id
    CROSS JOIN LATERAL (
        SELECT string_agg(message ->> 'text', E'\\n' ORDER BY place) AS text
        FROM jsonb_array_elements(version.messages) WITH ORDINALITY AS turn (message, place)
    ) whole
    WHERE theme.run_id = %s AND version.erased_at IS NULL
)
SELECT id, theme_id, start, "end", is_elsewhere, count(*) OVER () FROM quoted
WHERE is_elsewhere OR text IS DISTINCT FROM quote ORDER BY id LIMIT %s
"""


def _evidence(run: Run) -> Check:
    with connection.cursor() as cursor:
        cursor.execute(_MISQUOTED, [run.pk, NAMED])
        rows = cursor.fetchall()
    faults = [
        f"evidence {pk} of theme {theme}: "
        + (
            "belongs to another version than the one that was read"
            if is_elsewhere
            else (f"its quote is not at {start} to {end}")
        )
        for pk, theme, start, end, is_elsewhere, _ in rows
    ]
    if rows and rows[0][-1] > NAMED:
        faults.append(f"... and {rows[0][-1] - NAMED} more like these")
    quotes = Evidence.objects.filter(theme__run=run)
    gone = quotes.filter(version__erased_at__isnull=False).count()
    erased = f"the text behind {counted(gone, 'quote', 'quotes')} was erased" if gone else ""
    count = quotes.count() - gone
    return Check("evidence", f"{counted(count, 'quote')}, each found at its place", tuple(faults), erased)


def _vectors(run: Run) -> Check:
    rows = Theme.objects.filter(run=run).order_by("id").values_list("id", "vector", "vector_model").iterator(2000)
    count, faults, models, widths = 0, [], set(), set()
    for pk, vector, model in rows:
        count += 1
        models.add(model)
        widths.add(len(vector))
        length = float(np.linalg.norm(np.frombuffer(vector, np.uint8 if len(vector) % 4 else np.float32).astype(float)))
        # `not <` and not `>=`: NaN fails both, and must be seen
        if len(vector) % 4 or not abs(length - 1) < UNIT_TOLERANCE:
            faults.append(f"theme {pk}: its vector has the length {length:.4g}, not 1")
    if len(models) > 1 or len(widths) > 1:
        faults.insert(0, f"vectors of different models or sizes: {', '.join(sorted(models))}; {sorted(widths)} bytes")
    return Check("vectors", f"{count} vectors, all of length 1 and from one model", _some(faults))


# --- Partition ----------------------------------------------------------------------------------------------------


def _partition(found: LastPass | str, strays: Sequence[int], orders: int) -> Check:
    """Make the newest pass over the profile again, in several orders, and compare the groups. Needs no database."""
    faults = [f"theme {pk} has a signature that no pass recorded" for pk in strays]
    if isinstance(found, str):
        why_not = f"the groups cannot be recomputed: {found}" if found else ""
        return Check("partition", "no pass over this profile's themes is recorded", _some(faults), why_not)
    rows, again = list(found.rows), found.done.kind == found.done.Kind.CONSOLIDATION
    for seed in range(orders):
        random.Random(seed).shuffle(rows)
        derived = assign(rows, found.registered, found.decisions, consolidate=again)
        if unlikely := _some(list(unlike(found, derived))):
            faults += [f"order {seed + 1}: {fault}" for fault in unlikely]
            break
    kind = found.done.get_kind_display()
    said = f"{counted(len(rows), 'theme')} ({kind}), grouped in {orders} shuffled orders: same groups each time"
    return Check("partition", said, tuple(faults))


# --- Stories ------------------------------------------------------------------------------------------------------


def _cohesion(portraits: Sequence[Portrait], mine: Collection[int]) -> Check:
    said = f"{_count_of_stories(portraits, mine)}, each with the usual similarity between its conversations"
    return Check("cohesion", said, warnings=_some(list(loose(portraits, mine))))


def _titles(portraits: Sequence[Portrait], mine: Collection[int], model: Model | None) -> Check:
    said = f"{_count_of_stories(portraits, mine)}, each with a title that fits most of its conversations"
    if model is None:
        said += "; the wording was not checked because the model of the vectors is not available here"
    return Check("titles", said, warnings=_some(list(misnamed(portraits, mine, model))))


def _free_model(profile: str) -> Model | None:
    """Return what places words among the profile's vectors, if asking it costs nothing."""
    model = model_of_profile(profile)
    return None if isinstance(model, EndpointEmbedder) else model


def _count_of_stories(portraits: Sequence[Portrait], mine: Collection[int]) -> str:
    return counted(sum(one.story in mine for one in portraits), "open story", "open stories")


def _unrecorded(run: Run) -> Sequence[int]:
    assigned = Theme.objects.filter(run=run, signature__isnull=False, registry_version__isnull=True)
    return list(assigned.order_by("id").values_list("pk", flat=True))


# --- Registry and promises ----------------------------------------------------------------------------------------


def _registry(profile: str) -> Check:
    """Compare what all themes and merges of the profile add up to with its signatures as they are stored."""
    if sizes := _odd_sizes(profile):
        return Check("registry", "nothing", (f"vectors of {profile} have {sizes} bytes, so they cannot be added up",))
    names = registry.names_of_profile(profile)
    sums: dict[int, np.ndarray] = {}
    counts: Counter[int] = Counter()
    themes = Theme.objects.filter(profile=profile, signature__isnull=False).values_list("signature_id", "vector")
    for signature, vector in themes.iterator(chunk_size=2000):
        centre = names.centre(signature)
        counts[centre] += 1
        sums[centre] = sums.get(centre, 0) + np.frombuffer(bytes(vector), np.float32).astype(np.float64)
    stored = Signature.objects.filter(profile=profile).order_by("normal_form")
    rows = stored.values_list("pk", "normal_form", "vector_sum", "size").iterator(chunk_size=2000)
    count, gone, faults = 0, 0, []
    for pk, form, total, size in rows:
        count += 1
        # fewer themes than counted is what deleting a run leaves; more, or another sum, is a fault
        if size > counts[pk]:
            gone += size - counts[pk]
        elif size != counts[pk]:
            faults.append(f"signature {form} should count {counted(size, 'theme')}, but counts {counts[pk]}")
        elif size and not _is_sum(bytes(total or b""), sums[pk], size):
            faults.append(f"signature {form}: its vector is not the sum of its {counted(size, 'theme')}")
    said = f"{counted(count, 'signature')} of {profile}: totals match their themes"
    why_not = f"{counted(gone, 'theme is gone', 'themes are gone')}, probably because a run was deleted" if gone else ""
    return Check("registry", said, _some(faults), why_not)


def _is_sum(stored: bytes, expected: np.ndarray, size: int) -> bool:
    """Whether a stored sum is this one, but for what adding up in float32 loses."""
    if len(stored) != 4 * len(expected):
        return False
    return bool(np.abs(np.frombuffer(stored, np.float32) - expected).max() <= SUM_TOLERANCE * size)


def _odd_sizes(profile: str) -> str:
    """Return the sizes of the profile's vectors in words, if they are not all of one size in whole numbers."""
    size = Func(F("vector"), function="octet_length", output_field=IntegerField())
    themes = Theme.objects.filter(profile=profile).order_by()
    found = sorted(themes.annotate(bytes=size).values_list("bytes", flat=True).distinct())
    return " and ".join(map(str, found)) if len(found) > 1 or any(number % 4 for number in found) else ""


def _promises() -> Check:
    broken = schema.broken_promises()
    return Check("promises", "all tables have their constraints and indexes", tuple(f"{one}" for one in broken))

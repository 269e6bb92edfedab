"""Why a run gave few stories: what became of its conversations, how large its groups are, what holds them back."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import scipy  # loads its parts when they are first used
from django.db.models import Count, F

from pipeline.extract.profiles import Gate, get_profile
from pipeline.group.current import Size, homes_of, sizes_that_wait, themes_that_wait
from pipeline.ledger.counts import ItemCounts, find_run, item_counts
from pipeline.ledger.errors import RunError
from pipeline.merge.forest import leaves_of
from pipeline.merge.rules.grouping.neighbours import Floats
from pipeline.merge.rules.grouping.vectors import SHRINKAGE_ROWS, centred
from pipeline.models import Item, Orphan, Run, Signature, SignatureRoot, Story
from pipeline.models.wording import counted, words
from pipeline.reports.not_read import not_read_of

SIZE_CLASSES = ((1, 1), (2, 2), (3, 4), (5, 9), (10, 19), (20, 49), (50, None))
"""Smallest and largest number of conversations of each class of groups."""

SHOWN = 10
"""Pairs of near twins, reasons, and conversations that were not read whole that are shown."""

LARGEST = 3
"""Groups that are named for each gate."""

LOOKED_AT = 2000
"""Groups that near twins are looked for, the largest first: each is compared with every signature of the profile."""

NEAR_IN_MEANING = 0.3
"""Cosine of two centres from which on they are shown: unrelated short texts reach 0.1 to 0.3."""

ALIKE_IN_NAME = 0.6
"""Cosine of the letter triples of two names from which on they are shown: most inflections and reorderings reach it."""

BLOCK = 256


@dataclass(frozen=True, slots=True)
class Reason:
    """Why conversations ended as they did."""

    state: str
    reason: str
    conversations: int


@dataclass(frozen=True, slots=True)
class NotRead:
    """One conversation that was too long to be read whole, and what was left out of it."""

    conversation: str
    left_out: str


@dataclass(frozen=True, slots=True)
class SizeClass:
    """Groups of about one size; `label` says which, in conversations."""

    label: str
    groups: int
    stories: int


@dataclass(frozen=True, slots=True)
class Held:
    """One group that a gate holds back, and what it needs."""

    signature: str
    conversations: int
    needs: str


@dataclass(frozen=True, slots=True)
class GateCount:
    """The groups that one gate holds back, with the largest of them."""

    reason: str
    groups: int
    conversations: int
    largest: tuple[Held, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two signatures that stayed apart though they are near, by meaning or by name (both 0 to 1).

    `together` is how many distinct conversations they have; `would_be` what they would make.
    """

    first: str
    second: str
    by_meaning: float
    by_name: float
    together: int
    would_be: str


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All that says why there are few stories. Groups are root signatures that the run's themes mean.

    not_read: the first of the `too_long` conversations that were not read whole.
    """

    run: int
    source: str
    state: str
    phase: str
    conversations: ItemCounts
    reasons: tuple[Reason, ...]
    too_long: int
    not_read: tuple[NotRead, ...]
    themes: int
    names_proposed: int
    groups: int
    stories: int
    sizes: tuple[SizeClass, ...]
    one_short: int
    gates: tuple[GateCount, ...]
    pairs: tuple[Pair, ...]
    conclusion: tuple[str, ...]

    def as_json(self) -> dict[str, object]:
        """Return plain values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Groups:
    """What is known of the run's groups, by the id of their signature."""

    keys: Mapping[int, str]
    sizes: Mapping[int, Size]
    homes: Mapping[int, Story | Orphan]

    def size(self, root: int) -> int:
        return self.sizes[root].conversations if root in self.sizes else 0

    @property
    def waiting(self) -> list[int]:
        """Groups that are no story, the largest first."""
        found = [root for root in self.keys if not isinstance(self.homes.get(root), Story)]
        return sorted(found, key=lambda root: (-self.size(root), self.keys[root]))

    @property
    def stories(self) -> list[int]:
        return [root for root in self.keys if isinstance(self.homes.get(root), Story)]


def diagnose_run(*, run_id: int) -> Diagnosis:
    """Return why the run gave the stories it gave; reads only. Raises RunError for an unknown run or a dry one."""
    run = find_run(run_id)
    if run.is_preview:
        raise RunError(f"run {run_id} is a dry run, so it read nothing and has no stories to ask about.")
    counts, groups, gate = item_counts(run), _groups(run), get_profile(run.profile).gate
    gates, pairs, reasons = tuple(_gates(groups)), tuple(_pairs(run, groups, gate)), tuple(_reasons(run))
    left_out = not_read_of(run.items.all())
    return Diagnosis(
        run=run.pk,
        source=str(run.source),
        state=run.state,
        phase=run.phase,
        conversations=counts,
        reasons=reasons,
        too_long=len(left_out),
        not_read=tuple(_not_read(left_out)),
        themes=run.themes.count(),
        names_proposed=run.themes.values("raw_signature").distinct().count(),
        groups=len(groups.keys),
        stories=len(groups.stories),
        sizes=tuple(_size_classes(groups)),
        one_short=sum(groups.size(root) == gate.min_conversations - 1 for root in groups.waiting),
        gates=gates,
        pairs=pairs,
        conclusion=tuple(_conclusion(run, counts, groups, gate, gates, pairs, reasons))[:3],
    )


# --- What became of the conversations, and of the groups ----------------------------------------------------------


def _reasons(run: Run) -> Iterator[Reason]:
    rows = run.items.exclude(reason="").values_list("state", "reason").annotate(number=Count("id"))
    for state, reason, number in rows.order_by("-number", "state", "reason")[:SHOWN]:
        yield Reason(state, reason, number)


def _not_read(left_out: Mapping[int, str]) -> Iterator[NotRead]:
    first = Item.objects.filter(pk__in=list(left_out)).order_by("pk").values_list("pk", "conversation__external_id")
    for item, conversation in first[:SHOWN]:
        yield NotRead(conversation, left_out[item])


def _groups(run: Run) -> _Groups:
    roots = SignatureRoot.objects.filter(signature__themes__run=run).values("root")
    keys = dict(Signature.objects.filter(pk__in=roots).order_by("key").values_list("pk", "key"))
    return _Groups(keys, sizes_that_wait(list(keys)), homes_of(list(keys)))


def _size_classes(groups: _Groups) -> Iterator[SizeClass]:
    stories = set(groups.stories)
    for least, most in SIZE_CLASSES:
        inside = [root for root in groups.keys if least <= groups.size(root) <= (most or groups.size(root))]
        label = f"{least}" if least == most else f"{least}-{most}" if most else f"{least} and more"
        yield SizeClass(label, len(inside), len(stories.intersection(inside)))


def _gates(groups: _Groups) -> Iterator[GateCount]:
    """Yield each reason for which groups wait, the commonest first; `groups.waiting` has the largest first."""
    held = [(root, home) for root in groups.waiting if isinstance(home := groups.homes.get(root), Orphan)]
    for reason, number in Counter(home.reason for _, home in held).most_common():
        of_gate = [(root, home) for root, home in held if home.reason == reason]
        largest = (Held(groups.keys[root], groups.size(root), home.detail) for root, home in of_gate[:LARGEST])
        yield GateCount(reason, number, sum(groups.size(root) for root, _ in of_gate), tuple(largest))


# --- Near twins ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Near:
    """Two rows of the registry, the smaller first, with both their numbers."""

    one: int
    other: int
    by_meaning: float
    by_name: float


def _pairs(run: Run, groups: _Groups, gate: Gate) -> list[Pair]:
    rows = Signature.objects.filter(profile=run.profile, vector_sum__isnull=False, root_link__root=F("pk"))
    roots = list(rows.order_by("normal_form").values_list("pk", "key", "vector_sum", "size"))
    near = _nearest(roots, groups.waiting[:LOOKED_AT])
    nearest = sorted(near, key=lambda pair: (-(pair.by_meaning + pair.by_name), pair.one, pair.other))[:SHOWN]
    ids = {roots[row][0] for pair in nearest for row in (pair.one, pair.other)}
    members, homes = _members(sorted(ids)), homes_of(sorted(ids))
    return [_pair(pair, roots, members, homes, gate) for pair in nearest]


def _nearest(roots: Sequence[tuple[int, str, bytes, int]], waiting: Sequence[int]) -> set[_Near]:
    """Return for each waiting signature its nearest one by meaning and its nearest one by name, if these are near."""
    if len(roots) < 2:
        return set()
    place = {pk: row for row, (pk, *_) in enumerate(roots)}
    rows = np.array([place[pk] for pk in waiting if pk in place], np.int64)
    centres, letters = _centres(roots), _letters([key for _, key, *_ in roots])
    found: set[_Near] = set()
    for start in range(0, len(rows), BLOCK):
        block = rows[start : start + BLOCK]
        by_meaning, by_name = centres[block] @ centres.T, (letters[block] @ letters.T).toarray()
        own = np.arange(len(block))
        by_meaning[own, block] = by_name[own, block] = -1.0
        for best in (by_meaning.argmax(axis=1), by_name.argmax(axis=1)):
            numbers = zip(block, best, by_meaning[own, best], by_name[own, best], strict=True)
            found |= {_near_pair(*each) for each in numbers if each[2] >= NEAR_IN_MEANING or each[3] >= ALIKE_IN_NAME}
    return found


def _near_pair(one: int, other: int, by_meaning: float, by_name: float) -> _Near:
    first, second = sorted((int(one), int(other)))
    return _Near(first, second, round(float(by_meaning), 3), round(float(by_name), 3))


def _centres(roots: Sequence[tuple[int, str, bytes, int]]) -> Floats:
    """Return each signature's centre, (r, d), without what all have in common: the way a merge sees them."""
    sums = np.array([np.frombuffer(total, np.float32) for *_, total, _ in roots])
    sizes = np.array([size for *_, size in roots], np.float32)
    origin = (sums.sum(axis=0) / (sizes.sum() + SHRINKAGE_ROWS)).astype(np.float32)
    return centred((sums / sizes[:, None]).astype(np.float32), origin)


def _letters(keys: Sequence[str]) -> "scipy.sparse.csr_matrix":
    """Return the letter triples of each name as rows of length 1, sparse."""
    from sklearn.feature_extraction.text import HashingVectorizer  # two seconds to import

    triples = HashingVectorizer(analyzer="char_wb", ngram_range=(3, 3), binary=True, alternate_sign=False)
    return scipy.sparse.csr_matrix(triples.transform(key.replace("_", " ") for key in keys))


def _members(roots: Sequence[int]) -> dict[int, set[int]]:
    """Return the conversations of each of these root signatures that count: those whose newest reading says so."""
    leaves = leaves_of(roots)
    members: dict[int, set[int]] = {root: set() for root in roots}
    rows = themes_that_wait(roots).values_list("signature_id", "conversation_id")
    for signature, conversation in rows.iterator(chunk_size=5000):
        members[leaves[signature]].add(conversation)
    return members


def _pair(
    near: _Near,
    roots: Sequence[tuple[int, str, bytes, int]],
    members: Mapping[int, set[int]],
    homes: Mapping[int, Story | Orphan],
    gate: Gate,
) -> Pair:
    (one, first, *_), (other, second, *_) = roots[near.one], roots[near.other]
    together = len(members[one] | members[other])
    stories = sum(isinstance(homes.get(pk), Story) for pk in (one, other))
    enough = together >= gate.min_conversations
    would_be = "one larger story" if stories else "a story" if enough else "still too few"
    return Pair(first, second, near.by_meaning, near.by_name, together, would_be)


# --- In a sentence or three ---------------------------------------------------------------------------------------


def _conclusion(
    run: Run,
    counts: ItemCounts,
    groups: _Groups,
    gate: Gate,
    gates: Sequence[GateCount],
    pairs: Sequence[Pair],
    reasons: Sequence[Reason],
) -> Iterator[str]:
    """Yield what explains the number of stories, the weightiest first."""
    yield from _about_reading(run, counts, reasons)
    if not groups.keys:
        return
    yield from _about_grouping(run, groups)
    yield from _about_sizes(groups, gate)
    yield from _about_gates(gates)
    if new := sum(pair.would_be == "a story" for pair in pairs):
        yield f"Of the {len(pairs)} most similar pairs that stayed apart, {new} would make a story if merged."
    yield f"{len(groups.stories)} of {len(groups.keys)} groups are stories."


def _about_reading(run: Run, counts: ItemCounts, reasons: Sequence[Reason]) -> Iterator[str]:
    read = counts.planned - counts.skipped
    if not counts.planned:
        yield (
            f"The run selected no conversations of {run.source}. Check its dates, and whether anything has been "
            "imported."
        )
    elif not read:
        yield f"All {counts.planned} conversations were skipped as unchanged. Use --force-refresh to read them again."
    elif counts.finished < counts.planned:
        yield f"{counts.planned - counts.finished} of {counts.planned} conversations have not been read yet."
    elif counts.extracted * 2 < read:
        why = next((f"; most often: {one.reason}" for one in reasons if one.state != Item.State.SKIPPED), "")
        yield f"Only {counts.extracted} of {read} conversations that were read produced a theme{why}."


def _about_grouping(run: Run, groups: _Groups) -> Iterator[str]:
    if groups.homes:
        return
    if not run.makes_stories:
        yield f"No stories were requested; `./manage.py make_stories {run.pk}` makes them."
    elif run.phase != Run.Phase.DONE:
        yield f"The run is {run.state} and has not grouped its themes yet (it is before {run.phase})."


def _about_sizes(groups: _Groups, gate: Gate) -> Iterator[str]:
    small = [root for root in groups.keys if groups.size(root) < gate.min_conversations]
    if 2 * len(small) < len(groups.keys):
        return
    short = sum(groups.size(root) == gate.min_conversations - 1 for root in small)
    yield (
        f"{len(small)} of {len(groups.keys)} groups have fewer than the {gate.min_conversations} conversations a story "
        f"needs; {short} of them are one conversation short."
    )


def _about_gates(gates: Sequence[GateCount]) -> Iterator[str]:
    others = [gate for gate in gates if gate.reason != Orphan.Reason.TOO_FEW]
    for gate in others[:1]:
        groups = counted(gate.groups, "group is", "groups are")
        yield f"{groups} large enough but held back ({words(gate.reason)}), for example {gate.largest[0].signature}."

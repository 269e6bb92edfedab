"""Which theme means which problem: one pure function of a set of themes and a frozen registry.

The same themes in any order give the same answer: rows are brought into one order first, sums are taken in it, and
ties are broken by name. Nothing here grows by chains: a theme joins a registered signature by its distance to that
signature's centre, and new groups are those of `cluster.partition`.

A centre is a signature with themes of its own: those of its name and of the names that rules merged into it. People
may merge centres: then they share a root, and each keeps its themes. A target is what a theme turns out to mean: a
registered centre or a new group. Targets are numbered, the registered centres first. Everything is named by normal
form (`normalise.normal_form`), which is unique in a registry. What people decided (`Decisions`) stands above all rules.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from pipeline.signatures import normalise
from pipeline.signatures.cluster import FAMILIAR_ROWS, membership, partition, recentre
from pipeline.signatures.decisions import NO_DECISIONS, Decisions
from pipeline.signatures.naming import Words, spellings
from pipeline.signatures.neighbours import DECIMALS, Floats, Ints
from pipeline.signatures.opposites import opposite_names

VERSION = "assign-2"

OWN_NAME = "own_name"
MEANING = "meaning"
REGISTRY = "registry"
PERSON = "person"

SLACK = 0.35
"""Share of the expected cosine that a theme may lack and still belong to a signature. See `least_cosine`.

Pairwise F1 of our sample, 1,000 rows of STAR and 3,000 of Banking77 when they come in 1, 2, 11 and 50 imports: .54 .43
.41 .46, .91 .94 .83 .84, .58 .54 .44 .38. At 0.25 they stay finer (more, smaller stories), at 0.45 they grow coarser.
"""

FAMILIAR_THEMES = 5
"""A signature's own tightness counts as if this many themes of a usual signature came on top."""

USUAL_TIGHTNESS = 0.55
"""Mean cosine between two recentred themes of a signature, as long as no signature shows a usual one."""

BLOCK = 256


@dataclass(frozen=True, slots=True)
class ThemeRow:
    """A theme as far as its meaning goes; `vector` is float32 bytes of unit length, `text` helps to choose names."""

    id: int
    raw: str
    text: str
    vector: bytes


@dataclass(frozen=True, slots=True)
class Centre:
    """A signature with themes of its own: the sum of their vectors (float32 bytes) and how many they are."""

    form: str
    key: str
    vector_sum: bytes
    size: int


@dataclass(frozen=True, slots=True)
class Registered:
    """What the registry holds when a merge starts; `centre_of` maps every registered form to its centre's form.

    A centre is its own centre, also where a person merged it into another. So is a name whose last theme went elsewhere
    and that people decided about: it has no `Centre`, and gives its name to the new group that bears it.
    """

    centres: tuple[Centre, ...] = ()
    centre_of: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Assigned:
    """One theme's signature, why, and the cosine to its centre."""

    theme_id: int
    form: str
    rule: str
    score: float


@dataclass(frozen=True, slots=True)
class NewSignature:
    """A signature to be registered."""

    form: str
    key: str


@dataclass(frozen=True, slots=True)
class NewMerge:
    """A new signature that means the same as a centre."""

    child: str
    parent: str
    rule: str
    score: float
    reason: str


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a merge writes; `centres` are the new ones and the registered ones that grew, as they are afterwards.

    `centre_of` and `root_of` tell of every form, registered before or new.
    """

    themes: tuple[Assigned, ...]
    signatures: tuple[NewSignature, ...]
    merges: tuple[NewMerge, ...]
    centres: tuple[Centre, ...]
    centre_of: Mapping[str, str]
    root_of: Mapping[str, str]


def assign(
    themes: Iterable[ThemeRow],
    registered: Registered,
    decisions: Decisions = NO_DECISIONS,
    *,
    strictness: float = 1.0,
) -> Assignment:
    """Assign every theme to a registered or a new signature.

    `strictness` is a factor on how alike themes must be to mean the same; to see what others than 1 would give.

    Themes that come from an iterator are held once, so that many fit into memory.

    Raises ValueError if vectors differ in length, from each other or from the registry's, and its kind Contradiction if
    the decisions cannot all be kept.
    """
    decisions.refuse_contradictions(registered.centre_of)
    rows = in_order(themes)
    if not rows:
        return Assignment((), (), (), (), registered.centre_of, _roots(registered.centre_of, decisions))
    centres = sorted(registered.centres, key=lambda centre: centre.form)
    vectors = _matrix([row.vector for row in rows], len(rows[0].vector) // 4)
    rows = [replace(row, vector=b"") for row in rows]  # the table has them now; twice is too much of many
    meaning = _Meaning(rows, vectors, centres, decisions, strictness)
    names = _Names(rows, meaning, registered.centre_of, decisions)
    centre_of = {**registered.centre_of, **names.new_centre_of}
    return Assignment(
        themes=tuple(_assigned(rows, meaning, names)),
        signatures=tuple(NewSignature(form, names.keys[form]) for form in names.new_forms),
        merges=tuple(_merges(meaning, names)),
        centres=tuple(_centres(meaning, names)),
        centre_of=centre_of,
        root_of=_roots(centre_of, decisions),
    )


def in_order(themes: Iterable[ThemeRow]) -> list[ThemeRow]:
    """Return the themes in the one order in which sums are taken."""
    return sorted(themes, key=lambda theme: (normalise.normal_form(theme.raw), theme.vector, theme.raw, theme.text))


def _roots(centre_of: Mapping[str, str], decisions: Decisions) -> dict[str, str]:
    return {form: decisions.root(centre) for form, centre in centre_of.items()}


# --- What means the same ------------------------------------------------------------------------------------------


class _Meaning:
    """Targets and scores of the rows: which of them mean the same, before anybody asks for names."""

    def __init__(
        self,
        rows: Sequence[ThemeRow],
        vectors: Floats,
        centres: Sequence[Centre],
        decisions: Decisions,
        strictness: float,
    ) -> None:
        self.centres = centres
        self.forms = [decisions.named(normalise.normal_form(row.raw)) for row in rows]
        self.keys = spellings([row.raw for row in rows], self.forms)
        self.vectors = vectors
        self.old_sums = _matrix([centre.vector_sum for centre in centres], vectors.shape[1])
        self.old_sizes = np.array([centre.size for centre in centres], np.int64)
        self.origin = _origin(self.vectors, self.old_sums, int(self.old_sizes.sum()))
        self.old_centres = recentre((self.old_sums / self.old_sizes[:, None]).astype(np.float32), self.origin)
        self.moved = _moved(rows, centres, decisions)
        self.targets = self._targets(decisions, strictness)

    def _targets(self, decisions: Decisions, strictness: float) -> Ints:
        """Return the target of each row: where a person put it, else the nearest centre, else a new group."""
        vetoed = self._vetoed(decisions)
        bounds = strictness * least_cosine(self._old_tightness(), self.old_sizes)
        targets = np.full(len(self.vectors), -1, np.int64)
        if self.centres:
            points = recentre(self.vectors, self.origin)
            targets = _nearest(points, self.old_centres, bounds, self._forbidden(vetoed, decisions))
            del points  # as large as all vectors, and not needed while groups are made
        targets[list(self.moved)] = list(self.moved.values())
        left = np.flatnonzero(targets < 0)
        forms = [self.forms[i] for i in left]
        unmatched = self.vectors if len(left) == len(self.vectors) else self.vectors[left]
        labels = _part_vetoed(partition(unmatched, strictness).labels, forms, vetoed)
        targets[left] = _join_by_name(labels, forms, recentre(unmatched, self.origin), vetoed) + len(self.centres)
        return targets

    def _old_tightness(self) -> Floats:
        return tightness_of(_seen_from(self.origin, self.old_sums, self.old_sizes), self.old_sizes)

    def _vetoed(self, decisions: Decisions) -> dict[str, set[str]]:
        """Return for each name those it must not meet: by a person's veto, or as its opposite that nobody merged."""
        vetoed = decisions.vetoed()
        for form, others in opposite_names({centre.form: centre.key for centre in self.centres} | self.keys).items():
            vetoed[form] |= {other for other in others if decisions.root(other) != decisions.root(form)}
        return vetoed

    def _forbidden(self, vetoed: Mapping[str, set[str]], decisions: Decisions) -> dict[int, list[int]]:
        """Return for each row whose name has a veto the registered centres it must not go to."""
        centres_of: dict[str, list[int]] = defaultdict(list)
        for number, centre in enumerate(self.centres):
            centres_of[decisions.root(centre.form)].append(number)
        refused = {
            form: [
                number for root in sorted({decisions.root(other) for other in others}) for number in centres_of[root]
            ]
            for form, others in vetoed.items()
        }
        return {row: refused[form] for row, form in enumerate(self.forms) if refused.get(form)}

    @property
    def count(self) -> int:
        """How many targets there are."""
        return max(len(self.centres), int(self.targets.max()) + 1)

    @property
    def new(self) -> range:
        """The new targets."""
        return range(len(self.centres), self.count)

    @cached_property
    def points(self) -> Floats:
        """The rows seen from the origin, (n, d)."""
        return recentre(self.vectors, self.origin)

    @cached_property
    def sizes(self) -> Ints:
        """How many of the rows each target has, (count,)."""
        return np.bincount(self.targets, minlength=self.count)

    @cached_property
    def sums(self) -> Floats:
        """The sum of each target's points, (count, d)."""
        return sums_by_label(self.points, self.targets, self.count)

    @cached_property
    def scores(self) -> Floats:
        """The cosine of each row to its target's centre, (n,); registered centres are those from before this merge."""
        centres = unit(self.sums)
        centres[: len(self.centres)] = self.old_centres
        cosines: Floats = np.einsum("ij,ij->i", self.points, centres[self.targets])
        return np.clip(cosines, -1.0, 1.0)


def _matrix(rows: Sequence[bytes], width: int) -> Floats:
    if any(len(row) != 4 * width for row in rows):
        raise ValueError(f"vectors of different lengths meet: expected {width} numbers in each")
    return np.frombuffer(b"".join(rows), np.float32).reshape(len(rows), width)


def _origin(vectors: Floats, old_sums: Floats, registered: int) -> Floats:
    """Return what all themes so far have in common, (d,), less of it the fewer they are; see `cluster.common_part`."""
    count = registered + len(vectors)
    total = vectors.sum(axis=0, dtype=np.float64) + old_sums.sum(axis=0, dtype=np.float64)
    origin: Floats = (total / (count + FAMILIAR_ROWS)).astype(np.float32)
    return origin


def _seen_from(origin: Floats, sums: Floats, sizes: Ints) -> Floats:
    """Return the (c, d) sums of the recentred rows of each centre, all taken as equally far from the origin."""
    shifted = sums - sizes[:, None] * origin
    apart = 1 - 2 * (sums @ origin) / np.maximum(sizes, 1) + origin @ origin
    return (shifted / np.sqrt(np.maximum(apart, 1e-6))[:, None]).astype(np.float32)


def tightness_of(sums: Floats, sizes: Ints) -> Floats:
    """Return the mean cosine between two rows of each group, (g,), drawn towards the usual one.

    The usual one is the median over groups of at least three, or USUAL_TIGHTNESS while there are none.
    """
    n = sizes.astype(np.float64)
    own = (np.einsum("ij,ij->i", sums, sums) - n) / np.maximum(n * (n - 1), 1)
    own = np.clip(own, 0.0, 1.0)
    usual = float(np.median(own[sizes >= 3])) if (sizes >= 3).any() else USUAL_TIGHTNESS
    drawn: Floats = (((n - 1) * own + FAMILIAR_THEMES * usual) / (n - 1 + FAMILIAR_THEMES)).astype(np.float32)
    return drawn


def least_cosine(tightness: Floats, sizes: Ints, others: Ints | int = 1) -> Floats:
    """Return the cosine, (g,), that centres of `sizes` rows and of `others` rows must have to be one group.

    If two rows of a group have the cosine p on average, the centres of n and of m of its rows have
    n m p / sqrt((n + n (n - 1) p) (m + m (m - 1) p)); SLACK of it may be missing. So one theme and one orphan need less
    than a theme and the well-known centre of a large story.
    """

    def length(count: Ints | int) -> Floats:
        return np.sqrt(count + count * (count - 1) * tightness)

    expected: Floats = sizes * others * tightness / (length(sizes) * length(others))
    return ((1 - SLACK) * expected).astype(np.float32)


def _moved(rows: Sequence[ThemeRow], centres: Sequence[Centre], decisions: Decisions) -> dict[int, int]:
    """Return the target of each row whose theme a person moved. ValueError if it is no registered centre."""
    targets = {centre.form: number for number, centre in enumerate(centres)}
    found = {}
    for number, row in enumerate(rows):
        if form := decisions.moves.get(row.id):
            if form not in targets:
                raise ValueError(f"theme {row.id} was moved to {form}, which is no registered centre; undo the move")
            found[number] = targets[form]
    return found


def _nearest(points: Floats, centres: Floats, bounds: Floats, forbidden: Mapping[int, Sequence[int]]) -> Ints:
    """Return for each row the nearest of the centres that it is near enough to, -1 if there is none.

    `forbidden` names for some rows centres they must not go to.
    """
    targets, wide = np.full(len(points), -1, np.int64), centres.T.astype(np.float64)
    for start in range(0, len(points) if len(centres) else 0, BLOCK):
        cosines = np.round(points[start : start + BLOCK].astype(np.float64) @ wide, DECIMALS)
        cosines[cosines < bounds] = -np.inf
        for row in range(start, min(start + BLOCK, len(points))) if forbidden else ():
            cosines[row - start, list(forbidden.get(row, ()))] = -np.inf
        best = cosines.argmax(axis=1)
        inside = np.isfinite(cosines[np.arange(len(best)), best])
        targets[start : start + BLOCK] = np.where(inside, best, -1)
    return targets


def _part_vetoed(labels: Ints, forms: Sequence[str], vetoed: Mapping[str, set[str]]) -> Ints:
    """Take names that must not meet out of each other's groups: of each pair the one with fewer themes there leaves.

    All of its themes in one group leave together.
    """
    parted, unused = labels.copy(), int(labels.max(initial=-1)) + 1
    rows_of: dict[int, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for row, (label, form) in enumerate(zip(labels.tolist(), forms, strict=True)):
        if form in vetoed:
            rows_of[label][form].append(row)
    for _, found in sorted(rows_of.items()):
        staying: set[str] = set()
        for form in sorted(found, key=lambda form: (-len(found[form]), form)):
            if vetoed[form] & staying:
                parted[found[form]] = unused
                unused += 1
            else:
                staying.add(form)
    return parted


def _join_by_name(labels: Ints, forms: Sequence[str], points: Floats, vetoed: Mapping[str, set[str]]) -> Ints:
    """Join the groups that one and the same name dominates, if their centres are alike enough to its largest group's.

    A name dominates a group if more than half of its themes carry it: at most one does, so joining cannot chain.
    Groups that hold names with a veto between them stay apart.
    """
    if not len(labels):
        return labels
    count = int(labels.max()) + 1
    sizes, sums = np.bincount(labels, minlength=count), sums_by_label(points, labels, count)
    centres, tightness = unit(sums), tightness_of(sums, sizes)
    joined = np.arange(count)
    for groups in _dominated(labels, forms, sizes).values():
        first = max(groups, key=lambda group: (sizes[group], -group))
        others = np.array(groups)
        bounds = least_cosine(np.minimum(tightness[others], tightness[first]), sizes[others], sizes[first])
        joined[others[centres[others] @ centres[first] >= bounds]] = first
    joined = _without_vetoed(joined, labels, forms, vetoed)
    return np.unique(joined[labels], return_inverse=True)[1].astype(np.int64)


def _without_vetoed(joined: Ints, labels: Ints, forms: Sequence[str], vetoed: Mapping[str, set[str]]) -> Ints:
    """Undo each joining, (g,) the group that each group joins, that would bring names with a veto together."""
    names: dict[int, set[str]] = defaultdict(set)
    for label, form in zip(labels.tolist(), forms, strict=True):
        if form in vetoed:
            names[label].add(form)
    met = {first: set(names[first]) for first in set(joined.tolist())}
    kept = joined.copy()
    for group in sorted(names):
        first = int(joined[group])
        refused = set().union(*(vetoed[form] for form in names[group]))
        if first != group and refused & met[first]:
            kept[group] = group
        else:
            met[first] |= names[group]
    return kept


def _dominated(labels: Ints, forms: Sequence[str], sizes: Ints) -> dict[str, list[int]]:
    """Return for each name the groups it dominates."""
    counts: dict[int, Counter[str]] = defaultdict(Counter)
    for label, form in zip(labels.tolist(), forms, strict=True):
        counts[label][form] += 1
    groups: dict[str, list[int]] = defaultdict(list)
    for label, names in sorted(counts.items()):
        form, number = names.most_common(1)[0]
        if 2 * number > sizes[label]:
            groups[form].append(label)
    return groups


def sums_by_label(rows: Floats, labels: Ints, count: int) -> Floats:
    """Return the (count, d) sums of the rows of each label, added in row order."""
    sums: Floats = membership(labels, count, np.float32) @ rows
    return sums


def unit(rows: Floats) -> Floats:
    """Return the rows at length 1; a row of zeros stays one."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return (rows / np.where(lengths == 0, 1, lengths)).astype(np.float32)


# --- What it is called --------------------------------------------------------------------------------------------


class _Names:
    """The name of each target, and the home of each new name: the target that holds most of its themes."""

    def __init__(
        self, rows: Sequence[ThemeRow], meaning: _Meaning, registered: Mapping[str, str], decisions: Decisions
    ) -> None:
        self.registered = registered
        self.reserved = frozenset(decisions.renames)
        self.keys = dict(meaning.keys)
        self.emptied = _emptied(meaning, registered)
        self.homes = _homes(meaning, registered.keys() - self.emptied)
        self.of_target = [centre.form for centre in meaning.centres]
        self.of_target += self._of_new_targets(
            meaning, Words([f"{r.raw} {r.text}" for r in rows], meaning.targets.tolist())
        )
        self.homes = {form: target for form, target in self.homes.items() if form not in self.emptied}

    def _of_new_targets(self, meaning: _Meaning, words: Words) -> Iterator[str]:
        """Yield for each new target the best fitting name that is at home there, or a made-up one.

        An emptied name is fitter than any other: it names what it did, but is merged into nothing.
        """
        at_home: dict[int, list[str]] = defaultdict(list)
        for form, target in self.homes.items():
            at_home[target].append(form)
        taken = {*self.registered, *self.homes, *self.reserved}
        for target in meaning.new:
            if own := at_home[target]:
                yield max(own, key=lambda form: (form in self.emptied, words.fit(self.keys[form], target), form))
            else:
                key = words.made_up_name(target, taken)
                taken.add(form := normalise.normal_form(key))
                self.keys[form] = key
                yield form

    @property
    def new_forms(self) -> list[str]:
        """All names to be registered, in their order."""
        return sorted({*self.homes, *self.new_centre_of})

    @property
    def new_centre_of(self) -> dict[str, str]:
        """The centre of each new name."""
        homes = {form: self.of_target[target] for form, target in self.homes.items()}
        return homes | {form: form for form in self.of_target if form not in self.registered}

    def is_at_home(self, form: str, target: int) -> bool:
        """Whether a name, new or registered, belongs to this target."""
        return self.homes.get(form) == target or self.registered.get(form) == self.of_target[target]


def _emptied(meaning: _Meaning, registered: Mapping[str, str]) -> set[str]:
    """Return the registered names that have no theme any more and are merged by no rule."""
    centres = {centre.form for centre in meaning.centres}
    return {form for form, centre in registered.items() if form == centre and form not in centres}


def _homes(meaning: _Meaning, registered: Collection[str]) -> dict[str, int]:
    """Return the target of each name that is not registered: the one that holds most of its themes."""
    counts: dict[str, Counter[int]] = defaultdict(Counter)
    for row, (form, target) in enumerate(zip(meaning.forms, meaning.targets.tolist(), strict=True)):
        if form not in registered and row not in meaning.moved:
            counts[form][target] += 1
    return {form: min(found, key=lambda target: (-found[target], target)) for form, found in sorted(counts.items())}


# --- What is written ----------------------------------------------------------------------------------------------


def _assigned(rows: Sequence[ThemeRow], meaning: _Meaning, names: _Names) -> Iterator[Assigned]:
    """Yield each theme's signature: its own name where that is at home, else its target's."""
    found = zip(rows, meaning.forms, meaning.targets.tolist(), meaning.scores.tolist(), strict=True)
    for number, (row, form, target, score) in enumerate(found):
        if number in meaning.moved:
            yield Assigned(row.id, names.of_target[target], PERSON, score)
        elif names.is_at_home(form, target):
            yield Assigned(row.id, form, OWN_NAME, score)
        else:
            yield Assigned(row.id, names.of_target[target], _rule(meaning, target), score)


def _merges(meaning: _Meaning, names: _Names) -> Iterator[NewMerge]:
    members: dict[str, list[int]] = defaultdict(list)
    for row, (form, target) in enumerate(zip(meaning.forms, meaning.targets.tolist(), strict=True)):
        if names.homes.get(form) == target and row not in meaning.moved:
            members[form].append(row)
    for form, target in names.homes.items():
        parent = names.of_target[target]
        if form != parent:
            score = float(meaning.scores[members[form]].mean())
            reason = _reason(names.keys[form], _key(meaning, names, target), len(members[form]), score)
            yield NewMerge(form, parent, _rule(meaning, target), score, reason)


def _rule(meaning: _Meaning, target: int) -> str:
    return REGISTRY if target < len(meaning.centres) else MEANING


def _key(meaning: _Meaning, names: _Names, target: int) -> str:
    return meaning.centres[target].key if target < len(meaning.centres) else names.keys[names.of_target[target]]


def _reason(child: str, parent: str, count: int, score: float) -> str:
    return f"{count} theme{'s' if count > 1 else ''} named {child}: mean cosine {score:.2f} to the centre of {parent}"


def _centres(meaning: _Meaning, names: _Names) -> Iterator[Centre]:
    """Yield the centres that got themes, as they are now."""
    added = sums_by_label(meaning.vectors, meaning.targets, meaning.count)
    for target in np.flatnonzero(meaning.sizes).tolist():
        total, size = added[target], int(meaning.sizes[target])
        if target < len(meaning.centres):
            total, size = meaning.old_sums[target] + total, meaning.centres[target].size + size
        yield Centre(names.of_target[target], _key(meaning, names, target), total.tobytes(), size)

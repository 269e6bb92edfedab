"""Which theme means which problem: one pure function of a set of themes and a frozen registry.

The same themes in any order give the same answer: rows are brought into one order first, sums are taken in it, and
ties are broken by name. Nothing here grows by chains: a theme joins a registered signature by its distance to that
signature's centre, and new groups are those of `cluster.partition`.

Everything is named by normal form (`normalise.normal_form`), which is unique in a registry.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log

import numpy as np

from pipeline.signatures import normalise
from pipeline.signatures.cluster import partition

VERSION = "assign-1"

OWN_NAME = "own_name"
MEANING = "meaning"
REGISTRY = "registry"
SPELLING = "spelling"

NAME_SLACK = 0.1
"""Groups that carry the same name join at a centre cosine this much below the cut: a shared name is evidence too."""

RADIUS_QUANTILE = 0.1
"""A later theme belongs to a signature if it is nearer to its centre than the outermost tenth of its own themes."""

ENOUGH_FOR_A_RADIUS = 3
BLOCK = 256


@dataclass(frozen=True, slots=True)
class ThemeRow:
    """A theme as far as its meaning goes; `vector` is float32 bytes of unit length, `text` helps to choose names."""

    id: int
    raw: str
    text: str
    vector: bytes


@dataclass(frozen=True, slots=True)
class RootRow:
    """A registered root: its centre (float32 bytes, unit), the length of its themes' sum, and its radius (cosine)."""

    form: str
    key: str
    centre: bytes
    weight: float
    radius: float


@dataclass(frozen=True, slots=True)
class Registered:
    """What the registry holds when a merge starts; `root_of` maps every registered form to its root's form."""

    roots: tuple[RootRow, ...] = ()
    root_of: dict[str, str] = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        object.__setattr__(self, "root_of", dict(self.root_of or {}))


@dataclass(frozen=True, slots=True)
class Assigned:
    """One theme's signature, why, and the cosine to the centre of its root."""

    theme_id: int
    form: str
    rule: str
    score: float


@dataclass(frozen=True, slots=True)
class NewSignature:
    """A signature to be registered; leaves that are merged at once have no centre."""

    form: str
    key: str


@dataclass(frozen=True, slots=True)
class NewMerge:
    """A leaf that means the same as a root."""

    child: str
    parent: str
    rule: str
    score: float
    reason: str


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a merge writes. `centres` are those of new roots and of registered ones that grew."""

    themes: tuple[Assigned, ...]
    signatures: tuple[NewSignature, ...]
    merges: tuple[NewMerge, ...]
    centres: tuple[RootRow, ...]
    root_of: dict[str, str]


def assign(themes: Iterable[ThemeRow], registered: Registered) -> Assignment:
    """Assign every theme to a registered or a new signature.

    Raises ValueError if vectors differ in length, from each other or from the registry's.
    """
    return _Assigner(sorted(themes, key=_canonical), registered).run()


def _canonical(theme: ThemeRow) -> tuple[str, bytes, str, str]:
    return normalise.normal_form(theme.raw), theme.vector, theme.raw, theme.text


def _matrix(rows: Sequence[bytes], width: int) -> np.ndarray:
    if any(len(row) != 4 * width for row in rows):
        raise ValueError(f"vectors of different lengths: expected {width} numbers in each")
    return np.frombuffer(b"".join(rows), np.float32).reshape(len(rows), width)


class _Assigner:
    """The steps of one assignment, in order; rows are in canonical order throughout."""

    def __init__(self, themes: list[ThemeRow], registered: Registered) -> None:
        self.themes = themes
        self.registered = registered
        self.forms = [normalise.normal_form(theme.raw) for theme in themes]
        self.roots = sorted(registered.roots, key=lambda root: root.form)
        sample = [theme.vector for theme in themes[:1]] + [root.centre for root in self.roots[:1]]
        width = len(sample[0]) // 4 if sample else 0
        self.vectors = _matrix([theme.vector for theme in themes], width)
        self.centres = _matrix([root.centre for root in self.roots], width)

    def run(self) -> Assignment:
        self._find_targets()
        self._measure_targets()
        self._find_homes()
        self._name_targets()
        return Assignment(
            themes=tuple(self._assigned()),
            signatures=tuple(self._signatures()),
            merges=tuple(self._merges()),
            centres=tuple(self._centres()),
            root_of={**self.registered.root_of, **{form: self.names[t] for form, t in self.homes.items()}}
            | {name: name for name in self.names},
        )

    # A target is a number: 0..len(roots)-1 are registered roots, those after it new groups.

    def _find_targets(self) -> None:
        targets = _nearest_registered(self.vectors, self.centres, [root.radius for root in self.roots])
        left = np.flatnonzero(targets < 0)
        found = partition(self.vectors[left])
        labels = _join_by_name(found.labels, [self.forms[i] for i in left], self.vectors[left], found.threshold)
        targets[left] = labels + len(self.roots)
        self.targets, self.threshold = targets, found.threshold
        self.target_count = len(self.roots) + (int(labels.max()) + 1 if len(labels) else 0)

    def _measure_targets(self) -> None:
        """Set the sums, centres and scores; a registered root is scored by its centre from before this merge."""
        new_sums = _sums(self.vectors, self.targets, self.target_count)
        centres = _unit(new_sums)
        centres[: len(self.roots)] = self.centres
        self.scores = np.einsum("ij,ij->i", self.vectors, centres[self.targets])
        self.new_sums, self.target_centres = new_sums, centres

    def _find_homes(self) -> None:
        """Give each new name to the target that holds most of its themes."""
        counts: dict[str, Counter[int]] = defaultdict(Counter)
        for form, target in zip(self.forms, self.targets.tolist(), strict=True):
            if form not in self.registered.root_of:
                counts[form][target] += 1
        self.homes = {form: min(c, key=lambda t: (-c[t], t)) for form, c in sorted(counts.items())}

    def _name_targets(self) -> None:
        names = [root.form for root in self.roots]
        self.keys = _spellings(self.themes, self.forms)
        candidates: dict[int, list[str]] = defaultdict(list)
        for form, target in self.homes.items():
            candidates[target].append(form)
        words = _Words(self.themes, self.targets, self.target_count)
        taken = set(self.registered.root_of) | set(self.homes)
        for target in range(len(self.roots), self.target_count):
            if own := candidates[target]:
                names.append(max(own, key=lambda form: (words.fit(self.keys[form], target), form)))
            else:
                key = words.made_up_name(target, taken)
                taken.add(form := normalise.normal_form(key))
                self.keys[form] = key
                names.append(form)
        self.names = names

    def _assigned(self) -> Iterable[Assigned]:
        root_of = self.registered.root_of
        for theme, form, target, score in zip(
            self.themes, self.forms, self.targets.tolist(), self.scores.tolist(), strict=True
        ):
            name = self.names[target]
            at_home = self.homes.get(form) == target or root_of.get(form) == name
            other = REGISTRY if target < len(self.roots) else MEANING
            yield Assigned(theme.id, form if at_home else name, OWN_NAME if at_home else other, score)

    def _signatures(self) -> Iterable[NewSignature]:
        new = set(self.homes) | set(self.names[len(self.roots) :])
        return (NewSignature(form, self.keys[form]) for form in sorted(new))

    def _merges(self) -> Iterable[NewMerge]:
        members: dict[str, list[int]] = defaultdict(list)
        for row, (form, target) in enumerate(zip(self.forms, self.targets.tolist(), strict=True)):
            if self.homes.get(form) == target:
                members[form].append(row)
        for form, target in self.homes.items():
            if form != self.names[target]:
                yield self._merge(form, target, members[form])

    def _merge(self, form: str, target: int, rows: list[int]) -> NewMerge:
        known = target < len(self.roots)
        parent = self.roots[target].key if known else self.keys[self.names[target]]
        score = float(self.scores[rows].mean())
        what = f"{len(rows)} theme{'s' if len(rows) > 1 else ''} named {self.keys[form]}"
        reason = f"{what}: mean cosine {score:.2f} to the centre of {parent}"
        return NewMerge(form, self.names[target], REGISTRY if known else MEANING, score, reason)

    def _centres(self) -> Iterable[RootRow]:
        usual = self._usual_radius()
        for target in sorted(set(self.targets.tolist())):
            if target < len(self.roots):
                yield self._grown(self.roots[target], target)
            else:
                yield self._new_root(target, usual)

    def _grown(self, root: RootRow, target: int) -> RootRow:
        total = self.target_centres[target] * np.float32(root.weight) + self.new_sums[target]
        weight = float(np.linalg.norm(total))
        return RootRow(root.form, root.key, _unit(total[None])[0].tobytes(), weight, root.radius)

    def _new_root(self, target: int, usual: float) -> RootRow:
        form, weight = self.names[target], float(np.linalg.norm(self.new_sums[target]))
        radius = self.radii.get(target, usual)
        return RootRow(form, self.keys[form], self.target_centres[target].tobytes(), weight, radius)

    def _usual_radius(self) -> float:
        """Set each new group's own radius; return the one for groups too small to have one of their own."""
        self.radii = {}
        by_target = np.argsort(self.targets, kind="stable")
        for rows in np.split(by_target, np.flatnonzero(np.diff(self.targets[by_target])) + 1):
            if len(rows) >= ENOUGH_FOR_A_RADIUS and self.targets[rows[0]] >= len(self.roots):
                self.radii[int(self.targets[rows[0]])] = float(np.quantile(self.scores[rows], RADIUS_QUANTILE))
        known = list(self.radii.values()) or [root.radius for root in self.roots]
        return float(np.median(known)) if known else self.threshold


def _nearest_registered(vectors: np.ndarray, centres: np.ndarray, radii: Sequence[float]) -> np.ndarray:
    """Return for each row the registered root it belongs to, -1 if it is outside every radius."""
    targets = np.full(len(vectors), -1, np.int64)
    if not len(centres):
        return targets
    bounds = np.asarray(radii, np.float32)
    for start in range(0, len(vectors), BLOCK):
        cosines = vectors[start : start + BLOCK] @ centres.T
        cosines[cosines < bounds] = -np.inf
        best = cosines.argmax(axis=1)
        inside = np.isfinite(cosines[np.arange(len(best)), best])
        targets[start : start + BLOCK] = np.where(inside, best, -1)
    return targets


def _join_by_name(labels: np.ndarray, forms: Sequence[str], vectors: np.ndarray, threshold: float) -> np.ndarray:
    """Join groups that one and the same name dominates, if their centres are near enough to its largest group's.

    A group is dominated by at most one name (more than half of its themes), so joining cannot chain.
    """
    if not len(labels):
        return labels
    count = int(labels.max()) + 1
    sizes = np.bincount(labels, minlength=count)
    centres = _unit(_sums(vectors, labels, count))
    groups_of = _dominated(labels, forms, sizes)
    joined = np.arange(count)
    for groups in groups_of.values():
        first = max(groups, key=lambda g: (sizes[g], -g))
        for other in groups:
            if centres[first] @ centres[other] >= threshold - NAME_SLACK:
                joined[other] = first
    return np.unique(joined[labels], return_inverse=True)[1]


def _dominated(labels: np.ndarray, forms: Sequence[str], sizes: np.ndarray) -> dict[str, list[int]]:
    counts: dict[int, Counter[str]] = defaultdict(Counter)
    for label, form in zip(labels.tolist(), forms, strict=True):
        counts[label][form] += 1
    groups: dict[str, list[int]] = defaultdict(list)
    for label, names in sorted(counts.items()):
        form, number = names.most_common(1)[0]
        if 2 * number > sizes[label]:
            groups[form].append(label)
    return groups


def _sums(vectors: np.ndarray, labels: np.ndarray, count: int) -> np.ndarray:
    """Return the (count, d) sums of the rows of each label, added in row order."""
    sums = np.zeros((count, vectors.shape[1]), np.float32)
    np.add.at(sums, labels, vectors)
    return sums


def _unit(rows: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: np.ndarray = rows / np.where(lengths == 0, 1, lengths)
    return unit


def _spellings(themes: Sequence[ThemeRow], forms: Sequence[str]) -> dict[str, str]:
    """Return for each form its most used spelling in snake_case; ties go to the first in the alphabet."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for theme, form in zip(themes, forms, strict=True):
        counts[form][normalise.snake_case(theme.raw)] += 1
    return {form: min(spellings, key=lambda s: (-spellings[s], s)) for form, spellings in counts.items()}


class _Words:
    """How typical words are of a target: the share of its themes that say them, times how few targets do."""

    def __init__(self, themes: Sequence[ThemeRow], targets: np.ndarray, target_count: int) -> None:
        self.shares: dict[int, Counter[str]] = defaultdict(Counter)
        self.sizes = np.bincount(targets, minlength=target_count)
        self.count = target_count
        for theme, target in zip(themes, targets.tolist(), strict=True):
            self.shares[target].update(set(normalise.words(theme.raw)) | set(normalise.words(theme.text)))
        self.spread = Counter(word for shares in self.shares.values() for word in shares)

    def weight(self, word: str, target: int) -> float:
        """Return share times rarity, as in class-based tf-idf (Grootendorst 2022, arXiv 2203.05794)."""
        return float(self.shares[target][word] / self.sizes[target]) * log(1 + self.count / self.spread[word])

    def fit(self, key: str, target: int) -> float:
        """Return how well a name fits a target: the mean weight of its words."""
        name_words = normalise.words(key) or [normalise.UNNAMED]
        return sum(self.weight(word, target) for word in name_words if word in self.spread) / len(name_words)

    def made_up_name(self, target: int, taken: set[str]) -> str:
        """Return a name nobody has, from the target's most typical words; numbered if they are used up."""
        typical = sorted(self.shares[target], key=lambda word: (-self.weight(word, target), word))
        typical = [word for word in typical if len(word) > 2] or [normalise.UNNAMED]
        for length in range(2, 6):
            if normalise.normal_form(key := "_".join(typical[:length])) not in taken:
                return key
        number = 2
        while normalise.normal_form(f"{key}_{number}") in taken:
            number += 1
        return f"{key}_{number}"

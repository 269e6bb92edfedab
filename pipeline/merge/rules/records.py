"""What the rules of merging take and give."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pipeline.merge.rules.grouping.sight import HOLD


@dataclass(frozen=True, slots=True)
class GroupSum:
    """A group of themes: the sum of their vectors (float32 bytes) and how many they are."""

    key: int
    vector_sum: bytes
    size: int


OWN_NAME = "own_name"
MEANING = "meaning"
REGISTRY = "registry"
PERSON = "person"


@dataclass(frozen=True, slots=True)
class ThemeRow:
    """A theme as far as its meaning goes; `vector` is float32 bytes of unit length, `text` helps to choose names.

    signature: the normal form of the signature it has until now; empty for a new theme.
    """

    id: int
    raw: str
    text: str
    vector: bytes
    signature: str = ""


@dataclass(frozen=True, slots=True)
class Registered:
    """What the registry holds when a merge starts: identity, not membership. All is named by normal form.

    names: the spelling of each registered name.
    parents: the name that rules merged a name into. A name without a parent is a centre: groups are recognised as one.
    first: the centres that people count on; they are recognised first.
    kept: the names without a parent that no rule may merge, for people decided about them.
    model: the name of the model whose vectors the themes have.
    hold: how like the rest of its group a theme must be to stay in it, see `Sight.hold`; a setting of the profile.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    parents: Mapping[str, str] = field(default_factory=dict)
    first: frozenset[str] = frozenset()
    kept: frozenset[str] = frozenset()
    model: str = ""
    hold: float = HOLD

    def centre_of(self, form: str) -> str:
        """Return where the themes of a name are counted: rules take it there."""
        return centre_of(self.parents, form)


def centre_of(parents: Mapping[str, str], form: str) -> str:
    """Return what rules take a name to, over any number of merges; itself if it is merged into none."""
    while form in parents:
        form = parents[form]
    return form


@dataclass(frozen=True, slots=True)
class Assigned:
    """One theme's signature, why, and the cosine to its centre."""

    theme_id: int
    form: str
    rule: str
    score: float


@dataclass(frozen=True, slots=True)
class Moved:
    """A theme that went from one centre to another, and why."""

    theme_id: int
    source: str
    target: str
    reason: str


@dataclass(frozen=True, slots=True)
class NewSignature:
    """A signature to be registered."""

    form: str
    key: str


@dataclass(frozen=True, slots=True)
class NewMerge:
    """A name that means the same as a centre."""

    child: str
    parent: str
    rule: str
    score: float
    reason: str


@dataclass(frozen=True, slots=True)
class Growth:
    """New themes that a registered centre got, when nothing else about it changed."""

    form: str
    vector_sum: bytes
    size: int


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a merge writes, and what came of every theme.

    groups: the centre of each theme, by id, of all that were looked at.
    themes: those that are new or get another signature, of a consolidation all; moved: those that were elsewhere.
    signatures, merges: to be added; unmerged: names whose merge by a rule ends.
    growths: centres that only got new themes; changed: the other centres that got or lost any.
    root_of: what each name means in the end, of all names that are registered or new.
    consolidated: whether everything was grouped again, and not only what is new.
    """

    groups: Mapping[int, str] = field(default_factory=dict)
    themes: tuple[Assigned, ...] = ()
    moved: tuple[Moved, ...] = ()
    signatures: tuple[NewSignature, ...] = ()
    merges: tuple[NewMerge, ...] = ()
    unmerged: tuple[str, ...] = ()
    growths: tuple[Growth, ...] = ()
    changed: tuple[str, ...] = ()
    root_of: Mapping[str, str] = field(default_factory=dict)
    consolidated: bool = False

"""What the rules of merging take and give."""

from collections.abc import Mapping
from dataclasses import dataclass, field


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

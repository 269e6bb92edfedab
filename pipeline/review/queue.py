"""The review queue: pairs of signatures that rules left apart by little, for people to say whether they are one.

Yes is a merge and no is a veto: both stand over later runs, and both are kept as labelled pairs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.extract.profiles import Gate, get_profile
from pipeline.group.current import Size, centres_of, open_stories, quotes_of_roots, sizes_that_wait
from pipeline.group.gates import Member, judge
from pipeline.group.members import members_of
from pipeline.merge.rules.doubt import CandidatePair, candidate_pairs, nearest_groups
from pipeline.models import Merge, Orphan, Signature, SignatureRoot, Split, Story, Veto
from pipeline.models.signature import STANDING
from pipeline.review.centres import root_of
from pipeline.review.decide import merge_signatures, veto
from pipeline.review.deciding import as_of

MOST_ORPHANS, MOST_STORIES = 1500, 500
"""Signatures that are compared, the last changed first: a table of cosines of all of them is made for a page."""

MOST_DOUBTS = 1000
"""Closest pairs among which those are looked for that would make a story."""

LEAST_CLOSENESS = 0.7
"""Pairs farther apart are not worth a person's time; see `doubt.CandidatePair`."""

ASKED = "review queue"


Home = Story | Orphan


@dataclass(frozen=True, slots=True)
class Side:
    """One of two signatures that may mean the same."""

    signature: Signature
    home: Home
    conversations: int
    customers: int
    quote: str

    @property
    def is_story(self) -> bool:
        return isinstance(self.home, Story)


@dataclass(frozen=True, slots=True)
class Pair:
    """A question to people. `effect` says what a yes does; `tips` that it makes a story of two orphans.

    The child would go under the parent's name: a story's, else that of the larger or the older.
    """

    child: Side
    parent: Side
    cosine: float
    closeness: float
    tips: bool
    effect: str


def uncertain_pairs(profile: str, limit: int) -> list[Pair]:
    """Return the pairs of the profile that people should judge first: those that would make a story, then
    those that concern one, the closest first.

    Bounded work for any number of signatures; a fixed number of questions to the database.
    """
    homes = _compared(profile)
    groups = centres_of(sorted(homes))
    doubts = candidate_pairs(groups, _decided(profile), least=LEAST_CLOSENESS, limit=MOST_DOUBTS)
    sizes = {one.key: one.size for one in groups}
    # In two steps: a cheap order by sizes alone, then the few that may be shown are judged by their conversations.
    doubts.sort(key=lambda doubt: _rank(doubt, homes, sizes, get_profile(profile).gate))
    found = _pairs(profile, doubts[: 3 * limit], homes)
    return sorted(found, key=lambda pair: (not pair.tips, not pair.parent.is_story, -pair.closeness))[:limit]


def _rank(doubt: CandidatePair, homes: Mapping[int, Home], sizes: Mapping[int, int], gate: Gate) -> tuple[int, float]:
    """Order of doubts before anybody looks into the conversations: may they make a story, do they concern one."""
    if any(isinstance(homes[root], Story) for root in (doubt.first, doubt.second)):
        return 1, -doubt.closeness
    is_enough = sizes[doubt.first] + sizes[doubt.second] >= gate.min_conversations
    return (0 if is_enough else 2), -doubt.closeness


def nearest_signatures(signature: Signature, limit: int) -> list[Signature]:
    """Return the roots of the profile that lie nearest to what the signature means, the nearest first; bounded work."""
    root = root_of(signature.pk)
    own = centres_of([root])
    among = centres_of(sorted(_compared(signature.profile).keys() - {root}))
    near = [key for key, _ in nearest_groups(own[0], among, limit=limit)] if own and among else []
    found = Signature.objects.defer("vector_sum").in_bulk(near)
    return [found[key] for key in near]


def answer(*, child: Signature, parent: Signature, same: bool, by: Any) -> Merge | Veto:
    """Take the decision that a yes or no stands for. Opens a transaction; raises DecisionRefused as decisions do."""
    if same:
        return merge_signatures(child=child, parent=parent, by=by, reason=ASKED)
    return veto(first=child, second=parent, by=by, reason=ASKED)


# --- What is compared ---------------------------------------------------------------------------------------------


def _compared(profile: str) -> dict[int, Home]:
    """Return the homes of the signatures to compare, by signature."""
    orphans = Orphan.objects.filter(signature__profile=profile, graduated_at=None, dismissed_at=None)
    newest_orphans = orphans.order_by("-updated_at", "-id")[:MOST_ORPHANS]
    newest_stories = open_stories(profile).order_by("-updated_at", "-id")[:MOST_STORIES]
    homes: dict[int, Home] = {orphan.signature_id: orphan for orphan in newest_orphans}
    return homes | {story.signature_id: story for story in newest_stories}


def _decided(profile: str) -> set[frozenset[int]]:
    """Return the pairs of roots that a decision keeps apart."""
    # a person who takes back their own merge may have meant to; one who takes back another's says that these are two
    undone = Merge.objects.filter(undone_by__isnull=False, child__profile=profile).exclude(rule=Merge.PERSON, actor="")
    kept_apart = [
        *Veto.objects.filter(STANDING, first__profile=profile).values_list("first", "second"),
        *Split.objects.filter(STANDING, signature__profile=profile).values_list("signature", "made"),
        *undone.values_list("child", "parent"),
    ]
    names = {name for pair in kept_apart for name in pair}
    roots = dict(SignatureRoot.objects.filter(signature__in=names).values_list("signature_id", "root_id"))
    return {frozenset((roots[one], roots[other])) for one, other in kept_apart}


# --- What is shown ------------------------------------------------------------------------------------------------


def _pairs(profile: str, doubts: Sequence[CandidatePair], homes: dict[int, Home]) -> list[Pair]:
    roots = sorted({root for doubt in doubts for root in (doubt.first, doubt.second)})
    signatures = Signature.objects.defer("vector_sum").in_bulk(roots)
    sizes, quotes = sizes_that_wait(roots), quotes_of_roots(roots)
    waiting = [root for root in roots if isinstance(homes[root], Orphan)]
    members = members_of(profile=profile, roots=waiting)

    def side(root: int) -> Side:
        size = sizes.get(root, Size())
        return Side(signatures[root], homes[root], size.conversations, size.customers, quotes.get(root, ""))

    gate, now = get_profile(profile).gate, as_of(profile)
    found = []
    for doubt in doubts:
        child, parent = sorted((side(doubt.first), side(doubt.second)), key=_standing)
        together = [*members[child.signature.pk], *members[parent.signature.pk]]
        verdict = judge(together, gate, now) if together and not parent.is_story else None
        tips = verdict is not None and verdict.is_story
        effect = _effect(child, parent, together, "a story" if tips else verdict.detail if verdict else "")
        found.append(Pair(child, parent, doubt.cosine, doubt.closeness, tips, effect))
    return found


def _standing(side: Side) -> tuple[bool, int, int]:
    """Order of the two sides: who comes last gives the name."""
    return side.is_story, side.conversations, -side.signature.pk


def _effect(child: Side, parent: Side, together: Sequence[Member], verdict: str) -> str:
    if not parent.is_story:
        count = len({member.conversation_id for member in together})
        return f"together {count} conversation{'s' if count > 1 else ''}: {verdict}"
    if child.is_story:
        return f"one story of {parent.conversations + child.conversations} conversations instead of two"
    return f"the story “{parent.home}” grows by {child.conversations}"


def home_of(signature: Signature) -> Home | None:
    """Return the open story of a root signature, or else its waiting orphan, or else None."""
    mine = Story.objects.filter(signature=signature, status__in=Story.OPEN, absorbed_by__isnull=True)
    return mine.first() or Orphan.objects.filter(signature=signature, graduated_at=None).first()

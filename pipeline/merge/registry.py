"""What the registry of a profile holds, as the rules see it: names, and what people decided.

A centre is a name that rules merged into no other: the themes of the names below it are counted there. A person's merge
joins two centres under one root and changes neither.

What is read here piece by piece is of one moment only if the registry's version is the same before and after: names
that a decision in between made or emptied are left out, and who reads looks at the version.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain

from django.db.models import Exists, OuterRef, Q, QuerySet

from pipeline.merge.forest import Forest, standing_forest
from pipeline.merge.rules.decisions import Decisions
from pipeline.merge.rules.grouping.sight import HOLD, STRICT_HOLD
from pipeline.merge.rules.records import Registered
from pipeline.models import Hold, Merge, Move, Orphan, Rename, Signature, Split, Story, Theme, Veto
from pipeline.models.signature import STANDING


@dataclass(frozen=True, slots=True)
class Names(Forest):
    """The names of a profile by id, how they hang together, and which of them have themes of their own."""

    form_of: Mapping[int, str] = field(default_factory=dict)
    centres: frozenset[int] = frozenset()


def names_of_profile(profile: str) -> Names:
    """Read the names of a profile and how they hang together. A free name is not among them."""
    forest = standing_forest(profile)
    edges = (forest.by_rules, forest.by_people)
    # A name without themes counts if a merge or a decision leads to it: it still says where others belong.
    linked = {*chain(*edges, *(parents.values() for parents in edges)), *_spoken_for(profile)}
    names = Signature.objects.filter(profile=profile).values_list("pk", "normal_form", "size")
    known = [(pk, form, size) for pk, form, size in names if size or pk in linked]
    return Names(
        by_rules=forest.by_rules,
        by_people=forest.by_people,
        form_of={pk: form for pk, form, _ in known},
        centres=frozenset(pk for pk, _, size in known if size),
    )


def free_names(profile: str) -> QuerySet[Signature]:
    """Signatures that nothing holds any more, as an undone split leaves them: the name may be given again.

    They have no theme and no merge, no decision that stands names them, and no story is theirs that is open or may
    come back.
    """
    child = Merge.objects.filter(STANDING, child=OuterRef("pk"))
    parent = Merge.objects.filter(STANDING, parent=OuterRef("pk"))
    empty = Signature.objects.filter(~Exists(child), ~Exists(parent), profile=profile, size=0)
    return empty.exclude(pk__in=_spoken_for(profile))


def _spoken_for(profile: str) -> set[int]:
    """Return the names that people count on, also where the last theme has gone: they mean what they meant."""
    # an emptied story returns with the first conversation of its name, which must not be given away
    waiting = (*Story.OPEN, Story.Status.EMPTIED)
    stories = Story.objects.standing().filter(signature__profile=profile, status__in=waiting)
    return {*decided(profile), *stories.values_list("signature_id", flat=True)}


def registered(names: Names, profile: str) -> Registered:
    """Return the names of a profile, what rules merged them into, and which of them people count on."""
    keys = dict(Signature.objects.filter(profile=profile).values_list("normal_form", "key"))
    named = set(decided(profile))
    counted_on = named | set(_touched(profile))
    return Registered(
        names={form: keys[form] for form in names.form_of.values() if form in keys},
        parents={
            names.form_of[child]: names.form_of[parent]
            for child, parent in names.by_rules.items()
            if child in names.form_of and parent in names.form_of
        },
        # `first`: whatever people touched, by the centre that counts its themes now. `kept`: only what they decided
        # about, and only names that no rule merged before they did.
        first=frozenset(names.form_of[names.centre(pk)] for pk in counted_on if names.centre(pk) in names.form_of),
        kept=frozenset(names.form_of[pk] for pk in named if pk in names.form_of and pk not in names.by_rules),
    )


def hold_of(*, strict: bool) -> float:
    """Return how like the rest of its group a theme must be in a profile that is strict, or in one that is not."""
    return STRICT_HOLD if strict else HOLD


def _touched(profile: str) -> Iterator[int]:
    """Yield the signatures of stories that people reviewed or wrote in, and of orphans they dismissed."""
    stories = Story.objects.standing().filter(signature__profile=profile).exclude(Story.UNTOUCHED)
    yield from stories.values_list("signature_id", flat=True)
    dismissed = Orphan.objects.filter(signature__profile=profile, dismissed_at__isnull=False)
    yield from dismissed.values_list("signature_id", flat=True)


# --- Decisions ----------------------------------------------------------------------------------------------------


def decided(profile: str) -> Iterator[int]:
    """Yield the signatures that standing decisions of people name; a rule's merge that they undid is one of these."""
    # `undone_by` is empty where a later merge ended one that rules had made (`apply._end_merges`): that is no decision.
    by_people = Q(rule=Merge.PERSON) & STANDING | Q(undone_by__isnull=False)
    merges = Merge.objects.filter(by_people, child__profile=profile)
    vetoes = Veto.objects.filter(STANDING, first__profile=profile)
    splits = Split.objects.filter(STANDING, signature__profile=profile)
    moves = Move.objects.filter(STANDING, target__profile=profile)
    for pairs in (
        merges.values_list("child_id", "parent_id"),
        vetoes.values_list("first_id", "second_id"),
        splits.values_list("signature_id", "made_id"),
        moves.values_list("source_id", "target_id"),
    ):
        for pair in pairs:
            yield from pair
    yield from Rename.objects.filter(STANDING, profile=profile).values_list("signature_id", flat=True)
    yield from Hold.objects.filter(STANDING, signature__profile=profile).values_list("signature_id", flat=True)


def standing_decisions(names: Names, profile: str, *themes: QuerySet[Theme]) -> Decisions:
    """Return what people decided about a profile and still stands; moves are those of the given themes."""
    return Decisions(
        vetoes=frozenset([*_vetoes(names, profile), *_taken_apart(names, profile, ~BY_PERSON)]),
        splits=frozenset([*_splits(names, profile), *_taken_apart(names, profile, BY_PERSON)]),
        merges=dict(_persons_merges(names)),
        moves=_moves(names, profile, *themes),
        renames=dict(_renames(profile)),
    )


def _vetoes(names: Names, profile: str) -> Iterator[tuple[str, str]]:
    """Yield the pairs, and for a name without a centre also the centre that stands for it."""
    vetoes = Veto.objects.filter(STANDING, first__profile=profile)
    for first, second in vetoes.values_list("first_id", "second_id").order_by("id"):
        # the name, for themes that are called so; the centre, for themes that rules took there under another name
        for one in {first, names.centre(first)}:
            for other in {second, names.centre(second)}:
                if one in names.form_of and other in names.form_of:
                    yield names.form_of[one], names.form_of[other]


def _splits(names: Names, profile: str) -> Iterator[tuple[str, str]]:
    splits = Split.objects.filter(STANDING, signature__profile=profile)
    for signature, made in splits.values_list("signature_id", "made_id").order_by("id"):
        if signature in names.form_of and made in names.form_of:
            yield names.form_of[names.centre(signature)], names.form_of[names.centre(made)]


BY_PERSON = Q(rule=Merge.PERSON)


def _taken_apart(names: Names, profile: str, of_which: Q) -> Iterator[tuple[str, str]]:
    """Yield the pairs whose merge a person undid, unless they were joined again: whoever undoes a merge says that these
    are two.

    What rules merged was a name, so its undoing counts as a veto: themes of that name stay away. What people merged
    were two signatures, so its undoing counts as a split: later themes go to the nearer one, as before the merge.
    """
    undone = Merge.objects.filter(of_which, undone_by__isnull=False, child__profile=profile)
    for child, parent in undone.values_list("child_id", "parent_id").order_by("id"):
        if child in names.form_of and parent in names.form_of and names.root(child) != names.root(parent):
            yield names.form_of[names.centre(child)], names.form_of[names.centre(parent)]


def _persons_merges(names: Names) -> Iterator[tuple[str, str]]:
    for child, parent in sorted(names.by_people.items()):
        if child in names.form_of and parent in names.form_of:
            yield names.form_of[child], names.form_of[parent]


def _moves(names: Names, profile: str, *themes: QuerySet[Theme]) -> dict[int, str]:
    """Return the signature of each theme that was moved, or that reads again what was moved."""
    # By conversation and name, not by theme: a theme that is read again is another row, and what a person said of it
    # holds. The last of several moves wins, so they come in the order in which they were made.
    moves = Move.objects.filter(STANDING, target__profile=profile).order_by("registry_version", "id")
    targets = {
        (conversation, raw_key): names.centre(target)
        for conversation, raw_key, target in moves.values_list("theme__conversation_id", "theme__raw_key", "target_id")
        if target in names.form_of
    }
    conversations = {conversation for conversation, _ in targets}
    columns = ("pk", "conversation_id", "raw_key")
    again = (some.filter(conversation__in=conversations).values_list(*columns) for some in themes)
    return {
        theme: names.form_of[target]
        for theme, conversation, raw_key in (chain.from_iterable(again) if targets else ())
        if (target := targets.get((conversation, raw_key))) in names.centres
    }


def _renames(profile: str) -> Iterator[tuple[str, str]]:
    renames = Rename.objects.filter(STANDING, profile=profile).exclude(new_form="")
    yield from renames.values_list("new_form", "signature__normal_form").order_by("id")

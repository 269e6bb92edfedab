"""What the newest pass over a profile was given, rebuilt from the rows: so that it can be made again and compared."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Q

from pipeline.ledger.current import current_themes
from pipeline.merge import registry
from pipeline.merge.rules.decisions import Decisions
from pipeline.merge.rules.records import Assignment, Registered, ThemeRow
from pipeline.merge.rules.versions import NEWEST
from pipeline.models import Merge, MergePass, Registry, Signature
from pipeline.models.signature import STANDING
from pipeline.models.wording import counted

SCORE_TOLERANCE = 1e-4
"""Scores are float32 sums, and those differ in the last digits from one processor's kernels to another's."""


@dataclass(frozen=True, slots=True)
class LastPass:
    """The newest pass: its record, what `assign` was given, and what is stored of what it found.

    groups: the centre of each theme. given: signature, rule and score of each. merges: (child, parent) of its merges.
    """

    done: MergePass
    rows: Sequence[ThemeRow]
    registered: Registered
    decisions: Decisions
    groups: Mapping[int, str]
    given: Mapping[int, tuple[str, str, float | None]]
    merges: frozenset[tuple[str, str]]


def last_pass(profile: str) -> LastPass | str:
    """Return the newest pass over a profile as it was given its themes, or in words why it cannot be made again.

    Empty words if there was none.
    """
    done = MergePass.objects.filter(profile=profile).order_by("-id").first()
    if done is None:
        return ""
    if done.rules != NEWEST.version:
        return f"{done} was made by {done.rules}; the rules are now {NEWEST.version}"
    version = Registry.objects.values_list("version", flat=True).get(pk=profile)
    if since := version - done.registry_version:
        return f"people made {counted(since, 'decision')} since {done}"
    themes = current_themes(profile, done.run)
    if (count := themes.count()) != done.theme_count:
        return (
            f"{done} covered {done.theme_count} themes, but there are {count} now, because some were read again or "
            "deleted"
        )
    names = registry.names_of_profile(profile)
    now = registry.registered(names, profile)
    moved = dict(done.reassignments.values_list("theme_id", "source__normal_form"))
    rows, groups, given = [], {}, {}
    columns = ("id", "raw_signature", "summary", "vector", "signature_id", "registry_version")
    more = ("signature_rule", "signature_score")
    for pk, raw, summary, vector, signature, at, rule, score in themes.values_list(*columns, *more).iterator(2000):
        groups[pk] = names.form_of[names.centre(signature)]
        given[pk] = names.form_of[signature], rule, score
        # what has this version and was not moved had no signature before the pass
        is_new = at in (done.registry_version, None) and pk not in moved
        stood = "" if is_new else moved.get(pk, groups[pk])
        rows.append(ThemeRow(pk, raw, summary, bytes(vector), stood))
    registered = Registered(
        names=_names_before(done, now.names),
        parents=_parents_before(done),
        first=now.first,
        kept=now.kept,
        model=themes.values_list("vector_model", flat=True).first() or "",
        hold=registry.hold_of(strict=done.strict),
    )
    decisions = registry.standing_decisions(names, profile, themes)
    made = Merge.objects.filter(child__profile=profile, registry_version=done.registry_version)
    merges = frozenset(made.values_list("child__normal_form", "parent__normal_form"))
    return LastPass(done, rows, registered, decisions, groups, given, merges)


def _names_before(done: MergePass, now: Mapping[str, str]) -> dict[str, str]:
    """Return the names that were registered: without those the pass made, with those it left empty."""
    # a pass gives all that it makes one moment, its own
    made = set(
        Signature.objects.filter(profile=done.profile, created_at=done.created_at).values_list("normal_form", flat=True)
    )
    left = dict(done.reassignments.values_list("source__normal_form", "source__key"))
    return {form: key for form, key in now.items() if form not in made} | left


def _parents_before(done: MergePass) -> dict[str, str]:
    """Return what rules had merged before: without the merges that the pass made, with those that it ended."""
    ended = Q(undone_at=done.created_at, undone_by__isnull=True)
    merges = Merge.objects.filter(STANDING | ended, child__profile=done.profile).exclude(rule=Merge.PERSON)
    before = merges.filter(registry_version__lt=done.registry_version)
    return dict(before.values_list("child__normal_form", "parent__normal_form"))


def unlike(found: LastPass, derived: Assignment) -> Iterator[str]:
    """Yield how what is stored differs from what the same pass gives when it is made again."""
    yield from _other_groups(found, derived.groups)
    for one in sorted(derived.themes, key=lambda one: one.theme_id):
        form, rule, score = found.given[one.theme_id]
        if form != one.form:
            yield f"theme {one.theme_id} has {form}, the rules say {one.form}"
        elif rule != one.rule or score is None or abs(score - one.score) > SCORE_TOLERANCE:
            yield (
                f"theme {one.theme_id} has the rule and score {rule} {score}, but the rules give {one.rule} {one.score}"
            )
    merges = {(merge.child, merge.parent) for merge in derived.merges}
    yield from (f"the merge of {child} into {parent} is missing" for child, parent in sorted(merges - found.merges))
    yield from (
        (f"{child} was merged into {parent}, but no rule does that") for child, parent in sorted(found.merges - merges)
    )


def _other_groups(found: LastPass, derived: Mapping[int, str]) -> Iterator[str]:
    inside: dict[str, Counter[str]] = defaultdict(Counter)
    for theme, centre in found.groups.items():
        inside[centre][derived[theme]] += 1
    most = {centre: min(counts, key=lambda group: (-counts[group], group)) for centre, counts in inside.items()}
    for theme, centre in sorted(found.groups.items()):
        if derived[theme] != most[centre]:
            yield f"theme {theme} is in {centre}; the rules put it with {derived[theme]}"
    joined: dict[str, list[str]] = defaultdict(list)
    for centre, group in sorted(most.items()):
        joined[group].append(centre)
    yield from (f"the rules make one group of {' and '.join(two)}" for two in joined.values() if len(two) > 1)

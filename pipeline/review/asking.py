"""Which question a person is asked next, and what is asked in words: what each answer does."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.core.cache import cache

from pipeline.models import Orphan, Registry, Signature, Story, Veto
from pipeline.models.signature import STANDING
from pipeline.review.queue import uncertain_pairs
from pipeline.review.stream import Kind, Question, changed_stories, near_orphans, new_stories

AHEAD = 200
"""Questions of a kind that are looked for; answering some makes room for more."""

PAIRS_AHEAD = 40
PAIRS_KEPT = 7 * 24 * 3600
"""Seconds for which the pairs that were found are kept. Finding them compares thousands of centres (six seconds of
processor time with 2,000 stories and 1,000 orphans), so a worker does it, and pages only ask about what it found.
"""

KINDS: tuple[Kind, ...] = ("story", "pair", "orphan", "changed")


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits, by kind, in the order in which it is asked; `outdated` are profiles whose pairs should be found."""

    questions: list[Question]
    counts: dict[str, int]
    outdated: list[str]

    @property
    def total(self) -> int:
        return sum(self.counts.values())


def waiting_questions(kinds: Collection[str] = KINDS, skipped: Collection[str] = ()) -> Waiting:
    """Return what waits for an answer, without those that were skipped; a fixed number of questions to the database."""
    found: dict[str, list[Question]] = {kind: [] for kind in KINDS}
    outdated: list[str] = []
    if "story" in kinds:
        found["story"] = [Question("story", pk) for pk in new_stories().values_list("pk", flat=True)[:AHEAD]]
    if "pair" in kinds:
        found["pair"], outdated = _pairs()
    if "orphan" in kinds:
        found["orphan"] = [Question("orphan", pk) for pk in near_orphans().values_list("pk", flat=True)[:AHEAD]]
    if "changed" in kinds:
        found["changed"] = [Question("changed", pk) for pk in changed_stories().values_list("pk", flat=True)[:AHEAD]]
    left = {kind: [each for each in each_kind if each.token not in skipped] for kind, each_kind in found.items()}
    return Waiting(
        [question for kind in KINDS for question in left[kind]],
        {kind: len(each) for kind, each in left.items()},
        outdated,
    )


def _pairs() -> tuple[list[Question], list[str]]:
    """Return the pairs that are still to be judged, and the profiles whose pairs should be found again.

    To be judged are those found lately, of roots that nobody joined or kept apart since.
    """
    found: list[tuple[int, int]] = []
    outdated = []
    for profile, version in Registry.objects.order_by("pk").values_list("pk", "version"):
        known: tuple[int, list[tuple[int, int]]] | None = cache.get(_key(profile))
        found += known[1] if known else []
        # Each answer raises the version by one: as long as few came since, what was found stays good. After as many
        # changes as pairs were found little of it can still be asked.
        if known is None or not 0 <= version - known[0] < max(1, len(known[1])):
            outdated.append(profile)
    ids = {pk for pair in found for pk in pair}
    homes = {
        *Story.objects.filter(signature__in=ids, status__in=Story.OPEN, absorbed_by=None).values_list(
            "signature_id", flat=True
        ),
        *Orphan.objects.filter(signature__in=ids, graduated_at=None, dismissed_at=None).values_list(
            "signature_id", flat=True
        ),
    }
    apart = {frozenset(pair) for pair in Veto.objects.filter(STANDING, first__in=ids).values_list("first", "second")}
    left = [
        Question("pair", child, parent)
        for child, parent in found
        if child in homes and parent in homes and frozenset((child, parent)) not in apart
    ]
    return left, outdated


def find_pairs(*, profile: str) -> int:
    """Look for the pairs of a profile that people should judge and keep them for the pages; return how many."""
    # read first: what changes while they are looked for makes them outdated
    version = Registry.objects.filter(pk=profile).values_list("version", flat=True).first()
    if version is None:
        return 0
    found = [(pair.child.signature.pk, pair.parent.signature.pk) for pair in uncertain_pairs(profile, PAIRS_AHEAD)]
    cache.set(_key(profile), (version, found), PAIRS_KEPT)
    return len(found)


def _key(profile: str) -> str:
    return f"pairs:{profile}"


def differing_words(one: str, other: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return the words of each text that the other has not, folded; words of two letters and fewer are left out."""
    mine, theirs = _words(one), _words(other)
    return mine - theirs, theirs - mine


def _words(text: str) -> frozenset[str]:
    return frozenset(word for word in (_bare(part) for part in text.split()) if len(word) > 2)


def _bare(word: str) -> str:
    return word.strip(".,;:!?\"'()[]\u201c\u201d\u2018\u2019\u2026-").casefold()


def marked(text: str, words: Collection[str]) -> list[tuple[str, bool]]:
    """Return the text in pieces, each with whether it is one of these words; joined, they are the text again."""
    pieces: list[tuple[str, bool]] = []
    for part in text.split(" "):
        is_marked = bool(_bare(part)) and _bare(part) in words
        if not pieces:
            pieces.append((part, is_marked))
        elif pieces[-1][1] == is_marked:
            pieces[-1] = (f"{pieces[-1][0]} {part}", is_marked)
        elif is_marked:  # the space belongs to what is not marked
            pieces[-1] = (f"{pieces[-1][0]} ", False)
            pieces.append((part, True))
        else:
            pieces.append((f" {part}", False))
    return pieces


def signatures_of(question: Question) -> Sequence[Signature]:
    """Return the two signatures of a pair, child and parent."""
    found = Signature.objects.defer("vector_sum").in_bulk([question.first, question.second])
    return [found[pk] for pk in (question.first, question.second) if pk in found]

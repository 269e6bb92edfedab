"""What a judge is asked about: pairs of the review queue, groups, and stories without a person's words.

Only what the run touched, and nothing that people have decided: theirs stands. All texts are without what is private.
"""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Case, Count, Exists, F, JSONField, OuterRef, Q, QuerySet, Subquery, When
from django.db.models.expressions import Func

from pipeline.extract.llm.steps import Ask
from pipeline.extract.redaction import Redactor
from pipeline.group.current import affected_roots, open_stories, sizes_that_wait, themes_that_wait
from pipeline.merge.forest import leaves_of
from pipeline.models import (
    Change,
    Evidence,
    Hold,
    Judgement,
    Merge,
    Move,
    Rename,
    Run,
    Signature,
    Split,
    Story,
)
from pipeline.models.signature import STANDING
from pipeline.review.judge.questions import PROMPT, Side, Voice, group_question, pair_question, title_question
from pipeline.review.queue import uncertain_pairs

MOST_MEMBERS = 150
"""Conversations of a group that is reviewed: all of them must be in the question, or no partition could be total."""

MOST_VOICES = 12
"""Conversations of a group that are shown where not all have to be: those nearest to its middle."""

LONGEST = 300
"""Characters of a summary or a quote that are shown."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One question: about which signatures, in which words, and for which conversations (ids, as members count)."""

    about: Judgement.About
    first: int
    second: int | None
    ask: Ask[Any]
    conversations: tuple[int, ...] = ()

    def request_hash(self, model: str) -> str:
        """Return what tells whether this was asked before: of this model, in these words, about these signatures."""
        words = [self.about, self.first, self.second, model, PROMPT, self.ask.messages, self.conversations]
        return hashlib.sha256(json.dumps(words, ensure_ascii=False).encode()).hexdigest()


def subjects(run: Run, about: Judgement.About, most: int) -> list[Subject]:
    """Return at most so many questions of a kind about what the run touched, the most useful first."""
    found = {Judgement.About.PAIR: _pairs, Judgement.About.GROUP: _groups, Judgement.About.TITLE: _titles}
    return list(found[about](run, most))


# --- Pairs --------------------------------------------------------------------------------------------------------


def _pairs(run: Run, most: int) -> Iterator[Subject]:
    """Yield the pairs of the queue of which the run touched a side, without those that would take a story from people.

    A child's story is absorbed when it is merged; one that people have taken up is theirs to merge.
    """
    touched = set(affected_roots(run))
    pairs = [
        pair
        for pair in uncertain_pairs(run.profile, 4 * most)
        if touched & {pair.child.signature.pk, pair.parent.signature.pk}
    ]
    taken = taken_up([pair.child.signature.pk for pair in pairs])
    pairs = [pair for pair in pairs if pair.child.signature.pk not in taken][:most]
    roots = sorted({side.signature.pk for pair in pairs for side in (pair.child, pair.parent)})
    sides = sides_of(roots, MOST_VOICES // 2)
    for pair in pairs:
        child, parent = pair.child.signature.pk, pair.parent.signature.pk
        if child in sides and parent in sides:
            yield Subject(Judgement.About.PAIR, child, parent, pair_question(sides[child], sides[parent]))


def taken_up(roots: Collection[int]) -> set[int]:
    """Return those of these roots whose open story people have reviewed, written in or taken on."""
    mine = Story.objects.open().filter(signature__in=roots)
    return set(mine.exclude(pk__in=mine.filter(Story.UNTOUCHED).values("pk")).values_list("signature_id", flat=True))


# --- Groups -------------------------------------------------------------------------------------------------------


def _groups(run: Run, most: int) -> Iterator[Subject]:
    """Yield the candidates that no person touched, and what is held because its review failed; the largest first."""
    touched = affected_roots(run)
    untouched = open_stories(run.profile).filter(Story.UNTOUCHED, signature__in=touched)
    candidates = list(untouched.values_list("signature_id", flat=True))
    failed = Hold.objects.filter(STANDING, is_failure=True, signature__in=touched).values_list("signature", flat=True)
    roots = {*candidates, *failed}
    roots -= decided_by_people(roots) | _reviews_undone(roots)
    sizes = sizes_that_wait(sorted(roots))
    ranked = sorted(
        (root for root in roots if root in sizes and 1 < sizes[root].conversations <= MOST_MEMBERS),
        key=lambda root: (-sizes[root].conversations, root),
    )[:most]
    for root, side in sides_of(ranked, MOST_MEMBERS).items():
        members = tuple(voice.conversation_id for voice in side.voices)
        if len(members) == side.conversations:
            yield Subject(Judgement.About.GROUP, root, None, group_question(side), members)


def too_large_to_review(run: Run) -> int:
    """Return how many of the run's candidates have more conversations than a question holds."""
    untouched = open_stories(run.profile).filter(Story.UNTOUCHED, signature__in=affected_roots(run))
    counted = untouched.annotate(size=Count("evidence", distinct=True))
    return counted.filter(size__gt=MOST_MEMBERS).count()


def decided_by_people(roots: Collection[int]) -> set[int]:
    """Return those of these roots in which people joined, split, moved or named something."""
    root_of = leaves_of(sorted(roots))
    names, by_people = list(root_of), Q(STANDING, actor="")
    found: set[int] = set()
    for rows, columns in (
        (Merge.objects.filter(by_people, rule=Merge.PERSON), ("child_id", "parent_id")),
        (Split.objects.filter(by_people), ("signature_id", "made_id")),
        (Move.objects.filter(by_people), ("source_id", "target_id")),
        (Rename.objects.filter(by_people), ("signature_id",)),
    ):
        about = Q()
        for column in columns:
            about |= Q(**{f"{column}__in": names})
        for pair in rows.filter(about).values_list(*columns):
            found |= {root_of[name] for name in pair if name in root_of}
    return found


def _reviews_undone(roots: Collection[int]) -> set[int]:
    """Return those of these roots of which a person undid what a model decided of the group: it is not asked again."""
    undone = Q(undone_by__isnull=False) & ~Q(actor="")
    holds = Hold.objects.filter(undone, signature__in=roots).values_list("signature_id", flat=True)
    splits = Split.objects.filter(undone, signature__in=roots).values_list("signature_id", flat=True)
    return {*holds, *splits}


# --- Titles -------------------------------------------------------------------------------------------------------


def _titles(run: Run, most: int) -> Iterator[Subject]:
    """Yield the open stories that no person wrote in or named, unless a model's words still fit; the largest first.

    They fit as long as at least half of the conversations are there for which they were written.
    """
    undone = Change.objects.filter(
        ~Q(actor=""), story=OuterRef("pk"), undone_by__isnull=False,
        what__in=(Change.What.TITLE, Change.What.DESCRIPTION),
    )  # fmt: skip
    stayed = Count("evidence", filter=Q(evidence__in_title=True))
    due = open_stories(run.profile).filter(Story.NOT_WRITTEN, ~Exists(undone), signature__in=affected_roots(run))
    due = due.annotate(size=Count("evidence"), stayed=stayed).filter(size__gt=0)
    due = due.filter(Q(edited_actor="") | Q(size__gte=2 * F("stayed")) | Q(title_size__gte=2 * F("stayed")))
    found = list(due.order_by("-size", "id").values_list("signature_id", flat=True))
    named = set(
        Rename.objects.filter(STANDING, actor="", signature__in=found).values_list("signature_id", flat=True)
    )  # fmt: skip
    roots = [root for root in found if root not in named][:most]
    for root, side in sides_of(roots, MOST_VOICES).items():
        yield Subject(Judgement.About.TITLE, root, None, title_question(side))


# --- What is shown ------------------------------------------------------------------------------------------------

_AUTHORS = "jsonb_path_query_array(%(expressions)s, '$[*].author')"


def sides_of(roots: Sequence[int], most: int) -> dict[int, Side]:
    """Return each of these roots that has conversations as a judge sees it, in the given order.

    Shown are at most `most` conversations of each, those nearest to the middle, by ties the oldest; of one with several
    themes in the group the nearest.
    """
    keys = dict(Signature.objects.filter(pk__in=roots).values_list("pk", "key"))
    quote = Evidence.objects.filter(theme=OuterRef("pk")).order_by("start").values("quote")[:1]
    authors = Func(F("item__version__messages"), template=_AUTHORS, output_field=JSONField())
    voices: dict[int, dict[int, Voice]] = {root: {} for root in roots}
    counts: dict[int, set[int]] = {root: set() for root in roots}
    rows = themes_that_wait(roots).annotate(
        nearest=Case(When(signature_score=None, then=0.0), default=F("signature_score")),
        quote=Subquery(quote), authors=authors,
    )  # fmt: skip
    for root, conversation, customer, names, summary, said in rows.order_by("-nearest", "id").values_list(
        "signature__root_link__root", "conversation_id", "conversation__customer", "authors", "summary", "quote"
    ):
        counts[root].add(conversation)
        if conversation not in voices[root] and len(voices[root]) < most:
            voices[root][conversation] = _voice(conversation, (customer, *(names or ())), summary, said or "")
    return {
        root: Side(keys[root], len(counts[root]), tuple(voices[root].values())) for root in roots if voices.get(root)
    }


def _voice(conversation: int, names: Sequence[Any], summary: str, quote: str) -> Voice:
    known = tuple(sorted({name for name in names if isinstance(name, str) and name}))
    redactor = Redactor(known, f"{summary}\n{quote}")
    # hidden before it is cut: half an address would not be known for one
    summary, quote = (redactor.hide(" ".join(text.split()))[:LONGEST] for text in (summary, quote))
    return Voice(conversation, summary, quote)


def conversations_in(root: int) -> set[int]:
    """Return the conversations whose current themes mean this root."""
    return set(themes_that_wait([root]).values_list("conversation_id", flat=True))


def rows_by_hash(found: Sequence[Subject], model: str) -> Mapping[str, Subject]:
    """Return the subjects by the hash of their question, in their order."""
    return {subject.request_hash(model): subject for subject in found}


def asked_before(hashes: Collection[str]) -> QuerySet[Judgement, str]:
    """Return those of these questions that some run had answered: they are not asked again."""
    answered = Judgement.objects.filter(request_hash__in=hashes, state=Judgement.State.ANSWERED)
    return answered.values_list("request_hash", flat=True)

"""How good the grouping is on labelled conversations: the same steps as a run, in memory, without a row."""

import os
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from pipeline.extract.base import Extractor, get_extractor
from pipeline.extract.profiles import Gate, Profile, get_profile
from pipeline.extract.reading import Draft, Outcome, ask, parse
from pipeline.group import gates
from pipeline.group.titles import Model, Untitled, Voice, choose_titles, title_of
from pipeline.group.titling import VOICES, model_of, opening
from pipeline.ledger.transcript import Question, Transcript, transcript_of
from pipeline.merge.rules.assign import assign
from pipeline.merge.rules.normalise import words
from pipeline.merge.rules.records import Registered, ThemeRow
from pipeline.models import Item
from pipeline.models.refusal import Refusal
from pipeline.sources import repetition
from pipeline.sources.formats import Options
from pipeline.sources.own_words.repeated import Repeated
from pipeline.sources.records import Record, get_source

NOISE = "noise"
"""The label of conversations that belong to no group: in the truth each is a group of its own."""

SMALLEST_TRUE_GROUP = 3
PIECE = 50


class NothingToEvaluate(Refusal):
    """The file has no labelled conversation."""


@dataclass(frozen=True, slots=True)
class Scores:
    """One grouping against the labels. Conversations outside of stories count as groups of one."""

    pairwise_precision: float
    pairwise_recall: float
    pairwise_f1: float
    v_measure: float
    ari: float
    groups_found: int
    orphan_share: float
    noise_orphan_share: float | None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The pipeline's grouping and, beside it, that of equal raw signatures.

    title_top1: share of the stories whose title is nearer to the label of most of their conversations than to any other
        label; None where there is nothing to tell apart, or no model to tell it.
    """

    conversations: int
    unlabelled: int
    filtered: int
    failed: int
    groups_true: int
    seconds: float
    title_top1: float | None
    pipeline: Scores
    naive: Scores

    def as_json(self) -> dict[str, object]:
        """Return the pipeline's scores and the counts on one level, the naive grouping's below `naive`."""
        counts = {name: value for name, value in asdict(self).items() if name not in ("pipeline", "naive")}
        return {**asdict(self.pipeline), **counts, "naive": asdict(self.naive)}


@dataclass(frozen=True, slots=True)
class Read:
    """One conversation as it was read: its label, and its main theme unless it was filtered or failed."""

    label: str
    customer: str
    outcome: Outcome
    transcript: Transcript

    @property
    def draft(self) -> Draft | None:
        return self.outcome.themes[0] if self.outcome.themes else None


def evaluate(
    path: str | Path, *, profile: str = "support", extractor: str = "local", options: Options | None = None
) -> Evaluation:
    """Read and group the labelled conversations of a file; those without a label are counted and left out.

    The gates of the profile decide what is a story, but for recency. Raises UnreadableSource and NothingToEvaluate.
    """
    began = time.monotonic()
    records = [record for record in get_source("file")(path, None, options).records() if isinstance(record, Record)]
    labelled = [record for record in records if record.label]
    if not labelled:
        raise NothingToEvaluate(
            f"{path} has no conversation with a label; each row to be judged needs the field label."
        )
    reads = read(labelled, get_profile(profile), get_extractor(extractor))
    gate = replace(get_profile(profile).gate, recent_days=None)
    labels = [read.label for read in reads]
    states = Counter(read.outcome.state for read in reads)
    found = group(reads, get_profile(profile))
    model = model_of(get_extractor(extractor).model)
    return Evaluation(
        conversations=len(reads),
        unlabelled=len(records) - len(labelled),
        filtered=states[Item.State.FILTERED],
        failed=states[Item.State.FAILED],
        groups_true=sum(n >= SMALLEST_TRUE_GROUP for label, n in Counter(labels).items() if label != NOISE),
        title_top1=title_top1(labels, found, titles(reads, found, model), model) if model else None,
        pipeline=score(labels, found),
        naive=score(labels, _stories(reads, _by_name(reads), gate)),
        seconds=round(time.monotonic() - began, 2),
    )


# --- Reading ------------------------------------------------------------------------------------------------------


def read(records: Sequence[Record], profile: Profile, extractor: Extractor) -> list[Read]:
    """Return the reading of each record, in their order.

    Reads in as many threads as there are processors; answers do not depend on what is read together.
    """
    pieces = [records[start : start + PIECE] for start in range(0, len(records), PIECE)]
    sample = records[:: max(1, len(records) // repetition.SAMPLE)]
    passages = repetition.count_repeated([record.messages for record in sample])
    repeated = Repeated.from_json(passage.as_json() for passage in passages)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        read_pieces = pool.map(lambda piece: _read_piece(piece, profile, extractor, repeated), pieces)
        return [one for piece in read_pieces for one in piece]


def _read_piece(records: Sequence[Record], profile: Profile, extractor: Extractor, repeated: Repeated) -> list[Read]:
    questions = [
        Question(number, transcript_of(record.external_id, record.messages, repeated))
        for number, record in enumerate(records)
    ]
    answers = dict(ask(questions, profile, extractor))
    outcomes = (parse(question, answers[question.key], profile, extractor) for question in questions)
    return [
        Read(record.label, record.customer, outcome, question.transcript)
        for record, outcome, question in zip(records, outcomes, questions, strict=True)
    ]


# --- Grouping -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Place:
    """Where a conversation's main theme came: its root signature and the cosine to its centre, if that is known."""

    signature: str
    score: float | None = None


def group(reads: Sequence[Read], profile: Profile) -> list[int]:
    """Return a number for each conversation: that of its story, from 0 up, or a negative one of its own."""
    return _stories(reads, _by_meaning(reads), replace(profile.gate, recent_days=None))


def _by_meaning(reads: Sequence[Read]) -> list[Place | None]:
    """Return the root signature of each conversation, as a merge with an empty registry gives it."""
    rows = [
        ThemeRow(number, draft.proposed.signature, draft.proposed.summary, draft.vector)
        for number, read in enumerate(reads)
        if (draft := read.draft)
    ]
    assignment = assign(rows, Registered())
    places: list[Place | None] = [None] * len(reads)
    for theme in assignment.themes:
        places[theme.theme_id] = Place(assignment.root_of[theme.form], theme.score)
    return places


def _by_name(reads: Sequence[Read]) -> list[Place | None]:
    return [Place(read.draft.proposed.signature) if read.draft else None for read in reads]


def _stories(reads: Sequence[Read], places: Sequence[Place | None], gate: Gate) -> list[int]:
    """Return a group number for each conversation: that of its story, from 0 up, or a negative one of its own."""
    members: dict[str, list[gates.Member]] = defaultdict(list)
    for number, place in enumerate(places):
        if place is not None:
            members[place.signature].append(_member(number, reads[number], place.score))
    found = [-1 - number for number in range(len(reads))]
    for story, (_, group) in enumerate(sorted(members.items())):
        if gates.judge(group, gate, None).is_story:
            for member in group:
                found[member.conversation_id] = story
    return found


def _member(number: int, read: Read, score: float | None) -> gates.Member:
    draft = read.outcome.themes[0]
    return gates.Member(
        theme_id=number,
        conversation_id=number,
        customer=read.customer,
        occurred_at=datetime.min.replace(tzinfo=UTC),
        category=draft.proposed.category,
        summary=draft.proposed.summary,
        confidence=draft.proposed.confidence,
        score=score,
        has_evidence=bool(draft.quotes),
    )


# --- Titles -------------------------------------------------------------------------------------------------------


def titles(reads: Sequence[Read], found: Sequence[int], model: Model | None) -> dict[int, str]:
    """Return the title of each story, by its number in `found`, as a first run chooses it."""
    members: dict[int, list[int]] = defaultdict(list)
    for number, story in enumerate(found):
        if story >= 0:
            members[story].append(number)
    largest_first = sorted(members, key=lambda story: (-len(members[story]), story))
    groups = [_untitled(story, [reads[number] for number in members[story]]) for story in largest_first]
    return {key: choice.title for key, choice in choose_titles(groups, model=model).items()}


def _untitled(story: int, reads: Sequence[Read]) -> Untitled:
    vectors = np.stack([np.frombuffer(read.outcome.themes[0].vector, np.float32) for read in reads])
    centre = vectors.mean(axis=0)
    central = np.argsort(-(vectors @ centre), kind="stable")[:VOICES]
    names = Counter(read.outcome.themes[0].proposed.signature for read in reads)
    name, times = names.most_common(1)[0]
    return Untitled(
        key=story,
        centre=centre,
        voices=tuple(_voice(reads[number]) for number in central.tolist()),
        name=title_of(name),
        is_named=2 * times > len(reads),
    )


def _voice(read: Read) -> Voice:
    quotes = tuple(quote for quote, _, _ in read.outcome.themes[0].quotes)
    authors = {message.author for message in read.transcript.messages if message.author}
    names = (read.customer, *sorted(authors))
    return Voice(opening(read.transcript), quotes, names, read.transcript.language)


def title_top1(labels: Sequence[str], found: Sequence[int], titles: Mapping[int, str], model: Model) -> float | None:
    """Return the share of stories whose title is nearest to the label that most of their conversations have.

    Stories of noise are left out. None if there are no two labels, or no story.
    """
    known = sorted(set(labels) - {NOISE})
    counts: dict[int, Counter[str]] = defaultdict(Counter)
    for label, story in zip(labels, found, strict=True):
        if story >= 0:
            counts[story][label] += 1
    majority = {story: min(count, key=lambda label: (-count[label], label)) for story, count in counts.items()}
    judged = sorted(story for story, label in majority.items() if label != NOISE)
    if len(known) < 2 or not judged:
        return None
    places = model.encode([titles[story] for story in judged]) @ model.encode([_spoken(one) for one in known]).T
    nearest = [known[place] for place in places.argmax(axis=1).tolist()]
    right = sum(bool(label == majority[story]) for label, story in zip(nearest, judged, strict=True))
    return round(float(right / len(judged)), 4)


def _spoken(label: str) -> str:
    return " ".join(words(label)) or label


# --- Scoring ------------------------------------------------------------------------------------------------------


def score(labels: Sequence[str], found: Sequence[int]) -> Scores:
    """Compare groups with labels; negative groups are orphans.

    Pairwise precision and recall count pairs of conversations that are together in both; V-measure (Rosenberg and
    Hirschberg 2007) and the adjusted Rand index (Hubert and Arabie 1985) are scikit-learn's.
    """
    from sklearn import metrics  # two seconds to import

    truth = [f"{NOISE} {number}" if label == NOISE else label for number, label in enumerate(labels)]
    (_, only_found), (only_true, both) = (metrics.cluster.pair_confusion_matrix(truth, found) / 2).tolist()
    precision, recall = _share(both, both + only_found), _share(both, both + only_true)
    orphan = np.asarray(found) < 0
    is_noise = np.asarray(labels) == NOISE
    return Scores(
        pairwise_precision=round(precision, 4),
        pairwise_recall=round(recall, 4),
        pairwise_f1=round(_share(2 * precision * recall, precision + recall), 4),
        v_measure=round(float(metrics.v_measure_score(truth, found)), 4),
        ari=round(float(metrics.adjusted_rand_score(truth, found)), 4),
        groups_found=len({number for number in found if number >= 0}),
        orphan_share=round(float(orphan[~is_noise].mean()), 4) if (~is_noise).any() else 0.0,
        noise_orphan_share=round(float(orphan[is_noise].mean()), 4) if is_noise.any() else None,
    )


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0

"""How good the grouping is on labelled conversations: the same steps as a run, in memory, without a row."""

import os
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from scipy import sparse

from pipeline.extract.base import Extractor, get_extractor
from pipeline.extract.profiles import Gate, Profile, get_profile
from pipeline.extract.reading import Draft, Outcome, ask, parse
from pipeline.group import gates
from pipeline.group.titles import Model, Untitled, Voice, choose_titles, title_of
from pipeline.group.titling import VOICES, model_of, opening, says_one_thing
from pipeline.ledger.transcript import Question, Transcript, transcript_of
from pipeline.merge.registry import hold_of
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

SEVERAL_LABELS = "labels"
"""The field that lists the labels of a conversation about several things; `label` is that of one about a single one."""

BLOCK = 1_000
"""Conversations that are compared with all others at once where some have several groups."""

Labels = tuple[str, ...]
Stories = tuple[int, ...]
"""The story of each of a conversation's themes, numbered from 0; -1 for one that is in none."""


class NothingToEvaluate(Refusal):
    """The file has no labelled conversation."""


@dataclass(frozen=True, slots=True)
class Scores:
    """One grouping against the labels. Conversations outside of stories count as groups of one.

    A conversation may be in several stories, and have several labels: a pair of conversations counts as often as it
    shares one. V-measure and adjusted Rand index know no such thing and look at first themes and first labels.
    """

    pairwise_precision: float
    pairwise_recall: float
    pairwise_f1: float
    v_measure: float
    ari: float
    groups_found: int
    orphan_share: float
    noise_orphan_share: float | None


@dataclass(frozen=True, slots=True)
class ThemesFound:
    """How well the themes of each conversation are found; a story is about the label most of its conversations have.

    precision: share of a conversation's stories that are about one of its labels, each label counted once; recall:
    share of its labels that one of its stories is about. Sums over all conversations, noise left out. `first_recall` is
    the recall of first themes alone.
    """

    labels_each: float
    themes_each: float
    precision: float
    recall: float
    first_recall: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The pipeline's grouping and, beside it, that of equal raw signatures.

    themes: None where each conversation has one label and one theme at most.
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
    themes: ThemesFound | None
    pipeline: Scores
    naive: Scores

    def as_json(self) -> dict[str, object]:
        """Return the pipeline's scores and the counts on one level, the naive grouping's below `naive`."""
        counts = {name: value for name, value in asdict(self).items() if name not in ("pipeline", "naive")}
        return {**asdict(self.pipeline), **counts, "naive": asdict(self.naive)}


@dataclass(frozen=True, slots=True)
class Read:
    """One conversation as it was read, with what it is about: one label or several."""

    labels: Labels
    customer: str
    outcome: Outcome
    transcript: Transcript

    @property
    def label(self) -> str:
        """The first of its labels."""
        return self.labels[0]

    @property
    def themes(self) -> tuple[Draft, ...]:
        """What was found in it; nothing if it was filtered or failed."""
        return self.outcome.themes


def evaluate(
    path: str | Path,
    *,
    profile: str = "support",
    extractor: str = "local",
    options: Options | None = None,
    several: str = SEVERAL_LABELS,
    strict: bool = False,
) -> Evaluation:
    """Read and group the labelled conversations of a file; those without a label are counted and left out.

    All themes of a conversation are judged. Its labels are the list in the field `several`, else its `label`. The gates
    of the profile decide what is a story, but for recency. strict: as with `regroup --strict`. Raises UnreadableSource
    and NothingToEvaluate.
    """
    began = time.monotonic()
    records = [record for record in get_source("file")(path, None, options).records() if isinstance(record, Record)]
    labelled = [record for record in records if labels_of(record, several)]
    if not labelled:
        raise NothingToEvaluate(
            f"{path} has no conversation with a label. Each row to evaluate needs the field `label`."
        )
    reads = read(labelled, get_profile(profile), get_extractor(extractor), several)
    # labelled files are old
    gate = replace(get_profile(profile).gate, recent_days=None)
    labels = [read.labels for read in reads]
    states = Counter(read.outcome.state for read in reads)
    vectors_of = get_extractor(extractor).model
    found = group(reads, get_profile(profile), vectors_of, strict=strict)
    model = model_of(vectors_of)
    return Evaluation(
        conversations=len(reads),
        unlabelled=len(records) - len(labelled),
        filtered=states[Item.State.FILTERED],
        failed=states[Item.State.FAILED],
        groups_true=groups_true(labels),
        title_top1=title_top1(labels, found, titles(reads, found, model), model) if model else None,
        themes=themes_found(labels, found),
        pipeline=score_several(labels, found),
        naive=score_several(labels, _stories(reads, _by_name(reads), gate)),
        seconds=round(time.monotonic() - began, 2),
    )


def labels_of(record: Record, several: str = SEVERAL_LABELS) -> Labels:
    """Return what a conversation is about, each label once; nothing if nobody said."""
    if isinstance(listed := (record.metadata or {}).get(several), list) and listed:
        return tuple(dict.fromkeys(map(str, listed)))
    return (record.label,) if record.label else ()


def groups_true(labels: Sequence[Labels]) -> int:
    """Return how many labels but noise have conversations enough for a story."""
    counts = Counter(label for each in labels for label in each if label != NOISE)
    return sum(count >= SMALLEST_TRUE_GROUP for count in counts.values())


# --- Reading ------------------------------------------------------------------------------------------------------


def read(
    records: Sequence[Record], profile: Profile, extractor: Extractor, several: str = SEVERAL_LABELS
) -> list[Read]:
    """Return the reading of each record, in their order.

    Reads in as many threads as there are processors; answers do not depend on what is read together.
    """
    pieces = [records[start : start + PIECE] for start in range(0, len(records), PIECE)]
    sample = records[:: max(1, len(records) // repetition.SAMPLE)]
    passages = repetition.count_repeated([record.messages for record in sample])
    repeated = Repeated.from_json(passage.as_json() for passage in passages)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        read_pieces = pool.map(lambda piece: _read_piece(piece, profile, extractor, repeated, several), pieces)
        return [one for piece in read_pieces for one in piece]


def _read_piece(
    records: Sequence[Record], profile: Profile, extractor: Extractor, repeated: Repeated, several: str
) -> list[Read]:
    questions = [
        Question(number, transcript_of(record.external_id, record.messages, repeated))
        for number, record in enumerate(records)
    ]
    answers = dict(ask(questions, profile, extractor))
    outcomes = (parse(question, answers[question.key], profile, extractor) for question in questions)
    return [
        Read(labels_of(record, several), record.customer, outcome, question.transcript)
        for record, outcome, question in zip(records, outcomes, questions, strict=True)
    ]


# --- Grouping -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Place:
    """Where a theme came: its conversation, its number there, its root signature, the cosine to its centre if known."""

    conversation: int
    number: int
    signature: str
    score: float | None = None


def group(reads: Sequence[Read], profile: Profile, model: str, *, strict: bool = False) -> list[Stories]:
    """Return the stories of each conversation's themes; `model` is the name of that whose vectors these have."""
    registered = Registered(model=model, hold=hold_of(strict=strict))
    return _stories(reads, _by_meaning(reads, registered), replace(profile.gate, recent_days=None))


def _by_meaning(reads: Sequence[Read], registered: Registered) -> list[Place]:
    """Return where each theme comes in a merge with an empty registry."""
    places = [(conversation, number) for conversation, read in enumerate(reads) for number in range(len(read.themes))]
    drafts = [reads[conversation].themes[number] for conversation, number in places]
    rows = [
        ThemeRow(place, draft.proposed.signature, draft.proposed.summary, draft.vector)
        for place, draft in enumerate(drafts)
    ]
    assignment = assign(rows, registered)
    return [
        Place(*places[theme.theme_id], assignment.root_of[theme.form], theme.score)
        for theme in sorted(assignment.themes, key=lambda theme: theme.theme_id)
    ]


def _by_name(reads: Sequence[Read]) -> list[Place]:
    return [
        Place(conversation, number, draft.proposed.signature)
        for conversation, read in enumerate(reads)
        for number, draft in enumerate(read.themes)
    ]


def _stories(reads: Sequence[Read], places: Sequence[Place], gate: Gate) -> list[Stories]:
    members: dict[str, list[gates.Member]] = defaultdict(list)
    for place in places:
        members[place.signature].append(_member(reads[place.conversation], place))
    passed = [signature for signature, group in sorted(members.items()) if gates.judge(group, gate, None).is_story]
    numbers = {signature: number for number, signature in enumerate(passed)}
    found = [[-1] * len(read.themes) for read in reads]
    for place in places:
        found[place.conversation][place.number] = numbers.get(place.signature, -1)
    return [tuple(each) for each in found]


def _member(read: Read, place: Place) -> gates.Member:
    draft = read.themes[place.number]
    return gates.Member(
        theme_id=place.number,
        conversation_id=place.conversation,
        customer=read.customer,
        occurred_at=datetime.min.replace(tzinfo=UTC),
        category=draft.proposed.category,
        summary=draft.proposed.summary,
        confidence=draft.proposed.confidence,
        score=place.score,
        has_evidence=bool(draft.quotes),
        unread_language=draft.unread_language,
    )


# --- Titles -------------------------------------------------------------------------------------------------------


def titles(reads: Sequence[Read], found: Sequence[Stories], model: Model | None) -> dict[int, str]:
    """Return the title of each story, by its number in `found`, as a first run chooses it."""
    members = members_of(reads, found)
    largest_first = sorted(members, key=lambda story: (-len(members[story]), story))
    groups = [_untitled(story, members[story]) for story in largest_first]
    return {key: choice.title for key, choice in choose_titles(groups, model=model).items()}


def members_of(reads: Sequence[Read], found: Sequence[Stories]) -> dict[int, list[tuple[Read, Draft]]]:
    """Return of each story its conversations, each once, with the first of its themes that is in it."""
    members: dict[int, dict[int, tuple[Read, Draft]]] = defaultdict(dict)
    for number, (read, stories) in enumerate(zip(reads, found, strict=True)):
        for draft, story in zip(read.themes, stories, strict=True):
            if story >= 0:
                members[story].setdefault(number, (read, draft))
    return {story: list(inside.values()) for story, inside in members.items()}


def _untitled(story: int, members: Sequence[tuple[Read, Draft]]) -> Untitled:
    vectors = np.stack([np.frombuffer(draft.vector, np.float32) for _, draft in members])
    centre = vectors.mean(axis=0)
    central = np.argsort(-(vectors @ centre), kind="stable")[:VOICES]
    names = Counter(draft.proposed.signature for _, draft in members)
    name, times = names.most_common(1)[0]
    return Untitled(
        key=story,
        centre=centre,
        voices=tuple(_voice(*members[number]) for number in central.tolist()),
        name=title_of(name),
        is_named=2 * times > len(members),
    )


def _voice(read: Read, draft: Draft) -> Voice:
    quotes = tuple(quote for quote, _, _ in draft.quotes)
    authors = {message.author for message in read.transcript.messages if message.author}
    names = (read.customer, *sorted(authors))
    first = opening(read.transcript.messages)
    is_one = says_one_thing(len(read.transcript.messages), first)
    vector = np.frombuffer(draft.vector, np.float32) if is_one else None
    return Voice(first, quotes, names, read.transcript.language, vector)


def title_top1(
    labels: Sequence[Labels], found: Sequence[Stories], titles: Mapping[int, str], model: Model
) -> float | None:
    """Return the share of stories whose title is nearest to the label that most of their conversations have.

    Stories of noise are left out. None if there are no two labels, or no story.
    """
    known = sorted({label for each in labels for label in each} - {NOISE})
    majority = majority_labels(labels, found)
    judged = sorted(story for story, label in majority.items() if label != NOISE)
    if len(known) < 2 or not judged:
        return None
    places = model.encode([titles[story] for story in judged]) @ model.encode([_spoken(one) for one in known]).T
    nearest = [known[place] for place in places.argmax(axis=1).tolist()]
    right = sum(bool(label == majority[story]) for label, story in zip(nearest, judged, strict=True))
    return round(float(right / len(judged)), 4)


def majority_labels(labels: Sequence[Labels], found: Sequence[Stories]) -> dict[int, str]:
    """Return the label that most conversations of each story have; one with several has a share of each."""
    counts: dict[int, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for each, stories in zip(labels, found, strict=True):
        for story in _distinct(stories):
            for label in each:
                counts[story][label] += 1 / len(each)
    return {story: min(count, key=lambda label: (-count[label], label)) for story, count in counts.items()}


def _distinct(stories: Stories) -> list[int]:
    return list(dict.fromkeys(story for story in stories if story >= 0))


def _spoken(label: str) -> str:
    return " ".join(words(label)) or label


# --- Scoring ------------------------------------------------------------------------------------------------------


def themes_found(labels: Sequence[Labels], found: Sequence[Stories]) -> ThemesFound | None:
    """Return how well each conversation's themes are found; None where all have one label and one story at most."""
    stories_of = [_distinct(stories) for stories in found]
    if all(len(each) <= 1 for each in labels) and all(len(stories) <= 1 for stories in stories_of):
        return None
    about = majority_labels(labels, found)
    judged = [
        (set(each), [about[story] for story in stories])
        for each, stories in zip(labels, stories_of, strict=True)
        if NOISE not in each
    ]
    wanted, stories = sum(len(each) for each, _ in judged), sum(len(said) for _, said in judged)
    right = sum(len(each.intersection(said)) for each, said in judged)
    first = sum(bool(each.intersection(said[:1])) for each, said in judged)
    return ThemesFound(
        labels_each=round(_share(wanted, len(judged)), 2),
        themes_each=round(_share(stories, len(judged)), 2),
        precision=round(_share(right, stories), 4),
        recall=round(_share(right, wanted), 4),
        first_recall=round(_share(first, wanted), 4),
    )


def score(labels: Sequence[str], found: Sequence[int]) -> Scores:
    """Compare groups with labels, one of each a conversation; negative groups are orphans."""
    return score_several([(label,) for label in labels], [(group,) for group in found])


def score_several(labels: Sequence[Labels], found: Sequence[Stories]) -> Scores:
    """Compare the stories of each conversation with its labels.

    Pairwise precision and recall count pairs of conversations as often as they are together in both; V-measure
    (Rosenberg and Hirschberg 2007) and the adjusted Rand index (Hubert and Arabie 1985) are scikit-learn's.
    """
    from sklearn import metrics  # two seconds to import

    stories = [_distinct(each) for each in found]
    truth = [each if NOISE not in each else (f"{NOISE} {number}",) for number, each in enumerate(labels)]
    first = [each[0] if each else -1 - number for number, each in enumerate(stories)]
    first_label = [each[0] for each in truth]
    both, in_stories, in_labels = _pairs(stories, truth)
    precision, recall = _share(both, in_stories), _share(both, in_labels)
    orphan = np.asarray(first) < 0
    is_noise = np.array([NOISE in each for each in labels], bool)
    return Scores(
        pairwise_precision=round(precision, 4),
        pairwise_recall=round(recall, 4),
        pairwise_f1=round(_share(2 * precision * recall, precision + recall), 4),
        v_measure=round(float(metrics.v_measure_score(first_label, first)), 4),
        ari=round(float(metrics.adjusted_rand_score(first_label, first)), 4),
        groups_found=len({story for each in stories for story in each}),
        orphan_share=round(float(orphan[~is_noise].mean()), 4) if (~is_noise).any() else 0.0,
        noise_orphan_share=round(float(orphan[is_noise].mean()), 4) if is_noise.any() else None,
    )


def _pairs(stories: Sequence[Collection[int]], labels: Sequence[Labels]) -> tuple[float, float, float]:
    """Return how often pairs of conversations share a story and a label, how often a story, how often a label."""
    found, truth = _table(stories), _table(labels)
    if max(map(len, labels), default=0) <= 1 and max(map(len, stories), default=0) <= 1:
        together = _pairs_within((found.T @ truth).toarray())
        return together, _pairs_within(found.sum(axis=0)), _pairs_within(truth.sum(axis=0))
    sums = np.zeros(3)
    for start in range(0, len(labels), BLOCK):
        part = slice(start, start + BLOCK)
        shared = (found[part] @ found.T).toarray(), (truth[part] @ truth.T).toarray()
        for both in shared:
            np.fill_diagonal(both[:, start:], 0)  # nobody makes a pair with themselves
        sums += [np.minimum(*shared).sum(), shared[0].sum(), shared[1].sum()]
    return sums[0] / 2, sums[1] / 2, sums[2] / 2


def _pairs_within(sizes: np.ndarray) -> float:
    sizes = np.asarray(sizes, np.float64)
    return float((sizes * (sizes - 1)).sum() / 2)


def _table(groups: Sequence[Collection[object]]) -> sparse.csr_array:
    """Return the conversations as rows and their groups as columns, 1 where one is in the other."""
    column = {group: number for number, group in enumerate(dict.fromkeys(one for each in groups for one in each))}
    rows = np.repeat(np.arange(len(groups)), [len(each) for each in groups])
    columns = np.array([column[one] for each in groups for one in each], np.int64)
    shape = (len(groups), max(1, len(column)))
    return sparse.csr_array((np.ones(len(rows), np.int32), (rows, columns)), shape=shape)


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0

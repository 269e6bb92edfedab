"""How often the rules say of two names what people say: one problem or two. Nothing is stored.

Names of a file are read as if each were all that a conversation says. Pairs that people reviewed are judged by the
themes that bear the names, as if nobody had decided and nothing were registered.
"""

import csv
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.extract.base import Extractor, get_extractor
from pipeline.extract.profiles import Profile, get_profile
from pipeline.extract.reading import ask, parse
from pipeline.ledger.current import current_themes
from pipeline.ledger.transcript import Question, transcript_of
from pipeline.merge import registry
from pipeline.merge.rules.assign import assign
from pipeline.merge.rules.normalise import normal_form, words
from pipeline.merge.rules.records import Assignment, Registered, ThemeRow
from pipeline.models import Signature
from pipeline.models.refusal import Refusal
from pipeline.review.reviewed import reviewed_pairs

MOST_SHOWN = 20
"""Reasons of rows that cannot be read, in the error about them."""


class UnreadablePairs(Refusal):
    """The pairs cannot be judged; the message says which rows, why, and what is expected."""


class Pair(BaseModel):
    """Two names, and whether they mean one problem."""

    model_config = ConfigDict(frozen=True, extra="ignore", str_strip_whitespace=True)

    name_a: str = Field(min_length=1)
    name_b: str = Field(min_length=1)
    same: bool


@dataclass(frozen=True, slots=True)
class Judged:
    """A pair with what the rules say."""

    name_a: str
    name_b: str
    same: bool
    found: bool


@dataclass(frozen=True, slots=True)
class PairScores:
    """How often the rules are right; precision and recall are of `one problem`, None where nothing is divided by."""

    pairs: int
    same: int
    precision: float | None
    recall: float | None
    f1: float | None
    wrong: tuple[Judged, ...]

    def as_json(self) -> dict[str, object]:
        """Return the scores as plain values."""
        return asdict(self)


def score_file(path: str | Path, *, profile: str, extractor: str) -> PairScores:
    """Score the rules on a file's pairs. Raises UnreadablePairs, UnknownProfile and UnknownExtractor."""
    pairs = read_pairs(Path(path))
    names = sorted({name for pair in pairs for name in (pair.name_a, pair.name_b)})
    roots = _roots_of_names(names, get_profile(profile), get_extractor(extractor))
    return score(Judged(pair.name_a, pair.name_b, pair.same, _is_one(pair, roots)) for pair in pairs)


def score_reviewed(*, profile: str) -> PairScores:
    """Score the rules on the pairs of the profile that people decided. Raises UnreadablePairs if there are none."""
    pairs = reviewed_pairs(profile)
    if not pairs:
        raise UnreadablePairs(
            f"nobody has merged or vetoed signatures of profile {profile} yet; answer some pairs in the admin's review "
            "queue first."
        )
    roots = _roots_of_signatures(profile, {key for pair in pairs for key in (pair.first, pair.second)})
    judged = [Judged(pair.first, pair.second, pair.same, roots[pair.first] == roots[pair.second]) for pair in pairs]
    return score(judged)


def score(judged: Iterable[Judged]) -> PairScores:
    """Return precision, recall and F1 of what the rules say, with the pairs they are wrong about."""
    pairs = list(judged)
    right = sum(pair.same and pair.found for pair in pairs)
    precision = _share(right, sum(pair.found for pair in pairs))
    recall = _share(right, sum(pair.same for pair in pairs))
    return PairScores(
        pairs=len(pairs),
        same=sum(pair.same for pair in pairs),
        precision=precision,
        recall=recall,
        f1=None if precision is None or recall is None else _share(2 * precision * recall, precision + recall) or 0.0,
        wrong=tuple(pair for pair in pairs if pair.same != pair.found),
    )


def _share(part: float, whole: float) -> float | None:
    return round(part / whole, 4) if whole else None


# --- Reading a file -----------------------------------------------------------------------------------------------


def read_pairs(path: Path) -> list[Pair]:
    """Return the pairs of a CSV with a header, or of JSON lines. Raises UnreadablePairs."""
    pairs, wrong = [], []
    try:
        for number, row in _rows(path):
            try:
                pairs.append(Pair.model_validate(row))
            except ValidationError as error:
                first = error.errors()[0]
                wrong.append(f"line {number}: {'.'.join(map(str, first['loc'])) or 'row'}: {first['msg']}")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UnreadablePairs(f"{path} cannot be read: {error}") from error
    if wrong or not pairs:
        reasons = "; ".join(wrong[:MOST_SHOWN]) or "it has no rows"
        raise UnreadablePairs(f"{path}: {reasons}. Each row needs name_a, name_b and same (true or false).")
    return pairs


def _rows(path: Path) -> Iterator[tuple[int, object]]:
    with path.open(newline="", encoding="utf-8-sig") as lines:
        if path.suffix == ".csv":
            reader = csv.DictReader(lines)
            for row in reader:
                yield reader.line_num, row
        else:
            yield from ((number, _json(line)) for number, line in enumerate(lines, 1) if line.strip())


def _json(line: str) -> object:
    try:
        return json.loads(line)
    except ValueError:
        return line


# --- What the rules say -------------------------------------------------------------------------------------------


def _roots_of_names(names: Sequence[str], profile: Profile, extractor: Extractor) -> dict[str, str]:
    """Return the root of each name, all assigned together; one that gives the reader no theme is its normal form."""
    questions = [_question(number, name) for number, name in enumerate(names)]
    answers = dict(ask(questions, profile, extractor))
    rows = [
        ThemeRow(question.key, names[question.key], question.transcript.text, outcome.themes[0].vector)
        for question in questions
        if (outcome := parse(question, answers[question.key], profile, extractor)).themes
    ]
    found = {names[number]: root for number, root in _roots(assign(rows, Registered(model=extractor.model))).items()}
    return {name: found.get(name, normal_form(name)) for name in names}


def _question(number: int, name: str) -> Question:
    said = [{"role": "customer", "text": " ".join(words(name)) or name}]
    return Question(number, transcript_of(name, said))


def _roots_of_signatures(profile: str, keys: set[str]) -> dict[str, str]:
    """Return for each key the root that most themes of its signature get from the rules alone."""
    names = registry.names_of_profile(profile)
    named = Signature.objects.filter(profile=profile, key__in=keys).values_list("pk", "key")
    # asked by centre: where the themes of a name are counted today
    key_of = {names.centre(pk): key for pk, key in named}
    roots: dict[str, Counter[str]] = defaultdict(Counter)
    rows, signature_of = _all_themes(profile)
    model = current_themes(profile).values_list("vector_model", flat=True).first() or ""
    for theme, root in _roots(assign(rows, Registered(model=model))).items():
        if key := key_of.get(names.centre(signature_of[theme])):
            roots[key][root] += 1
    return {key: min(roots[key], key=lambda root: (-roots[key][root], root), default=key) for key in keys}


def _all_themes(profile: str) -> tuple[list[ThemeRow], Mapping[int, int]]:
    rows, signature_of = [], {}
    themes = current_themes(profile).values_list("id", "raw_signature", "summary", "vector", "signature_id")
    for pk, raw, summary, vector, signature in themes.iterator(chunk_size=5000):
        rows.append(ThemeRow(pk, raw, summary, bytes(vector)))
        signature_of[pk] = signature
    return rows, signature_of


def _roots(assignment: Assignment) -> dict[int, str]:
    return {theme.theme_id: assignment.root_of[theme.form] for theme in assignment.themes}


def _is_one(pair: Pair, roots: Mapping[str, str]) -> bool:
    return roots[pair.name_a] == roots[pair.name_b]

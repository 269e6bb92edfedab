"""The pass of a run: new themes join by their neighbours, foreign ones do not, and no story that stands is changed."""

import numpy as np
import pytest

from pipeline.merge.rules.grouping.partition import partition
from pipeline.merge.rules.grouping.sight import Sight
from pipeline.merge.rules.joining import join
from tests.fakes.scripted import vector_of


def rows(*problems: tuple[int, int], start: int = 0) -> np.ndarray:
    """Return the vectors of so many themes for each (problem, count)."""
    numbers = [(problem, start + number) for problem, count in problems for number in range(count)]
    return np.stack([vector_of(problem, f"text {number} of {problem}") for problem, number in numbers])


KNOWN = rows(*((problem, 12) for problem in range(15)))
STANDING = np.repeat(np.arange(15), 12)


def joined(new: np.ndarray, standing: np.ndarray = STANDING, **words: object) -> np.ndarray:
    """Return the labels of new rows after a join beside the known ones."""
    every = np.vstack([KNOWN[: len(standing)], new])
    labels = join(every, np.concatenate([standing, np.full(len(new), -1)]), **words)  # type: ignore[arg-type]
    assert np.array_equal(labels[: len(standing)][standing >= 0], standing[standing >= 0]), "a story that stood changed"
    return labels[len(standing) :]


def test_more_of_what_is_known_joins_it() -> None:
    assert joined(rows((3, 4), (7, 4), start=100)).tolist() == [3] * 4 + [7] * 4


@pytest.mark.parametrize("count", [1, 2, 6, 40])
def test_a_foreign_batch_joins_nothing_and_makes_a_group_of_its_own(count: int) -> None:
    labels = joined(rows((77, count)))
    assert (labels >= len(STANDING)).all()
    assert len(set(labels.tolist())) == 1 or count < 3


def test_a_row_among_strangers_must_be_nearer_to_a_story_to_join_it() -> None:
    loosely = vector_of(3, "loosely the third", 1.0)[None]
    assert joined(np.vstack([rows((7, 3), start=100), loosely]))[-1] == 3
    assert joined(np.vstack([rows((77, 3)), loosely]))[-1] >= len(STANDING)
    assert joined(np.vstack([rows((77, 3)), rows((3, 1), start=100)]))[-1] == 3


def test_strays_that_are_each_nearer_to_a_story_than_to_each_other_make_no_story() -> None:
    """Nine rows, each told of a story and all of something else besides: grouped by themselves, four were a story."""
    draw = np.random.default_rng(8)
    told = np.stack([KNOWN[story == STANDING].mean(axis=0) for story in range(9)])
    own, besides = draw.standard_normal(told.shape), draw.standard_normal((1, told.shape[1]))
    told, own, besides = (part / np.linalg.norm(part, axis=1, keepdims=True) for part in (told, own, besides))
    strays = (0.65 * told + 0.45 * besides + 0.61 * own).astype(np.float32)
    strays /= np.linalg.norm(strays, axis=1, keepdims=True)
    labels = joined(strays)
    assert (labels >= len(STANDING)).all()
    assert len(set(labels.tolist())) == len(strays)


def test_what_is_refused_does_not_join() -> None:
    refused = {len(STANDING): [3]}
    assert joined(rows((3, 1), start=100))[0] == 3
    assert joined(rows((3, 1), start=100), refused=refused)[0] != 3


def test_what_only_loosely_fits_does_not_join_where_a_profile_is_strict() -> None:
    loose = np.vstack([vector_of(3, "loosely the third", 1.0), rows((7, 1), start=100)])
    assert joined(loose).tolist() == [3, 7]
    strict = joined(loose, sight=Sight(hold=0.80))
    assert strict[0] != 3
    assert strict[1] == 7


def test_what_waited_alone_joins_new_ones_of_its_kind() -> None:
    alone = rows((50, 2))
    every = np.vstack([KNOWN, alone, rows((50, 4), start=10)])
    labels = join(every, np.concatenate([STANDING, [15, 16], np.full(4, -1)]))
    assert len(set(labels[180:].tolist())) == 1


def test_what_waits_far_away_is_left_alone() -> None:
    every = np.vstack([KNOWN, rows((50, 1), (51, 1)), rows((3, 2), start=100)])
    labels = join(every, np.concatenate([STANDING, [15, 16], [-1, -1]]))
    assert labels[180:182].tolist() == [15, 16]


def test_the_order_of_rows_does_not_matter() -> None:
    new = rows((3, 5), (77, 6), (78, 5), start=100)
    every, standing = np.vstack([KNOWN, new]), np.concatenate([STANDING, np.full(16, -1)])
    expected = join(every, standing)
    order = np.random.default_rng(4).permutation(len(every))
    found = join(every[order], standing[order])
    pairs = set(zip(expected[order].tolist(), found.tolist(), strict=True))
    assert len(pairs) == len(set(expected.tolist())) == len(set(found.tolist()))


def between_stories() -> tuple[np.ndarray, np.ndarray]:
    """Return the vectors of four stories that shade into each other, of 13 far ones, and of rows between the four."""
    rng = np.random.default_rng(5)
    axes = np.eye(96)
    middles = np.vstack([0.92 * axes[20] + 0.39 * axes[:4], axes[4:17]])
    noise = rng.standard_normal((17, 14, 96)) * 0.5 / 96**0.5
    stories = (middles[:, None] + noise).reshape(-1, 96)
    new = axes[20] + rng.standard_normal((24, 96)) * 0.5 / 96**0.5
    vectors = [rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (stories, new)]
    return vectors[0].astype(np.float32), vectors[1].astype(np.float32)


def test_what_lies_between_stories_joins_one_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    stories, new = between_stories()
    standing = np.concatenate([np.repeat(np.arange(17), 14), [-1]])

    def joining_rows() -> int:
        """Return how many of the rows join one of the four, each read alone."""
        found = [int(join(np.vstack([stories, row]), standing)[-1]) for row in new]
        assert all(label < 4 or label >= len(stories) for label in found)
        return sum(label < 4 for label in found)

    assert joining_rows() > 0.9 * len(new)
    monkeypatch.setattr("pipeline.merge.rules.joining.BETWEEN", 1.0)
    assert joining_rows() < 0.7 * len(new)


@pytest.mark.parametrize("rows_each", [1, 3, 40])
def test_templates_do_not_make_more_groups_the_more_rows_there_are(rows_each: int) -> None:
    """Six problems, each said in seven wordings, and every wording with small changes."""
    rng = np.random.default_rng(6)
    problems = rng.standard_normal((6, 1, 1, 256))
    wordings = rng.standard_normal((6, 7, 1, 256))
    changes = rng.standard_normal((6, 7, rows_each, 256))
    made = (1.0 * problems + 0.62 * wordings + 0.4 * changes).reshape(-1, 256)
    vectors = (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)
    found = partition(vectors).labels
    sizes = np.bincount(found)
    assert 6 <= (sizes >= 3).sum() <= 8


@pytest.mark.parametrize("problems", [12, 36, 50])
def test_tight_problems_of_their_own_are_not_taken_for_templates_of_one(problems: int) -> None:
    found = partition(rows(*((problem, 20) for problem in range(problems)))).labels
    assert np.bincount(found).tolist() == [20] * problems

"""Whatever breaks at whatever moment: the run ends as if nothing had happened, and only what was just being read is
read again.

The seed in a test's name decides the moment and the details. The long version: `bin/test -m slow tests/faults`.
"""

import gc
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config import embedded
from pipeline import tasks
from pipeline.ledger.errors import RunError
from pipeline.ledger.states import lose
from pipeline.models import Run
from pipeline.runs.create import RunIsLive
from tests.faults import scene as scenes
from tests.faults.outcome import Outcome, asked, outcome_of
from tests.faults.scene import IN_FLIGHT, TEXTS, Scene
from tests.settings import OWN_REDIS
from tests.support.rows import delete_rows
from tests.support.seeding import finish, seed, start
from tests.support.waiting import refused
from tests.support.workers import Worker

pytestmark = pytest.mark.skipif(not OWN_REDIS, reason="REDIS_URL names a server that is not the tests' own to empty")

Fault = Callable[[Scene], None]
Wait = Callable[[Scene], Run]
NewScene = Callable[[int], Scene]

READ_AGAIN: dict[Fault, int] = {
    scenes.a_child_of_the_worker_is_killed: scenes.CHUNK,
    scenes.the_worker_is_killed: IN_FLIGHT,
    scenes.postgres_restarts_fast: IN_FLIGHT,
    scenes.postgres_restarts_immediately: IN_FLIGHT,
    scenes.messages_come_twice: IN_FLIGHT,
    scenes.the_queue_is_emptied: 0,
    scenes.redis_restarts: 0,
    scenes.the_callback_is_dropped: 0,
    scenes.a_second_run_is_started_twice: 0,
}
"""For each fault how many conversations it may make somebody read twice."""

ONLY_WHILE_IT_READS = (scenes.the_callback_is_dropped, scenes.a_second_run_is_started_twice)

IN_THE_SUITE = [
    (scenes.a_child_of_the_worker_is_killed, scenes.by_command, 1),
    (scenes.the_worker_is_killed, scenes.by_watching, 2),
    (scenes.the_queue_is_emptied, scenes.by_watching, 3),
    (scenes.postgres_restarts_fast, scenes.by_watching, 9),
    (scenes.postgres_restarts_immediately, scenes.by_command, 5),
    (scenes.messages_come_twice, scenes.by_command, 6),
]
LONG = [
    (fault, (scenes.by_command, scenes.by_watching, scenes.by_beat)[seed % 3], 100 * number + seed)
    for number, fault in enumerate(READ_AGAIN)
    for seed in range(6)
]


@pytest.fixture(scope="module", autouse=True)
def _nobody_else_works(_workers_end_with_the_tests: None) -> Iterator[None]:
    """One worker serves the tests of this module until one of them kills it."""
    Worker.end_all()
    yield
    Worker.end_all()


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("asked") / "asked"


@pytest.fixture(scope="module")
def undisturbed() -> list[Outcome]:
    """What comes of the run in one process without a queue, once it was made."""
    return []


@pytest.fixture
def new_scene(own_postgres: embedded.Postgres, log: Path, undisturbed: list[Outcome]) -> Iterator[NewScene]:
    """A way to a run that is planned, with a worker that waits for it."""
    if not undisturbed:
        undisturbed.append(outcome_of(finish(start(seed(TEXTS), chunk_size=scenes.CHUNK))))
        delete_rows()

    def make(number: int) -> Scene:
        with scenes.queue() as client:
            client.flushall()
        log.write_text("")
        run = start(seed(TEXTS), chunk_size=scenes.CHUNK)
        scene = Scene(run, log, own_postgres, random.Random(number))
        scene.hire()
        return scene

    yield make
    gc.collect()  # so that what a test leaves behind is found in that test


def _check(scene: Scene, ended: Run, expected: Outcome, *, read_again: int) -> None:
    assert outcome_of(ended) == expected
    questions = asked(scene.asked)
    assert set(questions) == set(TEXTS)
    assert questions.total() - len(TEXTS) <= read_again, "only what was being read may be read again"
    assert max(questions.values()) <= 2


def _run_through(scene: Scene, fault: Fault, wait: Wait, expected: Outcome) -> None:
    """Let it happen while somebody waits for the run already."""
    tasks.dispatch(run=scene.run)
    with scenes.waiting(wait, scene) as ended:
        scene.wait_for_a_random_moment(even_at_the_end=fault not in ONLY_WHILE_IT_READS)
        fault(scene)
    _check(scene, ended.result(), expected, read_again=READ_AGAIN[fault])


@pytest.mark.parametrize(
    "number", [7, pytest.param(8, marks=pytest.mark.slow), pytest.param(9, marks=pytest.mark.slow)]
)
def test_of_two_salvages_at_once_one_mends_and_the_other_is_refused(
    new_scene: NewScene, undisturbed: list[Outcome], number: int
) -> None:
    scene = new_scene(number)
    with refused("pipeline_theme", unless=f"summary <> 'Problem {number % 6}.'"):
        tasks.dispatch(run=scene.run)
        assert scenes.by_command(scene).state == "completed_with_errors"
    refusals = [answer for answer in scenes.salvage_at_once(scene.run) if isinstance(answer, RunError)]
    assert len(refusals) == 1, refusals
    _check(scene, scenes.by_command(scene), undisturbed[0], read_again=0)


@pytest.mark.parametrize("number", [10, pytest.param(11, marks=pytest.mark.slow)])
def test_of_two_runs_started_at_once_one_is_refused_and_disturbs_nothing(
    new_scene: NewScene, undisturbed: list[Outcome], number: int
) -> None:
    scene = new_scene(number)
    assert lose(run_id=scene.run.pk, why="the test starts two others")
    answers = scenes.at_once(lambda: start(scene.run.source, chunk_size=scenes.CHUNK))
    [scene.run] = [answer for answer in answers if isinstance(answer, Run)]
    assert [type(answer) for answer in answers if answer is not scene.run] == [RunIsLive]
    tasks.dispatch(run=scene.run)
    _check(scene, scenes.by_watching(scene), undisturbed[0], read_again=0)


def _name(part: object) -> str:
    return str(getattr(part, "__name__", part))


@pytest.mark.parametrize(("fault", "wait", "number"), IN_THE_SUITE, ids=_name)
def test_a_run_survives(new_scene: NewScene, undisturbed: list[Outcome], fault: Fault, wait: Wait, number: int) -> None:
    _run_through(new_scene(number), fault, wait, undisturbed[0])


@pytest.mark.slow
@pytest.mark.parametrize(("fault", "wait", "number"), LONG, ids=_name)
def test_a_run_survives_at_any_moment(
    new_scene: NewScene, undisturbed: list[Outcome], fault: Fault, wait: Wait, number: int
) -> None:
    _run_through(new_scene(number), fault, wait, undisturbed[0])

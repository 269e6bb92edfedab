"""Rows that many tests begin with: made once and kept in a transaction, in which each test's own changes are undone.

    @scene
    def first_run() -> Run:
        return finish(start(seed(texts)))

    def test_it(first_run: Run) -> None: ...

A scene is a fixture without fixtures. It stays until a test comes that does not ask for it; then its transaction is
rolled back. Only for tests that commit nothing (`pytest.mark.django_db` without `transaction`).

A function that stores what a test begins with can be `@made_once`, also for tests that commit.
"""

import copy
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import pytest
from django.db import transaction

from tests.support.rows import are_empty, counts_of_rows, rows_of, store_rows

Made = TypeVar("Made")
P = ParamSpec("P")


class Stage:
    """The scene that is played just now, with its transaction."""

    scene: Callable[[], object] | None = None
    made: object = None
    _open = ExitStack()

    @classmethod
    def change_to(cls, scene: Callable[[], object] | None) -> None:
        """Undo the scene that is there, unless it is this one, and make this one."""
        if scene is cls.scene:
            return
        cls.scene = None
        cls._open.close()
        if scene:
            cls._open.enter_context(transaction.atomic())
            cls._open.callback(transaction.set_rollback, True)
            cls.made = scene()
            cls.scene = scene


def scene(make: Callable[[], Made]) -> Any:
    """Return the fixture that gives each test a copy of what `make` returned."""

    def fixture(db: None) -> Made:
        assert Stage.scene is make, "only for tests that commit nothing"
        return copy.deepcopy(Stage.made)  # type: ignore[return-value]

    fixture.__doc__, fixture.makes_scene = make.__doc__, make  # type: ignore[attr-defined]
    return pytest.fixture(name=make.__name__)(fixture)


@dataclass(frozen=True, slots=True)
class Kept:
    """What a function returned and the rows it stored, by table."""

    returned: object
    rows: dict[str, bytes]


def made_once(make: Callable[P, Made]) -> Callable[P, Made]:
    """Return `make` for the beginning of a test: its rows are made once in a process and stored again for each test.

    Called with other arguments it makes other rows, which are kept as well. It works as without this, only slower,
    where the tables it fills have rows already. What it stores may refer to no row that it did not store itself.
    """
    all_kept: dict[str, Kept] = {}

    @wraps(make)
    def made(*args: P.args, **words: P.kwargs) -> Made:
        key = repr((args, sorted(words.items())))
        kept = all_kept.get(key)
        if kept and are_empty(kept.rows):
            store_rows(kept.rows)
            return copy.deepcopy(kept.returned)  # type: ignore[return-value]
        before = counts_of_rows()
        returned = make(*args, **words)
        filled = {table: before[table] for table, count in counts_of_rows().items() if count > before[table]}
        if not any(filled.values()):
            all_kept[key] = Kept(copy.deepcopy(returned), rows_of(filled))
        return returned

    return made


def scene_of(item: pytest.Item) -> Callable[[], object] | None:
    """Return the scene that the test asks for."""
    for definitions in item._fixtureinfo.name2fixturedefs.values():  # type: ignore[attr-defined]
        if make := getattr(definitions[-1].func, "makes_scene", None):
            found: Callable[[], object] = make
            return found
    return None

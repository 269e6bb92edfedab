"""Rows that many tests begin with: made once and kept in a transaction, in which each test's own changes are undone.

    @scene
    def first_run() -> Run:
        return finish(start(seed(texts)))

    def test_it(first_run: Run) -> None: ...

A scene is a fixture without fixtures. It stays until a test comes that does not ask for it; then its transaction is
rolled back. Only for tests that commit nothing (`pytest.mark.django_db` without `transaction`).

For tests that commit there is `@committed_scene`: its rows are copied aside once, and put back for each test.
"""

import copy
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, TypeVar

import pytest
from django.db import transaction

from tests.support.rows import put_rows_aside, put_rows_back

Made = TypeVar("Made")


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


class PutAside:
    """The committed scene whose rows lie aside, if any."""

    scene: Callable[[], object] | None = None
    made: object = None
    tables: list[str]

    @classmethod
    def store(cls, scene: Callable[[], object]) -> None:
        """Store the scene's rows in an empty database: made now, or put back where it was the last that was made."""
        if scene is cls.scene:
            put_rows_back(cls.tables)
            return
        cls.scene = None
        cls.made = scene()
        cls.tables = put_rows_aside()
        cls.scene = scene


def committed_scene(make: Callable[[], Made]) -> Any:
    """Return the fixture that commits the rows that `make` stores and gives each test a copy of what it returned.

    It comes before what else a test stores: put it first among the arguments.
    """

    def fixture(transactional_db: None) -> Made:
        PutAside.store(make)
        return copy.deepcopy(PutAside.made)  # type: ignore[return-value]

    fixture.__doc__ = make.__doc__
    return pytest.fixture(name=make.__name__)(fixture)


def scene_of(item: pytest.Item) -> Callable[[], object] | None:
    """Return the scene that the test asks for."""
    for definitions in item._fixtureinfo.name2fixturedefs.values():  # type: ignore[attr-defined]
        if make := getattr(definitions[-1].func, "makes_scene", None):
            found: Callable[[], object] = make
            return found
    return None

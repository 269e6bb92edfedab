"""Rows that many tests begin with: made once and kept in a transaction, in which each test's own changes are undone.

    @scene
    def first_run() -> Run:
        return finish(start(seed(texts)))

    def test_it(first_run: Run) -> None: ...

A scene is a fixture without fixtures. It stays until a test comes that does not ask for it; then its transaction is
rolled back. Only for tests that commit nothing (`pytest.mark.django_db` without `transaction`).
"""

import copy
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, TypeVar

import pytest
from django.db import transaction

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


def scene_of(item: pytest.Item) -> Callable[[], object] | None:
    """Return the scene that the test asks for."""
    for definitions in item._fixtureinfo.name2fixturedefs.values():  # type: ignore[attr-defined]
        if make := getattr(definitions[-1].func, "makes_scene", None):
            found: Callable[[], object] = make
            return found
    return None

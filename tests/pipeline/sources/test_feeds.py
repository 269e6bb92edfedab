"""Anything that gives dicts is a source: the worked example is `tickets`, as a dlt resource would be written."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from pytest_django import Settings

from pipeline.models import Conversation, Source
from pipeline.sources.ingest import import_live
from pipeline.sources.records import UnreadableSource

pytestmark = pytest.mark.django_db


def tickets() -> Iterator[dict[str, Any]]:
    """Yield what a resource yields: plain values, nested objects, datetimes."""
    at = datetime(2026, 5, 2, 8, tzinfo=UTC)
    yield {
        "id": 1,
        "subject": "Lamp",
        "description": "It flickers",
        "requester": {"email": "ann@example.org"},
        "created_at": at,
    }
    yield {
        "id": 2,
        "subject": "Door",
        "description": "It jams",
        "requester": {"email": "bea@example.org"},
        "created_at": at,
    }


def broken() -> Iterator[dict[str, Any]]:
    """Yield one and fail, as a client does whose server goes away."""
    yield {"id": 1, "text": "It flickers"}
    raise ConnectionError("the server went away")


@pytest.fixture(autouse=True)
def feeds(settings: Settings) -> None:
    settings.FEEDS = {"shop": f"{__name__}.tickets", "broken": f"{__name__}.broken"}


def test_what_it_gives_is_understood_as_a_file_is() -> None:
    source, counts = import_live("feed", "shop")
    assert (str(source), counts.new) == ("feed:shop", 2)
    stored = Conversation.objects.get(external_id="1")
    assert (stored.customer, stored.occurred_at) == ("ann@example.org", datetime(2026, 5, 2, 8, tzinfo=UTC))
    assert stored.current_version is not None
    assert stored.current_version.text == "Lamp\nIt flickers"
    assert import_live("feed", "shop")[1].unchanged == 2


def test_one_that_fails_leaves_nothing() -> None:
    with pytest.raises(UnreadableSource, match="ConnectionError: the server went away"):
        import_live("feed", "broken")
    assert not Source.objects.exists()


def test_one_that_is_not_there_is_said() -> None:
    with pytest.raises(UnreadableSource, match=r"no feed 'nope' in FEEDS\. Feeds: broken, shop"):
        import_live("feed", "nope")

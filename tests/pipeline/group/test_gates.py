"""The gates, at each of their borders, and the confidence with its parts."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from pipeline.extract.profiles import Gate
from pipeline.group.gates import Confidence, Customers, Member, confidence_of, customers_of, judge
from tests.support.seeding import NOW

DAY = timedelta(days=1)
GATE = Gate(min_conversations=3, min_customers=2, recent_days=30, min_confidence=50)


def member(number: int, **columns: Any) -> Member:
    """Return a member that passes every gate: a conversation, and a customer, of its own."""
    healthy = Member(
        theme_id=number,
        conversation_id=number,
        customer=f"customer-{number}",
        occurred_at=NOW,
        category="product_issue",
        summary=f"It fails in way {chr(97 + number)}.",
        confidence=0.9,
        score=0.9,
        has_evidence=True,
    )
    return replace(healthy, **columns)


def members(*columns: dict[str, Any]) -> list[Member]:
    """Return a member for each dict of what is special about it."""
    return [member(number, **special) for number, special in enumerate(columns)]


ALONE = {"customer": "a"}
UNPROVEN = {"has_evidence": False}
OLD = {"occurred_at": NOW - 30 * DAY - timedelta(microseconds=1)}
JUST_RECENT = {"occurred_at": NOW - 30 * DAY}
TOO_OLD = "last seen 2026-10-02, more than 30 days before 2026-11-01"


@pytest.mark.parametrize(
    ("group", "reason", "detail"),
    [
        # size: conversations
        (members({}, {}, {}), "", ""),
        (members({}, {}), "too_few", "needs 1 more conversation"),
        (members({}), "too_few", "needs 2 more conversations"),
        (members({}, {}, {"conversation_id": 0}), "too_few", "needs 1 more conversation"),
        # size: customers; an unknown one counts each time
        (members(ALONE, ALONE, {"customer": "b"}), "", ""),
        (members(ALONE, ALONE, ALONE), "too_few", "needs 1 more customer"),
        (members(ALONE, ALONE), "too_few", "needs 1 more conversation"),
        (members(*[{"customer": ""}] * 3), "", ""),
        (
            members({"customer": "a@b.c"}, {"customer": "A@B.C"}, {"customer": "a@B.c"}),
            "too_few",
            "needs 1 more customer",
        ),
        # what one customer repeats, but for numbers, is one voice
        (
            members(*[{"customer": "a", "summary": f"Form {number} failed."} for number in range(5)], {}),
            "too_few",
            "needs 1 more conversation",
        ),
        # evidence
        (members({}, {}, {}, UNPROVEN), "", ""),
        (members({}, {}, UNPROVEN), "no_evidence", "needs 1 more verified quote"),
        (members({}, UNPROVEN), "too_few", "needs 1 more conversation; needs 1 more verified quote"),
        # confidence: sqrt(0.9 * 0.35) * 0.9375 = 0.526, with 0.31 it is 0.495, with 0.3 0.487
        (members(*[{"confidence": 0.35}] * 3), "", ""),
        (members(*[{"confidence": 0.31}] * 3), "", ""),
        (members(*[{"confidence": 0.30}] * 3), "low_confidence", "confidence 49 of 100, needs 50"),
        (members(*[{"score": 0.31}] * 3), "", ""),
        (members(*[{"score": 0.30}] * 3), "low_confidence", "confidence 49 of 100, needs 50"),
        (members(*[{"score": -0.2}] * 3), "low_confidence", "confidence 0 of 100, needs 50"),
        (members(*[{"confidence": 0.0}] * 2), "too_few", "needs 1 more conversation"),
        # recency
        (members(JUST_RECENT, JUST_RECENT, JUST_RECENT), "", ""),
        (members(OLD, OLD, OLD), "not_recent", TOO_OLD),
        (members(OLD, OLD, {}), "", ""),
        # several at once: the first gives the reason, all are told
        (members(OLD, OLD), "too_few", "needs 1 more conversation"),
        (
            members(*[{**OLD, **ALONE, "has_evidence": False, "confidence": 0.1}] * 3),
            "too_few",
            f"needs 1 more customer; needs 3 more verified quotes; confidence 0 of 100, needs 50; {TOO_OLD}",
        ),
    ],
)
def test_the_first_gate_that_rejects_gives_the_reason_and_each_says_what_is_missing(
    group: list[Member], reason: str, detail: str
) -> None:
    verdict = judge(group, GATE, NOW)
    assert (verdict.reason, verdict.detail, verdict.is_story) == (reason, detail, reason == "")


@pytest.mark.parametrize(("days", "as_of"), [(None, NOW), (30, None)])
def test_without_days_or_a_date_to_count_from_nothing_is_too_old(days: int | None, as_of: datetime | None) -> None:
    old = members(*[{"occurred_at": NOW - 999 * DAY}] * 3)
    assert judge(old, replace(GATE, recent_days=days), as_of).is_story


@pytest.mark.parametrize(
    ("gate", "reason"),
    [
        (Gate(min_conversations=4), "too_few"),
        (Gate(min_customers=4), "too_few"),
        (Gate(min_confidence=85), "low_confidence"),
        (Gate(min_conversations=3, min_customers=3, min_confidence=84), ""),
    ],
)
def test_each_gate_is_a_setting_of_the_profile(gate: Gate, reason: str) -> None:
    assert judge(members({}, {}, {}), gate, NOW).reason == reason


def test_the_parts_of_the_confidence_are_counted_by_conversation() -> None:
    group = members({"confidence": 0.2}, {"conversation_id": 0}, {**UNPROVEN, "score": 0.5}, {"score": None})
    assert confidence_of(group).as_json() == {
        "size": pytest.approx(1 - 1 / 16, abs=1e-3),
        "cohesion": pytest.approx((0.9 + 0.9 + 0.5) / 3, abs=1e-3),
        "evidence": pytest.approx(2 / 3, abs=1e-3),
        "reader": 0.9,
    }


def test_people_vouch_for_a_group_they_made() -> None:
    assert confidence_of(members(*[{"score": None}] * 3)).cohesion == 1.0


@pytest.mark.parametrize("part", ["size", "cohesion", "evidence", "reader"])
def test_no_part_makes_up_for_one_that_is_nothing(part: str) -> None:
    whole = Confidence(size=1.0, cohesion=1.0, evidence=1.0, reader=1.0)
    assert (whole.score, replace(whole, **{part: 0.0}).score) == (100, 0)


# --- Customers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("group", "known", "unknown", "said"),
    [
        (members({}, {}, {}), 3, 0, "3 known"),
        (members({}, {"customer": ""}), 1, 1, "1 known; 1 conversation names no customer and counts as one"),
        (
            members({"customer": ""}, {"customer": ""}),
            0,
            2,
            "none known; 2 conversations name no customer and count as one each",
        ),
        (members({}, {"conversation_id": 0, "customer": "customer-0"}), 1, 0, "1 known"),
    ],
)
def test_it_says_how_many_customers_are_known(group: list[Member], known: int, unknown: int, said: str) -> None:
    customers = customers_of(group)
    assert customers == Customers(known, unknown)
    assert str(customers) == said


def test_a_shortage_of_customers_says_how_many_are_known() -> None:
    gate = Gate(min_conversations=3, min_customers=4)
    detail = judge(members({}, {"customer": ""}, {"customer": ""}), gate, NOW).detail
    assert detail == "needs 1 more customer (1 known; 2 conversations name no customer and count as one each)"

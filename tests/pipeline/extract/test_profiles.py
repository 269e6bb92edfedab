"""Profiles as data: what is asked is made of it, what is answered is held against it."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.extract.knowledge import Document, Known
from pipeline.extract.llm.conduct import Conducted, Request, conduct
from pipeline.extract.profiles import Profile, ThemeGate
from pipeline.extract.profiles.support import SUPPORT
from pipeline.extract.profiles.vocabulary import AreaHint, Distinction, Entry, Vocabulary
from pipeline.extract.theme_gate import judge
from pipeline.extract.themes import ProposedTheme
from pipeline.ledger.transcript import Message, Transcript

HOWTO = Path(__file__).resolve().parents[3] / "docs" / "howto" / "add-a-profile.md"

LONELY = Transcript("c", (Message("customer", "The calendar shows every event twice."),))
THREAD = Transcript("c", (*LONELY.messages, Message("agent", "Fixed."), Message("customer", "Thanks, it works!")))


def conducted(
    profile: Profile, transcript: Transcript, answer: Callable[[Request], dict[str, Any]], known: Known | None = None
) -> tuple[Conducted, list[Request]]:
    assert profile.prompt is not None
    steps, requests = conduct(profile.prompt.read(transcript, known)), []
    try:
        request = next(steps)
        while True:
            requests.append(request)
            content = json.dumps(answer(request))
            body = {"choices": [{"message": {"content": content}, "finish_reason": "stop"}]}
            request = steps.send(json.dumps(body).encode())
    except StopIteration as end:
        return end.value, requests


def theme(profile: Profile, **said: Any) -> dict[str, Any]:
    plain = {
        "signature": "calendar_doubles", "category": profile.categories[0].name, "summary": "Events are doubled.",
        "quotes": ["every event twice"], "match": 0.9, "confidence": 0.8, "context_used": [], "context_missing": None,
    }  # fmt: skip
    return plain | {facet.name: None for facet in profile.facets} | said


def one(profile: Profile, **said: Any) -> Callable[[Request], dict[str, Any]]:
    """Return what answers every question: the first category for a route, one theme for a conversation."""

    def answer(request: Request) -> dict[str, Any]:
        category = profile.categories[0].name
        if request.step == "classify":
            return {"category": "how_to_question", "reason": "it asks"}
        return {"category": category, "themes": [theme(profile, **said)]}

    return answer


# --- Support --------------------------------------------------------------------------------------------------------


def test_a_message_nobody_answered_is_asked_about_once() -> None:
    done, requests = conducted(SUPPORT, LONELY, one(SUPPORT, severity="high"))
    assert [request.step for request in requests] == ["extract"]
    (found,) = done.reading.themes
    assert (found.signature, found.details["severity"], "sentiment" in found.details) == (
        "calendar_doubles",
        "high",
        False,
    )


def test_where_agents_answered_the_first_message_decides_the_route_and_the_thread_corrects_it() -> None:
    done, requests = conducted(SUPPORT, THREAD, one(SUPPORT, resolution="resolved", root_cause="a double subscription"))
    assert [request.step for request in requests] == ["classify", "extract"]
    assert "Fixed." not in requests[0].messages[-1].text
    assert "Fixed." in requests[1].messages[-1].text
    details = done.reading.themes[0].details
    assert (details["route"], details["route_corrected"], done.reading.category) == (
        "how_to_question",
        True,
        "product_issue",
    )
    assert (details["resolution"], details["root_cause"]) == ("resolved", "a double subscription")


def test_several_matters_are_several_themes_and_small_talk_is_none() -> None:
    def answer(_request: Request) -> dict[str, Any]:
        matters = [theme(SUPPORT), theme(SUPPORT, signature="invoice_lost"), theme(SUPPORT, category="general_inquiry")]
        return {"category": "product_issue", "themes": matters}

    done, _ = conducted(SUPPORT, LONELY, answer)
    assert [found.signature for found in done.reading.themes] == ["calendar_doubles", "invoice_lost"]


def test_documents_are_offered_and_what_was_used_and_missing_is_kept() -> None:
    known = Known(Vocabulary(), documents=(Document("sync.md", "", "Calendars are synced hourly."),))
    said = one(SUPPORT, context_used=["sync.md", "invented.md"], context_missing="how to remove doubles")
    done, requests = conducted(SUPPORT, LONELY, said, known)
    assert "Calendars are synced hourly." in requests[0].messages[-1].text
    assert done.reading.themes[0].details["context"] == {
        "offered": ["sync.md"], "used": ["sync.md"], "missing": "how to remove doubles",
    }  # fmt: skip


# --- Vocabulary -----------------------------------------------------------------------------------------------------

ENTRIES = (Entry("calendar_doubles", "events twice"), Entry("invoice_lost", area="billing"))


def test_what_is_known_reaches_the_prompt() -> None:
    vocabulary = Vocabulary(
        1, ENTRIES, (Distinction(("seat", "licence"), "a seat is a person, a licence is what is bought"),)
    )
    _, requests = conducted(SUPPORT, LONELY, one(SUPPORT), Known(vocabulary, ENTRIES, areas=("billing",)))
    system, user = requests[0].messages
    assert '{"terms": ["seat", "licence"], "difference": "a seat is a person, ' in system.text
    assert '{"name": "invoice_lost", "area": "billing"}' in user.text
    assert 'URLs in the conversation belong to these product areas:\n{"areas": ["billing"]}' in user.text


def test_a_spelling_twin_of_a_known_name_is_that_name() -> None:
    done, _ = conducted(SUPPORT, LONELY, one(SUPPORT, signature="Calendar-Doubles"), Known(Vocabulary(1, ENTRIES)))
    assert done.reading.themes[0].signature == "calendar_doubles"


@pytest.mark.parametrize("name", ["fits_none", "something_new", "FITS_NONE"])
def test_by_a_strict_vocabulary_what_fits_none_is_said_to_fit_none(name: str) -> None:
    known = Known(Vocabulary(1, ENTRIES, is_strict=True))
    done, _ = conducted(SUPPORT, LONELY, one(SUPPORT, signature=name), known)
    assert done.reading.category == "fits_none"
    assert done.reading.filtered_because == "fits none of the 2 known names: Events are doubled."
    assert not SUPPORT.category("fits_none").goes_on


def test_by_an_open_one_a_new_name_is_made() -> None:
    done, _ = conducted(SUPPORT, LONELY, one(SUPPORT, signature="something_new"), Known(Vocabulary(1, ENTRIES)))
    assert done.reading.themes[0].signature == "something_new"


@pytest.mark.parametrize(
    ("pattern", "address", "fits"),
    [
        ("*/settings/billing*", "https://app.example/settings/billing?x=1", True), ("*/BILLING", "/a/billing", True),
        ("*/billing", "/billing/x", False), ("/a/*/c", "/a/b/c", True), ("/a/*a/c", "/a/c", False),
        ("*" * 50 + "x", "/y", False),
    ],
)  # fmt: skip
def test_addresses_hint_at_areas(pattern: str, address: str, fits: bool) -> None:
    assert AreaHint(pattern, "billing").fits(address) is fits
    vocabulary = Vocabulary(area_hints=(AreaHint(pattern, "billing"),))
    assert vocabulary.areas_of(f"I was at {address} yesterday") == (("billing",) if fits else ())


def test_many_stars_take_no_longer_than_few() -> None:
    hint = AreaHint("*a" * 200 + "b", "x")
    assert not hint.fits("a" * 20_000)


# --- The gate of a theme --------------------------------------------------------------------------------------------


def proposed(signature: str, match: float | None) -> ProposedTheme:
    details = {} if match is None else {"match": match}
    return ProposedTheme(signature=signature, category="product_issue", summary="x", confidence=1, details=details)


@pytest.mark.parametrize(
    ("signature", "match", "score", "reason"),
    [
        ("calendar_doubles", 0.9, 0.9, ""),
        ("calendar_doubles", 0.29, 0.29, "its score 0.29 is below 0.30"),
        ("unknown_issue", 1.0, 1.0, "its name says nothing (unknown_issue)"),
        ("some_question", 1.0, 1.0, "its name says nothing (*_question)"),
        ("General_Feedback", 1.0, 1.0, "its name says nothing (general_*)"),
        ("general_ledger_broken", 1.0, 1.0, "its name says nothing (general_*)"),
        ("calendar_doubles", None, None, ""),
    ],
)
def test_a_theme_is_held_back_with_its_score_and_reason(
    signature: str, match: float | None, score: float | None, reason: str
) -> None:
    assert judge(proposed(signature, match), SUPPORT) == (score, reason)
    assert ThemeGate().least == 0.3


# --- The worked example ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def visits() -> Profile:
    """The profile of the how-to, as it stands there."""
    blocks = re.findall(r"```python\n(.*?)```", HOWTO.read_text(), re.DOTALL)
    namespace: dict[str, Any] = {}
    exec(compile(blocks[0], str(HOWTO), "exec"), namespace)
    profile: Profile = namespace["VISITS"]
    assert blocks[1].strip() == 'PROFILES = {**PROFILES, "visits": "museum.VISITS"}'
    return profile


def test_the_profile_of_the_how_to_reads_with_a_model(visits: Profile) -> None:
    said = one(visits, intent="come on Sunday", sentiment="happy", match=0.7)
    done, requests = conducted(visits, THREAD, said)
    assert [request.step for request in requests] == ["extract"]
    assert "You read what visitors of a museum write to it." in requests[0].messages[0].text
    (found,) = done.reading.themes
    assert found.details == {"match": 0.7, "intent": "come on Sunday", "sentiment": "happy"}
    assert visits.category(found.category).goes_on


def test_a_word_that_its_facet_does_not_have_is_asked_for_again(visits: Profile) -> None:
    answers = [one(visits, sentiment="furious"), one(visits, sentiment="annoyed")]

    def answer(request: Request) -> dict[str, Any]:
        return answers.pop(0)(request)

    done, requests = conducted(visits, LONELY, answer)
    assert [request.step for request in requests] == ["extract", "reask"]
    assert done.reading.themes[0].details["sentiment"] == "annoyed"

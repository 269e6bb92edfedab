"""What a conversation says is data: hostile ones change nothing but their own item, whatever a model makes of them."""

import json
import zlib
from typing import Any

import pytest

from pipeline.extract.llm import steps
from pipeline.extract.profiles import plain
from pipeline.ledger.transcript import Transcript
from pipeline.models import Evidence, Item, Run, Theme
from pipeline.reports.verify import verify
from tests.fakes.language_model import Model, customer_text
from tests.pipeline.extract.llm.hostile import HOSTILE
from tests.support.seeding import finish, scripts, seed, start

pytestmark = pytest.mark.django_db(transaction=True)

HONEST = scripts(problems=3, each=4)

ATTACKS = (
    '{"category": "pwned", "themes": []}',
    '{"category": "spam", "themes": [], "delete": ["all"]}',
    "PWNED",
    "",
    '{"category": "product_issue", "themes": null}',
    '{"category": "product_issue", "themes": [{"signature": "pwned"}]}',
    '[{"category": "spam"}, {"category": "spam"}]',
    '{"category": "product_issue", "category": "spam", "themes": []}',
)
"""What a model says that does what a hostile conversation wants."""


def outside_data(body: dict[str, Any]) -> str:
    """Return what of a question is instruction: everything that is not a line of JSON in the user's message."""
    system = "\n".join(message["content"] for message in body["messages"] if message["role"] != "user")
    lines = [
        line for message in body["messages"] if message["role"] == "user" for line in message["content"].split("\n")
    ]
    return "\n".join([system, *(line for line in lines if not _is_data(line))])


def _is_data(line: str) -> bool:
    try:
        found = json.loads(line)
    except ValueError:
        return False
    return isinstance(found, dict) and set(found) == {"message", "role", "text"} and found["role"] != "system"


def obeys(body: dict[str, Any]) -> str | None:
    """Answer as a model that does whatever an instruction says, and takes nothing in the data for one."""
    said = outside_data(body).casefold()
    return ATTACKS[2] if "pwned" in said or "ignore" in said else None


def misled(body: dict[str, Any]) -> str | None:
    """Answer as a model that falls for the data as well."""
    text = customer_text(body)
    return ATTACKS[zlib.crc32(text.encode()) % len(ATTACKS)] if text and "name=problem_" not in text else None


def rows(run: Run) -> dict[str, Any]:
    """Return what became of each honest conversation: its item, themes and evidence, without ids and times."""
    found: dict[str, Any] = {}
    for item in Item.objects.filter(run=run, version__messages__0__text__in=HONEST).select_related("version"):
        themes = Theme.objects.filter(item=item).order_by("raw_key")
        named = [(each.raw_signature, each.category, each.summary) for each in themes]
        assert item.version
        found[item.version.text] = (
            item.state, item.category, item.reason, item.flaws,
            named,
            list(Evidence.objects.filter(theme__item=item).values_list("quote", "start", "end")),
        )  # fmt: skip
    return found


def asking(texts: list[str], name: str) -> Run:
    return finish(start(seed(texts, name=name), extractor="asked"))


def mixed() -> list[str]:
    texts = list(HOSTILE)
    for number, honest in enumerate(HONEST):
        texts.insert(4 * number, honest)
    return texts


def test_there_are_enough_of_them_and_all_differ() -> None:
    assert len(set(HOSTILE)) == len(HOSTILE) >= 40


def test_none_of_them_leaves_its_place_as_data(model: Model) -> None:
    model.says = obeys
    run = asking(mixed(), "mixed")
    assert set(rows(run)) == set(HONEST)
    assert {item.error_class for item in run.items.filter(state="failed")} == set()
    assert run.items.filter(state="extracted").count() >= len(HONEST)
    assert not Theme.objects.filter(run=run, raw_signature__icontains="pwned").exists()


def test_the_test_would_see_it_if_they_did(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    def told_plainly(transcript: Transcript) -> str:
        return "\n".join(f"{message.role}: {message.own_text}" for message in transcript.messages)

    monkeypatch.setattr(plain, "as_data", told_plainly)
    monkeypatch.setattr(steps, "as_data", told_plainly)
    model.says = obeys
    run = asking(mixed(), "plainly")
    assert run.items.filter(state="failed").count() >= 20


def test_a_model_that_falls_for_them_harms_their_own_items_alone(model: Model) -> None:
    quiet = asking(list(HONEST), "quiet")
    before = rows(quiet)
    Run.objects.filter(pk=quiet.pk).update(first_finished_at=None)  # so that the second run is grouped by itself
    model.says = misled
    run = asking(mixed(), "misled")
    assert rows(run) == before
    hostile = run.items.exclude(version__messages__0__text__in=HONEST)
    assert hostile.filter(state="failed", error_class="Malformed").count() >= 20
    assert not hostile.filter(state__in=Item.UNFINISHED).exists()
    assert verify(run_id=run.pk).holds

"""From a helpdesk that is asked, over a real local server, to stories: what is read there is what people review."""

from collections.abc import Iterator

import pytest

from pipeline.models import Conversation, Evidence, Run, Source, Story
from pipeline.runs.start import open_source
from pipeline.sources.live.helpdesk import Helpdesk as LiveHelpdesk
from pipeline.sources.staging import ImportCounts
from tests.fakes.helpdesks import EMAIL, TOKEN, FakeTime, Intercom, Zendesk, intercom_conversation, served
from tests.support.seeding import finish, start

pytestmark = pytest.mark.django_db

FIRST = 1_770_000_000
PROBLEMS = (
    "I was charged twice for my yearly subscription {}, please refund the second payment.",
    "The export to a spreadsheet stops after ten rows {}, and the rest of the table is missing.",
)
WHEN = ("this week", "in March", "last Monday", "since yesterday", "on Friday", "once more")
ANSWER = "Thank you for writing to us. We look into it and come back to you as soon as we can."


@pytest.fixture(autouse=True)
def time(monkeypatch: pytest.MonkeyPatch) -> FakeTime:
    """The clock that both sides share; the environment names both helpdesks."""
    time = FakeTime()
    made = LiveHelpdesk.__init__
    monkeypatch.setattr(
        LiveHelpdesk, "__init__", lambda self, name="main", clock=None: made(self, name, clock=time.clock)
    )
    for name, value in (
        ("INTERCOM_TOKEN", TOKEN), ("INTERCOM_SINCE", "2026-01-01"), ("ZENDESK_TOKEN", TOKEN), ("ZENDESK_EMAIL", EMAIL),
        ("ZENDESK_SINCE", "2026-01-01"),
    ):  # fmt: skip
        monkeypatch.setenv(name, value)
    return time


@pytest.fixture
def intercom(time: FakeTime, monkeypatch: pytest.MonkeyPatch) -> Iterator[Intercom]:
    desk = Intercom(time)
    for number, text in enumerate(problem.format(when) for when in WHEN for problem in PROBLEMS):
        said = (("user", f"<p>Hello,</p><p>{text}</p>"), ("note", "call them"), ("admin", ANSWER))
        key = f"k{number}"
        desk.conversations[key] = intercom_conversation(key, *said, at=FIRST + 100 * number)
    desk.conversations["hello"] = intercom_conversation("hello", ("user", "Hi!"), at=FIRST)
    with served(desk) as url:
        monkeypatch.setenv("INTERCOM_URL", url)
        yield desk


@pytest.fixture
def zendesk(time: FakeTime, monkeypatch: pytest.MonkeyPatch) -> Iterator[Zendesk]:
    desk = Zendesk(time)
    for number, text in enumerate(problem.format(when) for when in WHEN for problem in PROBLEMS):
        desk.add(number + 1, (500 + number, text), (9, ANSWER), at=FIRST + 100 * number, subject="A question")
    with served(desk) as url:
        monkeypatch.setenv("ZENDESK_URL", url)
        yield desk


def read(name: str) -> tuple[Source, ImportCounts, Run]:
    """Import what the source holds now and take a run of it to its end, with the local reader, in this process."""
    imports: list[ImportCounts] = []
    source = open_source(name, on_import=lambda _, counts: imports.append(counts))
    return source, imports[0], finish(start(source, "local"))


def stories() -> set[int]:
    """Return how many conversations each story has, once it was seen that the stories tell the problems apart."""
    for story in Story.objects.all():
        versions = [row.conversation.current_version for row in story.evidence.select_related("conversation")]
        texts = [version.text for version in versions if version]
        assert len({"charged twice" in text for text in texts}) == 1, texts
    return {story.evidence.count() for story in Story.objects.all()}


def test_conversations_of_intercom_become_stories(intercom: Intercom) -> None:
    _, counts, run = read("intercom:main")
    assert (counts.new, counts.rejected, run.state) == (12, 0, "completed")
    assert stories() == {6}
    customers = set(Conversation.objects.values_list("customer", flat=True))
    assert len(customers) == 12
    quotes = Evidence.objects.values_list("quote", flat=True)
    assert quotes
    assert not [quote for quote in quotes if "Thank you for writing" in quote or "call them" in quote]


def test_what_changes_in_intercom_is_read_again_and_nothing_else(intercom: Intercom, time: FakeTime) -> None:
    read("intercom:main")
    text = PROBLEMS[0].format("for the third time")
    intercom.conversations["later"] = intercom_conversation("later", ("user", text), at=FIRST + 50_000)
    _, counts, run = read("intercom:main")
    assert (counts.new, counts.updated) == (1, 0)
    assert run.state == "completed"
    assert stories() == {6, 7}


def test_tickets_of_zendesk_become_stories(zendesk: Zendesk) -> None:
    _, counts, run = read("zendesk:main")
    assert (counts.new, counts.rejected, run.state) == (12, 0, "completed")
    assert stories() == {6}
    assert not [quote for quote in Evidence.objects.values_list("quote", flat=True) if "Thank you" in quote]

"""A conversation about two problems counts in two stories, and everything after the reader copes with that."""

import pytest

from pipeline.group.conservation import homes_of_themes
from pipeline.models import Story
from pipeline.reports.verify import verify
from tests.support.seeding import finish, seed, start

LIFT = (
    "The lift in our building is stuck.",
    "Our lift got stuck again this morning.",
    "The lift is stuck on the second floor.",
    "The lift of the building gets stuck every day.",
    "Since Monday the lift is stuck.",
)
BILL = (
    "I was charged twice for the heating.",
    "You charged me twice for the heating bill.",
    "The heating bill was charged twice.",
    "My heating costs were charged twice this month.",
    "I paid the heating bill twice, it was charged double.",
)


@pytest.mark.django_db(transaction=True)
def test_two_problems_in_one_conversation_are_in_two_stories() -> None:
    both = [f"{lift} Also, {bill[0].lower()}{bill[1:]}" for lift, bill in zip(LIFT, BILL, strict=True)]
    run = finish(start(seed([*LIFT, *BILL, *both]), extractor="local"))
    assert (run.state, run.attention) == ("completed", "")
    assert run.themes.count() == 20
    sizes = sorted(story.evidence.count() for story in Story.objects.all())
    assert sizes == [10, 10]
    homes = homes_of_themes(run)
    assert (homes.in_story, homes.missed, homes.in_two_stories) == (20, 0, 0)
    assert verify(run_id=run.pk).faults == ()

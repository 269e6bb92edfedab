"""Naming signatures: what people see instead of a key is a clause of what was said, and stays."""

import pytest

from pipeline import review
from pipeline.group.naming import name_signatures
from pipeline.models import Orphan, Run, Signature, Story, Theme
from pipeline.runs.erase import erase_customer
from tests.support.factories import SignatureFactory, ThemeFactory, alice
from tests.support.seeding import finish, seed, start

LOCKERS = [
    "The locker code is refused at the door. I need my shoes.",
    "My locker code is refused, the screen blinks red.",
    "Locker code refused since the new panel came.",
]
COIN = "Good morning. The vending machine swallowed my coin. Thank you."
PROFILE = "support"


@pytest.fixture
def first_run() -> Run:
    """Return a finished run of the local reader: a story, and an orphan that is the last conversation."""
    run = finish(start(seed([*LOCKERS, COIN]), "local"))
    assert (run.state, Story.objects.count(), Orphan.objects.count()) == ("completed", 1, 1)
    return run


def orphan() -> Orphan:
    found: Orphan = Orphan.objects.select_related("signature").get()
    return found


def said_once(summary: str, key: str = "locker_mend") -> Signature:
    """Return a signature of one theme with this summary."""
    signature = SignatureFactory(key=key, normal_form=key)
    ThemeFactory(signature=signature, summary=summary)
    found: Signature = Signature.objects.get(pk=signature.pk)
    return found


@pytest.mark.django_db
def test_an_orphan_is_called_what_is_said_there(first_run: Run) -> None:
    signature = orphan().signature
    assert signature.name == "The vending machine swallowed my coin"
    assert " " not in signature.key


@pytest.mark.django_db
def test_a_signature_with_a_story_is_called_as_the_story(first_run: Run) -> None:
    story = Story.objects.select_related("signature").get()
    assert story.signature.name == story.title
    Story.objects.update(title="Lockers at the gym")
    name_signatures(profile=PROFILE)
    assert Signature.objects.get(pk=story.signature_id).name == "Lockers at the gym"


@pytest.mark.django_db
def test_all_have_a_name_and_no_two_the_same_one(first_run: Run) -> None:
    names = [signature.title for signature in Signature.objects.all()]
    assert all(names)
    assert len(set(map(str.casefold, names))) == len(names)


@pytest.mark.django_db
def test_what_has_a_name_keeps_it(first_run: Run) -> None:
    Signature.objects.filter(pk=orphan().signature_id).update(title="Coin swallowed")
    assert name_signatures(profile=PROFILE) == 0
    assert orphan().signature.name == "Coin swallowed"


@pytest.mark.django_db
def test_equal_words_do_not_make_equal_names() -> None:
    first, second = said_once("The kiln door sticks.", "kiln_one"), said_once("The kiln door sticks.", "kiln_two")
    assert name_signatures(profile=PROFILE) == 2
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.name, second.name) == ("The kiln door sticks", "Kiln two")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "summary",
    [
        "Yes.",
        "See https://example.org/help/42.",
        "Marlene Oduya called Bertil Oduya.",
        "It was a swap.",
        "@@@ ###",
    ],
)
def test_where_nothing_can_be_said_aloud_the_key_stands_in_words(summary: str) -> None:
    signature = said_once(summary)
    name_signatures(profile=PROFILE)
    signature.refresh_from_db()
    assert signature.name == "Locker mend"


@pytest.mark.django_db
def test_what_has_no_clause_is_called_by_its_beginning() -> None:
    signature = said_once("I hope that the lady at the desk who knows about the old lockers can tell me about them.")
    name_signatures(profile=PROFILE)
    signature.refresh_from_db()
    assert signature.name == "I hope that the lady at the desk who knows about the old…"


@pytest.mark.django_db(transaction=True)
def test_a_key_that_a_person_chose_is_the_name_until_that_is_undone(first_run: Run) -> None:
    rename = review.rename_signature(signature=orphan().signature, name="coins_lost", by=alice())
    name_signatures(profile=PROFILE)
    assert orphan().signature.name == "Coins lost"
    review.undo(decision=rename, by=alice())
    assert orphan().signature.name == "The vending machine swallowed my coin"


@pytest.mark.django_db(transaction=True)
def test_a_name_goes_with_the_person_whose_words_it_was(first_run: Run) -> None:
    erase_customer(word=Theme.objects.get(signature=orphan().signature).conversation.customer, by=alice())
    assert "coin" not in " ".join(Signature.objects.values_list("title", flat=True)).lower()

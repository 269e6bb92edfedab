"""The inputs beside the repository, as stories: what a run makes of each, from its file to titles and attention."""

from collections import Counter
from pathlib import Path

import pytest
from django.core.management import call_command

from pipeline.models import Run, Source, Story
from pipeline.reports.verify import verify
from tests.support.seeding import finish, start

CASES = Path(__file__).parents[3] / "shared" / "cases"

pytestmark = [
    pytest.mark.skipif(not CASES.is_dir(), reason="../shared/cases is not there"),
    pytest.mark.django_db(transaction=True),
    pytest.mark.slow,
]


def read(case: str, name: str = "case") -> Run:
    """Import a case and read it by the local reader."""
    call_command("import_conversations", str(CASES / case), name=name)
    return finish(start(Source.objects.get(name=name), "local"))


def stories() -> dict[str, Counter[str]]:
    """Return the labels of the conversations of each open story, by its title."""
    return {
        story.title: Counter(story.evidence.values_list("conversation__label", flat=True))
        for story in Story.objects.filter(status__in=Story.OPEN)
    }


def show(run: Run) -> None:
    """Print what a run made, for whom reads the output of a failed test."""
    print(run.state, run.attention)
    for title, labels in stories().items():
        print(f"{labels.total():4} {title:60} {dict(labels)}")
    for warning in verify(run_id=run.pk).warnings:
        print("  !", warning)


PURE = {
    "63-same-beginning-call-intro/f04-call-intro.jsonl": 6,
    "66-attention-looks-at-raw-names/b16-long-mid.jsonl": 6,
    "73-opposites/e01-opposites.jsonl": 6,
    "77-angry-frame/b25-upset.jsonl": 6,
}
"""Files with one problem a label, and how many labels they have."""


@pytest.mark.parametrize("case", PURE)
def test_each_problem_is_a_story_of_its_own(case: str) -> None:
    run = read(case)
    show(run)
    found = stories()
    assert all(len(labels) == 1 for labels in found.values())
    assert len(found) == PURE[case]


def test_two_problems_in_one_message_are_in_two_stories() -> None:
    show(read("71-two-problems-one-message/b13-two.jsonl"))
    both = {"charge+photo": 7}
    wanted = [{"late": 7}, {"charge": 7, **both}, {"photo": 7, **both}]
    assert sorted(map(sorted, map(Counter.items, stories().values()))) == sorted(sorted(one.items()) for one in wanted)


@pytest.mark.parametrize("name", ["d01-grow120", "d01-grow360", "c06-big"])
def test_one_problem_is_one_story_however_often_it_is_told(name: str) -> None:
    show(read(f"72-stories-grow-with-size/{name}.jsonl"))
    assert 6 <= len(stories()) <= 9


def test_notices_are_no_complaints() -> None:
    run = read("76-shipping-notices-beside-complaints/b12-dups.jsonl")
    show(run)
    assert all(len(labels) == 1 for labels in stories().values())
    assert Counter(late=7) in stories().values()
    assert "60 of them with identical wording" in run.attention


def test_a_language_nobody_reads_makes_no_story() -> None:
    run = read("67-hebrew-lump/b10-he.jsonl")
    show(run)
    assert (run.state, stories()) == ("needs_attention", {})


def test_japanese_letters_stay_whole() -> None:
    run = read("69-japanese-letters-damaged/b10-ja.jsonl")
    show(run)
    assert "パスワード" in " ".join(run.themes.values_list("raw_signature", flat=True))


def test_what_stands_in_the_subject_alone_is_read() -> None:
    run = read("78-subject-not-read/64-subject-and-body.csv")
    show(run)
    found = set(run.themes.values_list("summary", flat=True))
    assert found == {"Charged twice for May.", "App crashes on photo upload."}


def test_no_open_story_is_left_without_conversations_when_a_file_comes_again_corrected() -> None:
    read("80-empty-story-stays/b09-bot-author.jsonl", "a")
    run = read("80-empty-story-stays/g01-mended.jsonl", "a")
    show(run)
    assert [labels.total() for labels in stories().values()] == [7] * 6
    assert not Story.objects.filter(status__in=Story.OPEN, evidence__isnull=True).exists()

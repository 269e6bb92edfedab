"""Commands that are called in a way that cannot be meant end with 2; what a run refuses ends with 1."""

import pytest
from django.core.management import CommandError, call_command

from pipeline.models import Run
from tests.support.seeding import finish, scripts, seed, start

pytestmark = pytest.mark.django_db

CANNOT_BE_MEANT = [
    ("salvage", "name a run, or --list"),
    ("salvage 1 --phase merge --only-failed", "choose what to extract, so they cannot be used with --phase merge"),
    ("salvage 1 --list", "--list only lists runs. Leave out run"),
    ("salvage --list --phase extract --yes", "Leave out phase, yes"),
    ("salvage --list --item 5 --only-failed --concurrency 2", "Leave out only-failed, item, concurrency"),
    ("run_pipeline", "name a source"),
    ("run_pipeline --resume 1 --dry-run", "Leave out dry-run"),
    ("run_pipeline file:test --path x.jsonl", "with --path, the source must be `file`"),
    ("run_pipeline file:test --name x", "--name can only be used with --path"),
    ("schedule_run --every 1d", "name a source"),
    ("schedule_run chats:test --every 1d --path x", "with --path, the source must be `file:NAME`"),
    ("schedule_run file:test --every 1d --path -", "has no standard input"),
    ("schedule_run file:test --every 1w", "'1w' is not an interval"),
    ("schedule_run file:test --cron 1", "'1' is not a crontab line"),
    ("diagnose", "give either a run or --conversation"),
    ("diagnose 1 --source file:test", "--source can only be used with --conversation"),
    ("regroup 1 --dry-run --yes", "cannot be combined"),
]


@pytest.mark.parametrize(("line", "refusal"), CANNOT_BE_MEANT)
def test_it_ends_with_2_where_words_contradict_or_lack_something(line: str, refusal: str) -> None:
    seed(scripts(1, 3))
    with pytest.raises(CommandError, match=refusal) as ended:
        call_command(*line.split())
    assert ended.value.returncode == 2
    assert not Run.objects.exists()


@pytest.mark.parametrize("line", ["run_status 99", "salvage 99", "verify_run 99", "run_pipeline file:nowhere"])
def test_it_ends_with_1_where_what_is_meant_is_not_there(line: str) -> None:
    with pytest.raises(CommandError, match="there is no") as ended:
        call_command(*line.split())
    assert ended.value.returncode == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("column", ["profile", "extractor"])
@pytest.mark.parametrize("line", ["salvage {run} --yes", "run_pipeline --resume {run}"])
def test_a_run_made_by_what_is_no_longer_registered_is_refused_with_a_sentence(line: str, column: str) -> None:
    run = finish(start(seed([*scripts(1, 3), "act=raise"])))
    Run.objects.filter(pk=run.pk).update(**{column: "gone"})
    with pytest.raises(CommandError, match=f"there is no {column} 'gone'"):
        call_command(*line.format(run=run.pk).split())


@pytest.mark.django_db(transaction=True)
def test_so_are_its_stories_and_its_diagnosis() -> None:
    run = finish(start(seed(scripts(1, 3)), no_stories=True))
    Run.objects.filter(pk=run.pk).update(profile="gone")
    for name in ("make_stories", "diagnose"):
        with pytest.raises(CommandError, match="there is no profile 'gone'"):
            call_command(name, str(run.pk))

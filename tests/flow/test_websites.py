"""Runs over the pages of a farm of real servers, by real workers, through the command."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from django.core.management import call_command
from django.db import DatabaseError, IntegrityError, connection, connections, transaction
from django.utils import timezone

from pipeline import tasks
from pipeline.ledger.counts import item_counts
from pipeline.models import CompanyUrl, ConversationVersion, Fetch, Item, Run, Snapshot
from pipeline.reports.companies import page_run, uneven_companies
from pipeline.reports.verify import verify
from pipeline.runs import schedule
from pipeline.runs.schedule import Assignment
from tests.fakes.farm import Farm, host_and_path
from tests.support.waiting import until
from tests.support.watching import begin, watch
from tests.support.workers import Worker

SETTINGS = {
    "WEBSITES_DELAY": "0",
    "WEBSITES_TIMEOUT": "6",
    "WEBSITES_INTERNAL": "true",
    "WEBSITES_MAX_BYTES": "1000000",
}


def has_ended(run: Run) -> bool:
    """Look after a run, as the waiting command does, and say whether it has ended."""
    return not tasks.supervise(run_id=run.pk).is_live


def as_planted(farm: Farm) -> dict[str, tuple[str, str]]:
    """Return the pages whose last outcome is not what was planted: by address what was planted and what came."""
    planted = {page.url: page.outcome for pages in farm.planted.values() for page in pages}
    found = dict(CompanyUrl.objects.values_list("url", "outcome"))
    assert found.keys() == planted.keys()
    return {url: (planted[url], found[url]) for url in planted if planted[url] != found[url]}


def test_the_command_fetches_shows_and_says_what_it_did(
    start_worker: type[Worker], capsys: pytest.CaptureFixture[str]
) -> None:
    start_worker(concurrency=2, **SETTINGS).wait_until_ready()
    with Farm(companies=7, pages=119, failing_each=4).running() as farm:
        watch(farm)
        call_command("run_pipeline", "websites", "--dry-run")
        assert "119 URLs of 7 companies" in capsys.readouterr().out
        call_command("run_pipeline", "websites", "--concurrency", "15", "--json")
        told = json.loads(capsys.readouterr().out)
        assert as_planted(farm) == {}
        daily = Assignment(source="websites:companies", profile="company", extractor="local", skip_fresh=24.0)
        assert schedule.fire(daily, at=timezone.now()).endswith("of websites:companies was started")
        until(lambda: not Run.objects.filter(finished_at=None).exists())
    scheduled = Run.objects.latest("pk")
    assert scheduled.profile == "company"
    assert item_counts(scheduled).skipped == told["pages"]["urls_fetched"]  # what was seen today is not asked for again
    pages = told["pages"]
    assert (told["state"], pages["companies_processed"], pages["companies_failed"]) == ("completed", 7, 0)
    assert pages["urls_planned"] == pages["urls_fetched"] + pages["urls_failed"] == 119
    assert farm.most_in_flight <= 15
    assert farm.most_of_a_host <= 2
    run = Run.objects.get(pk=told["run"])
    assert verify(run_id=run.pk).faults == ()


def test_a_killed_worker_costs_what_was_in_flight_and_nothing_else(start_worker: type[Worker]) -> None:
    with Farm(companies=8, pages=240, failing_each=0).running() as farm:
        source = watch(farm)
        slow = {**SETTINGS, "WEBSITES_DELAY": "0.1"}
        first = start_worker(concurrency=2, **slow)
        first.wait_until_ready()
        run = begin(source, concurrency=10)
        tasks.dispatch(run=run)
        until(lambda: Snapshot.objects.count() >= 40)
        first.kill()
        seen = set(Snapshot.objects.values_list("company_url__url", flat=True))
        in_flight = run.items.filter(state=Item.State.READING, version__isnull=True).count()
        assert in_flight <= 10
        start_worker(concurrency=2, **slow).wait_until_ready()
        until(partial(has_ended, run))
    run.refresh_from_db()
    assert run.state == Run.State.COMPLETED
    assert Snapshot.objects.count() == 240
    again = [url for url in seen if farm.asked[host_and_path(url)] > 1]
    assert again == []
    asked = Counter({each: count for each, count in farm.asked.items() if each[1] != "/robots.txt"})
    assert asked.total() <= 240 + 10 + 8  # redirects of odd pages besides
    assert uneven_companies(run) == []


# --- The founding incident ----------------------------------------------------------------------------------------


def test_one_connection_shared_by_all_shows_the_founding_errors(transactional_db: None) -> None:
    """The control: what `store_visit` does on its own connection, done by fifteen threads on one shared session."""
    with Farm(companies=5, pages=60, failing_each=0).running() as farm:
        watch(farm)
    pages = list(CompanyUrl.objects.order_by("pk"))
    versions = {
        page.pk: ConversationVersion.objects.create(
            conversation=page.conversation, content_hash="0" * 64, messages=[], stored_at=timezone.now()
        )
        for page in pages
    }
    errors: Counter[str] = Counter()

    def store(page: CompanyUrl) -> None:
        try:
            Snapshot.objects.create(
                company_url=page, content_hash="0" * 64, version=versions[page.pk], first_seen_at=timezone.now()
            )
        except IntegrityError as error:
            errors["constraint" if "one_snapshot" in str(error) or "unique" in str(error) else "other"] += 1
        except (DatabaseError, transaction.TransactionManagementError) as error:
            errors["rolled back" if "abort" in str(error) or "broken" in str(error) else str(error)] += 1

    connection.inc_thread_sharing()
    try:
        twice = [*pages[:10], pages[3], *pages[10:]]  # one answer is handed in a second time
        with pytest.raises((DatabaseError, transaction.TransactionManagementError)):
            _in_one_transaction(_sharing(store), twice)
    finally:
        connection.dec_thread_sharing()
    assert errors["constraint"] >= 1
    assert errors["rolled back"] >= 1  # every later call, whoever made it
    assert Snapshot.objects.count() == 0


def _in_one_transaction(work: Callable[[CompanyUrl], None], pages: Sequence[CompanyUrl]) -> None:
    with transaction.atomic():
        with ThreadPoolExecutor(15) as threads:
            list(threads.map(work, pages))
        Snapshot.objects.count()


def _sharing(work: Callable[[CompanyUrl], None]) -> Callable[[CompanyUrl], None]:
    """Let a thread use the connection of this one, as the first tool did."""
    shared = connections["default"]

    def with_it(page: CompanyUrl) -> None:
        connections["default"] = shared
        work(page)

    return with_it


@pytest.mark.slow
@pytest.mark.parametrize("concurrency", [15, 20])
def test_a_hundred_companies(start_worker: type[Worker], concurrency: int) -> None:
    start_worker(concurrency=2, **SETTINGS).wait_until_ready()
    with Farm(companies=100, pages=4469, failing_each=20).running() as farm:
        source = watch(farm)
        for _ in range(2):
            run = begin(source, concurrency=concurrency)
            tasks.dispatch(run=run)
            until(partial(has_ended, run), seconds=1800)
            run.refresh_from_db()
            assert run.state == Run.State.COMPLETED, (run.error, run.attention)
            done = page_run(run, item_counts(run))
            assert done.urls_planned == done.urls_fetched + done.urls_failed == 4469
            assert uneven_companies(run) == []
            assert run.items.filter(stage=Item.Stage.STORE).count() == 0  # 0 constraint errors
        assert {url: each for url, each in as_planted(farm).items() if each != ("ok", "unchanged")} == {}
    assert Fetch.objects.count() == 2 * 4469
    assert farm.most_in_flight <= concurrency
    assert farm.most_of_a_host <= 2

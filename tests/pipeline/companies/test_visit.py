"""A run over pages: each is one row of the ledger, what is seen is kept, and companies are concluded about."""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import DatabaseError, IntegrityError, transaction
from django.utils import timezone
from pytest_django import Settings

from pipeline.extract.base import get_extractor
from pipeline.extract.visit import read_pages
from pipeline.ledger.claims import AtLimit
from pipeline.ledger.counts import item_counts, unfinished_chunks
from pipeline.ledger.pages import claim_pages
from pipeline.ledger.states import request_stop
from pipeline.models import Company, CompanyUrl, ConversationVersion, Fetch, Item, Run, Snapshot, Story, Theme
from pipeline.reports.companies import changes_since, dead_links, flagged, page_run, uneven_companies
from pipeline.reports.verify import verify
from pipeline.review.reembed import reembed
from pipeline.runs.reopen import reopen
from pipeline.runs.salvage import reopen_to_salvage
from pipeline.sources.companies.lists import Listed
from pipeline.sources.companies.sync import sync_companies
from tests.fakes.farm import Farm, host_and_path
from tests.fakes.language_model import language_model
from tests.support.waiting import refused
from tests.support.watching import POLICY, begin, page_of, visit, watch

pytestmark = pytest.mark.django_db(transaction=True)

CLOSING = "After nineteen years we are closing our doors for good on 31 March."
PARAGRAPH = "<p>The yard builds wooden boats by hand and repairs those that came before, one after the other.</p>"


def page(*sentences: str) -> str:
    body = "".join(f"<p>{sentence}</p>" for sentence in sentences)
    return f"<html><head><title>News</title></head><body><article>{body}{PARAGRAPH * 4}</article></body></html>"


@pytest.fixture(scope="module")
def planted() -> Iterator[Farm]:
    with Farm(companies=7, pages=119, failing_each=4).running() as farm:
        yield farm


@pytest.fixture
def farm() -> Iterator[Farm]:
    """Four companies of three pages that all can be read; tests put other texts in their place."""
    with Farm(companies=4, pages=12, failing_each=0).running() as farm:
        yield farm


def say(farm: Farm, company: int, number: int, *sentences: str) -> None:
    farm.texts[farm.host(company), f"/page/{number}"] = page(*sentences)


def test_every_page_has_its_outcome_and_none_is_lost(planted: Farm) -> None:
    run = visit(begin(watch(planted), concurrency=15))
    assert run.state == Run.State.COMPLETED, run.attention or run.error
    expected = {each.url: each for pages in planted.planted.values() for each in pages}
    found = {fetch.company_url.url: fetch for fetch in Fetch.objects.select_related("company_url", "snapshot__version")}
    assert found.keys() == expected.keys()
    wrong = {
        url: (each.outcome, found[url].outcome) for url, each in expected.items() if each.outcome != found[url].outcome
    }
    assert wrong == {}
    for url, each in expected.items():
        if each.outcome == "ok":
            snapshot = found[url].snapshot
            assert snapshot is not None
            assert each.says in snapshot.version.text
    counts = Counter(each.outcome == "ok" for each in expected.values())
    done = page_run(run, item_counts(run))
    assert (done.urls_planned, done.urls_fetched, done.urls_failed) == (119, counts[True], counts[False])
    assert (done.companies_processed, done.companies_failed) == (7, 0)
    assert uneven_companies(run) == []
    assert verify(run_id=run.pk).faults == ()


def test_what_did_not_change_is_not_sent_and_not_read_again(farm: Farm) -> None:
    source = watch(farm)
    visit(begin(source))
    again = visit(begin(source))
    assert set(again.items.values_list("state", "reason")) == {("skipped", "unchanged")}
    assert Snapshot.objects.count() == 12
    assert set(Fetch.objects.filter(item__run=again).values_list("outcome", flat=True)) == {"unchanged"}
    fresh = visit(begin(source, skip_fresh=1.0))
    assert set(fresh.items.values_list("state", "reason")) == {("skipped", "fresh")}
    forced = visit(begin(source, force_refresh=True))
    assert set(forced.items.values_list("state", flat=True)) == {"filtered"}
    assert Snapshot.objects.count() == 12
    assert max(count for (_, path), count in farm.asked.items() if path != "/robots.txt") == 3
    assert verify(run_id=again.pk).faults == verify(run_id=forced.pk).faults == ()


def test_what_was_fetched_and_waits_to_be_read_takes_no_place(farm: Farm) -> None:
    run = begin(watch(farm), concurrency=2)
    chunk = unfinished_chunks(run)[0]

    def claimed(delivery: str) -> list[int]:
        pages = claim_pages(run=run, epoch=run.epoch, chunk=chunk, token=f"{delivery}:1", held=0)
        return [page.item_id for page in pages]

    first = [*claimed("first"), *claimed("first")]
    assert len(first) >= 2
    with pytest.raises(AtLimit):  # the control: while they are asked for, they take all places
        claimed("second")
    version = ConversationVersion.objects.create(
        conversation=Item.objects.get(pk=first[0]).conversation, content_hash="0" * 64, messages=[],
        stored_at=timezone.now(),
    )  # fmt: skip
    Item.objects.filter(pk__in=first).update(version=version)
    assert claimed("second")


def test_the_limit_counts_companies_and_runs_get_round_to_all(farm: Farm) -> None:
    source = watch(farm)
    seen = []
    for _ in range(2):
        run = visit(begin(source, limit=2))
        seen.append(set(run.items.values_list("conversation__page__company__external_id", flat=True)))
        assert run.items.count() == 6
    assert seen[0].isdisjoint(seen[1])


def test_a_change_is_told_in_lines_and_an_empty_page_is_none(farm: Farm) -> None:
    source = watch(farm)
    say(farm, 0, 0, "One line.", "Another line.", "12 March 2026")
    visit(begin(source))
    say(farm, 0, 0, "Another line.", "One line.", "13 March 2026")
    visit(begin(source))
    moved = Fetch.objects.filter(company_url=page_of("c000")).first()
    assert moved is not None
    assert (moved.magnitude, moved.added_count, moved.removed_count) == ("none", 0, 0)
    assert moved.moved_count == 1
    say(farm, 0, 0, "Something else.", "Another line.", "13 March 2026")
    visit(begin(source))
    changed = changes_since(timezone.now() - timedelta(hours=1)).get()
    assert (changed.added_count, changed.removed_count, changed.magnitude) == (1, 1, "major")
    farm.texts[farm.host(0), "/page/0"] = "<html> </html>"
    visit(begin(source))
    empty = Fetch.objects.filter(company_url=page_of("c000")).first()
    assert empty is not None
    assert (empty.outcome, empty.magnitude, empty.is_stand_in) == ("empty", "", True)
    assert empty.snapshot == changed.snapshot
    say(farm, 0, 0, "Another line.", "One line.", "13 March 2026")
    visit(begin(source))  # a text that returns is the snapshot that it was
    assert Snapshot.objects.filter(company_url=page_of("c000")).count() == 3


def test_snapshots_are_append_only_and_one_a_content(farm: Farm) -> None:
    visit(begin(watch(farm), limit=1))
    snapshot = Snapshot.objects.first()
    assert snapshot is not None
    with pytest.raises(DatabaseError, match="snapshots_are_append_only"), transaction.atomic():
        Snapshot.objects.filter(pk=snapshot.pk).update(title="other")
    snapshot.pk, snapshot.version = None, snapshot.version
    with pytest.raises(IntegrityError), transaction.atomic():
        snapshot.save(force_insert=True)


def test_a_row_that_is_refused_fails_its_page_and_no_other(farm: Farm) -> None:
    source = watch(farm)
    bad = page_of("c001", 1)
    with refused("pipeline_fetch", f"company_url_id <> {bad.pk}"):
        run = visit(begin(source))
    assert run.state == Run.State.NEEDS_ATTENTION
    assert "were fetched but could not be stored" in run.attention
    assert Counter(run.items.values_list("state", flat=True)) == {"filtered": 11, "failed": 1}
    failed = run.items.get(state=Item.State.FAILED)
    assert (failed.stage, failed.conversation_id) == ("store", bad.conversation_id)
    again, _ = reopen_to_salvage(run_id=run.pk)
    assert visit(again).state == Run.State.COMPLETED
    assert farm.asked[host_and_path(bad.url)] == 2
    assert sum(farm.asked.values()) == 12 + 1 + 5  # each page once, that one again, robots.txt of four hosts and again


def test_what_was_fetched_is_read_later_without_asking_again(farm: Farm, monkeypatch: pytest.MonkeyPatch) -> None:
    run = begin(watch(farm))

    def dies(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("pipeline.extract.visit.finish_piece", dies)
    with pytest.raises(KeyboardInterrupt):
        read_pages(run_id=run.pk, epoch=1, chunk=0, delivery="first", policy=POLICY)
    monkeypatch.undo()
    fetched = run.items.filter(state=Item.State.READING, version__isnull=False).count()
    assert fetched > 0
    before = sum(count for (_, path), count in farm.asked.items() if path != "/robots.txt")
    read_pages(run_id=run.pk, epoch=1, chunk=0, delivery="first", policy=POLICY)
    asked = Counter({each: count for each, count in farm.asked.items() if each[1] != "/robots.txt"})
    assert asked.total() <= before + 12 - fetched
    assert visit(run).state == Run.State.COMPLETED
    assert Snapshot.objects.count() == 12


def test_deliveries_share_the_concurrency_and_one_too_many_waits(farm: Farm) -> None:
    run = begin(watch(farm), concurrency=1)
    item = run.items.order_by("id").first()
    assert item is not None
    Item.objects.filter(pk=item.pk).update(state="reading", claim="other:1", claimed_at=timezone.now(), epoch=1)
    with pytest.raises(AtLimit, match="1 pages in progress"):
        read_pages(run_id=run.pk, epoch=1, chunk=item.chunk, delivery="second", policy=POLICY)


def test_a_stopped_run_claims_nothing_and_goes_on_where_it_stopped(farm: Farm) -> None:
    run = begin(watch(farm))
    assert request_stop(run_id=run.pk)
    assert visit(run).state == Run.State.STOPPED
    assert farm.asked.total() == 0
    assert visit(reopen(run_id=run.pk)).state == Run.State.COMPLETED
    assert Snapshot.objects.count() == 12


def test_diagnose_says_why_pages_failed_and_what_became_of_one(farm: Farm, capsys: pytest.CaptureFixture[str]) -> None:
    source = watch(farm)
    farm.texts[farm.host(0), "/page/0"] = "<title>Page not found</title><p>Page not found</p>"
    say(farm, 1, 0, CLOSING)
    run = visit(begin(source))
    call_command("diagnose", str(run.pk))
    said = capsys.readouterr().out
    assert "soft_404" in said
    call_command("diagnose", "--conversation", page_of("c001").conversation.external_id)
    assert "closing" in capsys.readouterr().out


def test_reembed_gives_signals_the_vectors_of_their_categories(farm: Farm, monkeypatch: pytest.MonkeyPatch) -> None:
    """The company's name, without which a page says nothing, is not in what is stored: nothing is read again."""
    source = watch(farm)
    for number in range(3):
        say(farm, number, 0, f"Company {number} is closing its doors for good.")
    visit(begin(source))
    story = Story.objects.get()
    reader = get_extractor("local")
    monkeypatch.setattr(type(reader), "model", "wide")
    monkeypatch.setattr(type(reader), "dimension", 512)
    done = reembed(profile="company", extractor="local")
    assert (done.model, done.themes, done.by_quotes) == ("wide", 3, 0)
    assert set(Theme.objects.values_list("vector_model", flat=True)) == {"wide"}
    assert {len(bytes(vector)) for vector in Theme.objects.values_list("vector", flat=True)} == {4 * 512}
    assert Story.objects.get() == story


# --- What is concluded --------------------------------------------------------------------------------------------


def test_a_negative_signal_asks_for_a_look_with_its_quote(farm: Farm) -> None:
    say(farm, 0, 1, CLOSING)
    visit(begin(watch(farm)))
    company = flagged().get()
    assert (company.external_id, company.status) == ("c000", "requires_review")
    assert CLOSING in company.explanation
    theme = Theme.objects.get()
    assert theme.category == "closing"
    assert theme.evidence.get().quote == CLOSING
    change = company.history.get()
    assert (change.before, change.after, change.kind) == ("unknown", "requires_review", "concluded")
    assert set(Company.objects.exclude(pk=company.pk).values_list("status", flat=True)) == {"operational"}


def test_mixed_signals_ask_for_a_look(farm: Farm) -> None:
    say(farm, 0, 0, CLOSING)
    say(farm, 0, 1, "We raised $12 million in a Series A round led by Harbour Partners.")
    visit(begin(watch(farm), limit=1))
    company = Company.objects.get(external_id="c000")
    assert company.status == "requires_review"
    assert "The evidence is mixed." in company.explanation


def test_three_pages_of_one_company_are_no_story_and_three_companies_are(farm: Farm) -> None:
    source = watch(farm)
    for number in range(3):
        say(farm, 0, number, CLOSING)
    visit(begin(source))
    assert Story.objects.count() == 0
    say(farm, 1, 0, "We are sad to announce that we are shutting down.")
    say(farm, 2, 0, "The company will cease trading at the end of the month.")
    say(farm, 3, 0, "We raised $12 million in a Series A round.")
    visit(begin(source))
    story = Story.objects.get()
    assert story.category == "closing"
    assert story.evidence.values("conversation__customer").distinct().count() == 3


def test_all_pages_gone_is_likely_closed_and_pages_that_cannot_be_seen_change_nothing(
    farm: Farm, settings: Settings
) -> None:
    source = watch(farm)
    visit(begin(source))
    for number in range(3):
        farm.texts[farm.host(0), f"/page/{number}"] = "<title>Page not found</title><p>Page not found</p>"
        farm.texts[farm.host(1), f"/page/{number}"] = "<title>Just a moment...</title><p>Checking your browser</p>"
    run = visit(begin(source))
    assert run.state == Run.State.COMPLETED_WITH_ERRORS
    assert "2 companies" in run.attention
    assert set(Company.objects.values_list("external_id", "status")) >= {
        ("c000", "likely_closed"), ("c001", "operational"),
    }  # fmt: skip
    assert dead_links().count() == 3
    settings.WEBSITES_STAND_IN_DAYS = 0  # nothing that was seen before counts any more
    visit(begin(source))
    kept = Company.objects.get(external_id="c001")
    assert kept.status == "operational"
    assert kept.history.count() == 1


JAPANESE = (
    "<title>お知らせ</title><p>"
    + "当工房は三月末をもちまして閉店いたします。長年のご愛顧に心より感謝申し上げます。" * 3
)


def test_silence_in_a_language_that_the_reader_does_not_know_says_nothing(farm: Farm) -> None:
    source = watch(farm)
    say(farm, 1, 0, CLOSING)
    for number in range(3):
        farm.texts[farm.host(0), f"/page/{number}"] = JAPANESE
    farm.texts[farm.host(2), "/page/1"] = JAPANESE
    visit(begin(source))
    unknown = Company.objects.get(external_id="c000")
    assert unknown.status == "unknown"
    assert "3 pages are in a language the local reader does not know (Japanese 3)" in unknown.explanation
    partly = Company.objects.get(external_id="c002")
    assert partly.status == "operational"
    assert "2 of 3 pages could be read" in partly.explanation
    assert "1 page is in a language" in partly.explanation
    for number in range(3):
        farm.texts[farm.host(1), f"/page/{number}"] = JAPANESE
    visit(begin(source))
    assert Company.objects.get(external_id="c001").status == "requires_review"  # until somebody has looked


def test_pages_of_a_reader_that_is_registered_no_more_count_as_read(farm: Farm) -> None:
    source = watch(farm)
    visit(begin(source))
    Run.objects.update(extractor="retired")
    again = visit(begin(source))
    assert again.state == Run.State.COMPLETED, again.error
    assert Company.objects.get(external_id="c000").status == "operational"


def test_a_last_good_snapshot_stands_in_and_is_marked(farm: Farm) -> None:
    source = watch(farm)
    say(farm, 0, 0, CLOSING)
    visit(begin(source))
    farm.texts[farm.host(0), "/page/0"] = "<title>Just a moment...</title><p>Checking your browser</p>"
    visit(begin(source))
    company = Company.objects.get(external_id="c000")
    assert company.status == "requires_review"
    assert "from when it was last seen" in company.explanation


def test_outcomes_that_are_all_alike_need_attention() -> None:
    with Farm(companies=3, pages=24, failing_each=0).running() as farm:
        source = watch(farm)
        for number in range(8):
            for company in range(3):
                farm.texts[farm.host(company), f"/page/{number}"] = "<title>Just a moment...</title><p>Wait</p>"
        run = visit(begin(source))
    assert run.state == Run.State.NEEDS_ATTENTION
    assert "all 24 pages had the same outcome" in run.attention


def test_companies_without_urls_are_said_to_have_none(farm: Farm) -> None:
    source = watch(farm)
    sync_companies([Listed("x", "No Site")])
    run = visit(begin(source, limit=1))
    assert Company.objects.get(external_id="x").status == "no_urls"
    assert page_run(run, item_counts(run)).companies_without_urls == 1
    assert CompanyUrl.objects.filter(outcome="").count() == 9


# --- Read by a language model -------------------------------------------------------------------------------------


def test_a_language_model_reads_what_was_fetched(settings: Settings) -> None:
    with Farm(companies=3, pages=9, failing_each=0).running() as farm:
        _read_by_a_model(farm, settings)


def _read_by_a_model(farm: Farm, settings: Settings) -> None:
    source = watch(farm)
    for company in range(3):
        say(farm, company, 0, f"category=closing name=whatever_{company} problem={company}")
    for company, number in [(0, 1), (0, 2), (1, 1), (1, 2), (2, 1), (2, 2)]:
        say(farm, company, number, "category=no_signal")
    farm.texts[farm.host(1), "/page/2"] = "<title>Page not found</title><p>Page not found</p>"
    with language_model() as model:
        settings.LLM_MODEL, settings.LLM_BASE_URL, settings.LLM_API_KEY = "fake-model", model.url, "sk-test"
        settings.LLM_PRICES = {"input": 1.0, "output": 2.0}
        run = visit(begin(source, extractor="llm"))
        asked = len(model.paid())
        again = visit(begin(source, extractor="llm"))
        assert len(model.paid()) == asked
    assert run.state == Run.State.COMPLETED, (run.error, run.attention)
    assert Counter(run.items.values_list("state", flat=True)) == {"extracted": 3, "filtered": 5, "failed": 1}
    assert set(Theme.objects.values_list("signature__key", "category")) == {("closing", "closing")}
    assert Story.objects.get().category == "closing"
    assert Company.objects.filter(status="requires_review").count() == 3
    assert farm.asked[farm.host(0), "/page/0"] == 2  # once a run: the second time nothing had changed
    assert set(again.items.values_list("reason", flat=True)) <= {
        "unchanged",
        "soft_404: its title says 'Page not found'",
    }
    assert verify(run_id=run.pk).faults == ()


def test_the_command_lists_shows_and_lets_a_person_decide(farm: Farm, capsys: pytest.CaptureFixture[str]) -> None:
    source = watch(farm)
    visit(begin(source))
    say(farm, 0, 1, CLOSING)
    farm.texts[farm.host(1), "/page/0"] = "<title>Page not found</title><p>Page not found</p>"
    visit(begin(source))

    def told(*words: str) -> str:
        capsys.readouterr()
        call_command("companies", *words)
        return capsys.readouterr().out

    for asked in (
        ["flagged"],
        ["by-status", "operational"],
        ["dead-links"],
        ["without-urls"],
        ["changes", "--since", "7d"],
    ):
        rows = json.loads(told(*asked, "--json"))
        assert len(list(csv.DictReader(io.StringIO(told(*asked, "--csv"))))) == len(rows)
        assert bool(rows) == (asked != ["without-urls"]), asked
    assert CLOSING in json.loads(told("flagged", "--json"))[0]["why"]
    told("override", "c000", "operational", "--reason", "they rang us")
    shown = json.loads(told("show", "c000", "--json"))
    assert (shown["status"], shown["concluded"]) == ("operational", "requires_review")
    assert shown["history"][0]["reason"] == "they rang us"
    visit(begin(source))
    assert json.loads(told("show", "c000", "--json"))["status"] == "operational"  # it stands until it is cleared
    told("clear", "c000")
    assert json.loads(told("show", "c000", "--json"))["status"] == "requires_review"

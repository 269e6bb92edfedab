"""Companies on the pages: which need a look, what was said where, what changed, and a status that a person sets."""

import pytest
from django.test import Client

from pipeline.models import Company, CompanyUrl, Fetch, Snapshot, StatusChange
from tests.pipeline.web.pages.scenes import LOOKING, address, client_of, person, read
from tests.support.shelves import CLOSING, watched_company

pytestmark = pytest.mark.django_db


@pytest.fixture
def analyst() -> Client:
    return client_of(person("anna", *LOOKING, "view_company", "change_company"))


def test_the_list_shows_those_that_need_a_look_first_and_counts_each_status(analyst: Client) -> None:
    assert "No companies are watched yet" in read(analyst, address("companies"))
    watched_company("Harbour Boats")
    fine = watched_company("Quiet Mill")
    Company.objects.filter(pk=fine.pk).update(status="operational", explanation="All pages are there.")
    shown = read(analyst, address("companies"))
    assert shown.index("Harbour Boats") < shown.index("Quiet Mill")
    assert "needs a look <b>1</b>" in shown
    assert "operational <b>1</b>" in shown
    flagged = read(analyst, address("companies"), status="flagged")
    assert "Harbour Boats" in flagged
    assert "Quiet Mill" not in flagged
    assert "Quiet Mill" in read(analyst, address("companies"), q="boats-1.example")
    assert "No companies match" in read(analyst, address("companies"), q="nobody")
    assert analyst.get(address("companies"), {"status": "nonsense", "page": "x"}).status_code == 200


def test_a_status_that_a_person_set_is_what_counts_in_the_list(analyst: Client) -> None:
    company = watched_company()
    analyst.post(address("company_act", company.pk), {"do": "override", "status": "operational", "reason": "I asked."})
    assert address("company", company.pk) not in read(analyst, address("companies"), status="flagged")
    shown = read(analyst, address("companies"), status="operational")
    assert "Harbour Boats" in shown
    assert "set by a person" in shown


def test_a_company_shows_its_signals_pages_and_history(analyst: Client) -> None:
    company = watched_company()
    shown = read(analyst, address("company", company.pk))
    assert f"<mark>{CLOSING}</mark>" in shown
    assert "https://boats-0.example/news" in shown
    assert "HTTP 404" in shown
    assert "unknown" in shown.split("History of its status")[1]
    page = CompanyUrl.objects.get(url__endswith="/news")
    listed = read(analyst, address("company_page", page.pk))
    assert listed.count("data-row") == 2
    snapshot = Snapshot.objects.order_by("id").last()
    assert snapshot is not None
    assert f"<mark>{CLOSING}</mark>" in read(analyst, address("company_snapshot", snapshot.pk))


def test_what_changed_is_shown_line_by_line(analyst: Client) -> None:
    watched_company(before="We build boats.\nCome in.", after=f"We build boats.\n{CLOSING}")
    fetch = Fetch.objects.filter(previous__isnull=False).get()
    shown = read(analyst, address("company_change", fetch.pk))
    assert f"<ins>{CLOSING}</ins>" in shown
    assert "<del>Come in.</del>" in shown
    first = Fetch.objects.filter(previous__isnull=True).get()
    assert "for the first time" in read(analyst, address("company_change", first.pk))
    Fetch.objects.filter(pk=fetch.pk).update(fetched_at=fetch.fetched_at.replace(year=2020))
    assert "No significant changes" in read(analyst, address("company_changes"))


def test_a_status_needs_a_reason_and_stands_until_it_is_cleared(analyst: Client) -> None:
    company = watched_company()
    where = address("company_act", company.pk)
    refused = analyst.post(where, {"do": "override", "status": "operational", "reason": " "}, follow=True)
    assert "ive a reason for the status" in refused.content.decode()
    wrong = analyst.post(where, {"do": "override", "status": "thriving", "reason": "x"}, follow=True)
    assert "There is no status" in wrong.content.decode()
    assert not StatusChange.objects.filter(kind="overridden").exists()
    done = analyst.post(where, {"do": "override", "status": "operational", "reason": "I spoke to them."}, follow=True)
    shown = done.content.decode()
    assert "set by anna" in shown
    assert "I spoke to them." in shown
    cleared = analyst.post(where, {"do": "clear"}, follow=True).content.decode()
    assert "The status concluded from its pages applies again" in cleared
    again = analyst.post(where, {"do": "clear"}, follow=True).content.decode()
    assert "nothing to clear" in again
    assert list(company.history.values_list("kind", flat=True)) == ["cleared", "overridden", "concluded"]
    assert analyst.post(where, {"do": "delete"}).status_code == 404


def test_who_may_not_decide_is_not_offered_it_and_is_refused() -> None:
    company = watched_company()
    viewer = client_of(person("vera", *LOOKING, "view_company"))
    assert "Set</button>" not in read(viewer, address("company", company.pk))
    sent = {"do": "override", "status": "operational", "reason": "x"}
    assert viewer.post(address("company_act", company.pk), sent).status_code == 403
    stranger = client_of(person("sam", *LOOKING))
    for name, *args in (
        ("companies",), ("company", company.pk), ("company_changes",), ("company_change", 1), ("company_page", 1),
        ("company_snapshot", 1),
    ):  # fmt: skip
        assert stranger.get(address(name, *args)).status_code == 403, name

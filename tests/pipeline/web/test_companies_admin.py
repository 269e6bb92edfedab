"""The screens of companies: what an analyst sees, and what they may decide."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from pipeline.models import Company, CompanyUrl, Fetch, Snapshot, StatusChange
from pipeline.web.admin import base
from tests.fakes.farm import Farm
from tests.support.factories import alice, charlie
from tests.support.watching import begin, page_of, visit, watch

pytestmark = pytest.mark.django_db(transaction=True)

CLOSING = "We are sad to say that we are closing our doors for good."


def page(*sentences: str) -> str:
    body = "".join(f"<p>{sentence}</p>" for sentence in (*sentences, "The yard builds boats. " * 30))
    return f"<html><head><title>News</title></head><body><article>{body}</article></body></html>"


@pytest.fixture
def visited() -> None:
    with Farm(companies=2, pages=4, failing_each=0).running() as farm:
        source = watch(farm)
        farm.texts[farm.host(0), "/page/0"] = page("All is well.")
        visit(begin(source))
        farm.texts[farm.host(0), "/page/0"] = page(CLOSING, "<script>alert(1)</script>")
        visit(begin(source))


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def read(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200, address
    return response.content.decode()


def test_a_company_shows_its_signals_pages_changes_and_history(visited: None) -> None:
    owner = client_of(alice())
    company = Company.objects.get(external_id="c000")
    shown = read(owner, base.url_of(company))
    assert f"<mark>{CLOSING}</mark>" in shown
    assert "requires review" in shown
    assert page_of("c000").url in shown
    fetch = Fetch.objects.filter(company_url=page_of("c000")).first()
    assert fetch is not None
    changed = read(owner, base.url_of(fetch))
    assert f"<ins>{CLOSING}</ins>" in changed
    assert "<del>All is well.</del>" in changed
    snapshot = Snapshot.objects.filter(company_url=page_of("c000")).first()
    assert snapshot is not None
    assert CLOSING in read(owner, base.url_of(snapshot))
    assert "unchanged" in read(owner, base.url_of(page_of("c001")))
    assert "<script>alert" not in shown + changed


def test_lists_can_be_narrowed(visited: None) -> None:
    owner = client_of(alice())
    address = reverse("admin:pipeline_company_changelist")
    assert "Company 0" in read(owner, f"{address}?standing=flagged")
    assert "Company 1" not in read(owner, f"{address}?standing=flagged")
    for noun in ("company", "companyurl", "snapshot", "fetch"):
        read(owner, reverse(f"admin:pipeline_{noun}_changelist"))


def test_a_person_sets_a_status_with_a_reason_and_it_stands(visited: None) -> None:
    user = alice()
    owner = client_of(user)
    company = Company.objects.get(external_id="c000")
    address = base.url_of(company)
    refused = owner.post(address, {"override": "operational", "override_reason": " "})
    assert refused.status_code == 200
    assert "The next person will want to know" in refused.content.decode()
    owner.post(address, {"override": "operational", "override_reason": "spoke to them"})
    company.refresh_from_db()
    assert (company.standing_status, company.override_by, company.status) == ("operational", user, "requires_review")
    change = StatusChange.objects.first()
    assert change is not None
    assert (change.kind, change.created_by, change.reason) == ("overridden", user, "spoke to them")
    owner.post(address, {"override": "", "override_reason": ""})
    company.refresh_from_db()
    assert (company.standing_status, company.override_at) == ("requires_review", None)
    assert list(company.history.values_list("kind", flat=True)) == ["cleared", "overridden", "concluded", "concluded"]


def test_a_stranger_sees_nothing(visited: None) -> None:
    stranger = client_of(charlie())
    assert stranger.get(base.url_of(CompanyUrl.objects.all()[0])).status_code in (302, 403)

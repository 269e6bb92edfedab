"""Runs over the pages of a farm, in this process and without workers."""

from dataclasses import replace
from typing import Any

from pipeline.advance import advance
from pipeline.extract.visit import read_pages
from pipeline.ledger.counts import unfinished_chunks
from pipeline.models import CompanyUrl, Run, Source
from pipeline.runs.create import Selection, create_run
from pipeline.sources.companies.sync import sync_companies
from pipeline.sources.live.outbound import Reach
from pipeline.sources.websites.policy import Policy
from tests.fakes.farm import Farm

POLICY = Policy(user_agent="Leitmotif/test", delay=0.0, whole=2.0, reach=Reach(internal=True), max_bytes=1 << 20)


def watch(farm: Farm) -> Source:
    """Bring in the companies of a farm; return the source of their pages."""
    sync_companies(farm.listed())
    return Source.objects.get(kind=Source.WEBSITES)


def begin(source: Source, extractor: str = "local", **chosen: Any) -> Run:
    """Return a run over pages that is planned and not begun."""
    return create_run(source=source, profile="company", extractor=extractor, selection=Selection(**chosen))


def visit(run: Run, policy: Policy = POLICY) -> Run:
    """Fetch and read all that is left of a run and take it to its end."""
    for chunk in unfinished_chunks(run):
        read_pages(run_id=run.pk, epoch=run.epoch, chunk=chunk, delivery=f"delivery-{chunk}", policy=policy)
    return advance(run_id=run.pk)


def patient(seconds: float) -> Policy:
    """Return the policy of tests with so many seconds a page."""
    return replace(POLICY, whole=seconds)


def page_of(company: str, number: int = 0) -> CompanyUrl:
    """Return a page of a company, by its place."""
    return CompanyUrl.objects.filter(company__external_id=company).order_by("pk")[number]

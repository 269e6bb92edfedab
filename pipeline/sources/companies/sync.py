"""Bring the companies that are watched in line with a list: idempotent, in one transaction, and told in counts.

What the list says of a company replaces what we knew; companies that it does not name stay as they are. An address that
it no longer names is kept with all that was seen there, and is not asked for any more.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from pipeline.models import Company, CompanyUrl, Conversation, Source
from pipeline.models.wording import counted
from pipeline.sources.companies.lists import Listed
from pipeline.sources.companies.urls import host_of

NAME = "companies"
"""Of the one source of all pages: `websites:companies`."""

BATCH = 2000


@dataclass(frozen=True, slots=True)
class SyncCounts:
    """What a sync did. The first five count companies and exclude each other; those without URLs count there alone."""

    companies: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    without_urls: int = 0
    urls_created: int = 0
    urls_removed: int = 0

    def __str__(self) -> str:
        """Return the sentence that people know from the first tool of this kind."""
        removed = f", {self.urls_removed} removed" if self.urls_removed else ""
        return (
            f"{counted(self.companies, 'company', 'companies')}: {self.created} created, {self.updated} updated, "
            f"{self.unchanged} unchanged, {self.without_urls} without URLs; "
            f"{counted(self.urls_created, 'URL')} created{removed}"
        )


def sync_companies(listed: Sequence[Listed]) -> SyncCounts:
    """Bring companies and pages in line with the list; opens a transaction. Two syncs at once wait for each other."""
    # of two lines for one company the last counts
    listed = list({each.external_id: each for each in listed}.values())
    with transaction.atomic():
        with connection.cursor() as cursor:
            # what two syncs would both add is no row yet that could be locked
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('leitmotif.companies'))")
        source, _ = Source.objects.get_or_create(kind=Source.WEBSITES, name=NAME)
        now = timezone.now()
        known = _known(listed)
        created = [_created(each, now) for each in listed if each.external_id not in known]
        changed = {pk for each in listed if (pk := _renewed(known.get(each.external_id), each, now))}
        Company.objects.bulk_create(created, batch_size=BATCH)
        renewed = [company for company in known.values() if company.pk in changed]
        Company.objects.bulk_update(renewed, ["name", "metadata", "updated_at"], batch_size=BATCH)
        companies = known | {company.external_id: company for company in created}
        added, removed = _sync_urls(source, listed, companies, now)
        _name_customers(companies.values())
    fresh = {company.pk for company in created}
    touched = changed | added.keys() | removed.keys()
    kinds = Counter(_kind(each, companies[each.external_id].pk, fresh, touched) for each in listed)
    return SyncCounts(len(listed), **kinds, urls_created=added.total(), urls_removed=removed.total())


def _kind(each: Listed, pk: int, fresh: set[int], touched: set[int]) -> str:
    if not each.urls:
        return "without_urls"
    return "created" if pk in fresh else "updated" if pk in touched else "unchanged"


def _known(listed: Iterable[Listed]) -> dict[str, Company]:
    ids = [each.external_id for each in listed]
    return {company.external_id: company for company in Company.objects.filter(external_id__in=ids)}


def _created(each: Listed, now: datetime) -> Company:
    return Company(
        external_id=each.external_id, name=each.name, metadata=dict(each.metadata), created_at=now, updated_at=now
    )


def _renewed(company: Company | None, each: Listed, now: datetime) -> int | None:
    """Let the company say what the list says; return its key if that is another than before."""
    if company is None or (company.name, company.metadata) == (each.name, dict(each.metadata)):
        return None
    company.name, company.metadata, company.updated_at = each.name, dict(each.metadata), now
    return company.pk


# --- Pages --------------------------------------------------------------------------------------------------------


def _sync_urls(
    source: Source, listed: Sequence[Listed], companies: dict[str, Company], now: datetime
) -> tuple[Counter[int], Counter[int]]:
    """Add the pages that are new, and mark those that are gone; return how many of each, by company."""
    by_company: dict[int, dict[str, CompanyUrl]] = {}
    for page in CompanyUrl.objects.filter(company__in=[company.pk for company in companies.values()]):
        by_company.setdefault(page.company_id, {})[page.url] = page
    added: Counter[int] = Counter()
    removed: Counter[int] = Counter()
    new: list[CompanyUrl] = []
    back: list[int] = []
    gone: list[int] = []
    for each in listed:
        company = companies[each.external_id]
        pages = by_company.get(company.pk, {})
        fresh = [_page(source, company, url, now) for url in each.urls if url not in pages]
        returned = [pages[url].pk for url in each.urls if url in pages and pages[url].removed_at]
        missing = [page.pk for url, page in pages.items() if url not in each.urls and page.removed_at is None]
        new, back, gone = new + fresh, back + returned, gone + missing
        if count := len(fresh) + len(returned):
            added[company.pk] = count
        if missing:
            removed[company.pk] = len(missing)
    Conversation.objects.bulk_create([page.conversation for page in new], batch_size=BATCH)
    for page in new:
        page.conversation_id = page.conversation.pk
    CompanyUrl.objects.bulk_create(new, batch_size=BATCH)
    CompanyUrl.objects.filter(pk__in=back).update(removed_at=None)
    CompanyUrl.objects.filter(pk__in=gone).update(removed_at=now)
    return added, removed


def _page(source: Source, company: Company, url: str, now: datetime) -> CompanyUrl:
    conversation = Conversation(
        source=source,
        external_id=page_id(company.external_id, url),
        customer=company.name,
        occurred_at=now,
        occurred_at_is_import_time=True,
        url=url,
    )
    return CompanyUrl(company=company, url=url, host=host_of(url), conversation=conversation, created_at=now)


def page_id(company: str, url: str) -> str:
    """Return the id of a page in the source: company and address, the end of one that is too long as its hash."""
    whole = f"{company} {url}"
    return whole if len(whole) <= 200 else f"{whole[:183]}#{sha256(url.encode()).hexdigest()[:16]}"


def _name_customers(companies: Iterable[Company]) -> None:
    """Let the pages' customer be the company's name, with its id where two companies have one name.

    Stories count customers: pages of one company are one voice, and two companies of one name are two.
    """
    names = {company.pk: company.name for company in companies}
    taken = Counter(name.casefold() for name in Company.objects.values_list("name", flat=True))
    for pk, external_id, name in _doubled(taken):
        names[pk] = f"{name[:95]} ({external_id})"
    stale = CompanyUrl.objects.filter(company__in=names).exclude(conversation__customer="")
    wrong = [
        Conversation(pk=conversation, customer=names[company])
        for company, conversation, customer in stale.values_list(
            "company_id", "conversation_id", "conversation__customer"
        )
        if customer != names[company]
    ]
    Conversation.objects.bulk_update(wrong, ["customer"], batch_size=BATCH)


def _doubled(taken: Counter[str]) -> Iterator[tuple[int, str, str]]:
    doubled = {name for name, count in taken.items() if count > 1}
    if not doubled:
        return
    for pk, external_id, name in Company.objects.filter(~Q(name="")).values_list("pk", "external_id", "name"):
        if name.casefold() in doubled:
            yield pk, external_id, name

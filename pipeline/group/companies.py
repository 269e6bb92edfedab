"""Conclude of each company how it fares, from what its pages told and from what came of asking for them.

What counts of a page is its newest reading, as for stories, and only while it is young: for a page that cannot be seen
just now its last good snapshot stands in; one that could not be seen for long says nothing. The first rule that fits:

- no pages: no_urls
- any negative signal: requires_review, whatever else there is
- every page gone (dead, not found, parked): likely_closed
- at least one page could be read, and none says anything negative: operational; of a page in a language that the local
  reader does not know only what it finds counts, not that it finds nothing
- else there is no evidence: the status stays what it was
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import prod

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef, Q
from django.utils import timezone

from pipeline.extract.base import asks, get_extractor
from pipeline.extract.profiles.company import NEGATIVE, POSITIVE
from pipeline.extract.profiles.company_reading import can_read
from pipeline.ledger.current import current_themes
from pipeline.ledger.pages import stand_in_since
from pipeline.models import Company, CompanyUrl, Item, Run, StatusChange, Theme
from pipeline.models.company import GONE, READ, PageOutcome
from pipeline.models.wording import counted, words
from pipeline.sources.understanding.language import counted_languages

BATCH = 200

LEAST_SURE_GONE, MOST_SURE_GONE = 60, 95
"""Of 100: that a company whose one page is gone has closed, and whose many pages are."""


@dataclass(frozen=True, slots=True)
class Signal:
    """One signal on one page of a company. `confidence` is the reader's, 0 to 1."""

    signal: str
    confidence: float
    url: str
    quote: str
    is_stand_in: bool


@dataclass(frozen=True, slots=True)
class State:
    """What is known of a company's pages: how many came to which outcome, how many of them count as read, what they
    tell. A page that is stood for by an earlier snapshot counts as read; one in a language that its reader does not
    know counts as `foreign` instead, by its language.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    read: int = 0
    stand_ins: int = 0
    foreign: Counter[str] = field(default_factory=Counter)
    told: tuple[Signal, ...] = ()

    @property
    def pages(self) -> int:
        return self.outcomes.total()


@dataclass(frozen=True, slots=True)
class Conclusion:
    """A status with its confidence, of 100, and why. `status` is empty where there is no evidence for any."""

    status: str
    confidence: int
    explanation: str


def conclude(state: State) -> Conclusion:
    """Return what the pages of a company let us conclude; pure."""
    if not state.pages:
        return Conclusion(Company.Status.NO_URLS, 100, "It has no pages to check.")
    negative = [told for told in state.told if told.signal in NEGATIVE]
    if negative:
        return _to_review(state, negative)
    gone = sum(state.outcomes[outcome] for outcome in GONE)
    if gone == state.pages:
        # 60 for one page, 78 for two, 83 for three: one dead page may have moved
        sure = MOST_SURE_GONE - (MOST_SURE_GONE - LEAST_SURE_GONE) / gone
        return Conclusion(
            Company.Status.LIKELY_CLOSED, round(sure), f"None of its pages exists any more: {_outcomes(state)}."
        )
    if state.read:
        # from half sure to 95: silence is weak evidence, and the less the fewer pages were seen
        sure = 50 + 45 * state.read / state.pages
        good = _told_in_words([told for told in state.told if told.signal in POSITIVE])
        news = f" {good}" if good else ""
        explanation = f"{_read(state)}, and nothing on them calls for a review.{_foreign(state)}{news}"
        return Conclusion(Company.Status.OPERATIONAL, round(sure), explanation)
    if state.foreign:
        # said, and not kept quiet as "no evidence": somebody has to read these pages, or a language model
        return Conclusion(Company.Status.UNKNOWN, 0, f"None of its pages could be judged.{_foreign(state)}")
    return Conclusion("", 0, f"None of its pages could be read: {_outcomes(state)}.")


def _to_review(state: State, negative: Sequence[Signal]) -> Conclusion:
    surest: dict[str, float] = {}
    for told in negative:
        surest[told.signal] = max(told.confidence, surest.get(told.signal, 0.0))
    # Signals are taken for independent witnesses: it is wrong only if all are. Of one signal the surest page counts,
    # for pages of one company repeat each other.
    sure = 1 - prod(1 - confidence for confidence in surest.values())
    positive = [told for told in state.told if told.signal in POSITIVE]
    mixed = " The evidence is mixed." if positive else ""
    gone = sum(state.outcomes[outcome] for outcome in GONE)
    dead = f" {counted(gone, 'page is', 'pages are')} gone." if gone else ""
    explanation = f"{_told_in_words([*negative, *positive])}{mixed}{dead}"
    return Conclusion(Company.Status.REQUIRES_REVIEW, min(99, round(100 * sure)), explanation)


def _told_in_words(told: Sequence[Signal]) -> str:
    """Return a sentence a signal: on how many pages, and the surest quote."""
    by_signal: dict[str, list[Signal]] = {}
    for one in told:
        by_signal.setdefault(one.signal, []).append(one)
    said = []
    for signal, all_of in sorted(by_signal.items(), key=lambda each: -max(one.confidence for one in each[1])):
        surest = max(all_of, key=lambda one: (one.confidence, one.url))
        pages = counted(len({one.url for one in all_of}), "page")
        earlier = ", from when it was last seen" if all(one.is_stand_in for one in all_of) else ""
        said.append(f"{words(signal).capitalize()} on {pages}{earlier}: “{surest.quote}” ({surest.url}).")
    return " ".join(said)


def _read(state: State) -> str:
    stand_ins = f" ({state.stand_ins} from when they were last seen)" if state.stand_ins else ""
    return f"{state.read} of {counted(state.pages, 'page')} could be read{stand_ins}"


def _foreign(state: State) -> str:
    """Return which pages are in languages that nobody read; empty if there are none."""
    if not (count := state.foreign.total()):
        return ""
    pages, languages = counted(count, "page is", "pages are"), counted_languages(state.foreign.most_common())
    return f" {pages} in a language the local reader does not know ({languages}); read with `--extractor llm`."


def _outcomes(state: State) -> str:
    return ", ".join(
        (f"{count} {words(outcome) or 'not fetched yet'}") for outcome, count in state.outcomes.most_common()
    )


# --- Reading and writing ------------------------------------------------------------------------------------------


def conclude_companies(*, run: Run) -> int:
    """Conclude of each company that the run visited, and of those without pages; return how many changed status.

    Opens a short transaction for each batch; may run twice. What a person set stays what counts.
    """
    visited = Company.objects.filter(Exists(Item.objects.filter(run=run, conversation__page__company=OuterRef("pk"))))
    watched = CompanyUrl.objects.filter(company=OuterRef("pk"), removed_at__isnull=True)
    ids = sorted(
        {*visited.values_list("pk", flat=True), *Company.objects.filter(~Exists(watched)).values_list("pk", flat=True)}
    )
    changed = 0
    for start in range(0, len(ids), BATCH):
        batch = ids[start : start + BATCH]
        states = states_of(batch, profile=run.profile, run=run)
        with transaction.atomic():
            if not _is_still_mine(run):
                return changed
            for company in Company.objects.filter(pk__in=batch).order_by("pk").select_for_update(no_key=True):
                changed += _apply(company, conclude(states[company.pk]), run)
    return changed


def _is_still_mine(run: Run) -> bool:
    mine = Run.objects.filter(pk=run.pk, epoch=run.epoch, phase=run.phase, state=Run.State.RUNNING)
    return bool(mine.select_for_update(no_key=True).values_list("pk"))


def states_of(companies: Sequence[int], *, profile: str, run: Run | None = None) -> dict[int, State]:
    """Return what is known of the pages of each company."""
    young = stand_in_since()
    outcomes: dict[int, Counter[str]] = {pk: Counter() for pk in companies}
    read, stand_ins = Counter[int](), Counter[int]()
    foreign: dict[int, Counter[str]] = {pk: Counter() for pk in companies}
    seen: dict[int, tuple[int, str, bool]] = {}
    pages = CompanyUrl.objects.filter(company__in=companies, removed_at__isnull=True)
    columns = ("company_id", "conversation_id", "url", "outcome", "good_at")
    for company, conversation, url, outcome, good_at in pages.values_list(*columns):
        outcomes[company][outcome] += 1
        is_now = outcome in READ
        # a page that is gone says nothing any more; one that only cannot be seen just now is stood for
        if good_at and good_at >= young and outcome not in GONE:
            seen[conversation] = (company, url, not is_now)
    languages = _unknown_languages(list(seen), profile)
    for conversation, (company, _, is_stand_in) in seen.items():
        if conversation in languages:
            foreign[company][languages[conversation]] += 1
        else:
            read[company] += 1
            stand_ins[company] += is_stand_in
    told: dict[int, list[Signal]] = {pk: [] for pk in companies}
    for theme in _themes(list(seen), profile, run):
        company, url, is_stand_in = seen[theme.conversation_id]
        quote = next((evidence.quote for evidence in theme.evidence.all()), "")
        told[company].append(Signal(theme.category, theme.confidence, url, quote, is_stand_in))
    return {pk: State(outcomes[pk], read[pk], stand_ins[pk], foreign[pk], tuple(told[pk])) for pk in companies}


def _unknown_languages(conversations: Sequence[int], profile: str) -> dict[int, str]:
    """Return of pages that the local reader read last, and whose language it does not know, that language."""
    items = Item.objects.filter(
        conversation__in=conversations, run__profile=profile, state__in=(Item.State.EXTRACTED, Item.State.FILTERED)
    )
    newest = items.order_by("conversation_id", "-id").distinct("conversation_id")
    rows = list(newest.values_list("conversation_id", "language", "run__extractor"))
    # a language model reads any language; of a reader that is registered no more nobody knows what it could
    readers = {reader for *_, reader in rows} & settings.EXTRACTORS.keys()
    local = {reader for reader in readers if not asks(get_extractor(reader))}
    return {page: language for page, language, reader in rows if reader in local and not can_read(language)}


def _themes(conversations: Sequence[int], profile: str, run: Run | None) -> Iterator[Theme]:
    """Yield the current signals of pages that have a verified quote, with it."""
    themes = current_themes(profile, run).filter(conversation__in=conversations, evidence__isnull=False).distinct()
    yield from themes.defer("vector").prefetch_related("evidence").order_by("id")


def _apply(company: Company, found: Conclusion, run: Run) -> bool:
    """Give a company its conclusion and note a change of its status; say whether there was one."""
    # no evidence changes nothing, not even the time: the last conclusion stands as it was made
    if not found.status:
        return False
    # pages that nobody could judge are no reason to take a company off the list of those to look at
    if found.status == Company.Status.UNKNOWN and company.status in Company.FLAGGED:
        return False
    now, before = timezone.now(), company.status
    counted_before = company.standing_status
    company.status, company.confidence, company.explanation = found.status, found.confidence, found.explanation
    company.concluded_at, company.concluded_run = now, run
    company.save(update_fields=["status", "confidence", "explanation", "concluded_at", "concluded_run"])
    if before == found.status:
        return False
    StatusChange.objects.create(
        company=company,
        kind=StatusChange.Kind.CONCLUDED,
        before=counted_before,
        after=company.standing_status,
        concluded=found.status,
        confidence=found.confidence,
        reason=found.explanation,
        run=run,
        created_at=now,
    )
    return True


# --- How a run over pages ended -----------------------------------------------------------------------------------

ALIKE_FROM = 20
"""From this many pages on, one same outcome of all that is no page is a sign of a fault, not a result."""


def failed_companies(run: Run) -> int:
    """Return of how many companies every page that the run asked for failed."""
    by_company = (
        run.items.order_by()
        .values("conversation__page__company")
        .annotate(all=Count("pk"), failed=Count("pk", filter=Q(state=Item.State.FAILED)))
    )
    return by_company.filter(all=F("failed")).count()


def doubt_of_pages(run: Run) -> str:
    """Return why a person should look at how a run over pages ended; empty if nothing is odd."""
    items = run.items.exclude(state=Item.State.SKIPPED)
    count = items.count()
    reasons = set(items.exclude(state=Item.State.EXTRACTED).values_list("error_class", flat=True))
    are_alike = len(reasons) == 1 and not items.filter(state=Item.State.EXTRACTED).exists()
    if count >= ALIKE_FROM and are_alike and (reason := reasons.pop()):
        outcome = PageOutcome(reason).label if reason in PageOutcome.values else reason
        return (
            f"all {counted(count, 'page')} had the same outcome: {outcome}. Is this machine online, and is a "
            "firewall or proxy in the way?"
        )
    ours = items.filter(state=Item.State.FAILED).exclude(stage=Item.Stage.FETCH)
    if broken := ours.count():
        first = ours.order_by("id").values_list("reason", flat=True)[0]
        return (
            f"{counted(broken, 'page')} of {count} were fetched but could not be stored or read, for example: {first}"
        )
    return ""

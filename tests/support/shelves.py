"""Companies and books as rows, for the pages that show them: no server is asked and no reader reads."""

from datetime import timedelta
from typing import Any

from pipeline.models import (
    Company,
    CompanyUrl,
    Conversation,
    Fetch,
    Item,
    Run,
    Signature,
    Snapshot,
    StatusChange,
    Theme,
)
from tests.support.factories import (
    NOON,
    ConversationFactory,
    ConversationVersionFactory,
    EvidenceFactory,
    ItemFactory,
    RunFactory,
    SignatureFactory,
    SourceFactory,
    ThemeFactory,
)

OPEN = "We build small boats by hand.\nVisit the yard on weekdays."
CLOSING = "We are closing our doors for good at the end of June."


def watched_company(
    name: str = "Harbour Boats", before: str = OPEN, after: str = f"{OPEN}\n{CLOSING}", said: str = CLOSING, **more: Any
) -> Company:
    """Store a company with one page that was seen twice, the second time with other words, of which `said` is a
    signal; another page that is gone; and the change of its status. Return it.
    """
    number, title = Company.objects.count(), more.pop("title", "News")
    company: Company = Company.objects.create(
        external_id=f"c{number:03}", name=name, status=Company.Status.REQUIRES_REVIEW, confidence=88,
        explanation=f"Closure on 1 page: “{said}” (https://boats-{number}.example/news).",
        concluded_at=NOON, created_at=NOON, updated_at=NOON,
        metadata=more.pop("metadata", {"sector": "boats"}), **more,
    )  # fmt: skip
    source = SourceFactory(kind="websites", name="companies")
    page = _page(company, source, f"https://boats-{number}.example/news", before)
    first = _snapshot(page, page.conversation.current_version, title, NOON - timedelta(days=9))
    version = ConversationVersionFactory(
        conversation=page.conversation, messages=[{"role": "page", "author": "", "text": after, "created_at": ""}]
    )
    Conversation.objects.filter(pk=page.conversation_id).update(current_version=version)
    second = _snapshot(page, version, title, NOON)
    for run, snapshot, previous in (
        (_run(source, NOON - timedelta(days=9)), first, None), (_run(source, NOON), second, first),
    ):  # fmt: skip
        item = ItemFactory(run=run, conversation=page.conversation, version=snapshot.version, state="extracted")
        _fetch(item, page, snapshot, previous)
    CompanyUrl.objects.filter(pk=page.pk).update(outcome="ok", checked_at=NOON, good_at=NOON, snapshot=second)
    theme = ThemeFactory(
        run=run, item=item, conversation=page.conversation, profile="company", raw_signature="closure",
        signature=_signature("closure", "company"), category="closure", summary=said, quote=None,
    )  # fmt: skip
    EvidenceFactory(theme=theme, version=version, quote=said)
    gone = _page(company, source, f"https://boats-{number}.example/old", "Old.")
    CompanyUrl.objects.filter(pk=gone.pk).update(outcome="dead", checked_at=NOON, detail="HTTP 404")
    StatusChange.objects.create(
        company=company, kind="concluded", before="unknown", after="requires_review", concluded="requires_review",
        confidence=88, reason=f"Closure: {said}", run=run, created_at=NOON,
    )  # fmt: skip
    return company


def _page(company: Company, source: Any, url: str, text: str) -> CompanyUrl:
    messages = [{"role": "page", "author": "", "text": text, "created_at": ""}]
    conversation = ConversationFactory(source=source, external_id=url, customer="", messages=messages)
    made: CompanyUrl = CompanyUrl.objects.create(
        company=company, url=url, host="boats.example", conversation=conversation, created_at=NOON
    )
    return made


def _snapshot(page: CompanyUrl, version: Any, title: str, at: Any) -> Snapshot:
    made: Snapshot = Snapshot.objects.create(
        company_url=page, content_hash=version.content_hash, version=version, title=title, first_seen_at=at
    )
    return made


def _run(source: Any, at: Any) -> Run:
    made: Run = RunFactory(source=source, profile="company", started_at=at)
    return made


def _fetch(item: Item, page: CompanyUrl, snapshot: Snapshot, previous: Snapshot | None) -> Fetch:
    made: Fetch = Fetch.objects.create(
        item=item, company_url=page, attempt=1, outcome="ok", http_status=200, byte_count=1200, seconds=0.2,
        snapshot=snapshot, previous=previous, added_count=1 if previous else 0,
        magnitude="major" if previous else "", fetched_at=snapshot.first_seen_at,
    )  # fmt: skip
    return made


def _signature(key: str, profile: str) -> Signature:
    known = Signature.objects.filter(profile=profile, key=key).first()
    return known or SignatureFactory(key=key, profile=profile)


# --- Books --------------------------------------------------------------------------------------------------------

RIVER = {
    "en": ["In that year it rained.", "The water came like a grey animal.", "The hills held their breath."],
    "de": ["In jenem Jahr regnete es.", "Das Wasser kam wie ein graues Tier.", "Die Hügel hielten den Atem an."],
}


def chapter_of_a_book(number: int = 1, book: str = "River", texts: dict[str, list[str]] = RIVER) -> Conversation:
    """Store a chapter in two languages, of which verse 2 was found to be a simile and verse 3 a personification."""
    source = SourceFactory(kind="books", name="river")
    languages = list(texts)
    messages = [
        {"role": "verse", "author": f"{number}:{verse}", "text": texts[language][verse - 1], "created_at": "",
         "unit": f"{number}:{verse}", "language": language}
        for verse in range(1, len(texts[languages[0]]) + 1) for language in languages
    ]  # fmt: skip
    conversation: Conversation = ConversationFactory(
        source=source, external_id=f"{book}:{number}"[:200], customer="", messages=messages,
        metadata={"book": book, "chapter": number, "verses": len(messages) // len(languages), "languages": languages},
    )  # fmt: skip
    run = RunFactory(source=source, profile="figurative")
    item = ItemFactory(run=run, conversation=conversation, state="extracted")
    said = texts[languages[0]]
    for verse, kind, target, vehicle in (
        (2, "simile", "the water", "a grey animal"), (3, "personification", "the hills", "people who wait"),
    ):  # fmt: skip
        figure(item, said[verse - 1], f"{number}:{verse}", kind, target, vehicle)
    return conversation


def figure(item: Item, quote: str, unit: str, kind: str, target: str, vehicle: str, **details: Any) -> Theme:
    """Store a figure of speech that the item's reading found."""
    theme: Theme = ThemeFactory(
        run=item.run, item=item, conversation=item.conversation, profile="figurative", quote=None,
        raw_signature=f"{kind} {vehicle}"[:200], category="figurative", summary=f"{target} is spoken of as {vehicle}",
        signature=_signature(f"{kind}_{vehicle}".replace(" ", "_")[:200], "figurative"),
    )  # fmt: skip
    EvidenceFactory(
        theme=theme,
        quote=quote,
        details={"kinds": [kind], "unit": unit, "target": target, "vehicle": vehicle, "ground": "both move slowly",
                 "speaker": "", "explanation": f"{target} moves as {vehicle} does.", "verdict": "stands",
                 "reason": "It says what it was like.", **details},
    )  # fmt: skip
    return theme

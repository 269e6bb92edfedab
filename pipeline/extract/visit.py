"""Visit the pages of a chunk: claim, ask, write down what came of it, read what is new.

The fetcher asks in its own thread. This thread has the database: each page's outcome is a short transaction of its own
on the task's own connection, and nothing is open while anybody waits. So an error of one page, even one that PostgreSQL
raises, ends with that page. What was fetched is stored before it is read, and is not asked for again.
"""

import logging
from contextlib import ExitStack
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from psycopg.types.json import Jsonb

from pipeline.extract.base import Extractor, asks, get_extractor
from pipeline.extract.chunk import asking_now_and_then, finish_piece, read_chunk
from pipeline.extract.profiles import Profile, get_profile
from pipeline.extract.reading import MAX_DELIVERIES, Outcome, failed_outcome
from pipeline.extract.store import store
from pipeline.extract.versions import reader_of, refuse_other_reader
from pipeline.ledger.claims import Claimed, Superseded, new_token, release_items, renew_items
from pipeline.ledger.counts import find_run
from pipeline.ledger.errors import INFRASTRUCTURE_ERRORS, REFUSED
from pipeline.ledger.heartbeat import beating
from pipeline.ledger.pages import ClaimedPage, claim_pages, share, stand_in_since
from pipeline.ledger.transcript import CUSTOMER, Message, Question, Transcript
from pipeline.models import Item, PageOutcome, Run
from pipeline.models.company import READ
from pipeline.sources.websites.changes import Change, change_between
from pipeline.sources.websites.fetching import Answered, Asked, Fetcher
from pipeline.sources.websites.policy import Policy, policy_of_settings
from pipeline.sources.websites.text import Page, read_page

log = logging.getLogger(__name__)

READ_TOGETHER = 16
"""Pages that are read and stored together: a transaction for each would cost more than the reading."""

PATIENCE = 0.25
"""Seconds without an answer after which pages that came are read meanwhile, and more are claimed."""


def read_pages(*, run_id: int, epoch: int, chunk: int, delivery: str, policy: Policy | None = None) -> int:
    """Visit what is unfinished in a chunk and return how many items this delivery finished.

    As `chunk.read_chunk`, with the same promises, and the same errors.
    """
    run = find_run(run_id)
    refuse_other_reader(run)
    token = new_token(delivery)
    profile, extractor = get_profile(run.profile), get_extractor(run.extractor)
    visit = Visit(run, epoch, chunk, token, profile, extractor, hands_over=asks(extractor))
    with beating(lambda: renew_items(run=run, token=token)), Fetcher(policy or policy_of_settings()) as fetcher:
        try:
            visit.go(fetcher)
        except Superseded:
            log.info("run %s: chunk %s was taken over", run.pk, chunk)
            return visit.finished
    if visit.hands_over:  # a language model reads what was fetched, as it reads conversations
        return visit.finished + read_chunk(run_id=run_id, epoch=epoch, chunk=chunk, delivery=delivery)
    return visit.finished


@dataclass(slots=True)
class Visit:
    """One delivery's way through the pages of a chunk. `under_way` has the pages in flight by the number of their item,
    `unread` those that were fetched and stored.
    """

    run: Run
    epoch: int
    chunk: int
    token: str
    profile: Profile
    extractor: Extractor
    hands_over: bool = False
    """Whether somebody else reads the pages: then they are only fetched, and wait with their text."""
    finished: int = 0
    under_way: dict[int, ClaimedPage] = field(default_factory=dict)
    unread: list[Claimed] = field(default_factory=list)

    def go(self, fetcher: Fetcher) -> None:
        """Visit until nothing is left to claim and all that was claimed is written. Raises AtLimit and Superseded."""
        width = share(self.run.parameters.get("concurrency") or 1)
        may_be_more = True
        while True:
            # Claimed in halves: enough stays in flight while the database is asked, and it is not asked for every
            # single page.
            if not self.under_way:
                # before claiming, which may say that there is no place: what was fetched must not wait for one
                self._read()
            if len(self.under_way) <= width // 2 and (may_be_more or not self.under_way):
                may_be_more = self._claim(fetcher)
            if not self.under_way:
                if not self.unread and not may_be_more:
                    return  # holding none, there was none to claim
                self._read()
                continue
            answered = fetcher.answer(PATIENCE)
            if answered:
                self._write(self.under_way.pop(answered.key), answered)
            if answered is None or len(self.unread) >= READ_TOGETHER:
                self._read()
                # time has passed: places may be free, and pages of dead workers may have lapsed
                may_be_more = True

    def _claim(self, fetcher: Fetcher) -> bool:
        """Claim pages and begin to fetch them; say whether there were any."""
        pages = claim_pages(
            run=self.run, epoch=self.epoch, chunk=self.chunk, token=self.token, held=len(self.under_way),
            fetched=not self.hands_over,
        )  # fmt: skip
        for page in pages:
            # in this order: what ended three workers is not asked for again, what was stored is not fetched again
            if page.delivery_count > MAX_DELIVERIES:
                self._give_up(page)
            elif page.version_id is not None:
                self.unread.append(self._claimed(page, page.version_id, _text_of(page.version_id)))
            else:
                self.under_way[page.item_id] = page
                fetcher.ask(Asked(page.item_id, page.url, *self._validators(page)))
        return bool(pages)

    def _validators(self, page: ClaimedPage) -> tuple[str, str]:
        """Return what to ask with whether the page changed; nothing where it has to be seen anyway."""
        asks = page.seen_id is not None and not self.run.parameters.get("force_refresh")
        return (page.etag, page.last_modified) if asks else ("", "")

    def _read(self) -> None:
        """Read what was fetched, and finish those items."""
        if self.unread:
            unread, self.unread = self.unread, []
            wanted = asking_now_and_then(self.run)
            self.finished += finish_piece(self.run, unread, self.token, self.profile, self.extractor, wanted)

    def _give_up(self, page: ClaimedPage) -> None:
        error = RuntimeError(f"{page.url} was started {page.delivery_count - 1} times and its worker died each time")
        self._finish(page, failed_outcome(Item.Stage.FETCH, error))

    def _finish(self, page: ClaimedPage, outcome: Outcome) -> None:
        claimed = self._claimed(page, page.version_id or 0, "")
        self.finished += store(
            run=self.run, token=self.token, finished=[(claimed, outcome)], model=self.extractor.model
        )

    # --- Writing ----------------------------------------------------------------------------------------------

    def _write(self, page: ClaimedPage, answered: Answered) -> None:
        """Write down what came of a page. A row that is refused fails its page, and no other."""
        seen = self._seen(page, answered)
        try:
            version_id = store_visit(run=self.run, token=self.token, page=page, seen=seen)
        except INFRASTRUCTURE_ERRORS:
            raise
        except REFUSED as error:
            self._finish(page, failed_outcome(Item.Stage.STORE, error))
            return
        if version_id is None:
            self.finished += 1
            return
        if self.hands_over:
            release_items(run=self.run, token=self.token, items=[page.item_id])
            return
        text = seen.text if seen.outcome == PageOutcome.OK else _text_of(version_id)
        self.unread.append(self._claimed(page, version_id, text))

    def _seen(self, page: ClaimedPage, answered: Answered) -> "Seen":
        """Return what an answer shows: a body is taken apart here, between two waits for the network."""
        if answered.outcome != PageOutcome.OK:
            found = Page(answered.outcome, answered.detail)
        else:
            found = read_page(answered.body, answered.content_type, answered.final_url or page.url)
        content_hash = sha256(found.text.encode()).hexdigest() if found.outcome == PageOutcome.OK else ""
        outcome, detail = found.outcome, found.detail or answered.detail
        if content_hash and content_hash == page.seen_hash:
            outcome, detail = PageOutcome.UNCHANGED, "the same text"
        change = None
        if outcome == PageOutcome.OK and page.seen_version_id is not None:
            change = change_between(_text_of(page.seen_version_id), found.text)
        skips = outcome == PageOutcome.UNCHANGED and page.is_read and not self.run.parameters.get("force_refresh")
        return Seen(answered, outcome, detail, found.text, found.title, content_hash, change, skips)

    def _claimed(self, page: ClaimedPage, version_id: int, text: str) -> Claimed:
        content_hash = sha256(text.encode()).hexdigest()
        return Claimed(
            run_id=page.run_id,
            item_id=page.item_id,
            conversation_id=page.conversation_id,
            version_id=version_id,
            delivery_count=page.delivery_count,
            request_hash=sha256(f"{content_hash} {reader_of(self.run.versions)}".encode()).hexdigest(),
            question=Question(page.item_id, page_transcript(page, text)),
        )


def page_transcript(page: ClaimedPage, text: str) -> Transcript:
    """Return a page as a reader sees it: one message of its company, whose name is the author's, read as it stands."""
    return Transcript(f"page {page.url}", (Message(CUSTOMER, text, author=page.company, created_at=timezone.now()),))


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of a page, ready to be written. `text` is empty unless the outcome is ok; `change` is to what was seen
    before; `is_done` where nothing is left to read though it was seen.
    """

    answered: Answered
    outcome: str
    detail: str = ""
    text: str = ""
    title: str = ""
    content_hash: str = ""
    change: Change | None = None
    is_done: bool = False


def _text_of(version_id: int) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT messages -> 0 ->> 'text' FROM pipeline_conversationversion WHERE id = %s", [version_id])
        return str(cursor.fetchone()[0])


# A text that was there before is the row it was (ON CONFLICT): a page that goes back to last week's text makes no new
# version, and its evidence stays where it is.
_VERSION = """
INSERT INTO pipeline_conversationversion (conversation_id, content_hash, messages, stored_at)
VALUES (%(conversation)s, %(hash)s, %(messages)s, %(now)s)
ON CONFLICT (conversation_id, content_hash) DO NOTHING RETURNING id
"""

_SNAPSHOT = """
INSERT INTO pipeline_snapshot (company_url_id, content_hash, version_id, title, first_seen_at)
VALUES (%(page)s, %(hash)s, %(version)s, %(title)s, %(now)s)
ON CONFLICT (company_url_id, content_hash) DO NOTHING RETURNING id, version_id
"""

_KNOWN = "SELECT id, version_id FROM pipeline_snapshot WHERE company_url_id = %(page)s AND content_hash = %(hash)s"

# One statement, so that most pages cost one round trip. It writes nothing unless the item is this delivery's.
_WRITE = """
WITH mine AS (
    SELECT item.id FROM pipeline_item item JOIN pipeline_run run ON run.id = item.run_id
    WHERE item.id = %(item)s AND item.claim = %(token)s AND item.state = 'reading'
      AND run.epoch = item.epoch AND run.state IN ('running', 'stopping') FOR NO KEY UPDATE OF item
), stood AS (
    UPDATE pipeline_companyurl SET outcome = %(outcome)s, detail = %(detail)s, checked_at = %(now)s,
        good_at = CASE WHEN %(is_seen)s THEN %(now)s ELSE good_at END,
        snapshot_id = CASE WHEN %(is_seen)s THEN %(snapshot)s ELSE snapshot_id END,
        etag = CASE WHEN %(is_seen)s THEN %(etag)s ELSE etag END,
        last_modified = CASE WHEN %(is_seen)s THEN %(last_modified)s ELSE last_modified END
    FROM mine WHERE pipeline_companyurl.id = %(page)s
), current AS (
    UPDATE pipeline_conversation SET current_version_id = %(version)s FROM mine
    WHERE pipeline_conversation.id = %(conversation)s AND %(is_seen)s
      AND current_version_id IS DISTINCT FROM %(version)s
), noted AS (
    INSERT INTO pipeline_fetch (item_id, company_url_id, attempt, outcome, detail, http_status, final_url, byte_count,
                                seconds, snapshot_id, is_stand_in, previous_id, added_count, removed_count,
                                moved_count, magnitude, fetched_at)
    SELECT %(item)s, %(page)s, (SELECT coalesce(max(attempt), 0) + 1 FROM pipeline_fetch WHERE item_id = %(item)s),
           %(outcome)s, %(detail)s, %(status)s::smallint, %(final_url)s, %(bytes)s, %(seconds)s, %(snapshot)s::bigint,
           %(is_stand_in)s, %(previous)s::bigint, %(added)s, %(removed)s, %(moved)s, %(magnitude)s, %(now)s FROM mine
)
UPDATE pipeline_item SET version_id = %(version)s, state = %(state)s, reason = %(reason)s, stage = %(stage)s,
    error_class = %(error_class)s, error = %(error)s, finished_at = CASE WHEN %(is_done)s THEN %(now)s END
FROM mine WHERE pipeline_item.id = mine.id
"""


def store_visit(*, run: Run, token: str, page: ClaimedPage, seen: Seen) -> int | None:
    """Write what came of a page, in one short transaction, and return the version that is left to read, if any.

    Raises Superseded, with nothing written, if the page is not this delivery's any more.
    """
    now = timezone.now()
    is_seen = seen.outcome in READ
    values: dict[str, Any] = {
        "item": page.item_id, "token": token, "page": page.page_id, "conversation": page.conversation_id, "now": now,
        "hash": seen.content_hash or page.seen_hash, "title": seen.title[:300], "outcome": str(seen.outcome),
        "detail": seen.detail.replace("\0", "")[:300], "status": seen.answered.status,
        "final_url": seen.answered.final_url[:2000], "bytes": len(seen.answered.body),
        "seconds": seen.answered.seconds, "etag": seen.answered.etag or ("" if seen.text else page.etag),
        "last_modified": seen.answered.last_modified or ("" if seen.text else page.last_modified),
        "is_seen": is_seen, **_change_columns(page, seen),
    }  # fmt: skip
    with ExitStack() as opened:
        if seen.outcome == PageOutcome.OK:  # else one statement is all there is, and a transaction by itself
            opened.enter_context(transaction.atomic())
        cursor = opened.enter_context(connection.cursor())
        snapshot, version = _snapshot(cursor, page, seen, values)
        values |= {"snapshot": snapshot, "version": version, "is_stand_in": snapshot is not None and not is_seen}
        cursor.execute(_WRITE, {**values, **_item_columns(seen)})
        if cursor.rowcount != 1:
            raise Superseded(f"run {run.pk}: item {page.item_id} was taken over")
    return None if seen.is_done or not is_seen else version


def _snapshot(cursor: Any, page: ClaimedPage, seen: Seen, values: dict[str, Any]) -> tuple[int | None, int | None]:
    """Return the keys of the snapshot and the version that a page shows now, or of the snapshot that stands in."""
    if seen.outcome == PageOutcome.UNCHANGED:
        return page.seen_id, page.seen_version_id
    if seen.outcome != PageOutcome.OK:
        is_young = page.good_at is not None and page.good_at >= stand_in_since()
        return page.seen_id if is_young else None, None
    cursor.execute(_KNOWN, values)
    known: tuple[int, int] | None = cursor.fetchone()
    if known is None:
        messages = [{"role": CUSTOMER, "author": "", "text": seen.text, "created_at": ""}]
        cursor.execute(_VERSION, {**values, "messages": Jsonb(messages)})
        cursor.execute(_SNAPSHOT, {**values, "version": cursor.fetchone()[0]})
        known = cursor.fetchone()
        assert known is not None
    return known


def _change_columns(page: ClaimedPage, seen: Seen) -> dict[str, Any]:
    change = seen.change
    if change is None:
        return {"previous": None, "added": 0, "removed": 0, "moved": 0, "magnitude": ""}
    counts = {"added": change.added, "removed": change.removed, "moved": change.moved}
    return {"previous": page.seen_id, **counts, "magnitude": str(change.magnitude)}


def _item_columns(seen: Seen) -> dict[str, Any]:
    """Return what becomes of the item: it goes on being read, or is done."""
    if seen.outcome not in READ:
        return {
            "state": Item.State.FAILED, "reason": f"{seen.outcome}: {seen.detail}"[:200], "stage": Item.Stage.FETCH,
            "error_class": str(seen.outcome), "error": seen.detail.replace("\0", ""), "is_done": True,
        }  # fmt: skip
    state = Item.State.SKIPPED if seen.is_done else Item.State.READING
    reason = "unchanged" if seen.is_done else ""
    return {"state": state, "reason": reason, "stage": "", "error_class": "", "error": "", "is_done": seen.is_done}

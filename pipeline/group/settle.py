"""Make stories and orphans of a run's signatures: `settle` is the one way to either.

Each batch of signatures is a short transaction of its own. If a row is refused, the batch is settled one by one, so
that one bad group costs only itself; what could not be settled is named, and the run needs attention.

In: root signatures whose themes may have changed. Out: Story, StoryEvidence and Orphan rows that say what these themes
say now, whatever they said before: nothing is added to or taken from what stood, all is derived again, so that a second
call changes nothing. `advance` settles what a run touched, `review` what a decision touched, in its own transaction.
"""

import logging
from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Case, F, Q, When
from django.utils import timezone
from psycopg.types.json import Jsonb

from pipeline.extract.profiles import get_profile
from pipeline.group.carry import carry, roots_of_passes, roots_scored_by
from pipeline.group.current import affected_roots, centres_of, open_stories
from pipeline.group.descriptions import CENTRAL, describe, hidden, nearness
from pipeline.group.gates import Member, Verdict, judge, with_hold
from pipeline.group.members import members_of
from pipeline.group.nearest import nearest
from pipeline.ledger.errors import INFRASTRUCTURE_ERRORS, REFUSED
from pipeline.models import Evidence, Hold, Orphan, Run, Signature, Story, StoryEvidence
from pipeline.models.copy import copy_rows, update_rows
from pipeline.models.signature import STANDING

log = logging.getLogger(__name__)

BATCH = 200
"""Roots that are settled in one transaction: their signatures are locked meanwhile, and people who decide wait for
it."""


def settle_run(*, run: Run) -> list[str]:
    """Settle every signature the run touched; return the keys of those that could not be settled.

    Opens a transaction a batch; once the run has stopped, none writes any more. May run twice.
    """
    passes = list(run.passes.all())
    moved = roots_of_passes(passes)
    # Also what the run did not touch: a pass may have moved older themes, and a consolidation gave all of them new
    # scores.
    roots, unsettled = sorted({*affected_roots(run), *roots_scored_by(passes)}), []
    with transaction.atomic():
        if is_still_grouping(run):
            # Before settling: where a signature is empty now its story goes along with the themes, or settling would
            # make a second.
            carry(passes=passes, roots=moved, run=run, profile=run.profile)
    for start in range(0, len(roots), BATCH):
        unsettled += _settle_all(run, roots[start : start + BATCH])
    # once all stories stand, and outside of every transaction: it compares each root with each story
    point_to_nearest_stories(profile=run.profile, roots=roots)
    return list(Signature.objects.filter(pk__in=unsettled).order_by("key").values_list("key", flat=True))


def _settle_all(run: Run, roots: Sequence[int]) -> list[int]:
    try:
        with transaction.atomic():
            if is_still_grouping(run):
                settle(profile=run.profile, as_of=run.as_of, roots=roots, run=run)
    except INFRASTRUCTURE_ERRORS:
        raise
    except REFUSED:
        if len(roots) == 1:
            log.exception("run %s: signature %s could not be settled", run.pk, roots[0])
            return list(roots)
        # nothing of the batch was written; one by one, only the bad one fails
        return [failed for root in roots for failed in _settle_all(run, [root])]
    return []


def is_still_grouping(run: Run) -> bool:
    """Whether the run is in the life and phase we know it in, and stays there until the transaction ends.

    The row is locked: a stop waits for the batch that is being written, and none is written after it
    (tests/faults/test_worn_out.py).
    """
    mine = Run.objects.filter(pk=run.pk, epoch=run.epoch, phase=run.phase, state=Run.State.RUNNING)
    return bool(mine.select_for_update(no_key=True).values_list("pk"))


# --- Settling -----------------------------------------------------------------------------------------------------


def settle(
    *,
    profile: str,
    as_of: datetime | None,
    roots: Sequence[int],
    run: Run | None = None,
    promoted: Collection[int] = (),
) -> None:
    """Bring the stories and orphans of these root signatures of a profile in line with their current themes.

    Recency counts from `as_of`; `run` is noted on what is new and its themes count. The roots that are `promoted`
    become stories whatever the gates say: a person wants them. Requires a transaction; locks the signatures first, so
    that two runs settle one after the other and see each other's themes. A story grows and never loses its people's
    columns; an orphan graduates into the story it becomes. Follow it, once all stories stand, by
    `point_to_nearest_stories`.
    """
    # Locked before anything is read: of two runs that share a signature the second sees what the first one committed
    # (tests/faults/test_replay_b.py,
    # test_what_keeps_two_runs_from_making_one_story_twice_is_the_lock_on_its_signature).
    rows = Signature.objects.filter(pk__in=roots).defer("vector_sum").order_by("pk")
    signatures = list(rows.select_for_update(no_key=True))
    gate = get_profile(profile).gate
    groups = members_of(profile=profile, roots=roots, run=run)
    standing, dismissed = _standing_stories(roots), _dismissed(roots)
    came_back = {root: new for root, story in standing.items() if (new := _since_it_was_done(story, groups[root]))}
    # From here on a problem that came back has the new conversations only: what the done story holds stays there.
    groups |= came_back
    growing = {root: story for root, story in standing.items() if root not in came_back}
    # one that has a story that grows needs no gate: a story does not turn into an orphan again because time passed
    held = held_back(roots)
    verdicts = {root: with_hold(judge(groups[root], gate, as_of), held.get(root)) for root in roots if groups[root]}
    passed = {
        root for root in verdicts.keys() - growing.keys() - dismissed if verdicts[root].is_story or root in promoted
    }
    stories = growing | _create_stories(run, [s for s in signatures if s.pk in passed], groups, standing)
    # before the evidence: an emptied story is not open, and only of open ones is taken what has gone
    _reopen([story for root, story in stories.items() if groups[root]])
    _renew_evidence(run, stories, groups)
    _renew_confidence(stories, verdicts)
    _renew_descriptions(stories, groups)
    _graduate(stories)
    _wait([s for s in signatures if s.pk in verdicts and s.pk not in stories], verdicts)
    _forget_empty([root for root in roots if not groups[root]])


def held_back(roots: Sequence[int]) -> dict[int, str]:
    """Return why each of these roots that a standing hold keeps from being a story is held back."""
    return dict(Hold.objects.filter(STANDING, signature__in=roots).values_list("signature_id", "reason"))


def _standing_stories(roots: Sequence[int]) -> dict[int, Story]:
    """Return of each root that has any its open story, else its newest, which collects or recurs."""
    is_open = Case(When(status__in=Story.OPEN, then=1), default=0)
    stories = Story.objects.standing().filter(signature__in=roots)
    # an open one first: a closed one beside it keeps what it has, see `members`
    newest = stories.order_by("signature_id", is_open.desc(), "-id").distinct("signature_id")
    return {story.signature_id: story for story in newest}


def _dismissed(roots: Sequence[int]) -> set[int]:
    """Return the roots whose waiting orphan a person dismissed: they collect, and make no story."""
    orphans = Orphan.objects.waiting().filter(signature__in=roots, dismissed_at__isnull=False)
    return set(orphans.values_list("signature_id", flat=True))


def _since_it_was_done(story: Story, members: list[Member]) -> list[Member]:
    """Return the members that a done story does not hold, if the problem came back after it was done; else none.

    These alone have to pass the gates of the story that recurs.
    """
    if story.status != Story.Status.DONE or story.reviewed_at is None:
        return []
    if not any(member.occurred_at > story.reviewed_at for member in members):
        return []
    kept = set(story.evidence.values_list("conversation_id", flat=True))
    return [member for member in members if member.conversation_id not in kept]


def _create_stories(
    run: Run | None, signatures: Sequence[Signature], groups: dict[int, list[Member]], standing: dict[int, Story]
) -> dict[int, Story]:
    now = timezone.now()
    stories = [
        Story(
            signature=signature,
            title=signature.name,
            category=Counter(member.category for member in groups[signature.pk]).most_common(1)[0][0],
            first_run=run,
            recurs_from=standing.get(signature.pk),
            created_at=now,
            updated_at=now,
        )
        for signature in signatures
    ]
    return {story.signature_id: story for story in Story.objects.bulk_create(stories)}


_EVIDENCE_COLUMNS = ("story_id", "conversation_id", "theme_id", "run_id")


def _renew_evidence(run: Run | None, stories: dict[int, Story], groups: dict[int, list[Member]]) -> None:
    """Give each story the conversations of its current themes.

    What a newer reading took away goes from an open story, and its last one takes the story out of the lists; a story
    that people closed keeps what it had.
    """
    known = {
        (row.story_id, row.conversation_id): row for row in StoryEvidence.objects.filter(story__in=stories.values())
    }
    wanted = _wanted(run, stories, groups)
    is_open = {story.pk for story in stories.values() if story.status in Story.OPEN}
    gone = {row.pk for key, row in known.items() if key not in wanted and row.story_id in is_open}
    moved = [(row.pk, wanted[key].theme_id) for key, row in known.items() if _has_moved(row, wanted.get(key))]
    added = [row for key, row in wanted.items() if key not in known]
    StoryEvidence.objects.filter(pk__in=gone).delete()
    # few: a conversation whose nearest theme changed; most evidence is neither added nor taken away
    for pk, theme_id in moved:
        StoryEvidence.objects.filter(pk=pk).update(theme_id=theme_id)
    copy_rows(StoryEvidence, _EVIDENCE_COLUMNS, [(r.story_id, r.conversation_id, r.theme_id, r.run_id) for r in added])
    changed = {row.story_id for row in added} | {row.story_id for row in known.values() if row.pk in gone}
    Story.objects.filter(pk__in=changed).update(updated_at=timezone.now())
    # after new evidence came: a story that only changed its conversations is never empty in between
    if gone:
        _close_emptied(changed)


def _close_emptied(stories: Collection[int]) -> None:
    """Take the open ones without any conversation out of the lists; `_reopen` brings them back with the first."""
    emptied = Story.objects.filter(pk__in=stories, status__in=Story.OPEN, evidence__isnull=True)
    emptied.update(status_before=F("status"), status=Story.Status.EMPTIED)


def _reopen(stories: Sequence[Story]) -> None:
    """Give emptied stories that have conversations again the status they had."""
    returning = [story for story in stories if story.status == Story.Status.EMPTIED]
    for story in returning:
        story.status, story.status_before = story.status_before or Story.Status.CANDIDATE, ""
    Story.objects.bulk_update(returning, ["status", "status_before"])


def _wanted(
    run: Run | None, stories: dict[int, Story], groups: dict[int, list[Member]]
) -> dict[tuple[int, int], StoryEvidence]:
    """Return one row for each story and conversation, by the theme nearest to the middle of the group."""
    wanted: dict[tuple[int, int], StoryEvidence] = {}
    for root, story in sorted(stories.items()):
        for member in groups[root]:
            row = StoryEvidence(story=story, conversation_id=member.conversation_id, theme_id=member.theme_id, run=run)
            wanted.setdefault((story.pk, member.conversation_id), row)
    return wanted


def _has_moved(known: StoryEvidence, wanted: StoryEvidence | None) -> bool:
    return wanted is not None and known.theme_id != wanted.theme_id


def _renew_confidence(stories: dict[int, Story], verdicts: dict[int, Verdict]) -> None:
    """Store how sure each story is now; one whose conversations all went elsewhere keeps what it had."""
    changed = []
    for root in sorted(stories.keys() & verdicts.keys()):
        story, confidence = stories[root], verdicts[root].confidence
        story.confidence, parts = confidence.score, story.confidence_parts
        story.confidence_parts = confidence.as_json()
        if story.confidence_parts != parts:
            changed.append(story)
    rows = [(story.pk, story.confidence, Jsonb(story.confidence_parts)) for story in changed]
    update_rows(Story, ["confidence", "confidence_parts"], rows)


def _renew_descriptions(stories: dict[int, Story], groups: dict[int, list[Member]]) -> None:
    """Describe the open stories that nobody described."""
    mine = {root: s for root, s in stories.items() if groups[root] and s.status in Story.OPEN and s.edited_at is None}
    central = {root: sorted(groups[root], key=nearness)[:CENTRAL] for root in mine}
    themes = [member.theme_id for members in central.values() for member in members]
    # by id: what a reader quotes first is what it was told by
    first_quotes = Evidence.objects.filter(theme__in=themes).exclude(quote="").order_by("theme", "id").distinct("theme")
    quotes = dict(first_quotes.values_list("theme", "quote"))
    changed = []
    for root, story in sorted(mine.items()):
        said = [hidden(quotes[member.theme_id], member) for member in central[root] if member.theme_id in quotes]
        description = describe(groups[root], said)
        if story.description != description:
            story.description = description
            changed.append(story)
    update_rows(Story, ["description"], [(story.pk, story.description) for story in changed])


def _graduate(stories: dict[int, Story]) -> None:
    now = timezone.now()
    for orphan in Orphan.objects.to_review().filter(signature__in=stories):
        Orphan.objects.filter(pk=orphan.pk).update(graduated_at=now, updated_at=now, story=stories[orphan.signature_id])


# One statement makes or renews: nobody else can have made the orphan in between, and created_at stays that of the
# first.
_WAIT = """
INSERT INTO pipeline_orphan
    (signature_id, reason, detail, missing_conversations, confidence, confidence_parts, created_at, updated_at)
SELECT *, %s, %s FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::int[], %s::int[], %s::jsonb[])
ON CONFLICT (signature_id) WHERE graduated_at IS NULL DO UPDATE
SET reason = EXCLUDED.reason, detail = EXCLUDED.detail, missing_conversations = EXCLUDED.missing_conversations,
    confidence = EXCLUDED.confidence, confidence_parts = EXCLUDED.confidence_parts, updated_at = EXCLUDED.updated_at
"""


def _wait(signatures: Sequence[Signature], verdicts: dict[int, Verdict]) -> None:
    """Make or renew the waiting orphan of each signature; a dismissed one stays dismissed."""
    if not signatures:
        return
    now, told = timezone.now(), [verdicts[signature.pk] for signature in signatures]
    columns: list[list[Any]] = [
        [signature.pk for signature in signatures],
        [verdict.reason or Orphan.Reason.HELD for verdict in told],
        [verdict.detail for verdict in told],
        [verdict.missing_conversations for verdict in told],
        [verdict.confidence.score for verdict in told],
        [Jsonb(verdict.confidence.as_json()) for verdict in told],
    ]
    # as arrays and not as rows: a consolidation renews thousands, and a value of its own for each would take the
    # longest of all to be put into the statement
    with connection.cursor() as cursor:
        cursor.execute(_WAIT, [now, now, *columns])


def _forget_empty(roots: Sequence[int]) -> None:
    """Delete the waiting orphans of signatures that no current theme means any more; nobody has decided about them."""
    Orphan.objects.to_review().filter(signature__in=roots).delete()


# --- The nearest story --------------------------------------------------------------------------------------------

_POINT = """
UPDATE pipeline_orphan orphan SET nearest_story_id = near.story, nearest_cosine = near.cosine
FROM unnest(%s::bigint[], %s::bigint[], %s::float8[]) AS near (root, story, cosine)
WHERE orphan.signature_id = near.root AND orphan.graduated_at IS NULL
"""


def point_to_nearest_stories(*, profile: str, roots: Sequence[int]) -> None:
    """Note on the waiting orphans of these roots, and on those whose nearest story is not open any more, which open
    story of the profile is nearest to each.

    Costs roots x open stories, a batch of roots at a time. Needs no transaction; may run twice.
    """
    story_of = dict(open_stories(profile).values_list("signature_id", "pk"))
    among = centres_of(sorted(story_of))
    # Orphans that were not settled now but point to a story that people closed since would send people to it.
    outdated = Q(nearest_story__isnull=False) & ~Q(nearest_story__in=story_of.values())
    waiting = Orphan.objects.waiting().filter(signature__profile=profile)
    waiting = waiting.filter(Q(signature__in=roots) | outdated)
    waiting_roots = list(waiting.values_list("signature_id", flat=True).order_by("signature_id"))
    for start in range(0, len(waiting_roots), BATCH):
        batch = waiting_roots[start : start + BATCH]
        found = nearest(centres_of(batch), among)
        rows: list[tuple[int, int | None, float | None]] = [
            (root, story_of[story], cosine) for root, (story, cosine) in found.items()
        ]
        rows += [(root, None, None) for root in batch if root not in found]
        with connection.cursor() as cursor:
            cursor.execute(_POINT, [list(column) for column in zip(*rows, strict=True)])

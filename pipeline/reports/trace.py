"""The way of one conversation: its versions, what each run did with it, and where its themes ended."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from django.utils.dateparse import parse_datetime

from pipeline.group.current import Size, homes_of, sizes_that_wait
from pipeline.merge.forest import roots_of
from pipeline.models import Conversation, Item, Merge, Orphan, Run, Signature, Source, Story, StoryEvidence, Theme
from pipeline.models.refusal import Refusal
from pipeline.models.signature import STANDING
from pipeline.models.wording import counted
from pipeline.reports.not_read import not_read_of
from pipeline.reports.summary import themes_of_conversation
from pipeline.sources.understanding.language import language_name

RUNS = 10
"""Runs that did not select the conversation are named up to this many, the newest first."""


class NoSuchConversation(Refusal):
    """No conversation, or more than one, has this id; the message says what to give."""


@dataclass(frozen=True, slots=True)
class CallStep:
    """One question about the conversation."""

    step: str
    attempt: int
    answered_at: datetime
    finish_reason: str
    tokens: int


@dataclass(frozen=True, slots=True)
class ThemeStep:
    """One theme on its way from the name the reader proposed to its home."""

    raw: str
    confidence: float
    quotes: int
    signature: str
    rule: str
    score: float | None
    merges: tuple[str, ...]
    root: str
    home: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What one run did with the conversation; `left_out` says what it did not read of a long one."""

    run: int
    run_state: str
    profile: str
    version: int | None
    state: str
    category: str
    reason: str
    error: str
    deliveries: int
    language: str
    left_out: str
    calls: tuple[CallStep, ...]
    themes: tuple[ThemeStep, ...]


@dataclass(frozen=True, slots=True)
class Trace:
    """All that is known of one conversation; readings and runs are the newest first."""

    source: str
    external_id: str
    customer: str
    occurred_at: datetime
    is_import_time: bool
    classified_at: datetime | None
    versions: tuple[datetime, ...]
    first_run: int | None
    readings: tuple[Reading, ...]
    not_selected: tuple[tuple[int, str], ...]

    def as_json(self) -> dict[str, object]:
        """Return values of which those that JSON does not know are moments."""
        return asdict(self)


def trace_conversation(*, external_id: str, source: str = "") -> Trace:
    """Return every stage, gate and reason of a conversation; reads only. `source` is `kind:name`, where it is needed.

    Raises NoSuchConversation.
    """
    conversation = _find(external_id, source)
    items = conversation.items.select_related("run", "version").prefetch_related("calls").order_by("-run_id")
    themes = list(themes_of_conversation(conversation))
    left_out = not_read_of(conversation.items.all())
    return Trace(
        source=str(conversation.source),
        external_id=conversation.external_id,
        customer=conversation.customer,
        occurred_at=conversation.occurred_at,
        is_import_time=conversation.occurred_at_is_import_time,
        classified_at=conversation.classified_at,
        versions=tuple(conversation.versions.order_by("stored_at", "id").values_list("stored_at", flat=True)),
        first_run=conversation.first_run_id,
        readings=tuple(
            _reading(item, [theme for theme in themes if theme.item_id == item.pk], left_out.get(item.pk, ""))
            for item in items
        ),
        not_selected=tuple(_not_selected(conversation)),
    )


def _find(external_id: str, source: str) -> Conversation:
    named = Conversation.objects.filter(external_id=external_id).select_related("source").order_by("source")
    if source:
        kind, _, name = source.partition(":")
        if not Source.objects.filter(kind=kind, name=name).exists():
            known = ", ".join(map(str, Source.objects.all()[:10])) or "none yet"
            raise NoSuchConversation(f"there is no source {source}. Sources: {known}.")
        named = named.filter(source__kind=kind, source__name=name)
    found = list(named[:10])
    if not found:
        raise NoSuchConversation(f"there is no conversation {external_id} in {source or 'any source'}.")
    if len(found) > 1:
        sources = ", ".join(str(conversation.source) for conversation in found)
        raise NoSuchConversation(f"{external_id} is a conversation in {sources}; choose one with --source.")
    return found[0]


# --- What a run did with it ---------------------------------------------------------------------------------------


def _reading(item: Item, themes: Sequence[Theme], left_out: str) -> Reading:
    return Reading(
        run=item.run_id,
        run_state=item.run.state,
        profile=item.run.profile,
        version=item.version_id,
        state=item.state,
        category=item.category,
        reason=item.reason,
        error=f"{item.error_class}: {item.error}" if item.error else "",
        deliveries=item.delivery_count,
        language=language_name(item.language),
        left_out=left_out,
        calls=tuple(
            CallStep(
                call.step, call.attempt, call.answered_at, call.finish_reason, call.input_tokens + call.output_tokens
            )
            for call in item.calls.all()
        ),
        themes=tuple(_theme(theme, item) for theme in themes),
    )


def _theme(theme: Theme, item: Item) -> ThemeStep:
    root = roots_of([theme.signature_id])[theme.signature_id] if theme.signature_id else None
    return ThemeStep(
        raw=theme.raw_signature,
        confidence=theme.confidence,
        quotes=theme.evidence.count(),
        signature=theme.signature.key if theme.signature else "",
        rule=theme.signature_rule,
        score=theme.signature_score,
        merges=tuple(_way_up(theme.signature)) if theme.signature else (),
        root=root.key if root else "",
        home=_home(theme, item, root),
    )


def _way_up(signature: Signature) -> Iterator[str]:
    """Yield the standing merges from a signature to its root."""
    standing = Merge.objects.filter(STANDING).select_related("parent")
    while merge := standing.filter(child=signature).first():
        by = merge.actor or merge.created_by or merge.rule
        yield f"into {merge.parent.key} by {by}, {merge.score:.2f}: {merge.reason}"
        signature = merge.parent


def _home(theme: Theme, item: Item, root: Signature | None) -> str:
    """Return in words where a theme is, or why it is nowhere."""
    if root is None:
        return f"no signature yet: run {item.run_id} is {item.run.state}, and its next phase is {item.run.phase}"
    # in this order: the first that holds is why the theme is not somewhere else
    if newer := _newer_reading(item):
        return f"superseded: run {newer.run_id} read it again"
    home = homes_of([root.pk]).get(root.pk)
    if home is None:
        return "in no story and no orphan" if item.run.makes_stories else "its run was started with --no-stories"
    size = sizes_that_wait([root.pk]).get(root.pk, Size()).conversations
    if isinstance(home, Orphan):
        dismissed = "dismissed " if home.dismissed_at else ""
        return f"{dismissed}orphan, {home.get_reason_display()}: {home.detail} (has {size})".lower()
    return _in_story(theme, home)


def _in_story(theme: Theme, story: Story) -> str:
    mine = StoryEvidence.objects.filter(conversation=theme.conversation_id, story__signature=story.signature_id)
    evidence = mine.select_related("story").order_by("-story_id").first()
    if evidence is None:
        return f"in no story and no orphan, though its signature has the story {story.pk} ({story.title})"
    size = evidence.story.evidence.count()
    return (
        f"story {evidence.story_id}, {evidence.story.title} ({evidence.story.status}, {counted(size, 'conversation')})"
    )


def _newer_reading(item: Item) -> Item | None:
    readings = Item.objects.filter(conversation=item.conversation_id, run__profile=item.run.profile, pk__gt=item.pk)
    counted = readings.filter(
        run__first_finished_at__isnull=False, state__in=(Item.State.EXTRACTED, Item.State.FILTERED)
    )  # fmt: skip
    return counted.order_by("pk").first()


# --- Why a run passed it over -------------------------------------------------------------------------------------


def _not_selected(conversation: Conversation) -> Iterator[tuple[int, str]]:
    passed_over = Run.objects.filter(source=conversation.source, is_preview=False).exclude(
        items__conversation=conversation
    )
    for run in passed_over.order_by("-id")[:RUNS]:
        yield run.pk, _why_not(conversation, run)


def _why_not(conversation: Conversation, run: Run) -> str:
    """Return why a run did not select the conversation, as far as rows still tell."""
    wanted = run.parameters
    if run.phase == Run.Phase.PLAN:
        return f"the run is {run.state}, and was never planned"
    if conversation.current_version_id is None:
        return "the conversation has no text"
    imported = conversation.versions.order_by("stored_at").values_list("stored_at", flat=True).first()
    if imported and imported > run.created_at:
        return f"imported later, {imported:%Y-%m-%d %H:%M}"
    if (since := parse_datetime(wanted.get("since") or "")) and conversation.occurred_at < since:
        return f"occurred {conversation.occurred_at:%Y-%m-%d %H:%M}, before --since {since:%Y-%m-%d %H:%M}"
    if (until := parse_datetime(wanted.get("until") or "")) and conversation.occurred_at >= until:
        return f"occurred {conversation.occurred_at:%Y-%m-%d %H:%M}, not before --until {until:%Y-%m-%d %H:%M}"
    if limit := wanted.get("limit"):
        return f"--limit {limit} took newer conversations"
    return "the reason can no longer be determined; its time or text may have changed since"

"""Stories: the problems that enough conversations share. People review them here."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import smart_split, unescape_string_literal

from pipeline.extract.profiles import get_profile
from pipeline.group.gates import Customers
from pipeline.models import Conversation, Story, StoryEvidence
from pipeline.models.wording import counted, words
from pipeline.reports.summary import with_sizes
from pipeline.review.triage import edit_story, set_status
from pipeline.web.admin.base import DecidingAdmin, NarrowingFilter, RunFilter, badge, day, link_to, link_to_list, moment
from pipeline.web.admin.signatures import merged_names
from pipeline.web.admin.themes import CategoryFilter
from pipeline.web.parts.confidence import confidence
from pipeline.web.parts.evidence import quoted
from pipeline.web.parts.figures import evidence_of_story, stories_that_mention
from pipeline.web.parts.passages import passages
from pipeline.web.parts.sections import Facts, Note, Quotes, Section

SHOWN = 50
"""Conversations on a story's page; a link leads to all."""


# --- Filters ------------------------------------------------------------------------------------------------------


class StatusFilter(NarrowingFilter):
    """Open stories, unless others are asked for."""

    title = "status"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("open", "open"), *((value, words(value)) for value in Story.Status.values), ("all", "all")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Story]) -> QuerySet[Story]:
        value = self.value() or "open"
        if value == "open":
            return queryset.filter(status__in=Story.OPEN)
        return queryset.filter(status=value) if value in Story.Status.values else queryset


class StoryRunFilter(RunFilter):
    """Stories that a run made or added to."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Story]) -> QuerySet[Story]:
        value = self.value()
        if not value or not value.isdecimal():
            return queryset
        added = Exists(StoryEvidence.objects.filter(story=OuterRef("pk"), run=int(value)))
        return queryset.filter(Q(first_run=int(value)) | added)


class NewInFilter(RunFilter):
    """Stories that a run made."""

    title = "new in run"
    parameter_name = "new_in"
    lookup = "first_run"


class LastSeenFilter(admin.SimpleListFilter):
    """How long ago the newest conversation was."""

    title = "last seen"
    parameter_name = "last_seen"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("7", "in the last 7 days"), ("30", "in the last 30 days"), ("90", "in the last 90 days")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value not in ("7", "30", "90"):
            return queryset
        return queryset.filter(last_at__gte=timezone.now() - timedelta(days=int(value)))


# --- Screens ------------------------------------------------------------------------------------------------------


class StoryForm(forms.ModelForm):  # type: ignore[type-arg]  # it takes none when it runs
    """What people may write."""

    class Meta:
        model = Story
        fields = ["title", "description"]
        widgets = {
            "title": forms.TextInput(attrs={"class": "vLargeTextField lm-wide"}),
            "description": forms.Textarea(attrs={"class": "vLargeTextField lm-wide", "rows": 3}),
        }


@admin.register(Story)
class StoryAdmin(DecidingAdmin):
    """Sorted by size, the open ones first to be seen."""

    exports = "stories"
    form = StoryForm
    fields = ["title", "description"]
    list_display = [
        "title", "status_badge", "category_words", "conversation_count", "customer_count",
        "first_seen", "last_seen", "new_in_run",
    ]  # fmt: skip
    list_filter = [StatusFilter, CategoryFilter, LastSeenFilter, StoryRunFilter, NewInFilter]
    search_fields = ["title"]
    search_help_text = "Title, description, signature, quotes, customers"
    actions = ["approve", "start", "finish", "dismiss"]
    paginator = Paginator  # stories are few
    show_full_result_count = True
    decisions = {
        Story.Status.APPROVED: "Approve",
        Story.Status.IN_PROGRESS: "Start work",
        Story.Status.DONE: "Done",
        Story.Status.DISMISSED: "Dismiss",
    }

    # --- The list -------------------------------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> QuerySet[Story]:
        """Return stories with their sizes and without vectors."""
        stories = Story.objects.standing().defer("signature__vector_sum")
        related = stories.select_related("signature", "first_run__source", "reviewed_by", "edited_by", "recurs_from")
        return with_sizes(related)

    def get_ordering(self, request: HttpRequest) -> Any:
        return ["-conversations", "title"]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Story], search_term: str
    ) -> tuple[QuerySet[Story], bool]:
        """Return the stories that mention every word, wherever it stands."""
        for word in smart_split(search_term.replace("\0", "")):
            plain = (
                unescape_string_literal(word) if word[0] in "\"'" and word[0] == word[-1] and len(word) > 1 else word
            )
            queryset = queryset.filter(pk__in=stories_that_mention(plain).values("pk"))
        return queryset, False

    @admin.display(description="status", ordering="status")
    def status_badge(self, story: Story) -> SafeString:
        return badge(story.status)

    @admin.display(description="category", ordering="category")
    def category_words(self, story: Story) -> str:
        return words(story.category)

    @admin.display(description="conversations", ordering="conversations")
    def conversation_count(self, story: Any) -> int:
        return int(story.conversations)

    @admin.display(description="customers", ordering="customers")
    def customer_count(self, story: Any) -> int:
        return int(story.customers)

    @admin.display(description="first seen", ordering="first_at")
    def first_seen(self, story: Any) -> SafeString | str:
        return day(story.first_at)

    @admin.display(description="last seen", ordering="last_at")
    def last_seen(self, story: Any) -> SafeString | str:
        return day(story.last_at)

    @admin.display(description="new in", ordering="first_run_id")
    def new_in_run(self, story: Story) -> SafeString | str:
        return link_to(story.first_run, f"run {story.first_run_id}")

    # --- Decisions ------------------------------------------------------------------------------------------------

    def decide(self, request: HttpRequest, rows: QuerySet[Story], decision: str) -> None:
        """Set the status, note it in the history, and say what came of it."""
        decided = set_status(stories=rows, status=decision, by=request.user, at=timezone.now())
        self.note(request, decided.changed, f"Status set to {words(decision)}.")
        if decided.changed:
            changed = counted(len(decided.changed), "story is", "stories are")
            messages.success(request, f"{changed} now {words(decision)}.")
        for story in decided.refused:
            messages.error(request, f"“{story}” stays {words(story.status)}: its signature has another open story.")

    @admin.action(description="Approve", permissions=["change"])
    def approve(self, request: HttpRequest, stories: QuerySet[Story]) -> None:
        self._decide_chosen(request, stories, Story.Status.APPROVED)

    @admin.action(description="Start work", permissions=["change"])
    def start(self, request: HttpRequest, stories: QuerySet[Story]) -> None:
        self._decide_chosen(request, stories, Story.Status.IN_PROGRESS)

    @admin.action(description="Mark as done", permissions=["change"])
    def finish(self, request: HttpRequest, stories: QuerySet[Story]) -> None:
        self._decide_chosen(request, stories, Story.Status.DONE)

    @admin.action(description="Dismiss", permissions=["change"])
    def dismiss(self, request: HttpRequest, stories: QuerySet[Story]) -> None:
        self._decide_chosen(request, stories, Story.Status.DISMISSED)

    def _decide_chosen(self, request: HttpRequest, stories: QuerySet[Story], status: str) -> None:
        chosen = list(stories.order_by().values_list("pk", flat=True))
        self.decide(request, Story.objects.filter(pk__in=chosen), status)

    def decisions_about(self, row: Story) -> list[tuple[str, str]]:
        """Return the decisions that would change this story."""
        return [(status, label) for status, label in self.decisions.items() if status != row.status]

    def save_model(self, request: HttpRequest, obj: Story, form: Any, change: bool) -> None:
        """Store what was written and who wrote it: what a person worked on is never taken back."""
        written = {name: form.cleaned_data[name] for name in form.changed_data}
        edit_story(story=obj, by=request.user, at=timezone.now(), **written)
        if (decision := request.POST.get("_decide", "")) in self.decisions:
            self.decide(request, Story.objects.filter(pk=obj.pk), decision)

    # --- The page -------------------------------------------------------------------------------------------------

    def sections(self, request: HttpRequest, story: Any) -> list[Section]:
        """Return the story's state and size, its evidence, and the names it goes by."""
        return [
            *_notes(story),
            Facts(_facts(story)),
            confidence(story),
            _evidence(story),
            merged_names(story.signature),
            *passages(story.signature),
        ]


def _notes(story: Story) -> list[Section]:
    notes: list[Section] = []
    if story.recurs_from:
        done = f"{story.recurs_from.reviewed_at:%Y-%m-%d}"
        notes.append(Note(f"This problem came back: “{story.recurs_from}” was done {done}."))
    if story.status == Story.Status.EMPTIED:
        before = words(story.status_before)
        notes.append(
            Note(
                f"Closed because it has no conversations left. It returns to {before} as soon as it has one again, "
                "or when you reopen it."
            )
        )
    return notes


def _facts(story: Any) -> list[tuple[str, object]]:
    reviewed = format_html("{} by {}", moment(story.reviewed_at), story.reviewed_by or "a deleted user")
    edited = format_html("{} by {}", moment(story.edited_at), story.edited_by or "a deleted user")
    return [
        ("Status", badge(story.status)),
        ("Reviewed", reviewed if story.reviewed_at else "not yet"),
        ("Edited", edited if story.edited_at else ""),
        ("Conversations", link_to_list(Conversation, story.conversations, stories__story=story.pk)),
        ("Customers", _customers(story)),
        ("First seen", day(story.first_at)),
        ("Last seen", day(story.last_at)),
        ("Category", words(story.category)),
        ("Signature", link_to(story.signature)),
        ("New in", link_to(story.first_run)),
        ("Recurs from", link_to(story.recurs_from)),
        ("Last change", moment(story.updated_at)),
    ]


def _customers(story: Any) -> str:
    """Return how many customers the story has, how many of them are known, and what the gate asks for."""
    customers = Customers(story.known_customers, story.unknown_customers)
    least = get_profile(story.signature.profile).gate.min_customers
    gate = f"; a story needs {least}" if least > 1 else ""
    return f"{customers.count} ({customers}{gate})" if customers.unknown or gate else str(customers.count)


def _evidence(story: Any) -> Quotes:
    rows = evidence_of_story(story)[:SHOWN]
    rest = story.conversations - SHOWN
    more = link_to_list(Conversation, counted(rest, "more conversation"), stories__story=story.pk) if rest > 0 else ""
    return Quotes("Evidence", [quoted(row.theme, row.conversation) for row in rows], more)

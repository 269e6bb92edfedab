"""Conversations: the thread as people wrote it, and what was found in it."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from pipeline.models import Conversation, ConversationVersion, Item, StoryEvidence, Theme
from pipeline.models.wording import words
from pipeline.reports.not_read import not_read_of
from pipeline.reports.summary import themes_of_conversation
from pipeline.sources.understanding.language import NAMES, language_name
from pipeline.web.admin.base import WholePageAdmin, badge, day, link_to, moment, score, short
from pipeline.web.parts.figures import figures_of_conversations
from pipeline.web.parts.sections import Facts, Note, Section, Table
from pipeline.web.parts.threads import left_out_of, thread_of

SHOWN = 50
"""Themes, readings and versions on a conversation's page."""


class InStoryFilter(admin.SimpleListFilter):
    """Whether a story has the conversation."""

    title = "story"
    parameter_name = "in_story"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "in a story"), ("no", "not in a story")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Conversation]) -> QuerySet[Conversation]:
        in_story = Exists(StoryEvidence.objects.filter(conversation=OuterRef("pk")))
        if self.value() == "yes":
            return queryset.filter(in_story)
        return queryset.exclude(in_story) if self.value() == "no" else queryset


class LanguageFilter(admin.SimpleListFilter):
    """The language a run read a conversation in; only languages that there are."""

    title = "language"
    parameter_name = "language"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        with connection.cursor() as cursor:  # a look into the index for each language, not at each item
            cursor.execute(_LANGUAGES_THERE, [list(NAMES)])
            return sorted(((code, language_name(code)) for (code,) in cursor.fetchall()), key=lambda pair: pair[1])

    def queryset(self, request: HttpRequest, queryset: QuerySet[Conversation]) -> QuerySet[Conversation]:
        if not self.value():
            return queryset
        return queryset.filter(Exists(Item.objects.filter(conversation=OuterRef("pk"), language=self.value())))


_LANGUAGES_THERE = """
SELECT code FROM unnest(%s::text[]) AS code
WHERE EXISTS (SELECT FROM pipeline_item WHERE pipeline_item.language = code AND pipeline_item.language <> '')
"""


def _languages_of(conversations: Sequence[int]) -> dict[int, str]:
    """Return in which language each of these conversations was last read; those never read, or without words, not."""
    items = Item.objects.filter(conversation__in=conversations).exclude(language="")
    return dict(
        items.order_by("conversation_id", "-id").distinct("conversation_id").values_list("conversation_id", "language")
    )


@admin.register(Conversation)
class ConversationAdmin(WholePageAdmin):
    """To read only: conversations come from sources."""

    exports = "conversations"
    list_display = ["external_id", "customer", "occurred", "source", "language", "label", "message_count", "in_stories"]
    list_filter = ["source", LanguageFilter, InStoryFilter, "occurred_at"]
    search_fields = ["external_id", "customer", "label"]
    search_help_text = "ID in the source, customer or label"
    ordering = ["-id"]
    narrowed_by = ["stories__story", "items__run__exact", "items__state__exact"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Conversation]:
        """Return conversations with their sources."""
        return super().get_queryset(request).select_related("source")

    def complete(self, rows: Sequence[Conversation]) -> None:
        """Count the messages of these conversations and find their stories."""
        figures = figures_of_conversations([conversation.pk for conversation in rows])
        languages = _languages_of([conversation.pk for conversation in rows])
        for conversation in rows:
            conversation.language = languages.get(conversation.pk, "")  # type: ignore[attr-defined]
            conversation.figures = figures.get(conversation.pk, (0, []))  # type: ignore[attr-defined]

    @admin.display(description="occurred", ordering="occurred_at")
    def occurred(self, conversation: Conversation) -> SafeString | str:
        return _occurred(conversation)

    @admin.display(description="language")
    def language(self, conversation: Any) -> str:
        return language_name(conversation.language) or "-"

    @admin.display(description="messages")
    def message_count(self, conversation: Any) -> int:
        return int(conversation.figures[0])

    @admin.display(description="stories")
    def in_stories(self, conversation: Any) -> SafeString | str:
        return _links_to_stories(conversation.figures[1])

    # --- The page -------------------------------------------------------------------------------------------------

    def sections(self, request: HttpRequest, conversation: Conversation) -> list[Section]:
        """Return the thread with the evidence in it, its themes, readings and versions."""
        versions = list(conversation.versions.order_by("-stored_at", "-id")[:SHOWN])
        version = _chosen(request, conversation, versions)
        themes = list(themes_of_conversation(conversation)[:SHOWN])
        marks = {theme.pk: number for number, theme in enumerate(themes, start=1)}
        stories = conversation.stories.select_related("story").order_by("id")
        return [
            *_note_about(conversation, version),
            Facts(_facts(conversation, list(stories))),
            *([thread_of(version, themes, marks, left_out_of(conversation, version))] if version else []),
            _themes(themes, marks),
            _readings(conversation),
            *([_versions(versions, version, conversation)] if len(versions) > 1 else []),
        ]


def _occurred(conversation: Conversation) -> SafeString | str:
    if conversation.occurred_at_is_import_time:
        return format_html('{} <span class="lm-hint">(import)</span>', day(conversation.occurred_at))
    return day(conversation.occurred_at)


def _links_to_stories(rows: Sequence[StoryEvidence]) -> SafeString | str:
    return format_html_join(", ", "{}", ((link_to(row.story),) for row in rows)) or "-"


def _chosen(
    request: HttpRequest, conversation: Conversation, versions: Sequence[ConversationVersion]
) -> ConversationVersion | None:
    """Return the version the address asks for, else the current one."""
    asked = request.GET.get("version", "")
    by_id = {str(version.pk): version for version in versions}
    return by_id.get(asked) or by_id.get(str(conversation.current_version_id)) or conversation.current_version


def _note_about(conversation: Conversation, version: ConversationVersion | None) -> list[Section]:
    if version is None:
        return [Note("No text is stored for this conversation.")]
    if version.pk != conversation.current_version_id:
        return [Note(f"You are looking at an older version, stored {version.stored_at:%Y-%m-%d %H:%M}.")]
    return []


def _facts(conversation: Conversation, stories: Sequence[StoryEvidence]) -> list[tuple[str, object]]:
    return [
        ("Customer", conversation.customer or "unknown"),
        ("Occurred", moment(conversation.occurred_at)),
        ("Time", "time of import (the source has none)" if conversation.occurred_at_is_import_time else ""),
        ("Source", link_to(conversation.source)),
        ("Language", language_name(_languages_of([conversation.pk]).get(conversation.pk, ""))),
        ("Address", _address(conversation.url)),
        ("Label", conversation.label),
        ("Stories", _links_to_stories(stories)),
        *((name, value) for name, value in sorted(conversation.metadata.items())),
    ]


def _address(url: str) -> SafeString | str:
    """Return a link, for web addresses only: others could run what a source put into them."""
    if url.startswith(("https://", "http://")):
        return format_html('<a href="{}" rel="noopener noreferrer">{}</a>', url, url)
    return url


def _themes(themes: Sequence[Theme], marks: dict[int, int]) -> Table:
    rows = [
        (
            format_html('<span id="theme-{}">{}</span>', marks[theme.pk], marks[theme.pk]),
            link_to(theme),
            link_to(theme.signature),
            f"{words(theme.signature_rule)} {score(theme.signature_score)}" if theme.signature else "-",
            words(theme.category),
            short(theme.summary),
            score(theme.confidence),
            link_to(theme.run, f"run {theme.run_id}"),
        )
        for theme in themes
    ]
    heads = ["Mark", "Raw signature", "Signature", "Rule", "Category", "Summary", "Confidence", "Run"]
    return Table("Themes", heads, rows, numbers=[6])


def _readings(conversation: Conversation) -> Table:
    items = conversation.items.select_related("run__source").order_by("-run_id")[:SHOWN]
    left_out = not_read_of(conversation.items.all())
    rows = [
        (
            link_to(item.run, f"run {item.run_id}"),
            badge(item.state),
            words(item.category),
            f"{item.reason} ({item.stage}: {short(item.error)})" if item.state == Item.State.FAILED else item.reason,
            language_name(item.language) or "-",
            left_out.get(item.pk, "-"),
            moment(item.finished_at),
        )
        for item in items
    ]
    heads = ["Run", "State", "Category", "Reason", "Language", "Not read", "Finished"]
    return Table("Runs that read it", heads, rows)


def _versions(
    versions: Sequence[ConversationVersion], shown: ConversationVersion | None, conversation: Conversation
) -> Table:
    rows = [
        (
            format_html('<a href="?version={}">version {}</a>', version.pk, version.pk),
            moment(version.stored_at),
            len(version.messages),
            ", ".join(
                word
                for word, holds in (
                    ("current", version.pk == conversation.current_version_id),
                    ("shown", version == shown),
                )
                if holds
            ),
        )
        for version in versions
    ]
    return Table("Versions", ["Version", "Stored", "Messages", ""], rows, numbers=[2])

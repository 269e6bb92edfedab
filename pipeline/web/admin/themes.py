"""Themes: what a reader found, under which name it was filed, and the words that prove it."""

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db.models import Prefetch, QuerySet, prefetch_related_objects
from django.http import HttpRequest
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString

from pipeline.extract.profiles import get_profile
from pipeline.merge.forest import roots_of
from pipeline.models import Theme
from pipeline.models.wording import words
from pipeline.web.admin.base import RunFilter, WholePageAdmin, breakable, link_to, score, short
from pipeline.web.admin.deciding import decision_links, page_for
from pipeline.web.admin.ledger import moves_of
from pipeline.web.parts.evidence import quoted
from pipeline.web.parts.figures import quotes_in_order
from pipeline.web.parts.sections import Facts, Note, Quotes, Section


class CategoryFilter(admin.SimpleListFilter):
    """The categories of the registered profiles."""

    title = "category"
    parameter_name = "category"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        profiles = [get_profile(name) for name in settings.PROFILES]
        names = dict.fromkeys(
            category.name for profile in profiles for category in profile.categories if category.goes_on
        )
        return [(name, words(name)) for name in names]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(category=self.value()) if self.value() else queryset


class AssignedFilter(admin.SimpleListFilter):
    """How the theme came to its signature, or that it has none yet."""

    title = "assigned by"
    parameter_name = "rule"
    rules = ("own_name", "meaning", "registry", "person")

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [*((rule, words(rule)) for rule in self.rules), ("none", "not assigned yet")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Theme]) -> QuerySet[Theme]:
        if self.value() == "none":
            return queryset.filter(signature__isnull=True)
        return queryset.filter(signature_rule=self.value()) if self.value() else queryset


@admin.register(Theme)
class ThemeAdmin(WholePageAdmin):
    """To read: themes come from extraction and merge. People may move one."""

    exports = "themes"
    list_display = [
        "raw", "assigned", "assigned_by", "category_words", "short_summary", "sure", "in_conversation", "in_run",
    ]  # fmt: skip
    list_filter = [CategoryFilter, AssignedFilter, RunFilter]
    search_fields = ["raw_signature", "summary", "signature__key", "=conversation__external_id"]
    search_help_text = "Raw or assigned signature, summary, or the full ID of a conversation"
    ordering = ["-id"]
    narrowed_by = ["signature__root_link__root", "signature"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Theme]:
        """Return themes with what their columns name, and without vectors."""
        related = super().get_queryset(request).select_related("signature", "conversation", "run__source")
        return related.defer("vector", "signature__vector_sum")

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Theme | None:
        """Return the theme with its quotes."""
        theme: Theme | None = super().get_object(request, object_id, from_field)
        if theme:
            prefetch_related_objects([theme], Prefetch("evidence", quotes_in_order()))
        return theme

    @admin.display(description="raw signature", ordering="raw_signature")
    def raw(self, theme: Theme) -> SafeString:
        return breakable(theme.raw_signature)

    @admin.display(description="category", ordering="category")
    def category_words(self, theme: Theme) -> str:
        return words(theme.category)

    @admin.display(description="signature", ordering="signature__key")
    def assigned(self, theme: Theme) -> SafeString | str:
        return link_to(theme.signature)

    @admin.display(description="rule", ordering="signature_score")
    def assigned_by(self, theme: Theme) -> str:
        return f"{words(theme.signature_rule)} {score(theme.signature_score)}" if theme.signature else "-"

    @admin.display(description="summary")
    def short_summary(self, theme: Theme) -> str:
        return short(theme.summary)

    @admin.display(description="confidence", ordering="confidence")
    def sure(self, theme: Theme) -> str:
        return score(theme.confidence)

    @admin.display(description="conversation", ordering="conversation__external_id")
    def in_conversation(self, theme: Theme) -> SafeString | str:
        return link_to(theme.conversation)

    @admin.display(description="run", ordering="run_id")
    def in_run(self, theme: Theme) -> SafeString | str:
        return link_to(theme.run, f"run {theme.run_id}")

    # --- The page -------------------------------------------------------------------------------------------------

    def sections(self, request: HttpRequest, theme: Theme) -> list[Section]:
        """Return what was found, how it was named, and its evidence."""
        evidence: Section = Quotes("Evidence", [quoted(theme, theme.conversation)])
        missing = Note("No quote of this theme was found in the conversation.")
        shown = evidence if theme.evidence.all() else missing
        return [*decision_links(theme, request), Facts(_facts(theme)), shown, moves_of(theme.pk)]

    def get_urls(self) -> list[URLPattern]:
        """Add the page that moves a theme."""
        move = path("<int:object_id>/move/", page_for("move", Theme), name="pipeline_theme_move")
        return [move, *super().get_urls()]


def _facts(theme: Theme) -> list[tuple[str, object]]:
    root = roots_of([theme.signature_id]).get(theme.signature_id) if theme.signature_id else None
    return [
        ("Raw signature", format_html("<code>{}</code>", theme.raw_signature)),
        ("Signature", link_to(theme.signature) if theme.signature else "not assigned yet"),
        ("Resolves to", link_to(root) if root != theme.signature else ""),
        (
            "Assigned by",
            f"{words(theme.signature_rule)}, score {score(theme.signature_score)}" if theme.signature else "",
        ),
        ("Category", words(theme.category)),
        ("Summary", theme.summary),
        ("Confidence", score(theme.confidence)),
        ("Conversation", link_to(theme.conversation)),
        ("Run", link_to(theme.run)),
        ("Vectors of", theme.vector_model),
    ]

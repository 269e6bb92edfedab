"""Orphans: what was found and is no story yet, with what it waits for."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from pipeline.group.current import Size, quotes_of_roots, sizes_that_wait
from pipeline.models import Orphan, Theme
from pipeline.models.wording import counted
from pipeline.review.triage import dismiss_orphans, restore_orphans
from pipeline.web.admin.base import (
    DecidingAdmin,
    NarrowingFilter,
    WholePageAdmin,
    badge,
    day,
    link_to,
    link_to_list,
    moment,
    score,
    short,
)
from pipeline.web.admin.signatures import merged_names
from pipeline.web.parts.confidence import confidence
from pipeline.web.parts.evidence import quoted
from pipeline.web.parts.figures import themes_of_root
from pipeline.web.parts.sections import Facts, Quotes, Section

SHOWN = 50
"""Themes on an orphan's page."""

DISMISS, WAIT = "dismiss", "wait"


# --- Screens ------------------------------------------------------------------------------------------------------


class StateFilter(NarrowingFilter):
    """Those that wait, unless others are asked for."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("waiting", "waiting"), ("dismissed", "dismissed"), ("graduated", "became a story"), ("all", "all")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Orphan]) -> QuerySet[Orphan]:
        narrowed = {
            "dismissed": {"dismissed_at__isnull": False},
            "graduated": {"graduated_at__isnull": False},
            "all": {},
        }
        waiting = {"dismissed_at__isnull": True, "graduated_at__isnull": True}
        return queryset.filter(**narrowed.get(self.value() or "", waiting))


@admin.register(Orphan)
class OrphanAdmin(DecidingAdmin, WholePageAdmin):
    """Those that need least first."""

    exports = "orphans"
    list_display = [
        "name", "needs", "near_to", "conversations", "customers", "last_seen", "quote",
    ]  # fmt: skip
    list_filter = [StateFilter, "reason", "updated_at"]
    search_fields = ["signature__title", "signature__key", "detail"]
    ordering = ["missing_conversations", "detail", "-updated_at"]
    actions = ["dismiss", "take_back"]
    decisions = {DISMISS: "Dismiss", WAIT: "Restore"}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Orphan]:
        """Return orphans with their signatures and without vectors."""
        related = super().get_queryset(request).select_related("signature", "story", "nearest_story", "dismissed_by")
        return related.defer("signature__vector_sum")

    def complete(self, rows: Sequence[Orphan]) -> None:
        """Find the sizes and a quote of these orphans."""
        roots = [orphan.signature_id for orphan in rows]
        sizes, quotes = sizes_that_wait(roots), quotes_of_roots(roots)
        for orphan in rows:
            shown: Any = orphan
            shown.size = sizes.get(orphan.signature_id, Size())
            shown.quote = quotes.get(orphan.signature_id, "")

    @admin.display(description="signature", ordering="signature__title")
    def name(self, orphan: Orphan) -> str:
        return orphan.signature.name

    @admin.display(description="what it needs", ordering="missing_conversations")
    def needs(self, orphan: Orphan) -> SafeString:
        return format_html("{} {}", badge(orphan.reason), orphan.detail)

    @admin.display(description="nearest story", ordering="-nearest_cosine")
    def near_to(self, orphan: Orphan) -> SafeString | str:
        return nearest(orphan)

    @admin.display
    def conversations(self, orphan: Any) -> int:
        return int(orphan.size.conversations)

    @admin.display
    def customers(self, orphan: Any) -> int:
        return int(orphan.size.customers)

    @admin.display
    def last_seen(self, orphan: Any) -> SafeString | str:
        return day(orphan.size.last_at)

    @admin.display
    def quote(self, orphan: Any) -> str:
        return short(orphan.quote)

    # --- Decisions ------------------------------------------------------------------------------------------------

    def decide(self, request: HttpRequest, rows: QuerySet[Orphan], decision: str) -> None:
        """Dismiss the orphans or let them wait again, note it in their history, and say how many."""
        if decision == DISMISS:
            changed, did = dismiss_orphans(orphans=rows, by=request.user, at=timezone.now()), "dismissed"
        else:
            changed, did = restore_orphans(orphans=rows, by=request.user, at=timezone.now()), "waiting again"
        self.note(request, [change.orphan for change in changed if change.orphan], f"Now {did}.")
        messages.success(request, f"{counted(len(changed), 'orphan is', 'orphans are')} now {did}.")

    @admin.action(description="Dismiss", permissions=["change"])
    def dismiss(self, request: HttpRequest, orphans: QuerySet[Orphan]) -> None:
        self.decide(request, orphans, DISMISS)

    @admin.action(description="Restore", permissions=["change"])
    def take_back(self, request: HttpRequest, orphans: QuerySet[Orphan]) -> None:
        self.decide(request, orphans, WAIT)

    def decisions_about(self, row: Orphan) -> list[tuple[str, str]]:
        """Return what can be decided: nothing about one that became a story."""
        if row.graduated_at:
            return []
        decision = WAIT if row.dismissed_at else DISMISS
        return [(decision, self.decisions[decision])]

    # --- The page -------------------------------------------------------------------------------------------------

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """Show no button to save: there is nothing to write."""
        context |= {"show_save": False, "show_save_and_continue": False}
        return super().render_change_form(request, context, *args, **kwargs)

    def sections(self, request: HttpRequest, orphan: Orphan) -> list[Section]:
        """Return what it waits for, its evidence, and the names it goes by."""
        self.complete([orphan])
        return [Facts(_facts(orphan)), confidence(orphan), _evidence(orphan), merged_names(orphan.signature)]


def nearest(orphan: Orphan) -> SafeString | str:
    """Return a link to the story whose centre was nearest, with the cosine; a dash if it is not open any more."""
    if orphan.nearest_story is None or not orphan.nearest_story.is_open:
        return "-"
    return format_html("{} {}", link_to(orphan.nearest_story), score(orphan.nearest_cosine))


def _facts(orphan: Any) -> list[tuple[str, object]]:
    size: Size = orphan.size
    dismissed = format_html("{} by {}", moment(orphan.dismissed_at), orphan.dismissed_by or "a deleted user")
    return [
        ("Reason", badge(orphan.reason)),
        ("What it needs", orphan.detail),
        ("Nearest story", nearest(orphan)),
        ("Conversations", size.conversations),
        ("Customers", size.customers),
        ("Themes", link_to_list(Theme, size.themes, signature__root_link__root=orphan.signature_id)),
        ("First seen", day(size.first_at)),
        ("Last seen", day(size.last_at)),
        ("Signature", link_to(orphan.signature)),
        ("Waiting since", moment(orphan.created_at)),
        ("Last evaluated", moment(orphan.updated_at)),
        ("Became a story", link_to(orphan.story) if orphan.graduated_at else ""),
        ("Dismissed", dismissed if orphan.dismissed_at else ""),
    ]


def _evidence(orphan: Any) -> Quotes:
    themes = themes_of_root(orphan.signature)[:SHOWN]
    more = counted(orphan.size.themes - SHOWN, "more theme") if orphan.size.themes > SHOWN else ""
    return Quotes("Evidence", [quoted(theme, theme.conversation) for theme in themes], more)

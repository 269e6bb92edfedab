"""Instances: figures of speech in a book, one row each, with what the reader and its validation said of them."""

from typing import Any, ClassVar, get_args

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from pipeline.extract.profiles.figurative import Kind
from pipeline.models import Evidence
from pipeline.models.wording import words
from pipeline.web.admin.base import RunFilter, WholePageAdmin, link_to, short
from pipeline.web.parts.sections import Facts, Section

TOLD = ("target", "vehicle", "ground", "speaker", "explanation")
"""What is said of an instance besides its kinds, in the order in which it is read."""


class KindFilter(admin.SimpleListFilter):
    """The kinds of figures; an instance may be of several."""

    title = "kind"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(kind, words(kind)) for kind in get_args(Kind)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Evidence]) -> QuerySet[Evidence]:
        return queryset.filter(details__kinds__contains=[self.value()]) if self.value() else queryset


class InstanceRunFilter(RunFilter):
    """The run that found it."""

    lookup = "theme__run"


@admin.register(Evidence)
class InstanceAdmin(WholePageAdmin):
    """To read: what a profile says of a quote. Quotes without that stand on the pages of their themes."""

    list_display = ["quote_short", "place", "kinds", "target", "vehicle", "conversation"]
    list_filter: ClassVar[Any] = [KindFilter, InstanceRunFilter]
    search_fields = ["quote", "=theme__conversation__external_id"]
    search_help_text = "Words of the text, or a chapter's whole id"
    ordering = ["id"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Evidence]:
        """Return quotes with details, and without vectors."""
        rows = super().get_queryset(request).filter(details__isnull=False)
        return rows.select_related("theme__conversation", "theme__run__source").defer("theme__vector")

    @admin.display(description="text")
    def quote_short(self, evidence: Evidence) -> str:
        return short(evidence.quote)

    @admin.display(description="verse")
    def place(self, evidence: Evidence) -> str:
        return str(_details(evidence).get("unit", ""))

    @admin.display(description="kinds")
    def kinds(self, evidence: Evidence) -> str:
        return ", ".join(words(kind) for kind in _details(evidence).get("kinds", []))

    @admin.display(description="target")
    def target(self, evidence: Evidence) -> str:
        return short(str(_details(evidence).get("target") or ""))

    @admin.display(description="vehicle")
    def vehicle(self, evidence: Evidence) -> str:
        return short(str(_details(evidence).get("vehicle") or ""))

    @admin.display(description="chapter")
    def conversation(self, evidence: Evidence) -> SafeString | str:
        return link_to(evidence.theme.conversation)

    def sections(self, request: HttpRequest, row: Evidence) -> list[Section]:
        """Return the words, where they stand, and all that is said of them."""
        details = _details(row)
        told = [(name.capitalize(), details.get(name)) for name in TOLD]
        others = [(words(name).capitalize(), value) for name, value in details.items() if name not in (*TOLD, "kinds")]
        return [
            Facts([
                ("Text", row.quote), ("Chapter", link_to(row.theme.conversation)), ("Run", link_to(row.theme.run)),
                ("Theme", link_to(row.theme)), ("Kinds", self.kinds(row)), *told,
                *((name, value) for name, value in others if not isinstance(value, list | dict)),
            ])
        ]  # fmt: skip


def _details(evidence: Evidence) -> dict[str, Any]:
    return evidence.details or {}  # the admin lists only instances, which have some

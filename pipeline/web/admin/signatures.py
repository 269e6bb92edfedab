"""Signatures: the names of problems, and which names mean the same."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from pipeline.group.current import Size, homes_of, sizes_of_signatures
from pipeline.merge.forest import merges_into, roots_of, spellings_of
from pipeline.models import Merge, Orphan, Signature, Story, Theme
from pipeline.models.signature import STANDING
from pipeline.models.wording import words
from pipeline.web.admin.base import WholePageAdmin, badge, breakable, day, link_to, link_to_list, moment, score, url_of
from pipeline.web.admin.deciding import RIGHT, decision_links, page_for
from pipeline.web.admin.ledger import actor, decisions_about, standing
from pipeline.web.admin.pairs import queue
from pipeline.web.parts.sections import Facts, Section, Table

SHOWN = 50
"""Spellings and merges on a signature's page."""


class MergedFilter(admin.SimpleListFilter):
    """Whether the name stands for itself."""

    title = "merged"
    parameter_name = "merged"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("no", "a root"), ("yes", "merged into another")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Signature]) -> QuerySet[Signature]:
        merged = Exists(Merge.objects.filter(STANDING, child=OuterRef("pk")))
        if self.value() == "yes":
            return queryset.filter(merged)
        return queryset.exclude(merged) if self.value() == "no" else queryset


class HomeFilter(admin.SimpleListFilter):
    """Whether the name is a story or waits as an orphan."""

    title = "home"
    parameter_name = "home"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("story", "a story"), ("orphan", "a waiting orphan"), ("none", "neither")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Signature]) -> QuerySet[Signature]:
        story = Exists(Story.objects.standing().filter(signature=OuterRef("pk")))
        orphan = Exists(Orphan.objects.waiting().filter(signature=OuterRef("pk")))
        narrowed = {
            "story": queryset.filter(story),
            "orphan": queryset.filter(orphan).exclude(story),
            "none": queryset.exclude(story).exclude(orphan),
        }
        return narrowed.get(self.value() or "", queryset)


@admin.register(Signature)
class SignatureAdmin(WholePageAdmin):
    """To read; people decide about signatures on pages of their own."""

    exports = "merges"
    change_list_template = "admin/pipeline/signature_list.html"
    actions = ["merge_two"]

    list_display = ["name", "shown_key", "means", "theme_count", "conversation_count", "home", "profile", "created"]
    list_filter = [MergedFilter, HomeFilter, "created_at"]
    search_fields = ["title", "key", "normal_form"]
    ordering = ["-id"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Signature]:
        """Return signatures without vectors."""
        return super().get_queryset(request).select_related("created_run__source").defer("vector_sum")

    def complete(self, rows: Sequence[Signature]) -> None:
        """Find the roots, sizes and homes of these signatures."""
        ids = [signature.pk for signature in rows]
        roots, sizes, homes = roots_of(ids), sizes_of_signatures(ids), homes_of(ids)
        for signature in rows:
            shown: Any = signature
            shown.root = roots.get(signature.pk, signature)
            shown.found_size = sizes.get(signature.pk, Size())
            shown.found_home = homes.get(signature.pk)

    @admin.display(description="name", ordering="title")
    def name(self, signature: Signature) -> str:
        return signature.name

    @admin.display(description="key", ordering="key")
    def shown_key(self, signature: Signature) -> SafeString:
        return breakable(signature.key)

    @admin.display(description="means")
    def means(self, signature: Any) -> SafeString | str:
        return _means(signature, signature.root)

    @admin.display(description="themes")
    def theme_count(self, signature: Any) -> int:
        return int(signature.found_size.themes)

    @admin.display(description="conversations")
    def conversation_count(self, signature: Any) -> int:
        return int(signature.found_size.conversations)

    @admin.display(description="story or orphan")
    def home(self, signature: Any) -> SafeString | str:
        return _home(signature.found_home)

    @admin.display(description="created", ordering="created_at")
    def created(self, signature: Signature) -> SafeString | str:
        return day(signature.created_at)

    # --- Decisions ------------------------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        """Add the review queue and a page for each decision."""
        pages = [
            path(f"<int:object_id>/{kind}/", page_for(kind, Signature), name=f"pipeline_signature_{kind}")
            for kind in ("merge", "split", "rename", "veto")
        ]
        pairs = path("pairs/", self.admin_site.admin_view(queue), name="pipeline_signature_pairs")
        return [pairs, *pages, *super().get_urls()]

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(RIGHT)

    @admin.action(description="Merge the two chosen", permissions=["decide"])
    def merge_two(self, request: HttpRequest, signatures: QuerySet[Signature]) -> HttpResponse | None:
        """Go to the page that merges them, once exactly two are chosen."""
        chosen = list(signatures.order_by("id")[:3])
        if len(chosen) != 2:
            messages.error(request, "Choose two signatures to merge.")
            return None
        first = reverse("admin:pipeline_signature_merge", args=[chosen[0].pk])
        return HttpResponseRedirect(f"{first}?other={chosen[1].key}")

    # --- The page -------------------------------------------------------------------------------------------------

    def sections(self, request: HttpRequest, signature: Signature) -> list[Section]:
        """Return where the name leads, the names merged into it, and how it was spelled."""
        self.complete([signature])
        return [
            *decision_links(signature, request),
            Facts(_facts(signature)),
            _own_merges(signature),
            merged_names(signature),
            decisions_about(signature.pk),
            _spellings(signature),
        ]


def _means(signature: Signature, root: Signature) -> SafeString | str:
    return "itself" if root == signature else format_html("merged into {}", link_to(root))


def _home(home: Story | Orphan | None) -> SafeString | str:
    if home is None:
        return "-"
    if isinstance(home, Story):
        return format_html("{} {}", link_to(home), badge(home.status))
    return format_html("{} {}", link_to(home, "orphan"), badge(home.reason))


def _facts(signature: Any) -> list[tuple[str, object]]:
    size: Size = signature.found_size
    return [
        ("Name", signature.name),
        ("Key", format_html("<code>{}</code>", signature.key)),
        ("Normal form", signature.normal_form),
        ("Profile", signature.profile),
        ("Means", _means(signature, signature.root)),
        ("Story or orphan", _home(signature.found_home)),
        ("Themes", link_to_list(Theme, size.themes, signature__root_link__root=signature.pk)),
        ("Conversations", size.conversations),
        ("Customers", size.customers),
        ("First seen", day(size.first_at)),
        ("Last seen", day(size.last_at)),
        ("Created", moment(signature.created_at)),
        ("Created by", link_to(signature.created_run)),
    ]


def merged_names(signature: Signature) -> Table:
    """Return the names that mean this one, with the rule, score and reason of each merge."""
    rows = [_merge_row(merge) for merge in merges_into(signature)[:SHOWN]]
    heads = ["Name", "Into", "Rule", "Score", "Reason", "When", "By", ""]
    return Table("Names merged into it", heads, rows, numbers=[3])


def _own_merges(signature: Signature) -> Table:
    """Return where the name was merged itself, undone merges too."""
    merges = signature.merges.select_related("child", "parent", "run__source", "created_by", "undone_by", "judgement")
    rows = [
        (*_merge_row(merge), standing(merge))
        for merge in merges.defer("child__vector_sum", "parent__vector_sum").order_by("-id")[:SHOWN]
    ]
    heads = ["Name", "Into", "Rule", "Score", "Reason", "When", "By", "", "State"]
    return Table("Merges of this name", heads, rows, numbers=[3])


def _merge_row(merge: Merge) -> tuple[object, ...]:
    rule = format_html('<span title="{}">{}</span>', merge.rule_version, words(merge.rule))
    return (
        link_to(merge.child),
        link_to(merge.parent),
        rule,
        score(merge.score),
        merge.reason,
        moment(merge.created_at),
        actor(merge),
        format_html('<a href="{}">undo&nbsp;…</a>', url_of(merge)),
    )


def _spellings(signature: Signature) -> Table:
    rows = [(format_html("<code>{}</code>", raw), count) for raw, count in spellings_of(signature)[:SHOWN]]
    return Table("Spellings seen", ["Raw signature", "Themes"], rows, numbers=[1])

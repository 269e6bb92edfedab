"""The ledger of decisions about signatures: who or which rule, when, why, whether it stands, and undoing it."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString

from pipeline import review
from pipeline.models import Decision, Hold, Judgement, Merge, Move, Rename, Split, Story, Veto
from pipeline.models.wording import words
from pipeline.review import DecisionRefused
from pipeline.web.admin.base import NarrowingFilter, WholePageAdmin, link_to, moment, score, short, url_of
from pipeline.web.admin.deciding import RIGHT, refuse_strangers, tell
from pipeline.web.parts.sections import Facts, Links, Section, Table

SHOWN = 50
"""Moves on a split's page."""


class StandsFilter(NarrowingFilter):
    """Decisions that stand, unless others are asked for."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("stands", "stands"), ("undone", "undone"), ("all", "all")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "all":
            return queryset
        return queryset.filter(undone_at__isnull=self.value() != "undone")


class DeciderFilter(admin.SimpleListFilter):
    """Whether a rule merged, a person or a language model."""

    title = "decided by"
    parameter_name = "decided_by"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("person", "a person"), ("model", "a language model"), ("rule", "a rule")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Merge]) -> QuerySet[Merge]:
        if self.value() == "person":
            return queryset.filter(rule=Merge.PERSON, actor="")
        if self.value() == "model":
            return queryset.exclude(actor="")
        return queryset.exclude(rule=Merge.PERSON) if self.value() == "rule" else queryset


class LedgerAdmin(WholePageAdmin):
    """Decisions of one kind. Nobody edits them; who may decide may undo."""

    list_filter: ClassVar[Any] = [StandsFilter]
    ordering = ["-id"]
    names: Sequence[str] = ()
    """Columns that lead to the signatures it is about."""
    also: Sequence[str] = ()
    """What else its page and columns read."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return decisions with the signatures they are about, and without vectors."""
        related = (
            super()
            .get_queryset(request)
            .select_related(*self.names, *self.also, "created_by", "undone_by", "judgement")
        )
        return related.defer(*(f"{name}__vector_sum" for name in self.names))

    @admin.display(description="when", ordering="created_at")
    def when(self, decision: Decision) -> SafeString | str:
        return moment(decision.created_at)

    @admin.display(description="by")
    def decided_by(self, decision: Any) -> object:
        return actor(decision)

    @admin.display(description="reason")
    def why(self, decision: Decision) -> str:
        return short(decision.reason)

    @admin.display(description="state")
    def state(self, decision: Decision) -> SafeString | str:
        return standing(decision)

    # --- The page -------------------------------------------------------------------------------------------------

    def sections(self, request: HttpRequest, decision: Any) -> list[Section]:
        """Return all the ledger knows, and how to undo it."""
        rows = [*self.facts(decision), *_facts(decision)]
        may_undo = decision.stands and request.user.has_perm(RIGHT)
        return [*([Links([("../undo/", "Undo it")])] if may_undo else []), Facts(rows)]

    def facts(self, decision: Any) -> list[tuple[str, object]]:
        """Return what only this kind of decision has."""
        return [(name.capitalize(), link_to(getattr(decision, name))) for name in self.names]

    def get_urls(self) -> list[URLPattern]:
        """Add the page that undoes."""
        name = f"{self.opts.app_label}_{self.opts.model_name}_undo"
        undo = path("<int:object_id>/undo/", self.admin_site.admin_view(self.undo_view), name=name)
        return [undo, *super().get_urls()]

    def undo_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Ask whether to undo, and do it."""
        refuse_strangers(request)
        decision = get_object_or_404(self.get_queryset(request), pk=object_id)
        if request.method == "POST":
            return _undo(request, decision)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Undo this {self.opts.verbose_name}? {decision}",
            "opts": self.opts,
            "row": decision,
            "back": url_of(decision),
            "sections": [Facts([*self.facts(decision), *_facts(decision)])],
            "explanation": "Signatures, themes, stories, orphans and counts go back to what they were. Whatever "
            "later runs found is kept, each theme with its own signature.",
            "can_veto": isinstance(decision, Merge),
        }
        return TemplateResponse(request, "admin/pipeline/undo.html", context)


def _undo(request: HttpRequest, decision: Any) -> HttpResponse:
    """Undo, with a veto if that was asked for; both or none."""
    try:
        with transaction.atomic():
            review.undo(decision=decision, by=request.user)
            kept_apart = _veto(request, decision) if "_veto" in request.POST else None
    except DecisionRefused as refused:
        messages.error(request, str(refused))
        return HttpResponseRedirect(url_of(decision))
    tell(request, _about(decision), f"undone: {decision}", decision)
    if kept_apart:
        tell(request, _about(kept_apart), f"veto: {kept_apart}", kept_apart)
    return HttpResponseRedirect(url_of(_about(decision)[0]))


def _veto(request: HttpRequest, merge: Merge) -> Veto:
    reason = f"after undoing the merge by {words(merge.rule)}"
    return review.veto(first=merge.child, second=merge.parent, by=request.user, reason=reason)


def _about(decision: Any) -> list[Any]:
    """Return the signatures in whose history the decision is written, and where to go on reading."""
    names = {Merge: ["child", "parent"], Veto: ["first", "second"], Split: ["signature"], Move: ["source", "target"]}
    return [getattr(decision, name) for name in names.get(type(decision), ["signature"])]


def _facts(decision: Any) -> list[tuple[str, object]]:
    return [
        ("Reason", decision.reason),
        ("Decided by", actor(decision)),
        ("Decided", moment(decision.created_at)),
        ("State", standing(decision)),
        ("Registry version", decision.registry_version),
    ]


def actor(decision: Any) -> object:
    """Return the person, the language model or the run that decided."""
    if decision.actor:
        judged: SafeString | str = decision.actor
        return format_html("{}, {}", judged, link_to(decision.judgement)) if decision.judgement else judged
    run = getattr(decision, "run", None)
    return decision.created_by or (link_to(run, f"run {run.pk}") if run else "a deleted user")


def standing(decision: Decision) -> SafeString | str:
    """Return whether a decision stands, or who undid it and when."""
    if decision.stands:
        return "stands"
    return format_html("undone {} by {}", moment(decision.undone_at), decision.undone_by or "a later rule")


# --- Each kind ----------------------------------------------------------------------------------------------------


@admin.register(Merge)
class MergeAdmin(LedgerAdmin):
    """Which names mean the same."""

    list_display = ["__str__", "rule_words", "how_near", "why", "decided_by", "when", "state"]
    list_filter = [StandsFilter, DeciderFilter]
    search_fields = ["child__key", "parent__key"]
    names = ("child", "parent")
    also = ("run__source", "story__absorbed_by")

    @admin.display(description="rule", ordering="rule")
    def rule_words(self, merge: Merge) -> str:
        return words(merge.rule)

    @admin.display(description="score", ordering="score")
    def how_near(self, merge: Merge) -> str:
        return score(merge.score)

    def facts(self, decision: Merge) -> list[tuple[str, object]]:
        """Return what a merge has."""
        return [
            *super().facts(decision),
            ("Rule", f"{words(decision.rule)} {decision.rule_version}"),
            ("Score", score(decision.score)),
            ("Vectors of", decision.vector_model),
            ("Story passed on", _handed_over(decision.story)),
        ]


def _handed_over(story: Story | None) -> object:
    """Return a link to the story; one that was absorbed has no page of its own, so to what absorbed it."""
    if story is None or story.absorbed_by is None:
        return link_to(story)
    return format_html("{}, absorbed by {}", story.title, link_to(story.absorbed_by))


@admin.register(Veto)
class VetoAdmin(LedgerAdmin):
    """Which never merge."""

    list_display = ["__str__", "why", "decided_by", "when", "state"]
    search_fields = ["first__key", "second__key"]
    names = ("first", "second")


@admin.register(Split)
class SplitAdmin(LedgerAdmin):
    """What was taken out of what."""

    list_display = ["__str__", "threshold", "why", "decided_by", "when", "state"]
    search_fields = ["signature__key", "made__key"]
    names = ("signature", "made")

    def facts(self, decision: Split) -> list[tuple[str, object]]:
        """Return what a split has."""
        return [*super().facts(decision), ("Threshold", score(decision.threshold))]

    def sections(self, request: HttpRequest, decision: Split) -> list[Section]:
        """Return the themes that went as well."""
        moves = decision.moves.select_related("theme__conversation", "source").defer(
            "theme__vector", "source__vector_sum"
        )
        rows = [(link_to(m.theme), link_to(m.theme.conversation), link_to(m.source)) for m in moves[:SHOWN]]
        return [*super().sections(request, decision), Table("Moved", ["Theme", "Conversation", "From"], rows)]


@admin.register(Move)
class MoveAdmin(LedgerAdmin):
    """Which theme went where; those of splits stand with their split."""

    list_display = ["__str__", "why", "decided_by", "when", "state"]
    search_fields = ["source__key", "target__key", "theme__raw_signature"]
    names = ("source", "target")
    also = ("theme",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Move]:
        """Return moves without vectors."""
        return super().get_queryset(request).defer("theme__vector", *(f"{name}__vector_sum" for name in self.names))

    def facts(self, decision: Move) -> list[tuple[str, object]]:
        """Return what a move has."""
        split = link_to(Split.objects.get(pk=decision.split_id)) if decision.split_id else ""
        return [("Theme", link_to(decision.theme)), *super().facts(decision), ("Part of the split", split)]


@admin.register(Rename)
class RenameAdmin(LedgerAdmin):
    """What is called what."""

    list_display = ["__str__", "why", "decided_by", "when", "state"]
    search_fields = ["old_key", "new_key"]
    names = ("signature",)


@admin.register(Hold)
class HoldAdmin(LedgerAdmin):
    """What makes no story for now."""

    list_display = ["__str__", "is_failure", "why", "decided_by", "when", "state"]
    search_fields = ["signature__key"]
    names = ("signature",)


@admin.register(Judgement)
class JudgementAdmin(WholePageAdmin):
    """What a language model was asked to judge, what it answered and what followed."""

    list_display = ["__str__", "signatures", "verdict", "why", "state", "run"]
    list_filter: ClassVar[Any] = ["about", "state", "verdict"]
    search_fields = ["first__key", "second__key", "reason"]
    ordering = ["-id"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Judgement]:
        """Return judgements with the signatures they are about, and without vectors."""
        related = super().get_queryset(request).select_related("first", "second", "run__source")
        return related.defer("first__vector_sum", "second__vector_sum")

    @admin.display(description="about")
    def signatures(self, judgement: Judgement) -> str:
        return " and ".join(str(each) for each in (judgement.first, judgement.second) if each)

    @admin.display(description="reason")
    def why(self, judgement: Judgement) -> str:
        return short(judgement.reason or judgement.error)

    def sections(self, request: HttpRequest, judgement: Judgement) -> list[Section]:
        """Return what was asked about and came of it, and the calls behind it with their raw answers."""
        calls = [
            (words(c.step), c.model, c.input_tokens, c.output_tokens, "unknown" if c.cost is None else f"${c.cost:.6f}",
             moment(c.answered_at), short(c.answer))
            for c in judgement.calls.order_by("id")
        ]  # fmt: skip
        facts = [
            ("About", link_to(judgement.first)), ("And", link_to(judgement.second)), ("Run", link_to(judgement.run)),
            ("State", words(judgement.state)), ("Verdict", judgement.verdict), ("Reason", judgement.reason),
            ("What followed", judgement.outcome), ("Error", f"{judgement.error_class} {judgement.error}".strip()),
        ]  # fmt: skip
        headings = ["Step", "Model", "Tokens in", "Tokens out", "Cost", "When", "Answer"]
        return [Facts(facts), Table("Calls", headings, calls)]


def decisions_about(signature: int) -> Table:
    """Return what people and models decided about a signature, merges aside, the newest first."""
    found: list[Any] = []
    for model, columns in (
        (Veto, ("first", "second")), (Split, ("signature", "made")), (Rename, ("signature",)), (Hold, ("signature",)),
    ):  # fmt: skip
        for column in columns:
            rows: Any = model._default_manager.filter(**{column: signature})
            rows = rows.select_related("created_by", "undone_by", "judgement", *columns)
            found += rows.defer(*(f"{name}__vector_sum" for name in columns)).order_by("-id")[:SHOWN]
    found.sort(key=lambda decision: decision.created_at, reverse=True)
    rows = [
        (words(d._meta.verbose_name), link_to(d), d.reason, actor(d), moment(d.created_at), standing(d)) for d in found
    ]
    return Table("Decisions about it", ["", "Decision", "Reason", "By", "When", "State"], rows)


def moves_of(theme: int) -> Table:
    """Return where people moved a theme, the newest first."""
    moves = Move.objects.filter(theme=theme).select_related(
        "source", "target", "theme", "created_by", "undone_by", "judgement"
    )
    moves = moves.defer("source__vector_sum", "target__vector_sum", "theme__vector").order_by("-id")
    rows = [(link_to(m), m.reason, actor(m), moment(m.created_at), standing(m)) for m in moves]
    return Table("Moves", ["Move", "Reason", "By", "When", "State"], rows)

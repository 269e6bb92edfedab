"""What templates of the pages say often: `{% load pages %}`. All text is escaped here or there."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django import template
from django.http import HttpRequest, QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.html import conditional_escape, escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from pipeline.models.wording import words
from pipeline.reports.charts import line
from pipeline.sources.websites.changes import DiffLine
from pipeline.web.admin import base
from pipeline.web.parts.files import OFFERED, SEES_NAMES, may_export
from pipeline.web.parts.texts import Excerpt, Piece, Turn

register = template.Library()

SPARK_WIDTH, SPARK_HEIGHT = 96, 22

register.filter("short", base.short)
register.filter("words", words)


@register.simple_tag
def chip(value: str, text: str = "") -> SafeString:
    """Return a state, status or reason as a coloured word; the colour repeats what the word says."""
    return format_html('<span class="lm-chip lm-{}">{}</span>', base.TONES.get(value, "quiet"), text or words(value))


@register.simple_tag
def sparkline(values: Sequence[int]) -> SafeString:
    """Return a line through the values, which are told to those who do not see it."""
    drawn = line(values, [""] * len(values), width=SPARK_WIDTH, height=SPARK_HEIGHT)
    told = f"conversations a week: {', '.join(map(str, values))}"
    return format_html(
        '<svg class="lm-spark" viewBox="0 0 {} {}" role="img" aria-label="{}"><path d="{}"/></svg>',
        drawn.width, drawn.height, told, drawn.path,
    )  # fmt: skip


@register.filter
def day(at: datetime | None) -> SafeString | str:
    """Return a date, shown in the reader's zone."""
    return _time(at, "day", "%-d %b %Y")


@register.filter
def moment(at: datetime | None) -> SafeString | str:
    """Return a date and time, shown in the reader's zone."""
    return _time(at, "moment", "%-d %b %Y %H:%M %Z")


def _time(at: datetime | None, kind: str, form: str) -> SafeString | str:
    if at is None:
        return "-"
    local = timezone.localtime(at).strftime(form)
    return format_html('<time datetime="{}" data-local="{}">{}</time>', at.isoformat(), kind, local)


@register.filter
def percent(share: float | None) -> str:
    """Return a share of 1 in per cent; below one with a digit behind the point."""
    if share is None:
        return "-"
    return f"{100 * share:.1f} %" if 0 < share < 0.1 else f"{100 * share:.0f} %"


@register.inclusion_tag("pages/export.html", takes_context=True)
def export_links(context: Mapping[str, Any], what: str, at: str = "", **narrowed: object) -> dict[str, Any]:
    """Offer rows of a kind as files, to those who may have them, redacted and, to those who may see names, as they are.

    `at` is the address that exports this very list: it gets the address's own query. Without it, all rows of the kind
    are offered that `narrowed` finds, as `reports.exports.Chosen` takes it.
    """
    request = context["request"]
    if not may_export(request, what):
        return {}

    def links(**more: str) -> list[tuple[str, str]]:
        return [(name, _address_of_export(request, what, form, at, {**narrowed, **more})) for form, name in OFFERED]

    return {"what": what, "links": links(), "private": request.user.has_perm(SEES_NAMES) and links(private="1")}


def _address_of_export(request: HttpRequest, what: str, form: str, at: str, narrowed: Mapping[str, object]) -> str:
    values = request.GET.copy() if at else QueryDict(mutable=True)
    values.pop("page", None)
    for name, value in narrowed.items():
        if value not in (None, ""):
            values[name] = str(value)
    if at:
        values["format"] = form
    address = reverse(at) if at else reverse("admin:export", args=[what, form])
    return f"{address}?{values.urlencode()}" if values else address


@register.simple_tag(takes_context=True)
def query(context: Mapping[str, Any], **changed: object) -> str:
    """Return the address's query with some values changed; None takes one away, and the page number goes with any."""
    values: QueryDict = context["request"].GET.copy()
    for name in ("page", *changed):
        values.pop(name, None)
    for name, value in changed.items():
        if value not in (None, ""):
            values[name] = str(value)
    return f"?{values.urlencode()}" if values else "?"


@register.simple_tag
def marked(pieces: Sequence[Piece], leads_to: str = "") -> SafeString:
    """Return a text whose quotes are marked and whose unread parts are grey.

    With `leads_to`, such as `theme`, the number of each quote follows it as a link to what stands under `#theme-1`.
    One string without line breaks of ours: the texts are shown as they were written (pre-wrap), so a template that
    spelt this out could not break a line.
    """
    return mark_safe("".join(_marked(piece, leads_to) for piece in pieces))


def _marked(piece: Piece, leads_to: str) -> str:
    if piece.marks:
        ends = piece.ends if leads_to else ()
        links = format_html_join(
            "", '<sup><a href="#{0}-{1}" aria-label="{0} {1}">{1}</a></sup>', ((leads_to, mark) for mark in ends)
        )
        return format_html("<mark>{}</mark>{}", piece.text, links)
    if piece.left_out:
        return format_html('<span class="lm-left-out" title="Not read: {}">{}</span>', piece.left_out, piece.text)
    return conditional_escape(piece.text)


@register.simple_tag
def said(turn: Turn, excerpt: Excerpt, forloop: Mapping[str, Any]) -> SafeString:
    """Return the words of a turn in an excerpt, with dots where the text begins before it or continues behind it."""
    before = "… " if forloop["first"] and excerpt.goes_before else ""
    after = " …" if forloop["last"] and excerpt.goes_on else ""
    return format_html("{}{}{}", before, marked(turn.pieces), after)


@register.simple_tag
def highlighted(pieces: Iterable[tuple[str, bool]], name: str = "") -> SafeString:
    """Return a text whose chosen pieces are marked, with a class if `name` gives one."""
    opening = format_html('<mark class="{}">', name) if name else "<mark>"
    return mark_safe(
        "".join(f"{opening}{escape(text)}</mark>" if is_chosen else escape(text) for text, is_chosen in pieces)
    )


@register.simple_tag
def line_of_diff(line: DiffLine) -> SafeString:
    """Return a line of a comparison; what its colour says is told to those who do not see it."""
    if line.kind == "added":
        return format_html('<span class="lm-hidden">Added: </span><ins>{}</ins>', line.text)
    if line.kind == "removed":
        return format_html('<span class="lm-hidden">Removed: </span><del>{}</del>', line.text)
    return conditional_escape(line.text)

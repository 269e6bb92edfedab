"""What templates of the pages say often: `{% load pages %}`. All text is escaped here or there."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django import template
from django.http import HttpRequest, QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from pipeline.models.wording import words
from pipeline.web.admin import base
from pipeline.web.pages.pictures import SPARK_HEIGHT, SPARK_WIDTH, spark
from pipeline.web.parts.files import OFFERED, SEES_NAMES, may_export

register = template.Library()

register.filter("short", base.short)
register.filter("words", words)


@register.simple_tag
def chip(value: str, text: str = "") -> SafeString:
    """Return a state, status or reason as a coloured word; the colour repeats what the word says."""
    return format_html('<span class="lm-chip lm-{}">{}</span>', base.TONES.get(value, "quiet"), text or words(value))


@register.simple_tag
def sparkline(values: Sequence[int]) -> SafeString:
    """Return a line through the values, which are told to those who do not see it."""
    drawn = spark(values)
    return format_html(
        '<svg class="lm-spark" viewBox="0 0 {} {}" role="img" aria-label="{}"><path d="{}"/></svg>',
        SPARK_WIDTH, SPARK_HEIGHT, drawn.told, drawn.path,
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

"""A conversation: the thread, what was read and what left out, what was found in it, and why it is where it is."""

from typing import Any

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404

from pipeline.models import CompanyUrl, Conversation, Item
from pipeline.reports.summary import themes_of_conversation
from pipeline.reports.why import why_here
from pipeline.sources.understanding.language import language_name
from pipeline.web.pages.frame import page, show
from pipeline.web.parts.links import is_link
from pipeline.web.parts.numbers import number_in
from pipeline.web.parts.threads import left_out_of, thread_of

SHOWN = 50


@page("pipeline.view_conversation")
def conversation(request: HttpRequest, conversation_id: int) -> HttpResponse:
    """Show a conversation in its current version, or in that which the address names."""
    found = Conversation.objects.select_related("source", "current_version")
    row: Conversation = get_object_or_404(found, pk=conversation_id)
    version = row.current_version
    if asked := request.GET.get("version", ""):
        number = number_in(asked)
        if number is None:
            raise BadRequest("the version must be a number")
        version = get_object_or_404(row.versions, pk=number)
    themes = list(themes_of_conversation(row)[:SHOWN])
    numbered = {theme.pk: number for number, theme in enumerate(themes, start=1)}
    item = Item.objects.filter(conversation=row).select_related("run").order_by("-id").first()
    left_out = left_out_of(row, version) if version else []
    stories = row.stories.filter(story__absorbed_by__isnull=True).select_related("story").order_by("id")
    context: dict[str, Any] = {
        "title": row.external_id,
        "conversation": row,
        "version": version,
        "is_old": version is not None and version.pk != row.current_version_id,
        "versions": row.versions.order_by("-stored_at", "-id")[:SHOWN],
        "thread": thread_of(version, themes, numbered, left_out) if version and not version.erased_at else None,
        "themes": [(numbered[theme.pk], theme) for theme in themes],
        "stories": [each.story for each in stories],
        "item": item,
        "language": language_name(item.language) if item else "",
        "is_link": is_link(row.url),
        "page": CompanyUrl.objects.filter(conversation=row).first() if row.source.kind == row.source.WEBSITES else None,
        "metadata": sorted(row.metadata.items()) if isinstance(row.metadata, dict) else [],
        "why": why_here(row, item, themes),
    }
    return show(request, "pages/conversation.html", context)


ADDRESSES = [("conversations/<int:conversation_id>/", "conversation", conversation)]

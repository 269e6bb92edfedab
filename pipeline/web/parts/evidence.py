"""How a theme's evidence is shown, wherever it is shown."""

from django.utils.html import format_html

from pipeline.models import Conversation, Theme
from pipeline.web.admin.base import day, link_to, score, short
from pipeline.web.parts.sections import Quoted
from pipeline.web.parts.texts import excerpts_of

LONGEST_SUMMARY = 300


def quoted(theme: Theme, conversation: Conversation) -> Quoted:
    """Return the theme's quotes in their text, with where they come from; evidence should be prefetched."""
    source = (
        link_to(conversation),
        conversation.customer or "unknown customer",
        day(conversation.occurred_at),
        format_html("{} {}", link_to(theme), f"confidence {score(theme.confidence)}"),
    )
    return Quoted(source, short(theme.summary, LONGEST_SUMMARY), excerpts_of(list(theme.evidence.all())))

"""Customers: who said what, over time, and which stories they are in."""

from typing import Any

from django.core.paginator import Paginator
from django.db.models import Count, Max, Min
from django.db.models.functions import Lower
from django.http import HttpRequest, HttpResponse

from pipeline.models import Conversation, Story
from pipeline.reports.search import stories_of_conversations
from pipeline.reports.trends import newest_moment, story_rows
from pipeline.web.pages.frame import page, show
from pipeline.web.parts.threads import own_words_of

PER_PAGE = 50
SHOWN = 20


@page("pipeline.view_conversation")
def customers(request: HttpRequest) -> HttpResponse:
    """List the customers that the sources name, those with most conversations first."""
    word = request.GET.get("q", "")[:200].replace("\0", "").strip()
    named = Conversation.objects.exclude(customer="")
    if word:
        named = named.filter(customer__icontains=word)
    found = (
        named.order_by().annotate(folded=Lower("customer")).values("folded")
        .annotate(name=Min("customer"), number=Count("id"), first_at=Min("occurred_at"), last_at=Max("occurred_at"))
        .order_by("-number", "folded")
    )  # fmt: skip
    listed = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    return show(request, "pages/customers.html", {"title": "Customers", "word": word, "listed": listed})


@page("pipeline.view_conversation")
def customer(request: HttpRequest) -> HttpResponse:
    """Show a customer's stories and conversations; the name stands in the address, whatever its case."""
    name = request.GET.get("name", "")[:200].replace("\0", "")
    mine = Conversation.objects.annotate(folded=Lower("customer")).filter(folded=name.lower()).exclude(customer="")
    listed = Paginator(mine.order_by("-occurred_at", "-id").values_list("pk", flat=True), SHOWN).get_page(
        request.GET.get("page")
    )
    counted = (
        Story.objects.standing().filter(evidence__conversation__in=mine)
        .annotate(mine=Count("evidence")).order_by("-mine", "id")[:SHOWN]
    )  # fmt: skip
    stories: list[Any] = list(counted)
    rows = story_rows(stories, until=newest_moment())
    span = mine.aggregate(first=Min("occurred_at"), last=Max("occurred_at"))
    context = {
        "title": name or "Customer",
        "name": name,
        "listed": listed,
        "conversations": _said(list(listed.object_list)),
        "stories": [(row, story.mine) for row, story in zip(rows, stories, strict=True)],
        **span,
    }
    return show(request, "pages/customer.html", context)


def _said(ids: list[int]) -> list[tuple[Conversation, str, list[tuple[int, str]]]]:
    """Return these conversations in their order, each with the customer's own words and its stories."""
    found = Conversation.objects.select_related("source", "current_version").in_bulk(ids)
    rows = [found[pk] for pk in ids if pk in found]
    said, stories = own_words_of(rows), stories_of_conversations(ids)
    return [(row, said[row.pk], stories.get(row.pk, [])) for row in rows]


ADDRESSES = [("customers/", "customers", customers), ("customers/of/", "customer", customer)]

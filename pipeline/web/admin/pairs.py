"""The review queue: near pairs of signatures, and a yes or no to each."""

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils.html import format_html

from pipeline import review
from pipeline.models import Registry, Signature
from pipeline.review import DecisionRefused, Pair, Side
from pipeline.web.admin.base import badge, link_to, short
from pipeline.web.admin.deciding import RIGHT, refuse_strangers, tell

SHOWN = 15
"""Pairs on the page; answering one makes room for the next."""


def queue(request: HttpRequest) -> HttpResponse:
    """Show the pairs of a profile that people should judge, or take an answer and show them again."""
    if request.method == "POST":
        return _answer(request)
    if not request.user.has_perm("pipeline.view_signature"):
        raise PermissionDenied("the review queue needs the permission pipeline.view_signature")
    profiles = list(Registry.objects.filter(pk__in=settings.PROFILES).order_by("pk").values_list("pk", flat=True))
    asked = request.GET.get("profile", "")
    profile = asked if asked in profiles else (profiles[0] if profiles else "")
    pairs = review.uncertain_pairs(profile, SHOWN) if profile else []
    context = {
        **admin.site.each_context(request),
        "title": "Review queue",
        "opts": Signature._meta,
        "profile": profile,
        "profiles": profiles,
        "pairs": [_shown(pair) for pair in pairs],
        "may_decide": request.user.has_perm(RIGHT),
    }
    return TemplateResponse(request, "admin/pipeline/pairs.html", context)


def _shown(pair: Pair) -> dict[str, Any]:
    return {
        "child": pair.child,
        "parent": pair.parent,
        "sides": [_side(pair.parent), _side(pair.child)],
        "effect": pair.effect[:1].upper() + pair.effect[1:],
        "cosine": pair.cosine,
        "percent": round(100 * min(pair.closeness, 1.0)),
    }


def _side(side: Side) -> dict[str, Any]:
    state = side.home.status if side.is_story else side.home.reason  # type: ignore[union-attr]  # it is one of the two
    name = side.home if side.is_story else "orphan"
    return {
        "name": link_to(side.signature),
        "home": format_html("{} {}", link_to(side.home, name), badge(state)),
        "conversations": side.conversations,
        "customers": side.customers,
        "quote": short(side.quote, 300),
    }


def _answer(request: HttpRequest) -> HttpResponse:
    refuse_strangers(request)
    child, parent = _signature(request, "child"), _signature(request, "parent")
    try:
        same = {"yes": True, "no": False}[request.POST.get("answer", "")]
        decision = review.answer(child=child, parent=parent, same=same, by=request.user)
        tell(request, [child, parent], f"{decision._meta.verbose_name}: {decision}", decision)
    except KeyError:
        messages.error(request, "Answer yes or no.")
    except DecisionRefused as refused:
        messages.warning(request, str(refused))
    return HttpResponseRedirect(f"{request.path}?profile={child.profile}")


def _signature(request: HttpRequest, name: str) -> Signature:
    """Return the signature whose id was sent under this name; Http404 for anything else."""
    sent = request.POST.get(name, "")
    if not sent.isdecimal():
        raise Http404(f"{name} is not the id of a signature")
    found: Signature = get_object_or_404(Signature, pk=sent)
    return found

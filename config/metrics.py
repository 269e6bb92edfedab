"""`/metrics`: all numbers for Prometheus, those of the pipeline and those of the chats."""

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from pipeline.access import find_token
from pipeline.models import ApiToken
from pipeline.web.metrics import PipelineCollector
from sessions.api.prometheus import SessionCollector
from sessions.upkeep.metrics import session_metrics


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Return the numbers as Prometheus reads them; 401 without a token for them, unless settings.METRICS_OPEN."""
    try:
        if not _may_read(request):
            return _plain(
                "Send the header `Authorization: Bearer TOKEN`, with a token that has the scope `metrics`.",
                401,
                {"WWW-Authenticate": "Bearer"},
            )
        registry = CollectorRegistry()
        registry.register(SessionCollector(session_metrics()))
        registry.register(PipelineCollector())
        numbers = generate_latest(registry)
    except (OperationalError, InterfaceError):
        return _plain("The database cannot be reached.", 503, {"Retry-After": "2"})
    return HttpResponse(numbers, content_type=CONTENT_TYPE_LATEST)


def _may_read(request: HttpRequest) -> bool:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if settings.METRICS_OPEN:
        return True
    found = find_token(token.strip()) if scheme.lower() == "bearer" else None
    return found is not None and ApiToken.Scope.METRICS in found.scopes


def _plain(text: str, status: int, headers: dict[str, str]) -> HttpResponse:
    return HttpResponse(f"{text}\n", status=status, headers=headers, content_type="text/plain")

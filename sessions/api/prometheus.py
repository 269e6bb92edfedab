"""`/metrics` for Prometheus: the numbers of `session_metrics`, read from the rows when somebody asks.

So every process says the same, a restart loses nothing, and there is nothing to add up. Users are not labels.
"""

from collections.abc import Iterator

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from sessions.api.tokens import find_token
from sessions.models import ApiToken
from sessions.upkeep.metrics import SessionMetrics, session_metrics


class SessionCollector(Collector):
    """Numbers since the beginning; what retention has removed counts on, so that no counter falls."""

    def __init__(self, metrics: SessionMetrics) -> None:
        self.metrics = metrics

    def collect(self) -> Iterator[Metric]:
        """Yield each number by its name."""
        numbers = self.metrics
        yield CounterMetricFamily("leitmotif_chat_sessions_created", "Sessions that began", numbers.created)
        yield CounterMetricFamily("leitmotif_chat_sessions_reused", "Messages whose session was open", numbers.reused)
        yield CounterMetricFamily(
            "leitmotif_chat_rapid_creates", "Sessions followed by another within seconds", numbers.rapid_creates
        )
        yield CounterMetricFamily(
            "leitmotif_chat_context_losses", "Users at work on something else than we thought", numbers.context_losses
        )
        yield GaugeMetricFamily("leitmotif_chat_sessions_active", "Sessions that are active", numbers.active)
        yield GaugeMetricFamily(
            "leitmotif_chat_duplicate_active", "Users with two active sessions; must be 0", numbers.duplicate_active
        )
        if numbers.ratio is not None:
            yield GaugeMetricFamily("leitmotif_chat_reuse_ratio", "Share of messages that found one", numbers.ratio)


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Return the numbers as Prometheus reads them; 401 without a token for them, unless settings.METRICS_OPEN."""
    try:
        if not _may_read(request):
            return _plain(
                "Send the header `Authorization: Bearer TOKEN`, with a token of the scope metrics.",
                401,
                {"WWW-Authenticate": "Bearer"},
            )
        registry = CollectorRegistry()
        registry.register(SessionCollector(session_metrics()))
    except (OperationalError, InterfaceError):
        return _plain("The database is away.", 503, {"Retry-After": "2"})
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _may_read(request: HttpRequest) -> bool:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if settings.METRICS_OPEN:
        return True
    found = find_token(token.strip()) if scheme.lower() == "bearer" else None
    return found is not None and ApiToken.Scope.METRICS in found.scopes


def _plain(text: str, status: int, headers: dict[str, str]) -> HttpResponse:
    return HttpResponse(f"{text}\n", status=status, headers=headers, content_type="text/plain")

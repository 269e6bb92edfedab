"""The chats' numbers for Prometheus: those of `session_metrics`, read from the rows when somebody asks.

So every process says the same, a restart loses nothing, and there is nothing to add up. Users are not labels.
"""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from sessions.upkeep.metrics import SessionMetrics


class SessionCollector(Collector):
    """Numbers since the beginning; what retention has removed counts on, so that no counter falls."""

    def __init__(self, metrics: SessionMetrics) -> None:
        self.metrics = metrics

    def collect(self) -> Iterator[Metric]:
        """Yield each number by its name."""
        numbers = self.metrics
        yield CounterMetricFamily("leitmotif_chat_sessions_created", "Sessions started", numbers.created)
        yield CounterMetricFamily(
            "leitmotif_chat_sessions_reused", "Messages that reused an open session", numbers.reused
        )
        yield CounterMetricFamily(
            "leitmotif_chat_rapid_creates", "Sessions followed by another within seconds", numbers.rapid_creates
        )
        yield CounterMetricFamily(
            "leitmotif_chat_context_losses",
            "Users whose project or task was not the one expected",
            numbers.context_losses,
        )
        yield GaugeMetricFamily("leitmotif_chat_sessions_active", "Active sessions", numbers.active)
        yield GaugeMetricFamily(
            "leitmotif_chat_duplicate_active", "Users with two active sessions; must be 0", numbers.duplicate_active
        )
        if numbers.ratio is not None:
            yield GaugeMetricFamily(
                "leitmotif_chat_reuse_ratio", "Share of messages that reused an open session", numbers.ratio
            )

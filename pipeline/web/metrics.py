"""The pipeline's numbers for Prometheus, read from the ledger when somebody asks.

So every process says the same, a restart loses nothing, and there are no files to add up. Labels are states and queues:
few, and never a text. What would need all rows to be counted is left to PostgreSQL's own estimate.
"""

from collections.abc import Iterator, Mapping

from django.db import connection
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from pipeline.ledger.queues import heartbeat_ages
from pipeline.models import Conversation, Item, Theme
from pipeline.reports.tallies import LIVE_ITEMS, ORPHANS, RUNS, STORIES, numbers


class PipelineCollector(Collector):
    """`leitmotif_*`: runs, items of live runs, stories, orphans, rows, heartbeats."""

    def collect(self) -> Iterator[Metric]:
        """Yield each number by its name; DatabaseError if the tables cannot be read."""
        counted = numbers(at=timezone.now())
        yield _by_state(RUNS, "Runs by state", "state", counted[RUNS])
        yield _by_state(LIVE_ITEMS, "Items of live runs by state", "state", counted[LIVE_ITEMS])
        yield _by_state(STORIES, "Stories by status", "status", counted[STORIES])
        waiting = counted[ORPHANS].get("", 0)
        yield GaugeMetricFamily(ORPHANS, "Orphans that wait for more conversations", waiting)
        rows = GaugeMetricFamily(
            "leitmotif_rows", "Rows of large tables, as PostgreSQL estimates them", labels=["table"]
        )
        for model in (Conversation, Item, Theme):
            rows.add_metric([model._meta.db_table], _estimate(model._meta.db_table))
        yield rows
        ages = heartbeat_ages(at=timezone.now())
        seconds = {queue: max(age.total_seconds(), 0.0) for queue, age in ages.items()}
        yield _by_state("leitmotif_queue_heartbeat_age_seconds", "Since the last heartbeat came", "queue", seconds)


def _by_state(name: str, told: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, told, labels=[label])
    for value, number in sorted(values.items()):
        family.add_metric([value], number)
    return family


def _estimate(table: str) -> float:
    """Return how many rows a table has by PostgreSQL's statistics, exact where it was never analysed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE oid = %s::regclass", [table])
        estimate = float(cursor.fetchone()[0])
        if estimate < 0:
            cursor.execute(f"SELECT count(*) FROM {connection.ops.quote_name(table)}")
            estimate = float(cursor.fetchone()[0])
    return estimate

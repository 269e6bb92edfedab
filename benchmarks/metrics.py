# ruff: noqa: E501 (SQL)
"""What a scrape of `/metrics` costs with many rows: `python -m benchmarks.metrics --rows 1000000`.

Fills a database of its own, which it drops again: so many chat sessions over 400 days, so many items of a live run, so
many orphans, a tenth as many stories. Prints the milliseconds of a scrape, the best and the median of nine, before and
after housekeeping has closed the days that are over and counted rows by state. Held to 100 ms after it.
"""

import argparse
import statistics
import time

from benchmarks.database import own_database

# Foreign keys are not looked at: only what is counted is made. It needs a superuser, which the embedded one has.
FILL = """
SET session_replication_role = replica;
INSERT INTO chat_session (user_id, zone, state, started_at, last_message_at, reuse_count, reply_count, ended_at, ended_reason)
SELECT 'user ' || n % (%(rows)s / 20 + 1), 'UTC', 'expired', at, at + interval '10 minutes', n % 7, n % 7,
       at + interval '7 hours', 'idle'
FROM generate_series(1, %(rows)s) AS n,
     LATERAL (SELECT now() - n * (interval '400 days' / %(rows)s) - interval '8 hours') AS moment (at);
INSERT INTO chat_contextloss (user_id, what, expected, actual, has_run_out, noticed_at)
SELECT 'user ' || n, 'task', 'a', 'b', false, now() - n * (interval '400 days' / (%(rows)s / 100 + 1))
FROM generate_series(1, %(rows)s / 100) AS n;
INSERT INTO pipeline_source (kind, name, created_at, repeated_passages, reading, cursor)
VALUES ('file', 'bench', now(), '[]', '{}', '');
INSERT INTO pipeline_run (source_id, profile, extractor, parameters, versions, state, phase, epoch, is_preview, error,
    attention, created_at, started_at, seconds_before, phase_count, heartbeat_at)
SELECT id, 'support', 'local', '{}', '{}', 'running', 'extract', 1, false, '', '', now(), now(), 0, 0, now()
FROM pipeline_source;
INSERT INTO pipeline_item (run_id, conversation_id, chunk, state, reason, stage, error_class, error, category, epoch, claim,
    delivery_count)
SELECT run.id, n, n / 50, 'pending', '', '', '', '', '', 1, '', 0
FROM pipeline_run run, generate_series(1, %(rows)s) AS n;
INSERT INTO pipeline_orphan (signature_id, reason, detail, missing_conversations, confidence, confidence_parts, created_at,
    updated_at)
SELECT n, 'too_few', 'needs 2 more conversations', 2, 10, '{}', now(), now() FROM generate_series(1, %(rows)s) AS n;
INSERT INTO pipeline_story (signature_id, title, description, status, status_before, category, confidence,
    confidence_parts, created_at, updated_at, ticket_url, title_size)
SELECT n, 'Story ' || n, '', (ARRAY['candidate', 'approved', 'done', 'dismissed'])[1 + n % 4], '', 'product_issue', 10, '{}',
       now(), now(), '', 0 FROM generate_series(1, %(rows)s / 10) AS n;
SET session_replication_role = DEFAULT;
"""


def main() -> None:
    """Fill, scrape, close days, scrape again."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args().rows
    with own_database():
        from django.db import connection
        from django.utils import timezone

        from pipeline.reports.tallies import renew_tallies
        from sessions.upkeep.tallies import close_days

        started = time.perf_counter()
        with connection.cursor() as cursor:
            for statement in FILL.replace("%(rows)s", str(rows)).split(";\n"):
                if statement.strip():
                    cursor.execute(statement)
            cursor.execute("VACUUM ANALYZE")
        print(f"{rows:,} rows of each kind, filled in {time.perf_counter() - started:.0f} s")
        print("no day closed:", scraped())
        started = time.perf_counter()
        days = close_days(at=timezone.now())
        print(f"{days} days closed in {time.perf_counter() - started:.1f} s, once; afterwards a day a day")
        started = time.perf_counter()
        renew_tallies(at=timezone.now())
        print(
            f"rows by state counted in {time.perf_counter() - started:.1f} s, by a task, at most a twentieth of the time"
        )
        print("all tallies:  ", scraped())


def scraped() -> str:
    """Return what nine scrapes took, by what is counted."""
    from prometheus_client import CollectorRegistry
    from prometheus_client.exposition import generate_latest

    from pipeline.web.metrics import PipelineCollector
    from sessions.api.prometheus import SessionCollector
    from sessions.upkeep.metrics import session_metrics

    taken: dict[str, list[float]] = {"pipeline": [], "chats": [], "all": []}
    for _ in range(9):
        begun = time.perf_counter()
        chats = SessionCollector(session_metrics())
        half = time.perf_counter()
        registry = CollectorRegistry()
        registry.register(chats)
        registry.register(PipelineCollector())
        generate_latest(registry)
        ended = time.perf_counter()
        for name, seconds in (("chats", half - begun), ("pipeline", ended - half), ("all", ended - begun)):
            taken[name].append(1000 * seconds)
    return ", ".join(
        f"{name} {min(each):.0f} ms (median {statistics.median(each):.0f})" for name, each in taken.items()
    )


if __name__ == "__main__":
    main()

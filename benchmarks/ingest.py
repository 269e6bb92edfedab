"""Import against what the same rows cost at the least: json.loads, COPY into a staging table, one upsert.

    python -m benchmarks.ingest [CONVERSATIONS] [ROUNDS]

Both write a whole file into empty tables, in a database that is made for this and removed afterwards. Each round runs
both, one after the other, and the ratio is the median of the rounds' ratios: so a machine that is busy at times slows
both. The baseline checks nothing: no types, no duplicates, no hash; its tables have the same columns and keys. The bar
is twice its time.
"""

import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import django

from config import embedded

BAR = 2.0

WORDS = """
calendar sync invoice booking reminder export login password timezone duplicate meeting customer page error slow button
screen update phone email card refund plan team seat permission link webhook report since yesterday after the and it
does not work please help we tried again still same thanks could you look at this every time when
"""


def write_conversations(path: Path, conversations: int) -> None:
    """Write threads of one to five messages, the same ones each time."""
    rng = random.Random(7)
    with path.open("w") as file:
        for number in range(conversations):
            messages = [_message(rng, place) for place in range(rng.randint(1, 5))]
            record = {"id": f"c-{number}", "customer": f"acme-{number % 900}", "messages": messages}
            print(json.dumps({**record, "created_at": messages[0]["created_at"], "metadata": {"n": number}}), file=file)


def _message(rng: random.Random, place: int) -> dict[str, str]:
    words = WORDS.split()
    text = " ".join(rng.choices(words, k=rng.randint(8, 60)))
    return {"role": ("customer", "agent")[place % 2], "text": text, "created_at": f"2026-03-0{place + 1}T10:00:00Z"}


# --- The baseline -------------------------------------------------------------------------------------------------

_MAKE_BARE = """
CREATE TABLE bare_conversation (LIKE pipeline_conversation INCLUDING ALL);
CREATE TABLE bare_version (LIKE pipeline_conversationversion INCLUDING ALL);
ALTER TABLE bare_conversation ADD FOREIGN KEY (source_id) REFERENCES pipeline_source DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE bare_conversation ADD FOREIGN KEY (current_version_id) REFERENCES bare_version
    DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE bare_version ADD FOREIGN KEY (conversation_id) REFERENCES bare_conversation DEFERRABLE INITIALLY DEFERRED;
"""
_STAGE_BARE = """
CREATE TEMPORARY TABLE bare_staged (
    line int, external_id text, customer text, occurred_at timestamptz, metadata jsonb, messages jsonb
) ON COMMIT DROP
"""
_UPSERT_BARE = """
WITH stored AS (
    INSERT INTO bare_conversation
           (source_id, external_id, customer, occurred_at, occurred_at_is_import_time, url, label, metadata,
            current_version_id)
    SELECT %s, external_id, customer, occurred_at, false, '', '', metadata, line FROM bare_staged
    ON CONFLICT (source_id, external_id) DO UPDATE SET customer = excluded.customer, metadata = excluded.metadata
    RETURNING id, current_version_id
)
INSERT INTO bare_version (id, conversation_id, content_hash, messages, stored_at)
SELECT stored.current_version_id, stored.id, stored.id, bare_staged.messages, now()
FROM stored JOIN bare_staged ON bare_staged.line = stored.current_version_id
ON CONFLICT (conversation_id, content_hash) DO NOTHING
"""


def import_bare(path: Path, source_id: int) -> None:
    from django.db import connection, transaction

    with transaction.atomic(), connection.cursor() as cursor, path.open("rb") as file:
        cursor.execute(_STAGE_BARE)
        with cursor.copy("COPY bare_staged FROM STDIN") as copy:
            for line, raw in enumerate(file, start=1):
                record = json.loads(raw)
                metadata, messages = json.dumps(record["metadata"]), json.dumps(record["messages"])
                copy.write_row((line, record["id"], record["customer"], record["created_at"], metadata, messages))
        cursor.execute(_UPSERT_BARE, [source_id])


# --- Measuring ----------------------------------------------------------------------------------------------------


def compare(path: Path, rounds: int) -> None:
    from django.db import connection

    from pipeline.models import Source
    from pipeline.sources.ingest import Import, import_files

    source = Source.objects.create(kind="file", name="bare")
    with connection.cursor() as cursor:
        cursor.execute(_MAKE_BARE)
    bare, first, again = [], [], []
    for number in range(rounds):
        _empty()
        if number % 2:
            bare.append(_seconds(lambda: import_bare(path, source.pk)))
        first.append(_seconds(lambda: import_files(Import((str(path),)))))
        again.append(_seconds(lambda: import_files(Import((str(path),)))))
        if not number % 2:
            bare.append(_seconds(lambda: import_bare(path, source.pk)))
    _show("bare", bare, bare)
    _show("import again, unchanged", again, bare)
    ratio = _show("import", first, bare)
    print(f"the bar is {BAR}: {'met' if ratio <= BAR else 'NOT met'}")


def _empty() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE bare_conversation, bare_version, pipeline_conversation CASCADE")


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _show(what: str, seconds: list[float], bare: list[float]) -> float:
    ratio = statistics.median(ours / theirs for ours, theirs in zip(seconds, bare, strict=True))
    times = " ".join(f"{each:.2f}" for each in seconds)
    print(f"{what:24} median {statistics.median(seconds):6.2f} s, {ratio:5.2f} x bare   ({times})")
    return ratio


def main(conversations: int = 50_000, rounds: int = 7) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    embedded.hold()
    django.setup()
    from django.db import connection

    connection.settings_dict["TEST"]["NAME"] = f"benchmark_ingest_{os.getpid()}"
    name = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "conversations.jsonl"
            write_conversations(path, conversations)
            print(f"{conversations:,} conversations, {path.stat().st_size / 1e6:.0f} MB, {rounds} rounds")
            compare(path, rounds)
    finally:
        connection.creation.destroy_test_db(name, verbosity=0)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))

"""How long the merge takes, rows read and written, and how much memory: merge_themes on a real PostgreSQL.

    python -m benchmarks.merge [SIZE ...]        default: 10000 100000

Of each size: a first run of so many, 1,000 new themes against them, and all of them grouped again as the task does it,
with the stories and titles that come of it. After each run its own stories are made and titled, as a run does it: a
consolidation never finds themes that no run has settled, and would else be measured with their first names.

The themes are made here from a seed: vectors of a mixture of problems whose sizes follow a power law, as alike inside a
problem as MiniLM's of one-line questions (mean cosine 0.62), in a space whose directions matter as unequally as there;
one in twenty belongs to none. So this measures time, and quality only roughly: `benchmarks.quality` does that.
`result` is a hash of which theme got which name: the same in every run until the rules change.
"""

import hashlib
import importlib
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.database import own_database

WIDTH = 384
DECAY = 0.55  # how fast directions lose weight; gives 29 effective ones, Banking77's have 30 to 40
COMMON, OWN = 0.50, 0.52  # share of the bank in each vector; share of the problem in the rest
PROBLEM_SIZE = 60  # themes of a problem, on average
STRANGERS = 0.05
NEW = 1_000
PROFILE = "support"
BLOCK = 20_000
SYMPTOMS = ("fails", "missing", "slow", "unclear", "how_to", "duplicated", "rejected", "late")

Floats = NDArray[np.float32]


def main(sizes: list[int]) -> None:
    """Print a row a size, and what 1,000 new themes then cost."""
    heads = f"{'seconds':>8} {'processor s':>11} {'PostgreSQL s':>12} {'peak MB':>8} {'roots':>6} {'result':>8}"
    print(f"{'themes':>9} {'registered':>10} {heads} {'load':>5}")
    for size in sizes:
        with own_database():
            for count, skip in ((size, 0), (NEW, size)):
                run = seed_run(count=count, skip=skip)
                _measure(f"{count:>9,} {skip:>10,}", "merge", run)
                _measure(f"{'stories':>9} {skip + count:>10,}", "group", run)
            _measure(f"{'all again':>9} {size + NEW:>10,}", "consolidate", run)


def _measure(head: str, step: str, run: int) -> None:
    arguments = [sys.executable, "-m", "benchmarks.merge", f"--{step}", str(run)]
    done = subprocess.run(arguments, check=True, capture_output=True, text=True)
    print(f"{head} {done.stdout.rstrip()} {os.getloadavg()[0]:>5.1f}", flush=True)


def do_step(step: str, run_id: int) -> None:
    """Merge a run in this process, make its stories, or group all again as the task does; print what it took, how many
    signatures have three themes and more, and the hash.
    """
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from pipeline.group import naming, settle, titling
    from pipeline.merge.apply import merge_themes
    from pipeline.models import Run, Signature
    from pipeline.review.regroup import plan_regroup, regroup

    # A process loads these with its first merge, which takes 0.4 s; this one is to be as a worker that has merged.
    for name in ("scipy.sparse", "scipy.cluster.hierarchy", "scipy.optimize"):
        importlib.import_module(name)
    run = Run.objects.get(pk=run_id)
    began, busy, server_busy = time.monotonic(), time.process_time(), _server_seconds()
    if step == "consolidate":
        regroup(plan=plan_regroup(profile=run.profile), reason="a benchmark")
    elif step == "group":
        settle.settle_run(run=run)
        titling.title_stories(profile=run.profile, run=run)
        naming.name_signatures(profile=run.profile)
    elif not merge_themes(run=run, following=Run.Phase.GROUP):
        raise SystemExit(f"run {run_id} was not merged: is somebody else using this database?")
    seconds, busy, server_busy = time.monotonic() - began, time.process_time() - busy, _server_seconds() - server_busy
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    roots = Signature.objects.filter(profile=run.profile, size__gte=3).count()
    print(f"{seconds:>8.1f} {busy:>11.1f} {server_busy:>12.1f} {peak:>8.0f} {roots:>6} {_result(run.pk)}")


def _server_seconds() -> float:
    """Return the processor seconds of this connection's PostgreSQL process (Linux, server on this machine)."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [(process,)] = cursor.fetchall()
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _result(run: int) -> str:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(_NAMES_OF_THEMES, [run])
        [(names,)] = cursor.fetchall()
    return hashlib.sha256(names.encode()).hexdigest()[:8]


_NAMES_OF_THEMES = """
SELECT string_agg(normal_form || ' ' || signature_rule, ',' ORDER BY theme.id)
FROM pipeline_theme theme JOIN pipeline_signature signature ON signature.id = theme.signature_id WHERE run_id = %s
"""


# --- Made themes --------------------------------------------------------------------------------------------------


def vectors(count: int, problems: int, seed: int) -> Iterator[tuple[Floats, list[int]]]:
    """Yield blocks of unit vectors and the problem of each; -1 is none. The problems are the same for every seed."""
    weights = ((np.arange(WIDTH) + 4.0) ** -DECAY).astype(np.float32)
    weights /= np.linalg.norm(weights)
    fixed, draw = np.random.default_rng(0), np.random.default_rng(seed)
    share = fixed.pareto(1.2, problems) + 1
    centres = fixed.standard_normal((problems, WIDTH), dtype=np.float32) * weights
    for start in range(0, count, BLOCK):
        rows = min(BLOCK, count - start)
        problem = draw.choice(problems, rows, p=share / share.sum())
        noise = draw.standard_normal((rows, WIDTH), dtype=np.float32) * weights
        own = np.where(draw.random(rows) < STRANGERS, 0.0, OWN).astype(np.float32)[:, None]
        made = np.sqrt(1 - COMMON**2) * (np.sqrt(own) * centres[problem] + np.sqrt(1 - own) * noise)
        made[:, 0] += COMMON
        made /= np.linalg.norm(made, axis=1, keepdims=True)
        yield made.astype(np.float32), np.where(own[:, 0] > 0, problem, -1).tolist()


def seed_run(*, count: int, skip: int) -> int:
    """Write a run whose conversations are read and wait for the merge, each with one theme; return its id."""
    from django.utils import timezone

    from pipeline.models import Run, Source, Theme
    from pipeline.models.copy import copy_rows

    source, _ = Source.objects.get_or_create(kind="file", name="made")
    ended = {"finished_at": timezone.now(), "first_finished_at": timezone.now()}
    over = {"state": Run.State.COMPLETED, "phase": Run.Phase.DONE, **ended}
    Run.objects.filter(source=source).update(**over)
    run = Run.objects.create(
        source=source,
        profile=PROFILE,
        extractor="local",
        state=Run.State.RUNNING,
        phase=Run.Phase.MERGE,
        as_of=timezone.now(),
        heartbeat_at=timezone.now(),
    )
    items = _seed_items(run.pk, source.pk, count, skip)
    problems = max(3, max(count, skip) // PROBLEM_SIZE)
    columns = ["run_id", "item_id", "conversation_id", "profile", "raw_signature", "raw_key", "category", "summary"]
    columns += ["confidence", "vector", "vector_model", "signature_rule"]
    for made, problem in vectors(count, problems, seed=skip + 1):
        rows = ((run.pk, *next(items), PROFILE, *_names(number, one)) for number, one in enumerate(problem))
        copy_rows(
            Theme,
            columns,
            ((*row, 0.8, vector.tobytes(), "made", "") for row, vector in zip(rows, made, strict=True)),
        )
    _seed_words(run.pk)
    return run.pk


def _names(number: int, problem: int) -> tuple[str, str, str, str]:
    """Return raw signature, its form, category and summary: a problem has up to eight names, a stranger its own."""
    from pipeline.merge.rules.normalise import normal_form

    feature = _word(problem) if problem >= 0 else _word(number + 1_000_003)
    name = f"{feature}_{SYMPTOMS[number % len(SYMPTOMS)]}"
    return name, normal_form(name), "product_issue", f"The {feature} is broken and I cannot go on, please help."


def _word(number: int) -> str:
    """Return an invented word, another for each number."""
    word, syllables = "", ("ba", "ce", "di", "fo", "gu", "ka", "le", "mi", "no", "pu", "ra", "se", "ti", "vo", "xu")
    number += len(syllables)
    while number:
        number, place = divmod(number, len(syllables))
        word += syllables[place]
    return word


_CONVERSATIONS = """
INSERT INTO pipeline_conversation
    (source_id, external_id, customer, occurred_at, occurred_at_is_import_time, url, label, metadata)
SELECT %s, 't-' || number, '', now(), false, '', '', '{}' FROM generate_series(%s, %s) AS number
"""
_VERSIONS = """
INSERT INTO pipeline_conversationversion (conversation_id, content_hash, messages, stored_at)
SELECT id, md5(external_id), '[]', now() FROM pipeline_conversation c
WHERE source_id = %s AND NOT EXISTS (SELECT FROM pipeline_conversationversion WHERE conversation_id = c.id)
"""
_ITEMS = """
INSERT INTO pipeline_item
    (run_id, conversation_id, version_id, chunk, state, reason, stage, error_class, error, category, epoch, claim,
     delivery_count, finished_at)
SELECT %s, conversation_id, v.id, 0, 'extracted', '', '', '', '', '', 1, '', 1, now()
FROM pipeline_conversationversion v JOIN pipeline_conversation c ON c.id = v.conversation_id
WHERE source_id = %s AND NOT EXISTS (SELECT FROM pipeline_item WHERE conversation_id = c.id)
"""


_MESSAGES = """
UPDATE pipeline_conversationversion version
SET messages = jsonb_build_array(jsonb_build_object('role', 'customer', 'text', theme.summary))
FROM pipeline_theme theme JOIN pipeline_item item ON item.id = theme.item_id
WHERE theme.run_id = %s AND version.id = item.version_id
"""
_QUOTES = """
INSERT INTO pipeline_evidence (theme_id, version_id, quote, start, "end")
SELECT theme.id, item.version_id, theme.summary, 0, length(theme.summary)
FROM pipeline_theme theme JOIN pipeline_item item ON item.id = theme.item_id WHERE theme.run_id = %s
"""


def _seed_words(run: int) -> None:
    """Let each conversation say what its theme says, and quote it: without a quote no group is a story."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(_MESSAGES, [run])
        cursor.execute(_QUOTES, [run])
        cursor.execute("ANALYZE")


def _seed_items(run: int, source: int, count: int, skip: int) -> Iterator[tuple[int, int]]:
    """Write conversations, versions and items; return the ids of items and their conversations."""
    from django.db import connection

    from pipeline.models import Item

    with connection.cursor() as cursor:
        cursor.execute(_CONVERSATIONS, [source, skip, skip + count - 1])
        cursor.execute(_VERSIONS, [source])
        cursor.execute(_ITEMS, [run, source])
        cursor.execute("ANALYZE")
    return iter(list(Item.objects.filter(run_id=run).values_list("pk", "conversation_id").order_by("pk")))


if __name__ == "__main__":
    if sys.argv[1:2] in (["--merge"], ["--group"], ["--consolidate"]):
        do_step(sys.argv[1].removeprefix("--"), int(sys.argv[2]))
    else:
        main([int(size) for size in sys.argv[1:]] or [10_000, 100_000])

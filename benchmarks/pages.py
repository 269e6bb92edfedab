# ruff: noqa: E501 (SQL)
"""What the pages cost with many rows: `python -m benchmarks.pages --conversations 100000 --stories 10000`.

Fills a database of its own, which it drops again, asks for each page three times as an owner would, and prints of the
best of the three: milliseconds on the clock, milliseconds of processor time of this process and of PostgreSQL (which
say the same on a busy machine), and the number of questions to the database; of the first, with cold caches of ours,
the processor time. Held to 300 ms and 15 questions a page, 500 ms for a search. `--slow 50` prints each question that
took longer than so many milliseconds, `--only review` asks only for pages whose names contain this.

`--browser` opens the pages in Chromium instead, from a server of Django's in this process, and prints when a person
first sees something, when all is loaded, and when the points of the map are painted (held to 1 s).
"""

import argparse
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import django

from config import embedded

WORDS = [
    "calendar",
    "appointment",
    "card",
    "charged",
    "twice",
    "reminder",
    "text",
    "never",
    "arrives",
    "invite",
    "link",
    "expired",
    "import",
    "clients",
    "list",
    "deposit",
    "refund",
    "week",
    "view",
    "slow",
    "login",
    "password",
    "reset",
    "export",
    "invoice",
    "tax",
    "number",
    "missing",
    "wrong",
    "double",
    "booking",
    "staff",
]


def main() -> None:
    """Fill, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--conversations", type=int, default=100_000)
    parser.add_argument("--stories", type=int, default=10_000)
    parser.add_argument("--slow", type=int, default=0, metavar="MS")
    parser.add_argument("--only", default="")
    parser.add_argument("--browser", action="store_true")
    given = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    embedded.hold()
    django.setup()
    from django.db import connection
    from django.test.utils import setup_test_environment

    setup_test_environment()
    connection.settings_dict["TEST"]["NAME"] = f"bench_pages_{os.getpid()}"  # beside the tests' own
    name = connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        started = time.perf_counter()
        fill(given.conversations, given.stories)
        print(f"filled in {time.perf_counter() - started:.0f} s")
        owner = a_person_who_was_here_yesterday()
        pages = {name: where for name, where in addresses().items() if given.only in name}
        if given.browser:
            see({name: where for name, where in pages.items() if ":" not in name or "search" in name}, owner)
        else:
            ask(pages, owner, slow=given.slow)
    finally:
        with connection.cursor() as cursor:  # threads of the server may not have let go of it
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        connection.creation.destroy_test_db(name, verbosity=0)


FRAMES = ("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT")
"""Statements around the questions; they ask nothing."""

RUN = "-- run"
"""Where the run is made, by its model: that gets a column oftener than the other tables, with a default."""

FILL = """
INSERT INTO auth_user (username, password, is_superuser, is_staff, is_active, first_name, last_name, email, date_joined)
VALUES ('owner', '', true, true, true, '', '', '', now());
INSERT INTO pipeline_source (kind, name, created_at, repeated_passages, reading, cursor)
VALUES ('file', 'bench', now(), '[]', '{}', '');
-- run
INSERT INTO pipeline_conversation (source_id, external_id, customer, occurred_at, occurred_at_is_import_time, url, label,
    metadata)
SELECT currval('pipeline_source_id_seq'), 'c' || n, 'customer ' || n % 5000, now() - n % 500 * interval '1 day', false, '',
    '', jsonb_build_object('plan', (ARRAY['gold', 'silver', 'free'])[1 + n % 3], 'channel', n % 2)
FROM generate_series(1, %(conversations)s) AS n;
INSERT INTO pipeline_conversationversion (conversation_id, content_hash, messages, stored_at)
SELECT id, md5(id::text), jsonb_build_array(
    jsonb_build_object('role', 'customer', 'author', '', 'created_at', '', 'text', (
        SELECT string_agg((%(words)s::text[])[1 + (hashtext(id::text || k) & 1023) %% %(count)s], ' ')
        FROM generate_series(1, 60) AS k)),
    jsonb_build_object('role', 'agent', 'author', '', 'created_at', '', 'text', 'Sorry, we look into it.')), now()
FROM pipeline_conversation;
UPDATE pipeline_conversation c SET current_version_id = v.id FROM pipeline_conversationversion v
WHERE v.conversation_id = c.id;
INSERT INTO pipeline_item (run_id, conversation_id, version_id, chunk, state, reason, stage, error_class, error, category,
    epoch, claim, delivery_count, finished_at, language)
SELECT currval('pipeline_run_id_seq'), id, current_version_id, id / 50, 'extracted', '', '', '', '', '', 1, '', 1, now(),
    'en' FROM pipeline_conversation;
INSERT INTO pipeline_registry (profile, version, consolidated_count, consolidated_stories) VALUES ('support', 1, 0, 0);
INSERT INTO pipeline_signature (profile, key, normal_form, created_at, vector_model, size, vector_sum)
SELECT 'support', 'problem_' || n, 'problem ' || n, now(), 'bench', 10, decode(repeat('0000803f', 384), 'hex')
FROM generate_series(1, %(stories)s * 3 / 2) AS n;
INSERT INTO pipeline_theme (run_id, item_id, conversation_id, profile, raw_signature, raw_key, category, summary,
    confidence, vector, vector_model, signature_id, signature_rule, signature_score, registry_version)
SELECT i.run_id, i.id, i.conversation_id, 'support', 'problem', 'problem', 'product_issue', 'Something fails.', 0.8,
    decode(repeat('0000803f', 384), 'hex'), 'bench', s.id, 'name', 0.5 + (i.id %% 50) / 100.0, 1
FROM pipeline_item i JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place FROM pipeline_signature) s
    ON s.place = i.id %% (%(stories)s * 3 / 2);
INSERT INTO pipeline_evidence (theme_id, version_id, quote, start, "end")
SELECT t.id, i.version_id, left(v.messages -> 0 ->> 'text', 60), 0, 60 FROM pipeline_theme t
JOIN pipeline_item i ON i.id = t.item_id JOIN pipeline_conversationversion v ON v.id = i.version_id;
INSERT INTO pipeline_story (signature_id, title, description, status, status_before, category, confidence,
    confidence_parts, first_run_id, created_at, updated_at, title_size)
SELECT id, 'Problem number ' || id, '', (ARRAY['candidate', 'approved', 'in_progress', 'done', 'dismissed'])[1 + id %% 5],
    '', 'product_issue', id %% 100, '{}', currval('pipeline_run_id_seq'), now(), now(), 0
FROM (SELECT id FROM pipeline_signature ORDER BY id LIMIT %(stories)s) AS signature;
INSERT INTO pipeline_storyevidence (story_id, conversation_id, theme_id, run_id)
SELECT story.id, theme.conversation_id, theme.id, theme.run_id FROM pipeline_theme theme
JOIN pipeline_story story ON story.signature_id = theme.signature_id;
INSERT INTO pipeline_orphan (signature_id, reason, detail, missing_conversations, confidence, confidence_parts,
    nearest_story_id, nearest_cosine, created_at, updated_at)
SELECT signature.id, 'too_few', 'needs 1 more conversation', 1, 40, '{}', (SELECT min(id) FROM pipeline_story), 0.6, now(),
    now() FROM pipeline_signature signature
WHERE NOT EXISTS (SELECT FROM pipeline_story WHERE signature_id = signature.id);
INSERT INTO pipeline_thememap (profile, vector_model, version, laid_out_count, drawn_at)
SELECT 'support', 'bench', 1, count(*), now() FROM pipeline_theme;
INSERT INTO pipeline_mappoint (theme_id, map_id, x, y)
SELECT id, 'support', 40 * sin(signature_id) + random(), 40 * cos(signature_id * 7) + random() FROM pipeline_theme;
INSERT INTO pipeline_company (external_id, name, metadata, status, confidence, explanation, override, override_reason,
    created_at, updated_at)
SELECT 'co' || n, 'Company ' || n, '{}', (ARRAY['operational', 'requires_review', 'likely_closed'])[1 + n %% 3], n %% 100,
    'Because of its pages.', '', '', now(), now() FROM generate_series(1, %(stories)s) AS n;
"""


def fill(conversations: int, stories: int) -> None:
    """Store so many conversations, a theme and a quote of each, and the stories and orphans they are in."""
    from django.db import connection
    from django.utils import timezone

    from pipeline.models import Run, Source
    from pipeline.sources.searchable import renew_search_texts

    values: dict[str, Any] = {"conversations": conversations, "stories": stories, "words": WORDS, "count": len(WORDS)}
    with connection.cursor() as cursor:
        for statement in FILL.split(";\n"):
            if statement.startswith(RUN):
                now = timezone.now()
                Run.objects.create(
                    source=Source.objects.get(), profile="support", extractor="local", state=Run.State.COMPLETED,
                    phase=Run.Phase.DONE, as_of=now, started_at=now, finished_at=now, first_finished_at=now,
                )  # fmt: skip
            if statement.strip():
                cursor.execute(statement.replace(" % ", " %% ").replace("%%%%", "%%"), values)
    for source in Source.objects.all():
        renew_search_texts(source=source)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


@dataclass(frozen=True, slots=True, order=True)
class Cost:
    """What one request cost, in milliseconds: processor time of this process and of PostgreSQL, time on the clock."""

    python: float
    postgres: float
    clock: float
    questions: int

    @property
    def processor(self) -> float:
        """Milliseconds of both."""
        return self.python + self.postgres


def postgres_seconds(postmaster: int) -> float:
    """Return the processor seconds that all of a PostgreSQL on this machine have used, ended processes included."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended; the postmaster knows what it used
            continue
        if int(stat.parent.name) == postmaster:
            ticks += sum(int(field) for field in fields[11:15])  # its own, and of children that have ended
        elif int(fields[1]) == postmaster:
            ticks += sum(int(field) for field in fields[11:13])
    return ticks / os.sysconf("SC_CLK_TCK")


def a_person_who_was_here_yesterday() -> Any:
    """Return the owner, who comes as on every day: what was read since the last visit is told."""
    from django.contrib.auth.models import User
    from django.utils import timezone

    from pipeline.models import Visit

    owner, yesterday = User.objects.get(username="owner"), timezone.now() - timedelta(days=1)
    Visit.objects.create(user=owner, since_at=yesterday - timedelta(days=1), seen_at=yesterday)
    return owner


def addresses() -> dict[str, str]:
    """Return the address of each page, by what it is called here."""
    from django.urls import reverse

    from pipeline.models import Company, Conversation, Run, Story

    story, conversation = Story.objects.order_by("id")[0], Conversation.objects.order_by("id")[0]

    def at(name: str, *args: object) -> str:
        return reverse(f"admin:{name}", args=args)

    return {
        "home": at("index"),
        "stories by size": at("stories"),
        "stories by trend": f"{at('stories')}?sort=trend",
        "stories by confidence": f"{at('stories')}?sort=confidence",
        "stories by severity": f"{at('stories')}?sort=severity",
        "stories of an area": f"{at('stories')}?area=billing",
        "board": f"{at('stories')}?view=board",
        "story": at("story", story.pk),
        "similar": at("story_similar", story.pk),
        "parts": at("story_parts", story.pk),
        "who": at("story_who", story.pk),
        "activity": at("story_activity", story.pk),
        "review": at("review"),
        "orphans": at("orphans"),
        "conversations": at("search"),
        "search: a rare phrase": f"{at('search')}?q=%22password reset export%22",
        "search: a common word": f"{at('search')}?q=charging",
        "search: a customer": f"{at('search')}?q=refund&customer=customer 77",
        "conversation": at("conversation", conversation.pk),
        "customers": at("customers"),
        "customer": f"{at('customer')}?name=customer 77",
        "map": at("map"),
        "map: points": at("map_points", "support"),
        "map: stories": at("map_stories", "support"),
        "map: by plan": f"{at('map_colours', 'support')}?by=meta.plan",
        "companies": at("companies"),
        "companies of a status": f"{at('companies')}?status=flagged",
        "company": at("company", Company.objects.order_by("id")[0].pk),
        "runs": at("runs"),
        "run": at("run", Run.objects.order_by("id")[0].pk),
        "run: live": at("run_live", Run.objects.order_by("id")[0].pk),
        "new run": at("new_run"),
    }


def ask(pages: Mapping[str, str], owner: Any, *, slow: int) -> None:
    """Ask for each page and print what it cost, and its questions above `slow` ms."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    client = Client()
    client.force_login(owner)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        backend = Path(f"/proc/{cursor.fetchone()[0]}/stat")
    postmaster = int(backend.read_text().rpartition(")")[2].split()[1])
    print(f"{'page':28}{'clock':>8}{'python':>8}{'postgres':>10}{'cold':>8}{'questions':>11}")
    for name, where in pages.items():
        costs = []
        for _ in range(3):
            with CaptureQueriesContext(connection) as captured:
                before = time.process_time(), postgres_seconds(postmaster), time.perf_counter()
                response = client.get(where)
                after = time.process_time(), postgres_seconds(postmaster), time.perf_counter()
            assert response.status_code == 200, (name, response.status_code)
            python, postgres, clock = (1000 * (end - start) for start, end in zip(before, after, strict=True))
            asked = [each for each in captured.captured_queries if not each["sql"].startswith(FRAMES)]
            costs.append(Cost(python, postgres, clock, len(asked)))
        best = min(costs, key=lambda cost: cost.processor)
        most = max(cost.questions for cost in costs)
        print(
            f"{name:28}{best.clock:8.0f}{best.python:8.0f}{best.postgres:10.0f}{costs[0].processor:8.0f}{most:11}",
            flush=True,
        )
        for question in captured.captured_queries:
            if slow and 1000 * float(question["time"]) > slow:
                print(f"    {question['time']} s: {question['sql']}", flush=True)


PAINTED = "() => document.querySelector('canvas[data-painted]')?.dataset.painted ?? null"
HAS_PAINTED = "() => performance.getEntriesByName('first-contentful-paint').length > 0"
SEEN = """() => {
  const [page] = performance.getEntriesByType("navigation");
  const [paint] = performance.getEntriesByName("first-contentful-paint");
  return [paint?.startTime ?? 0, page.loadEventEnd];
}"""


def see(pages: Mapping[str, str], owner: Any) -> None:
    """Open each page (not the pieces it asks for) three times in Chromium and print the best moments, in milliseconds
    from when it was asked for.
    """
    from django.conf import settings
    from django.contrib.staticfiles.handlers import StaticFilesHandler
    from django.db import connections
    from django.test import Client
    from django.test.testcases import LiveServerThread
    from playwright.sync_api import sync_playwright

    from tests.browser.conftest import CHROMIUM, OPTIONS

    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # Playwright keeps an event loop in this thread
    client, session = Client(), settings.SESSION_COOKIE_NAME
    client.force_login(owner)
    server = LiveServerThread("127.0.0.1", StaticFilesHandler)
    server.daemon = True
    server.start()
    assert server.is_ready.wait(30), "the server did not start"
    if server.error:
        raise server.error
    url = f"http://127.0.0.1:{server.port}"
    print(f"{'page':28}{'first seen':>12}{'loaded':>8}{'points':>8}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        context.add_cookies([{"name": session, "value": client.cookies[session].value, "url": url}])
        page = context.new_page()
        for name, where in pages.items():
            moments = []
            for _ in range(3):
                page.goto(url + where, wait_until="load")
                if name == "map":
                    page.wait_for_function(PAINTED, timeout=60_000)
                page.wait_for_function(HAS_PAINTED, timeout=60_000)
                first, loaded = page.evaluate(SEEN)
                moments.append((loaded, first, float(page.evaluate(PAINTED) or 0)))
            loaded, first, _ = min(moments)
            painted = min(moment[2] for moment in moments)
            print(f"{name:28}{first:12.0f}{loaded:8.0f}{painted:8.0f}", flush=True)
        browser.close()
    server.terminate()
    server.join(30)
    connections.close_all()


if __name__ == "__main__":
    main()

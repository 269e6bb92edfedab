"""`./manage.py demo [FILE]`: the whole pipeline on the bundled sample or a file of one's own; `bin/demo` calls it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console

import pipeline
from pipeline.ledger.errors import RunError
from pipeline.ledger.states import lose
from pipeline.management.child_process import ending_with_parent
from pipeline.management.following import PATIENCE, follow
from pipeline.management.importing import add_import_options, options_of, print_dry_run, print_imported
from pipeline.management.printing import SOME_REJECTED, exit_code, print_failures, print_stories, print_summary
from pipeline.models import Run, Source
from pipeline.reports.summary import earlier_run_that_read, run_summary, stories_of_source
from pipeline.reports.verify import verify
from pipeline.runs import start
from pipeline.runs.checks import SETTINGS
from pipeline.runs.create import Selection, Throughput
from pipeline.sources.ingest import Import, import_files
from pipeline.sources.records import UnreadableSource

SAMPLE = Path(pipeline.__file__).parent / "sample" / "conversations.jsonl"
SIGN_OF_LIFE = PATIENCE + 3.0
"""Seconds within which somebody who waits for a run sends a heartbeat for it."""

WORKER_START = 180.0
"""Seconds the demo's worker has to boot; it needs three to ten."""

WORKER_STOP = 10.0
"""Seconds a worker has to finish what it reads when the demo ends; then it is killed."""

PROOF_ORDERS = 2
"""Shuffled orders in which the demo derives the signatures again: half a second each for the sample."""


class Command(BaseCommand):
    requires_system_checks = [SETTINGS]
    help = "Run the whole pipeline on the bundled sample, or on FILE, and show the stories."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "files",
            nargs="*",
            metavar="FILE",
            help="files, a folder or a zip of any known format (default: the bundled sample)",
        )
        parser.add_argument("--name", help="name of the source (default: the name of the file or folder)")
        parser.add_argument("--dry-run", action="store_true", help="show how the files are understood; store nothing")
        parser.add_argument(
            "--llm", action="store_true", help="read with the language model set in LLM_MODEL; prints the cost"
        )
        parser.add_argument(
            "--yes", action="store_true", help="replace different texts stored under the same ids without asking"
        )
        add_import_options(parser)

    def handle(self, **options: Any) -> None:
        asked = Import(tuple(options["files"]) or (str(SAMPLE),), options["name"], options_of(options), options["yes"])
        console = Console(markup=False, emoji=False)
        if options["dry_run"]:
            if print_dry_run(asked, console):
                sys.exit(SOME_REJECTED)
            return
        with _ended_by_signals():
            try:
                run, rejected = self._run(asked, console, "llm" if options["llm"] else "local")
            except (UnreadableSource, RunError) as error:
                raise CommandError(str(error)) from error
        shown = show(run, console)
        holds = run.state not in Run.FINISHED or prove(shown, console)
        console.print("\nTo look around in the browser, start bin/up; it prints the address and the login.")
        if code := 1 if not holds else exit_code(run) or (SOME_REJECTED if rejected else 0):
            sys.exit(code)

    def _run(self, asked: Import, console: Console, extractor: str) -> tuple[Run, bool]:
        call_command("migrate", verbosity=0, interactive=False)
        imported = import_files(asked)
        print_imported(imported, ", ".join(Path(path).name or path for path in asked.paths), console)
        if imported.counts.rejects_path:
            console.print(f"Rejected rows and why: {imported.counts.rejects_path}", highlight=False, soft_wrap=True)
        source = imported.source
        if source is None:
            raise UnreadableSource("Nothing was imported, so there is no conversation to read.")
        _free(source, console)
        with _worker():
            profile = (
                "sample" if asked.paths == (str(SAMPLE),) else "support"
            )  # invented stories do not mix with real ones
            same_texts = not (imported.counts.new or imported.counts.updated)
            run = (same_texts and _go_on(source, profile, extractor, console)) or start.start_run(
                source=source,
                profile=profile,
                extractor=extractor,
                selection=Selection(),
                patience=WORKER_START,
            )
            try:
                return follow(run.pk, console), imported.counts.rejected > 0
            except BaseException:
                lose(run_id=run.pk, why="its demo was ended")
                raise


def _free(source: Source, console: Console) -> None:
    """End the run that a demo left alive when it was killed: its worker ended with it, so nothing moves any more."""
    for run in Run.objects.filter(source=source, state__in=Run.LIVE):
        console.print(f"Run {run.pk} of an earlier demo has not ended; checking whether it is still running.")
        time.sleep(SIGN_OF_LIFE)
        if not lose(run_id=run.pk, why="its demo was killed", silent_for=SIGN_OF_LIFE):
            raise CommandError(
                f"Another demo is reading the same file (run {run.pk}). Wait until it has ended, then try again."
            )


def _go_on(source: Source, profile: str, extractor: str, console: Console) -> Run | None:
    """Continue the newest run of the same texts if it was ended before its time: what it read is not read, and with a
    language model not paid for, again. None if there is no such run, or it cannot be continued.
    """
    newest = Run.objects.filter(source=source, is_preview=False).order_by("-pk").first()
    if newest is None or newest.state not in (Run.State.STOPPED, Run.State.LOST, Run.State.FAILED):
        return None
    if (newest.profile, newest.extractor) != (profile, extractor):
        return None
    try:
        run = start.resume_run(run_id=newest.pk, pace=Throughput(), patience=WORKER_START)
    except RunError as refusal:
        console.print(f"Run {newest.pk} of an earlier demo is not continued: {refusal}", soft_wrap=True)
        return None
    console.print(f"Run {run.pk} of an earlier demo continues where it ended.")
    return run


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let SIGTERM and a closed terminal end the command the way an exception does, so that the worker is ended too."""

    def leave(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _worker() -> Iterator[None]:
    """Start a Celery worker that lives as long as this command, however the command ends."""
    log = settings.LOCAL_DIR / "demo-worker.log"
    # Not the queue `background`: the theme map would be drawn beside the proof and hold up the end. bin/up draws it.
    command = [
        sys.executable, "-m", "celery", "-A", "config", "worker", "--queues=default,extract,merge", "--loglevel=INFO",
        f"--concurrency={os.cpu_count() or 2}", "--without-gossip", "--without-mingle", "--without-heartbeat",
        f"--hostname=demo-{os.getpid()}@%h",
    ]  # fmt: skip
    with log.open("wb") as output:
        process = subprocess.Popen(
            ending_with_parent(command, signal.SIGTERM),
            cwd=settings.BASE_DIR,
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    try:
        yield
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the worker and its children: politely first, then for good."""
    process.terminate()
    deadline = time.monotonic() + WORKER_STOP
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def show(run: Run, console: Console) -> Run:
    """Show a run and its source's stories and return it; where nothing new came in, the run that read what is there."""
    shown = earlier_run_that_read(run) or run
    if shown != run:
        console.print(f"Nothing new was imported. This is what run {shown.pk} found:", highlight=False)
    print_summary(run_summary(shown), console)
    print_failures(shown, console)
    print_stories(list(stories_of_source(run.source)), console)
    if run.state == Run.State.STOPPED:
        console.print("Stopped. bin/demo will continue from here.")
    return shown


def prove(run: Run, console: Console) -> bool:
    """Say in a line whether the run can be proved from what is stored, and return it."""
    found = verify(run_id=run.pk, orders=PROOF_ORDERS)
    holds = ", ".join(check.name for check in found.checks if check.holds and not check.not_checked)
    console.print(f"Verified: {holds}. More: ./manage.py verify_run {run.pk}", highlight=False, soft_wrap=True)
    for fault in found.faults:
        console.print(f"Check failed: {fault}", style="red", soft_wrap=True)
    return found.holds

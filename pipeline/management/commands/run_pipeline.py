"""`./manage.py run_pipeline SOURCE`: read a source's conversations, merge, group, and show what came of it."""

import json
import sys
from argparse import ArgumentTypeError
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.dateparse import parse_date, parse_datetime
from rich.console import Console

from pipeline import console as screens
from pipeline import ingest, preview, queries, runs, tasks
from pipeline.extractors.base import UnknownExtractor
from pipeline.models import Run, Source
from pipeline.profiles import UnknownProfile
from pipeline.sources.base import UnreadableSource, is_live

PROFILE, EXTRACTOR = "support", "local"
LARGEST = 2**31 - 1


def moment(word: str) -> datetime:
    """Return a date or time of the command line as an aware time; without a zone it is UTC."""
    try:
        day = parse_date(word)
        at = datetime(day.year, day.month, day.day, tzinfo=UTC) if day else parse_datetime(word)
    except ValueError:
        at = None
    if at is None:
        raise ArgumentTypeError(f"{word!r} is no date or time; write 2026-11-22 or 2026-11-22T08:30:00Z")
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def positive(word: str) -> int:
    """Return a whole number from 1 up to what a column holds."""
    if not word.isdecimal() or not 1 <= int(word) <= LARGEST:
        raise ArgumentTypeError(f"{word[:20]!r} is not a whole number from 1 to {LARGEST}")
    return int(word)


class Command(BaseCommand):
    help = "Read a source's conversations in a new run, merge their themes, make stories and orphans."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", nargs="?", help="kind:name, or `file` with --path")
        parser.add_argument("--path", help="a file to import first; - reads standard input")
        parser.add_argument("--name", help="the source's name when --path is given (default: the file's)")
        parser.add_argument("--since", type=moment, help="only conversations from this moment on")
        parser.add_argument("--until", type=moment, help="only conversations before this moment")
        parser.add_argument("--limit", type=positive, help="at most this many conversations, the newest")
        parser.add_argument("--concurrency", type=positive, help="chunks in flight at a time, over all workers")
        parser.add_argument("--chunk-size", type=positive, help="conversations a task")
        parser.add_argument("--profile", help=f"what to look for (default: {PROFILE})")
        parser.add_argument("--extractor", help=f"who reads (default: {EXTRACTOR})")
        parser.add_argument("--force-refresh", action="store_true", help="read again what did not change")
        parser.add_argument("--dry-run", action="store_true", help="show what would be read, read nothing")
        parser.add_argument("--no-stories", action="store_true", help="stop after the merge")
        parser.add_argument("--detach", action="store_true", help="return at once; the workers do the rest")
        parser.add_argument("--resume", type=positive, metavar="RUN", help="go on with a stopped or lost run")
        parser.add_argument("--json", action="store_true", help="print the summary as JSON")

    def handle(self, **options: Any) -> None:
        # Progress and remarks go to stderr when stdout carries JSON.
        self.console = Console(stderr=options["json"], markup=False, emoji=False)
        self.rejected = False
        _refuse_contradictions(options)
        try:
            run = self._begin(options)
        except (runs.RunError, UnknownProfile, UnknownExtractor, UnreadableSource) as error:
            raise CommandError(str(error)) from error
        if run.is_preview:
            self._show_preview(run, as_json=options["json"])
        elif options["detach"]:
            self._leave(run, as_json=options["json"])
        else:
            self.console.print(f"Run {run.pk} of {run.source}", highlight=False)
            self._end(screens.follow(run.pk, self.console), as_json=options["json"])
        if self.rejected:
            sys.exit(screens.SOME_REJECTED)

    def _begin(self, options: dict[str, Any]) -> Run:
        if options["resume"]:
            run = runs.reopen(run_id=options["resume"])
        else:
            make = preview.preview if options["dry_run"] else runs.start
            run = make(
                source=self._source(options),
                profile=options["profile"] or PROFILE,
                extractor=options["extractor"] or EXTRACTOR,
                selection=_selection(options),
            )
        if not run.is_preview:
            tasks.dispatch(run=run)
        return run

    def _source(self, options: dict[str, Any]) -> Source:
        if options["path"]:
            source, counts = ingest.import_file(options["path"], name=options["name"])
            self.console.print(f"Imported {options['path']}: {counts}", highlight=False)
            if counts.rejects_path:
                self.rejected = True
                self.console.print(f"Rejected rows and why: {counts.rejects_path}", highlight=False)
            return source
        kind, _, name = (options["source"] or "").partition(":")
        if is_live(kind):
            source, counts = ingest.import_live(kind, name)
            self.console.print(f"Imported {source}: {counts}", highlight=False)
            return source
        found = Source.objects.filter(kind=kind, name=name).first()
        if found is None:
            known = ", ".join(map(str, Source.objects.all()[:10])) or "none yet"
            raise CommandError(
                f"there is no source {options['source']!r}; known are: {known}. "
                "Import a file with `./manage.py run_pipeline file --path FILE`."
            )
        return found

    def _show_preview(self, run: Run, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps({"run": run.pk, **(run.preview or {})}, indent=2))
        else:
            screens.print_preview(run, self.console)

    def _leave(self, run: Run, *, as_json: bool) -> None:
        self.console.print(f"Run {run.pk} of {run.source} goes on without this command.", highlight=False)
        self.console.print(f"Watch it with:  ./manage.py run_status {run.pk}", highlight=False)
        if as_json:
            self.stdout.write(json.dumps({"run": run.pk}))

    def _end(self, run: Run, *, as_json: bool) -> None:
        summary = queries.run_summary(run)
        if as_json:
            self.stdout.write(json.dumps(summary.as_json(), indent=2))
        screens.print_summary(summary, self.console)
        screens.print_failures(run, self.console)
        if not as_json:
            screens.print_stories(list(queries.stories_of_run(run)), self.console)
        screens.print_way_on(run, self.console)
        if code := screens.exit_code(run):
            sys.exit(code)


def _refuse_contradictions(options: dict[str, Any]) -> None:
    """Raise CommandError for options of which one would be ignored."""
    if options["resume"]:
        started_with = ("source", "path", "name", "dry_run", "profile", "extractor", *runs.Selection.__slots__)
        if ignored := [name.replace("_", "-") for name in started_with if options[name]]:
            raise CommandError(f"--resume goes on with what the run began with; leave out: {', '.join(ignored)}.")
    elif not options["source"]:
        raise CommandError("name a source, as in `./manage.py run_pipeline file --path FILE`, or --resume RUN.")
    elif options["path"] and options["source"] != "file":
        raise CommandError(f"with --path the source is `file`, and --name names it; {options['source']!r} is neither.")
    elif options["name"] and not options["path"]:
        raise CommandError("--name goes only with --path: it names the source that the file is imported into.")


def _selection(options: dict[str, Any]) -> runs.Selection:
    return runs.Selection(**{name: options[name] for name in runs.Selection.__slots__})

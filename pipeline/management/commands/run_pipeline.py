"""`./manage.py run_pipeline SOURCE`: read a source's conversations, merge, group, and show what came of it."""

import json
import sys
from argparse import ArgumentTypeError
from typing import Any

from django.core.management.base import CommandError, CommandParser
from rich.console import Console

from pipeline.management.books import print_chapters
from pipeline.management.command import PipelineCommand, WrongUsage, add_spending_options, hours, moment, positive
from pipeline.management.following import follow, follow_judging
from pipeline.management.importing import add_import_options, options_of, print_dry_run, print_imported, print_repeated
from pipeline.management.printing import (
    SOME_REJECTED,
    exit_code,
    print_difference,
    print_failures,
    print_preview,
    print_stories,
    print_summary,
    print_way_on,
)
from pipeline.models import Run, Source
from pipeline.reports.chapters import book_report, is_book
from pipeline.reports.summary import run_summary, stories_of_run
from pipeline.runs import preview, start
from pipeline.runs.create import Selection, Throughput
from pipeline.sources.books.selection import BadSelection, read_selection
from pipeline.sources.books.source import BooksSource
from pipeline.sources.file import FileSource
from pipeline.sources.ingest import Import, Imported
from pipeline.sources.records import UnreadableSource
from pipeline.sources.staging import ImportCounts

FROM_FILES = (FileSource.kind, BooksSource.kind)
PROFILE, EXTRACTOR = start.DEFAULT_PROFILE, "local"


class Command(PipelineCommand):
    help = "Read a source's conversations in a new run, merge their themes, and make stories and orphans."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", nargs="?", help="kind:name, or with --path `file` or `books`")
        parser.add_argument(
            "--path", action="extend", nargs="+", metavar="FILE",
            help="files, a folder or a zip to import first; - for standard input",
        )  # fmt: skip
        parser.add_argument("--name", help="the source's name when --path is given (default: the file's name)")
        parser.add_argument("--since", type=moment, help="only conversations from this date or time on")
        parser.add_argument("--until", type=moment, help="only conversations before this date or time")
        parser.add_argument(
            "--select", type=chapters, metavar="CHAPTERS", help="chapters of a book: 5, 10-15, 1,3,5-7 or all"
        )
        parser.add_argument(
            "--limit",
            type=positive,
            help="read only this many of the newest conversations; for websites, this many companies",
        )
        parser.add_argument(
            "--concurrency", type=positive,
            help="how many chunks, language model calls or web pages to work on at a time, across all workers",
        )  # fmt: skip
        add_spending_options(parser)
        parser.add_argument("--chunk-size", type=positive, help="conversations per task")
        parser.add_argument(
            "--profile", help=f"what to look for (default: the profile the source was read with, or {PROFILE})"
        )
        parser.add_argument(
            "--another-profile", action="store_true", help="read the source with a second profile as well"
        )
        parser.add_argument("--extractor", help=f"which extractor reads (default: {EXTRACTOR})")
        parser.add_argument(
            "--skip-fresh",
            type=hours,
            metavar="24h",
            help="for websites: skip pages fetched within this time (30m, 24h, 7d)",
        )
        parser.add_argument(
            "--force-refresh", action="store_true", help="also read conversations that have not changed"
        )
        parser.add_argument("--dry-run", action="store_true", help="show what would be read; read and store nothing")
        parser.add_argument(
            "--yes", action="store_true", help="replace different texts stored under the same ids without asking"
        )
        parser.add_argument("--no-stories", action="store_true", help="stop after the merge")
        parser.add_argument("--detach", action="store_true", help="return at once and let the workers continue")
        parser.add_argument("--resume", type=positive, metavar="RUN", help="continue a stopped or lost run")
        parser.add_argument("--json", action="store_true", help="print the summary as JSON")
        add_import_options(parser)

    def handle(self, **options: Any) -> None:
        # Progress and remarks go to stderr when stdout carries JSON.
        self.console = Console(stderr=options["json"], markup=False, emoji=False)
        self.rejected = False
        _refuse_contradictions(options)
        if options["path"] and options["dry_run"]:
            if print_dry_run(self._files(options), self.console):
                sys.exit(SOME_REJECTED)
            return
        try:
            run = self._begin(options)
        except UnreadableSource as error:
            raise CommandError(str(error)) from error
        if run.is_preview:
            self._show_preview(run, as_json=options["json"])
        elif options["detach"]:
            self._leave(run, as_json=options["json"])
        else:
            self.console.print(f"Run {run.pk} of {run.source}", highlight=False)
            ended = follow(run.pk, self.console)
            self._end(follow_judging(ended, self.console), as_json=options["json"])
        if self.rejected:
            sys.exit(SOME_REJECTED)

    def _begin(self, options: dict[str, Any]) -> Run:
        if options["resume"]:
            pace = Throughput(**{name: options[name] for name in Throughput.__slots__})
            return start.resume_run(run_id=options["resume"], pace=pace)
        chosen: dict[str, Any] = {
            "profile": options["profile"] or "",
            "extractor": options["extractor"] or EXTRACTOR,
            "selection": _selection(options),
        }
        another = options["another_profile"]
        if options["path"]:
            return start.start_run_with_import(
                files=self._files(options), on_import=self._say_imported, another_profile=another, **chosen
            )
        source = self._open(options["source"])
        if options["dry_run"]:
            chosen["profile"] = start.chosen_profile(source, chosen["profile"], another=another)
            return preview.preview(source=source, **chosen)
        return start.start_run(source=source, another_profile=another, **chosen)

    def _files(self, options: dict[str, Any]) -> Import:
        return Import(tuple(options["path"]), options["name"], options_of(options), options["yes"], options["source"])

    def _open(self, name: str) -> Source:
        return start.open_source(name, on_import=self._say_brought_in)

    def _say_imported(self, imported: Imported) -> None:
        print_imported(imported, str(imported.source), self.console)
        if imported.counts.rejects_path:
            self.rejected = True
            self.console.print(
                f"Rejected rows and why: {imported.counts.rejects_path}", highlight=False, soft_wrap=True
            )

    def _say_brought_in(self, source: Source, counts: ImportCounts) -> None:
        self.console.print(f"Imported {source}: {counts}", highlight=False)
        print_repeated(counts, self.console)

    def _show_preview(self, run: Run, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps({"run": run.pk, **(run.preview or {})}, indent=2))
        else:
            print_preview(run, self.console)

    def _leave(self, run: Run, *, as_json: bool) -> None:
        self.console.print(f"Run {run.pk} of {run.source} continues in the background.", highlight=False)
        self.console.print(f"Watch it with:  ./manage.py run_status {run.pk}", highlight=False)
        if as_json:
            self.stdout.write(json.dumps({"run": run.pk}))

    def _end(self, run: Run, *, as_json: bool) -> None:
        summary = run_summary(run)
        chapters = book_report(run) if is_book(run) else None
        if as_json:
            told = summary.as_json() | ({"book": chapters.as_json()} if chapters else {})
            self.stdout.write(json.dumps(told, indent=2))
        print_summary(summary, self.console)
        if chapters:
            print_chapters(chapters, self.console)
        else:
            print_failures(run, self.console)
        if not as_json:
            print_stories(list(stories_of_run(run)), self.console)
            print_difference(run, self.console)
        print_way_on(run, self.console)
        if code := exit_code(run):
            sys.exit(code)


def _refuse_contradictions(options: dict[str, Any]) -> None:
    """Raise WrongUsage for options of which one would be ignored."""
    if options["resume"]:
        chosen = [name for name in Selection.__slots__ if name not in Throughput.__slots__]
        started_with = ("source", "path", "name", "dry_run", "profile", "extractor", *chosen)
        if ignored := [name.replace("_", "-") for name in started_with if options[name]]:
            raise WrongUsage(f"--resume continues with the run's own settings. Leave out {', '.join(ignored)}.")
    elif not options["source"]:
        raise WrongUsage("name a source, for example `./manage.py run_pipeline file --path FILE`, or use --resume RUN.")
    elif options["path"] and options["source"] not in FROM_FILES:
        raise WrongUsage(
            f"with --path, the source must be `file` or `books`, not {options['source']!r}; name it with --name."
        )
    elif options["source"].partition(":")[0] == Source.WEBSITES:
        _refuse_for_websites(options)
    elif options["skip_fresh"]:
        raise WrongUsage("--skip-fresh is only for websites. Other sources skip unchanged conversations anyway.")
    elif options["name"] and not options["path"]:
        raise WrongUsage("--name can only be used with --path: it names the source that the file is imported into.")


def chapters(words: str) -> str:
    """Return which chapters a command line names, as they were written."""
    try:
        read_selection(words)
    except BadSelection as error:
        raise ArgumentTypeError(str(error)) from error
    return words


def _refuse_for_websites(options: dict[str, Any]) -> None:
    """Raise WrongUsage for options that mean nothing for web pages."""
    foreign = ("path", "name", "since", "until", "chunk_size", "no_stories", "select")
    if ignored := [f"--{name.replace('_', '-')}" for name in foreign if options[name]]:
        raise WrongUsage(f"{', '.join(ignored)} cannot be used for websites. Leave it out.")


def _selection(options: dict[str, Any]) -> Selection:
    return Selection(**{name: options[name] for name in Selection.__slots__})

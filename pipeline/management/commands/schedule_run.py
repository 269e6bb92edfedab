"""`./manage.py schedule_run SOURCE --every 1d`: run a source by the clock; also list, pause, resume and remove."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from django.core.management.base import CommandParser
from django_celery_beat.models import PeriodicTask
from rich.console import Console
from rich.table import Table

from pipeline.extract.versions import versions
from pipeline.management.command import PipelineCommand, WrongUsage, add_spending_options, hours, positive
from pipeline.management.commands.run_pipeline import EXTRACTOR
from pipeline.runs import schedule, start
from pipeline.runs.schedule import Assignment
from pipeline.sources.parsing.parts import STDIN

When = TypeVar("When")


class Command(PipelineCommand):
    help = (
        "Run a source on a schedule (needs Celery beat). Using the same name again changes that schedule. If the "
        "source is still being read when the schedule fires, nothing is started."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", nargs="?", help="kind:name")
        act = parser.add_mutually_exclusive_group(required=True)
        act.add_argument("--every", metavar="30m", help="an interval: a number followed by s, m, h or d")
        act.add_argument("--cron", metavar='"0 6 * * *"', help="a crontab line: minute, hour, day, month, weekday")
        act.add_argument("--list", action="store_true", help="show the schedules")
        act.add_argument("--remove", metavar="NAME", help="remove a schedule; its runs are kept")
        act.add_argument("--pause", metavar="NAME", help="pause a schedule")
        act.add_argument("--resume", metavar="NAME", help="resume a paused schedule")
        parser.add_argument("--name", help="name of the schedule (default: the source's name)")
        parser.add_argument("--window-days", type=positive, help="read only the conversations of the last N days")
        parser.add_argument("--limit", type=positive, help="read only this many of the newest conversations")
        parser.add_argument(
            "--concurrency", type=positive, help="how many chunks to work on at a time, across all workers"
        )
        parser.add_argument("--chunk-size", type=positive, help="conversations per task")
        add_spending_options(parser)
        parser.add_argument(
            "--skip-fresh", type=hours, metavar="24h", help="for websites: skip pages fetched within this time"
        )
        parser.add_argument("--profile", help="what to look for (default: the profile for this kind of source)")
        parser.add_argument("--extractor", default=EXTRACTOR, help="which extractor reads (default: %(default)s)")
        parser.add_argument("--path", help="a file to import first, each time; the workers must be able to read it")

    def handle(self, **options: Any) -> None:
        if options["list"]:
            _print(schedule.schedules())
        elif name := options["remove"]:
            schedule.remove(name=name)
            self.stdout.write(f"{name!r} was removed; its runs are kept.")
        elif name := options["pause"]:
            schedule.set_enabled(name=name, enabled=False)
            self.stdout.write(f"{name!r} is paused. Resume it with: ./manage.py schedule_run --resume {name!r}")
        elif name := options["resume"]:
            schedule.set_enabled(name=name, enabled=True)
            self.stdout.write(f"{name!r} is active again.")
        else:
            self._set(options)

    def _set(self, options: dict[str, Any]) -> None:
        assignment = _assignment(options)
        versions(assignment.profile, assignment.extractor)  # names both if there are no such
        if not assignment.path:
            assignment = replace(assignment, source=str(start.open_source(assignment.source)))
        when = _read(schedule.every, options["every"]) if options["every"] else _read(schedule.cron, options["cron"])
        made = schedule.set_schedule(name=options["name"] or assignment.source, when=when, assignment=assignment)
        self.stdout.write(f"{made.name!r} runs {assignment.source} {_when(made)}. It fires while Celery beat runs.")


def _assignment(options: dict[str, Any]) -> Assignment:
    source = options["source"]
    if not source:
        raise WrongUsage("name a source, for example `./manage.py schedule_run file:export --every 1d`.")
    if options["path"] and (not source.startswith("file:") or source == "file:"):
        raise WrongUsage(
            f"with --path, the source must be `file:NAME`, into which the file is imported, not {source!r}."
        )
    chosen = {name: options[name] for name in Assignment.__slots__}
    profile = options["profile"] or start.default_profile(source.partition(":")[0])
    budget = str(options["budget"]) if options["budget"] else None
    return Assignment(**{**chosen, "profile": profile, "path": _whole(options["path"]), "budget": budget})


def _whole(path: str | None) -> str | None:
    """Return a path that means the same file in the folder of a worker."""
    if path == STDIN:
        raise WrongUsage("a schedule reads its file each time it fires and has no standard input; give a path.")
    return str(Path(path).resolve()) if path else None


def _read(reader: Callable[[str], When], word: str) -> When:
    try:
        return reader(word)
    except ValueError as error:
        raise WrongUsage(str(error)) from error


def _when(made: PeriodicTask) -> str:
    if made.interval:
        return str(made.interval)
    line = " ".join(str(getattr(made.crontab, field)) for field in schedule.CRON_FIELDS)
    return f"at {line} ({made.crontab.timezone})"


def _print(made: list[PeriodicTask]) -> None:
    table = Table("Name", "Source", "When", "Window", "Last fired", "", title="Schedules", title_justify="left")
    for one in made:
        assignment = schedule.assignment_of(one)
        window = f"{assignment.window_days} days" if assignment.window_days else "all"
        fired = f"{one.last_run_at:%Y-%m-%d %H:%M}" if one.last_run_at else "-"
        table.add_row(one.name, assignment.source, _when(one), window, fired, "" if one.enabled else "paused")
    Console(markup=False, emoji=False).print(table)

"""`./manage.py companies ...`: bring in the list of companies that are watched, and ask which need a look and why."""

import csv
import io
import json as json_format
from argparse import ArgumentParser
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import CommandParser
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone
from rich.console import Console
from rich.table import Table

from pipeline.management.command import PipelineCommand, WrongUsage, hours
from pipeline.management.importing import say
from pipeline.management.printing import SOME_REJECTED
from pipeline.models import Company, CompanyUrl, Fetch
from pipeline.models.wording import counted, words
from pipeline.reports import companies as report
from pipeline.reports.page_scores import score_pages
from pipeline.review.companies import clear_override, override_status
from pipeline.sources.companies.airtable import read_airtable
from pipeline.sources.companies.lists import Reading, parse_company_mapping, read_list
from pipeline.sources.companies.sync import sync_companies
from pipeline.sources.formats.base import Options
from pipeline.sources.understanding.column_names import UnknownColumn

REJECTS_SHOWN = 10

Row = dict[str, object]


class Command(PipelineCommand):
    help = (
        "Manage the companies whose websites are watched: sync a list, list those that need a review, show one, set "
        "a status by hand. Fetch their pages with `run_pipeline websites`."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        asked = parser.add_subparsers(dest="asked", required=True, metavar="WHAT")
        sync = asked.add_parser("sync", help="import a list (CSV, XLSX, ODS or Airtable)")
        sync.add_argument("files", nargs="*", metavar="FILE")
        sync.add_argument(
            "--airtable", metavar="BASE/TABLE", help="read from Airtable; set its token in AIRTABLE_TOKEN"
        )
        sync.add_argument(
            "--map",
            action="append",
            default=[],
            metavar="FIELD=COLUMN",
            help="which column is the id, name or url; repeat url for several columns",
        )
        sync.add_argument("--encoding", default="", help="for example utf-16 or cp1252")
        sync.add_argument("--json", action="store_true")
        _listing(asked.add_parser("flagged", help="companies that a person should review, and why"))
        status = asked.add_parser("by-status", help="companies with one status")
        status.add_argument("status", choices=Company.Status.values)
        _listing(status)
        _listing(asked.add_parser("dead-links", help="pages that no longer exist"))
        _listing(asked.add_parser("without-urls", help="companies without URLs"))
        changes = asked.add_parser("changes", help="pages whose text changed recently")
        changes.add_argument(
            "--since",
            type=_since,
            default="7d",
            metavar="7d",
            help="how far back, as in 30m, 24h, 7d or 2w (default: 7d)",
        )
        _listing(changes)
        show = asked.add_parser("show", help="everything known about one company")
        show.add_argument("company", help="its id or name")
        show.add_argument("--json", action="store_true")
        show.set_defaults(csv=False)
        evaluate = asked.add_parser(
            "evaluate", help="measure on labelled pages how well those that need a review are found"
        )
        evaluate.add_argument(
            "files", nargs="+", metavar="FILE", help="labelled pages with text, label and customer, in any known format"
        )
        evaluate.add_argument("--json", action="store_true")
        override = asked.add_parser("override", help="set a status by hand; it applies until it is cleared")
        override.add_argument("company", help="its id or name")
        override.add_argument("status", choices=Company.Status.values)
        override.add_argument("--reason", required=True)
        clear = asked.add_parser("clear", help="remove a status set by hand, so that the concluded one applies again")
        clear.add_argument("company", help="its id or name")
        clear.add_argument("--reason", default="")

    def handle(self, *, asked: str, **options: Any) -> None:
        self.console = Console(stderr=bool(options.get("json")), markup=False, emoji=False, highlight=False)
        if asked == "sync":
            self._sync(options)
        elif asked == "show":
            self._show(options)
        elif asked == "evaluate":
            self._evaluate(options)
        elif asked in ("override", "clear"):
            self._decide(asked, options)
        else:
            title, rows = _ROWS[asked](options)
            self._list(title, rows, options)

    def _sync(self, options: dict[str, Any]) -> None:
        if bool(options["files"]) == bool(options["airtable"]):
            raise WrongUsage("give files, or a table with --airtable BASE/TABLE.")
        try:
            mapping = parse_company_mapping(options["map"])
            if options["airtable"]:
                found = read_airtable(options["airtable"], mapping)
            else:
                found = read_list(options["files"], mapping, Options(encoding=options["encoding"]))
        except UnknownColumn as error:
            raise WrongUsage(str(error)) from error
        counts = sync_companies(found.companies)
        self._say_read(found)
        say(self.console, str(counts))
        if options["json"]:
            told = {name: getattr(counts, name) for name in counts.__slots__}
            self.stdout.write(json_format.dumps({**told, "rejected": len(found.rejects)}, indent=2))
        if found.rejects:
            raise SystemExit(SOME_REJECTED)

    def _say_read(self, found: Reading) -> None:
        for note in found.notes:
            say(self.console, note)
        for reject in found.rejects[:REJECTS_SHOWN]:
            say(self.console, f"  rejected: {reject}")
        if (more := len(found.rejects) - REJECTS_SHOWN) > 0:
            say(self.console, f"  ... and {more} more")

    def _evaluate(self, options: dict[str, Any]) -> None:
        scores = score_pages(options["files"])
        if options["json"]:
            self.stdout.write(json_format.dumps(scores.as_json(), indent=2))
            return
        say(self.console, f"{counted(scores.pages, 'page')}, of which {scores.without_signal} need no review")
        say(self.console, f"recall {scores.recall:.3f}: {scores.missed_count} missed {_named(scores.missed)}")
        say(
            self.console,
            f"precision {scores.precision:.3f}: {scores.in_vain_count} false alarms {_named(scores.in_vain)}",
        )

    def _decide(self, asked: str, options: dict[str, Any]) -> None:
        company, now = report.find_company(options["company"]), timezone.now()
        if asked == "clear":
            company = clear_override(company=company, reason=options["reason"], by=None, at=now)
        else:
            company = override_status(
                company=company, status=options["status"], reason=options["reason"], by=None, at=now
            )
        self.stdout.write(f"{company}: {words(company.standing_status)}")

    def _show(self, options: dict[str, Any]) -> None:
        found = report.view_company(report.find_company(options["company"]))
        if options["json"]:
            self.stdout.write(json_format.dumps(found.as_json(), indent=2, cls=DjangoJSONEncoder))
            return
        for line in _view(found):
            say(self.console, line)

    def _list(self, title: str, rows: Sequence[Row], options: dict[str, Any]) -> None:
        if options["json"]:
            self.stdout.write(json_format.dumps(rows, indent=2, cls=DjangoJSONEncoder))
        elif options["csv"]:
            self.stdout.write(_csv(rows), ending="")
        elif not rows:
            say(self.console, f"{title}: none.")
        else:
            # a line of its own: above a narrow table, rich would break it
            say(self.console, f"{title}: {len(rows)}")
            table = Table(box=None)
            for name in rows[0]:
                # an address is there to be followed, and a reason to be read: both in full, on several lines
                table.add_column(words(name), overflow="fold" if name in ("url", "why") else "ellipsis")
            for row in rows:
                table.add_row(*(_in_words(name, value) for name, value in row.items()))
            self.console.print(table)


def _in_words(name: str, value: object) -> str:
    """Return a cell as people read it: statuses and outcomes without underscores."""
    return words(str(value)) if name in ("status", "outcome", "change") else _shown(value)


def _named(ids: Sequence[str]) -> str:
    return f"({', '.join(ids[:10])}{', ...' if len(ids) > 10 else ''})" if ids else ""


def _listing(parser: ArgumentParser) -> None:
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true")
    form.add_argument("--csv", action="store_true")


def _since(word: str) -> datetime:
    return timezone.now() - timedelta(hours=hours(word))


def _csv(rows: Sequence[Row]) -> str:
    out = io.StringIO()
    if rows:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows({name: _harmless(_shown(value)) for name, value in row.items()} for row in rows)
    return out.getvalue()


def _harmless(text: str) -> str:
    """Return a cell that no spreadsheet takes for a formula: names come from lists and quotes from web pages."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _shown(value: object) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return "" if value is None else str(value)


# --- Rows ---------------------------------------------------------------------------------------------------------


def _company_rows(companies: Iterable[Any]) -> list[Row]:
    return [
        {
            "id": company.external_id,
            "company": company.name,
            "status": company.standing_status,
            "confidence": company.confidence,
            "pages": company.page_count,
            "why": company.override_reason or company.explanation,
        }
        for company in companies
    ]


def _page_row(page: CompanyUrl) -> Row:
    return {
        "id": page.company.external_id,
        "company": page.company.name,
        "url": page.url,
        "outcome": page.outcome,
        "detail": page.detail,
        "last_seen": page.good_at,
    }


def _change_row(fetch: Fetch) -> Row:
    return {
        "at": fetch.fetched_at,
        "company": fetch.company_url.company.name,
        "url": fetch.company_url.url,
        "change": fetch.magnitude,
        "added": fetch.added_count,
        "removed": fetch.removed_count,
        "moved": fetch.moved_count,
    }


_ROWS: dict[str, Any] = {
    "flagged": lambda _: ("Companies that need a review", _company_rows(report.flagged())),
    "by-status": lambda options: (
        f"Companies with the status “{words(options['status'])}”", _company_rows(report.by_status(options["status"]))
    ),
    "dead-links": lambda _: ("Pages that no longer exist", [_page_row(page) for page in report.dead_links()]),
    "without-urls": lambda _: (
        "Companies without URLs",
        [{"id": company.external_id, "company": company.name} for company in report.without_urls()],
    ),
    "changes": lambda options: ("Changes", [_change_row(fetch) for fetch in report.changes_since(options["since"])]),
}  # fmt: skip


def _view(found: report.CompanyView) -> Iterable[str]:
    yield f"{found.name} ({found.external_id}): {words(found.status)}"
    if found.override_reason:
        yield f"  set by a person: {found.override_reason}; its pages say {words(found.concluded)}"
    yield f"  {found.explanation} (confidence {found.confidence})" if found.explanation else "  nothing concluded yet"
    for signal in found.signals:
        earlier = ", from when it was last seen" if signal.is_stand_in else ""
        yield f"  {words(signal.signal)} ({signal.confidence:.2f}{earlier}): “{signal.quote}”"
        yield f"    {signal.url}"
    if found.pages:
        yield f"  {counted(len(found.pages), 'page')}:"
    for page in found.pages:
        seen = f", last seen {page.good_at:%Y-%m-%d}" if page.good_at else ""
        detail = f" ({page.detail})" if page.detail else ""
        yield f"    {words(page.outcome) or 'not fetched yet'}{detail}: {page.url}{seen}"
    for change in found.history:
        who = f" by {change.who}" if change.who else ""
        yield f"  {change.at:%Y-%m-%d %H:%M} {words(change.before)} to {words(change.after)}{who}: {change.reason}"

"""`./manage.py judge RUN`: have a language model judge pairs, groups and titles of what a run found."""

import json as json_format
import sys
from typing import Any

from django.core.management.base import CommandParser
from rich.console import Console

from pipeline.management.command import PipelineCommand, dollars, positive
from pipeline.models import Judgement
from pipeline.models.wording import counted
from pipeline.review.judge.session import MOST, ORDER, Estimate, Judged, estimate, judge

About = Judgement.About
STOPPED = 4
"""Exit status, as of a run that its budget stopped."""

KINDS = {"pairs": About.PAIR, "titles": About.TITLE, "groups": About.GROUP}


class Command(PipelineCommand):
    help = (
        "Have the language model of LLM_MODEL judge what a finished run found: borderline pairs, groups that may "
        "not be one problem, and names, titles and descriptions of stories. Each judgement is a decision of "
        "model:NAME that you can undo, and none touches what a person decided. Without --pairs, --titles or "
        "--groups: all three."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("run", type=int)
        parser.add_argument("--pairs", action="store_true", help="pairs of the review queue: one problem or two")
        parser.add_argument(
            "--titles", action="store_true", help="names, titles and descriptions not written by people"
        )
        parser.add_argument("--groups", action="store_true", help="keep, split or hold back new stories")
        parser.add_argument(
            "--most", type=positive, default=MOST, metavar="N", help=f"questions of each kind (default: {MOST})"
        )
        parser.add_argument("--budget", type=dollars, help="what judging may cost, in dollars, in addition to the run")
        parser.add_argument("--budget-tokens", type=positive, help="the same, in tokens")
        parser.add_argument("--concurrency", type=positive, help="how many calls at a time (default: LLM_CONCURRENCY)")
        parser.add_argument("--dry-run", action="store_true", help="show what would be asked and what it would cost")
        parser.add_argument("--json", action="store_true")

    def handle(self, *, run: int, json: bool, **options: Any) -> None:
        kinds = [about for name, about in KINDS.items() if options[name]] or list(ORDER)
        console = Console(stderr=json, markup=False, emoji=False, highlight=False)
        if options["dry_run"]:
            foreseen = estimate(run_id=run, kinds=kinds, most=options["most"])
            told: Estimate | Judged = foreseen
            console.print(_foreseen(foreseen), soft_wrap=True)
        else:
            told = judged = judge(
                run_id=run, kinds=kinds, most=options["most"], budget=options["budget"],
                budget_tokens=options["budget_tokens"], concurrency=options["concurrency"], say=console.print,
            )  # fmt: skip
            for line in _lines(judged):
                console.print(line, soft_wrap=True)
        if json:
            self.stdout.write(json_format.dumps(told.as_json(), indent=2))
        if isinstance(told, Judged) and told.stopped:
            sys.exit(STOPPED)


def _foreseen(found: Estimate) -> str:
    asked = ", ".join(f"{number:,} of {About(about).value}s" for about, number in found.questions.items())
    price = "price unknown" if found.dollars is None else f"about ${found.dollars:.4f}"
    tokens = f"about {found.input_tokens:,} tokens in and {found.output_tokens:,} out"
    return f"Dry run: would ask about {asked}; {tokens}, {price}."


def _lines(judged: Judged) -> list[str]:
    """Return what came of it, a line a kind, then what it cost and what to do next."""
    lines = []
    for about, counts in judged.counts.items():
        verdicts = ", ".join(
            f"{counts[verdict]} {verdict}"
            for verdict in ("same", "different", "unsure", "keep", "split", "reject", "written", "failed", "held")
            if counts[verdict]
        )
        lines.append(f"{About(about).value.capitalize()}s: {counts['asked']} asked about; {verdicts or 'no answer'}.")
    if judged.too_large:
        lines.append(f"{counted(judged.too_large, 'group is', 'groups are')} too large to be reviewed in full.")
    price = "price unknown" if judged.unpriced else f"${judged.dollars:.4f}"
    lines.append(f"{counted(judged.calls, 'call')}, {judged.tokens:,} tokens, {price}.")
    if judged.stopped:
        lines.append(f"Stopped: {judged.stopped}")
    return [
        *lines,
        "Each decision can be undone in the admin: Merges, Vetoes, Splits, Holds, Renames, or on its story.",
    ]

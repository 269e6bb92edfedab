"""`./manage.py evaluate FILE`: the quality of the grouping on labelled conversations, or of the rules on pairs."""

import json as json_format
from typing import Any

from django.core.management.base import CommandParser
from rich.console import Console
from rich.table import Table

from pipeline.management.command import PipelineCommand
from pipeline.management.importing import add_import_options, options_of
from pipeline.models.wording import counted
from pipeline.reports.evaluate import SEVERAL_LABELS, Evaluation, ThemesFound, evaluate
from pipeline.reports.pair_scores import PairScores, score_file, score_reviewed


class Command(PipelineCommand):
    help = (
        "Group the labelled conversations of a file and compare the stories with the labels. All themes of a "
        "conversation count, and it may have several labels, as a list. The label `noise` marks conversations that "
        "belong to no group. With --pairs or --reviewed: how often the rules agree with people on whether two names "
        "mean the same problem. Nothing is stored."
    )
    requires_migrations_checks = False  # only what people decided lies in tables

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("file", nargs="?", help="a file, a folder or a zip of any known format")
        what.add_argument("--pairs", metavar="FILE", help="CSV or JSON lines of name_a, name_b, same")
        what.add_argument(
            "--reviewed", action="store_true", help="use the pairs of the profile that people have decided"
        )
        parser.add_argument(
            "--labels",
            default=SEVERAL_LABELS,
            metavar="FIELD",
            help="the field with a list of labels (default: labels)",
        )
        parser.add_argument(
            "--strict", action="store_true", help="group as strictly as `regroup --strict` does: see what that costs"
        )
        parser.add_argument("--profile", default="support")
        parser.add_argument("--extractor", default="local")
        parser.add_argument("--json", action="store_true")
        add_import_options(parser)

    def handle(self, *, profile: str, json: bool, **asked: Any) -> None:
        if asked["reviewed"]:
            self.check_migrations()
        found = _evaluate(profile, asked)
        console = Console(markup=False, emoji=False)
        if json:
            self.stdout.write(json_format.dumps(found.as_json(), indent=2))
        elif isinstance(found, PairScores):
            _print_pairs(found, console)
        else:
            _print(found, console)


def _evaluate(profile: str, asked: dict[str, Any]) -> Evaluation | PairScores:
    if asked["reviewed"]:
        return score_reviewed(profile=profile)
    if asked["pairs"]:
        return score_file(asked["pairs"], profile=profile, extractor=asked["extractor"])
    return evaluate(
        asked["file"],
        profile=profile,
        extractor=asked["extractor"],
        options=options_of(asked),
        several=asked["labels"],
        strict=asked["strict"],
    )


def _print(found: Evaluation, console: Console) -> None:
    title = f"{found.conversations} labelled conversations, {found.groups_true} groups of at least 3"
    table = Table("", "Leitmotif", "Equal raw signatures", title_justify="left", title=title)
    for title, name in (
        ("Pairwise precision", "pairwise_precision"),
        ("Pairwise recall", "pairwise_recall"),
        ("Pairwise F1", "pairwise_f1"),
        ("V-measure", "v_measure"),
        ("Adjusted Rand index", "ari"),
        ("Groups found", "groups_found"),
        ("Orphans", "orphan_share"),
        ("Orphans among noise", "noise_orphan_share"),
    ):
        table.add_row(title, *(_number(getattr(scores, name)) for scores in (found.pipeline, found.naive)))
    table.add_row("Right titles (title_top1)", _number(found.title_top1), "-")
    console.print(table)
    if found.themes:
        _print_themes(found.themes, console)
    console.print(
        f"{found.filtered} filtered and {found.failed} failed conversations count as groups of one; "
        f"{found.unlabelled} without a label are left out. {found.seconds:.1f} s."
    )


def _print_themes(found: ThemesFound, console: Console) -> None:
    console.print(
        f"Several themes: {found.labels_each:.2f} labels and {found.themes_each:.2f} stories per conversation; "
        f"precision {found.precision:.3f}, recall {found.recall:.3f} (first themes only: {found.first_recall:.3f}).",
        highlight=False,
        soft_wrap=True,
    )


def _print_pairs(found: PairScores, console: Console) -> None:
    console.print(f"{counted(found.pairs, 'pair')}, {found.same} of them one problem.", highlight=False)
    for title, value in (("Precision", found.precision), ("Recall", found.recall), ("F1", found.f1)):
        console.print(f"{title:<9} {_number(value)}", highlight=False)
    if not found.wrong:
        return
    table = Table("Name", "Name", "People", "Rules", title=f"{len(found.wrong)} wrong", title_justify="left")
    for pair in found.wrong:
        table.add_row(pair.name_a, pair.name_b, _said(pair.same), _said(pair.found))
    console.print(table)


def _said(same: bool) -> str:
    return "one" if same else "two"


def _number(value: float | int | None) -> str:
    return "-" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)

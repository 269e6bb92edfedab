"""`./manage.py evaluate FILE`: the quality of the grouping on labelled conversations."""

import json as json_format
from typing import Any

from django.core.management.base import CommandError, CommandParser
from rich.console import Console
from rich.table import Table

from pipeline.evaluate import Evaluation, NothingToEvaluate, evaluate
from pipeline.extractors.base import UnknownExtractor
from pipeline.management.command import PipelineCommand
from pipeline.profiles import UnknownProfile
from pipeline.sources.base import UnreadableSource


class Command(PipelineCommand):
    help = (
        "Group the labelled conversations of a file and compare the stories with the labels. The label `noise` marks "
        "conversations that belong to no group. Nothing is stored."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file")
        parser.add_argument("--profile", default="support")
        parser.add_argument("--extractor", default="local")
        parser.add_argument("--json", action="store_true")

    def handle(self, *, file: str, profile: str, extractor: str, json: bool, **options: Any) -> None:
        try:
            found = evaluate(file, profile=profile, extractor=extractor)
        except (UnreadableSource, NothingToEvaluate, UnknownProfile, UnknownExtractor) as error:
            raise CommandError(str(error)) from error
        if json:
            self.stdout.write(json_format.dumps(found.as_json(), indent=2))
        else:
            _print(found, Console(markup=False, emoji=False))


def _print(found: Evaluation, console: Console) -> None:
    table = Table("", "Leitmotif", "Equal raw signatures", title_justify="left", title=(
        f"{found.conversations} labelled conversations, {found.groups_true} true groups of at least 3"
    ))  # fmt: skip
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
    console.print(table)
    console.print(
        f"{found.filtered} filtered and {found.failed} failed count as groups of one; {found.unlabelled} without a "
        f"label are left out. {found.seconds:.1f} s."
    )


def _number(value: float | int | None) -> str:
    return "-" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)

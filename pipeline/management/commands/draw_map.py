"""`./manage.py draw_map [PROFILE]`: bring the theme map up to date, as a worker does after each run."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from pipeline.management.command import PipelineCommand
from pipeline.models import Run
from pipeline.models.wording import counted
from pipeline.reports.theme_map import draw_map


class Command(PipelineCommand):
    help = "Bring the theme map up to date: new themes are placed, those that do not count any more are taken off."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("profile", nargs="?", default="", help="default: all that have runs")
        parser.add_argument("--afresh", action="store_true", help="lay out all points together again")

    def handle(self, *, profile: str, afresh: bool, **options: Any) -> None:
        known = sorted(set(Run.objects.order_by().values_list("profile", flat=True)))
        if profile and profile not in known:
            there = ", ".join(known) or "none"
            raise CommandError(f"no run was ever made under the profile {profile!r}; there are: {there}.")
        for each in [profile] if profile else known:
            drawn = draw_map(profile=each, afresh=afresh)
            if drawn is None:
                raise CommandError(f"somebody else drew the map of {each} at the same time. Look at it, or try again.")
            how = "all laid out together" if drawn.is_laid_out else f"{drawn.come} placed, {drawn.gone} taken off"
            self.stdout.write(f"{each}: {counted(drawn.points, 'point')}, {how}.")

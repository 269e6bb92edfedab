"""`./manage.py draw_map [PROFILE]`: bring the theme map up to date, as a worker does after each run."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from pipeline.management.command import PipelineCommand
from pipeline.models import Run
from pipeline.models.wording import counted
from pipeline.reports.theme_map import draw_map


class Command(PipelineCommand):
    help = "Bring the theme map up to date: place new themes and remove those that are no longer current."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("profile", nargs="?", default="", help="default: all profiles with runs")
        parser.add_argument("--afresh", action="store_true", help="lay out all points again")

    def handle(self, *, profile: str, afresh: bool, **options: Any) -> None:
        known = sorted(set(Run.objects.order_by().values_list("profile", flat=True)))
        if profile and profile not in known:
            there = ", ".join(known) or "none"
            raise CommandError(f"the profile {profile!r} has no runs. Profiles with runs: {there}.")
        for each in [profile] if profile else known:
            drawn = draw_map(profile=each, afresh=afresh)
            if drawn is None:
                raise CommandError(f"someone else drew the map of {each} at the same time. View it, or try again.")
            how = "all laid out again" if drawn.is_laid_out else f"{drawn.come} placed, {drawn.gone} removed"
            self.stdout.write(f"{each}: {counted(drawn.points, 'point')}, {how}.")

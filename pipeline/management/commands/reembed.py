"""`./manage.py reembed PROFILE`: move a profile's registry to the model that reads now, and group its themes by it."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from rich.console import Console

from pipeline.management.command import PipelineCommand
from pipeline.management.printing import print_changes
from pipeline.merge.apply import RegistryChanged
from pipeline.models.wording import counted
from pipeline.review.reembed import reembed
from pipeline.review.regroup import NothingToRegroup, plan_regroup, regroup


class Command(PipelineCommand):
    """Reads the profile's conversations again with the new model, then groups all themes as that model sees them."""

    help = (
        "Compute new vectors for a profile's themes with the current EMBEDDING_MODEL, and regroup them. Can be "
        "stopped and run again. Stories keep their identity, and people's decisions stay."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("profile")
        parser.add_argument("--extractor", default="local", help="extractor whose model is used (default: local)")
        parser.add_argument(
            "--no-regroup", action="store_true", help="compute vectors only; leave all themes in their stories"
        )

    def handle(self, *, profile: str, extractor: str, no_regroup: bool, **_: Any) -> None:
        told = 0

        def tell(done: int, total: int) -> None:
            nonlocal told
            if done - told >= max(total // 20, 1) or done == total:
                told = done
                self.stdout.write(f"{done:,} of {counted(total, 'theme')} embedded again")

        done = reembed(profile=profile, extractor=extractor, tell=tell)
        quotes = f" ({done.by_quotes:,} of them by their quotes)" if done.by_quotes else ""
        self.stdout.write(
            f"{counted(done.themes, 'theme')} of profile {profile} now have vectors of {done.model}{quotes}."
        )
        if no_regroup:
            self.stdout.write(
                "The themes are still grouped as by the previous model. To see what the new model would change, run "
                f"./manage.py regroup {profile}"
            )
        else:
            self._regroup(profile, done.model)

    def _regroup(self, profile: str, model: str) -> None:
        """Group all themes as the new model sees them, and print what that changes."""
        try:
            plan = plan_regroup(profile=profile)
            entry = regroup(plan=plan, reason=f"vectors of {model}")
        except NothingToRegroup:
            return
        except RegistryChanged as error:
            raise CommandError(
                f"The vectors were replaced, but {error} To group by them, run ./manage.py regroup {profile} --yes"
            ) from error
        found = plan.difference
        self.stdout.write(
            f"Regrouped: {counted(found.moved, 'theme', 'themes')} moved to another signature; stories: "
            f"{found.before.stories} before, {found.after.stories} after. Recorded as pass {entry.pk}."
        )
        print_changes(found.changes, Console(markup=False, emoji=False, highlight=False))

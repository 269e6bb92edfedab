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
        "Give a profile's themes vectors of the model that reads now, and group them by these. The model is that of "
        "EMBEDDING_MODEL. Can be stopped and called again; stories keep their identity, decisions stay."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("profile")
        parser.add_argument("--extractor", default="local", help="whose model it is (default: local)")
        parser.add_argument("--no-regroup", action="store_true", help="leave all themes in the stories they are in")

    def handle(self, *, profile: str, extractor: str, no_regroup: bool, **_: Any) -> None:
        told = 0

        def tell(done: int, total: int) -> None:
            nonlocal told
            if done - told >= max(total // 20, 1) or done == total:
                told = done
                self.stdout.write(f"{done:,} of {counted(total, 'theme')} read again")

        done = reembed(profile=profile, extractor=extractor, tell=tell)
        quotes = f" ({done.by_quotes:,} of them by their quotes)" if done.by_quotes else ""
        self.stdout.write(
            f"{counted(done.themes, 'theme')} of profile {profile} now have vectors of {done.model}{quotes}."
        )
        if no_regroup:
            self.stdout.write(
                "They are still grouped as the model before saw them. What the new model sees otherwise: "
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
                f"The vectors are moved, but {error} To group by them: ./manage.py regroup {profile} --yes"
            ) from error
        found = plan.difference
        self.stdout.write(
            f"Grouped again: {counted(found.moved, 'theme goes', 'themes go')} to another signature; stories: "
            f"{found.before.stories} before, {found.after.stories} after. The ledger's entry is pass {entry.pk}."
        )
        print_changes(found.changes, Console(markup=False, emoji=False, highlight=False))

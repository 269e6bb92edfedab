"""`./manage.py reembed PROFILE`: move a profile's registry to the model that reads now."""

from argparse import ArgumentParser
from typing import Any

from pipeline.management.command import PipelineCommand
from pipeline.models.wording import counted
from pipeline.review.reembed import reembed


class Command(PipelineCommand):
    """Reads the profile's conversations again with the new model; stories and decisions stay as they are."""

    help = (
        "Give a profile's themes vectors of the model that reads now (EMBEDDING_MODEL). "
        "Can be stopped and called again; signatures, stories and decisions stay."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("profile")
        parser.add_argument("--extractor", default="local", help="whose model it is (default: local)")

    def handle(self, *, profile: str, extractor: str, **_: Any) -> None:
        told = 0

        def tell(done: int, total: int) -> None:
            nonlocal told
            if done - told >= max(total // 20, 1) or done == total:
                told = done
                self.stdout.write(f"{done:,} of {counted(total, 'theme')} read again")

        done = reembed(profile=profile, extractor=extractor, tell=tell)
        quotes = f" ({done.by_quotes:,} of them by their quotes)" if done.by_quotes else ""
        self.stdout.write(
            f"{counted(done.themes, 'theme')} of profile {profile} now have vectors of {done.model}{quotes}. "
            "Stories and signatures are as they were; what the new model sees otherwise: ./manage.py regroup RUN"
        )

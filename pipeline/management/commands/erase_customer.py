"""`./manage.py erase_customer NAME`: what a customer said goes for good, everywhere; rows and counts stay."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from pipeline.management.command import PipelineCommand
from pipeline.runs.erase import erase_customer, holdings_of, in_words, mentions_of


class Command(PipelineCommand):
    help = (
        "Erase everything stored about a customer, after showing how much that is. Texts are removed permanently; "
        "rows and counts stay."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("customer", help="name, ID or e-mail address, as it appears in the conversations")
        parser.add_argument("--dry-run", action="store_true", help="show what is stored; change nothing")
        parser.add_argument("--yes", action="store_true", help="do not ask for confirmation")

    def handle(self, *, customer: str, dry_run: bool, yes: bool, **options: Any) -> None:
        held = holdings_of(customer)
        self.stdout.write(f"Stored about {customer}: {held}.")
        others = [name for name in held.customers if name.casefold() != customer.strip().casefold()]
        if others:
            self.stdout.write(
                f"These conversations are also under: {', '.join(others)}. Other conversations of "
                f"{'that customer' if len(others) == 1 else 'those customers'} are kept; erase them under that name."
            )
        if dry_run:
            self._say_mentions(customer, "The name appears")
            return
        if not held.is_empty and not yes and not self._is_sure():
            self.stdout.write("Nothing was erased.")
            return
        done = erase_customer(word=customer)
        self.stdout.write(f"Erased ({done}): {in_words(done.counts)}.")
        self._say_mentions(customer, "The name still appears")
        self.stdout.write("Earlier backups still contain the text; see docs/howto/erase-and-retain.md.")

    def _is_sure(self) -> bool:
        try:
            answer = input("Erase all of it? This cannot be undone. [y/N] ")
        except EOFError:
            raise CommandError("Nothing was erased. Add --yes to erase it without a confirmation.") from None
        return answer.strip().casefold() in ("y", "yes")

    def _say_mentions(self, customer: str, told: str) -> None:
        """Say where the name stands beyond what is theirs: in what others wrote, which is left."""
        if mentions := mentions_of(" ".join(customer.split())):
            self.stdout.write(f"{told} in: {in_words(mentions)}.")

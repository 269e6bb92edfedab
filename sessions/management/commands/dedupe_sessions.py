"""`./manage.py dedupe_sessions`: end active sessions that should not be there, and make them impossible."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from sessions.upkeep.duplicates import end_duplicates, find_duplicates


class Command(BaseCommand):
    requires_system_checks = ["leitmotif_settings"]
    help = (
        "End all but the most recent active session of each user. Recreates the index that prevents duplicates if "
        "it is missing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="show what would be ended; end nothing")

    def handle(self, **options: Any) -> None:
        found = find_duplicates() if options["dry_run"] else end_duplicates(at=timezone.now())
        verb = "would be ended" if options["dry_run"] else "ended"
        for each in found:
            self.stdout.write(f"session {each.session_id} of {each.user_id}: {verb}, {each.kept_id} is kept")
        self.stdout.write(f"{len(found)} duplicate sessions {verb}.")

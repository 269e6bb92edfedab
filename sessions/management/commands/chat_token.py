"""Tokens of the chat API: make one, list them, revoke one."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from sessions.api.tokens import TokenNameTakenError, make_token, revoke_token
from sessions.models import ApiToken


class Command(BaseCommand):
    help = "Make, list and revoke tokens of the chat API. A token is shown once, when it is made."

    def add_arguments(self, parser: CommandParser) -> None:
        steps = parser.add_subparsers(dest="step", required=True)
        steps.add_parser("make", help="make a token and print it").add_argument("name", help="who will use it")
        steps.add_parser("revoke", help="make a token count no longer").add_argument("name")
        steps.add_parser("list", help="print who has a token")

    def handle(self, *, step: str, name: str = "", **options: Any) -> None:
        {"make": self._make, "revoke": self._revoke, "list": self._list}[step](name)

    def _make(self, name: str) -> None:
        try:
            _, token = make_token(name=name, at=timezone.now())
        except (TokenNameTakenError, ValueError) as error:
            raise CommandError(str(error)) from error
        self.stderr.write("Keep it now; it is shown only this once. Send it as: Authorization: Bearer TOKEN")
        self.stdout.write(token)

    def _revoke(self, name: str) -> None:
        if not revoke_token(name=name, at=timezone.now()):
            raise CommandError(f"No token named {name} counts. See: ./manage.py chat_token list")
        self.stdout.write(f"The token of {name} counts no longer.")

    def _list(self, name: str) -> None:
        for token in ApiToken.objects.all():
            revoked = f", revoked {token.revoked_at:%Y-%m-%d %H:%M}" if token.revoked_at else ""
            self.stdout.write(f"{token.name}: made {token.made_at:%Y-%m-%d %H:%M}{revoked}")

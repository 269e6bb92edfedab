"""Tokens of the chat API: make one, list them, revoke one."""

from argparse import ArgumentTypeError
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from sessions.api.tokens import LIFE, TokenNameTakenError, make_token, revoke_token
from sessions.models import ApiToken


def life(word: str) -> timedelta | None:
    """Return a number of days as a length of time; None for `forever`."""
    if word == "forever":
        return None
    if not word.isdecimal() or not 1 <= int(word) <= 36_500:
        raise ArgumentTypeError(f"{word[:20]!r} is not a number of days from 1 to 36500, and not `forever`")
    return timedelta(days=int(word))


class Command(BaseCommand):
    help = "Make, list and revoke tokens of the chat API. A token is shown once, when it is made."

    def add_arguments(self, parser: CommandParser) -> None:
        steps = parser.add_subparsers(dest="step", required=True)
        make = steps.add_parser("make", help="make a token and print it")
        make.add_argument("name", help="who will use it")
        make.add_argument(
            "--scope", action="append", choices=ApiToken.Scope.values, dest="scopes", metavar="SCOPE",
            help=f"what for, once for each: {', '.join(ApiToken.Scope.values)} (default: all)",
        )  # fmt: skip
        make.add_argument(
            "--days", type=life, default=LIFE, help=f"how long it counts, or `forever` (default: {LIFE.days})"
        )
        steps.add_parser("revoke", help="make a token count no longer").add_argument("name")
        steps.add_parser("list", help="print who has a token")

    def handle(self, *, step: str, name: str = "", **options: Any) -> None:
        if step == "make":
            self._make(name, options["scopes"] or ApiToken.Scope.values, options["days"])
        elif step == "revoke":
            self._revoke(name)
        else:
            self._list()

    def _make(self, name: str, scopes: list[str], life: timedelta | None) -> None:
        try:
            _, token = make_token(name=name, at=timezone.now(), scopes=scopes, life=life)
        except (TokenNameTakenError, ValueError) as error:
            raise CommandError(str(error)) from error
        self.stderr.write("Keep it now; it is shown only this once. Send it as: Authorization: Bearer TOKEN")
        self.stdout.write(token)

    def _revoke(self, name: str) -> None:
        if not revoke_token(name=name, at=timezone.now()):
            raise CommandError(f"No token named {name} counts. See: ./manage.py chat_token list")
        self.stdout.write(f"The token of {name} counts no longer.")

    def _list(self) -> None:
        for token in ApiToken.objects.all():
            parts = [f"{token.name}: {', '.join(token.scopes)}", f"made {token.made_at:%Y-%m-%d %H:%M}"]
            if token.revoked_at:
                parts.append(f"revoked {token.revoked_at:%Y-%m-%d %H:%M}")
            elif token.expires_at:
                verb = "expires" if token.counts(timezone.now()) else "expired"
                parts.append(f"{verb} {token.expires_at:%Y-%m-%d}")
            self.stdout.write("; ".join(parts))

"""Tokens of the API: make one, list them, revoke one."""

from argparse import ArgumentTypeError
from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from pipeline.access import LIFE, TokenNameTakenError, make_token, revoke_token
from pipeline.management.command import PipelineCommand
from pipeline.models import ApiToken


def life(word: str) -> timedelta | None:
    """Return a number of days as a length of time; None for `forever`."""
    if word == "forever":
        return None
    if not word.isdecimal() or not 1 <= int(word) <= 36_500:
        raise ArgumentTypeError(f"{word[:20]!r} is not a number of days from 1 to 36500, and not `forever`")
    return timedelta(days=int(word))


class Command(PipelineCommand):
    help = "Make, list and revoke tokens of the HTTP API. A token is shown once, when it is made."

    def add_arguments(self, parser: CommandParser) -> None:
        steps = parser.add_subparsers(dest="step", required=True)
        make = steps.add_parser("make", help="create a token and print it")
        make.add_argument("name", help="which program will use it")
        make.add_argument(
            "--scope", action="append", choices=ApiToken.Scope.values, dest="scopes", metavar="SCOPE", required=True,
            help=f"what for, once for each: {', '.join(ApiToken.Scope.values)}",
        )  # fmt: skip
        make.add_argument(
            "--for", dest="acts_for", metavar="USER",
            help="in whose name it decides, needed for review, import and operate; it may do what this person may",
        )  # fmt: skip
        make.add_argument(
            "--days", type=life, default=LIFE, help=f"how many days it is valid, or `forever` (default: {LIFE.days})"
        )
        steps.add_parser("revoke", help="revoke a token").add_argument("name")
        steps.add_parser("list", help="print which programs have a token")

    def handle(self, *, step: str, name: str = "", **options: Any) -> None:
        if step == "make":
            self._make(name, options)
        elif step == "revoke":
            self._revoke(name)
        else:
            self._list()

    def _make(self, name: str, options: dict[str, Any]) -> None:
        person = None
        if username := options["acts_for"]:
            person = get_user_model()._default_manager.filter(username=username, is_active=True).first()
            if person is None:
                raise CommandError(f"There is no active user {username}. See the users in the admin.")
        try:
            _, token = make_token(
                name=name, at=timezone.now(), scopes=options["scopes"], acts_for=person, life=options["days"]
            )
        except (TokenNameTakenError, ValueError) as error:
            raise CommandError(str(error)) from error
        self.stderr.write("Copy it now; it will not be shown again. Send it as: Authorization: Bearer TOKEN")
        self.stdout.write(token)

    def _revoke(self, name: str) -> None:
        if not revoke_token(name=name, at=timezone.now()):
            raise CommandError(f"There is no valid token named {name}. See ./manage.py api_token list")
        self.stdout.write(f"The token {name} has been revoked.")

    def _list(self) -> None:
        for token in ApiToken.objects.select_related("acts_for"):
            parts = [f"{token.name}: {', '.join(token.scopes)}"]
            if token.acts_for:
                parts.append(f"for {token.acts_for.get_username()}")
            parts.append(f"created {token.made_at:%Y-%m-%d %H:%M}")
            if token.revoked_at:
                parts.append(f"revoked {token.revoked_at:%Y-%m-%d %H:%M}")
            elif token.expires_at:
                verb = "expires" if token.expires_at > timezone.now() else "expired"
                parts.append(f"{verb} {token.expires_at:%Y-%m-%d}")
            self.stdout.write("; ".join(parts))

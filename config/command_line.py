"""`./manage.py`: our commands first, tables that are ready for them, and sentences instead of tracebacks."""

import errno
import re
import sys
import textwrap
from collections.abc import Sequence

import psycopg.errors
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, ManagementUtility, get_commands, load_command_class
from django.core.management.base import BaseCommand
from django.db import DatabaseError, InterfaceError, OperationalError

from config import embedded

NEEDS_NO_SERVER = {"help", "version", "--help", "-h", "--version", "collectstatic", "check"}
OURS = {"pipeline": "Conversations, runs and stories", "sessions": "Chats"}
"""The apps whose commands are listed first, under these titles."""

BRINGS_ITS_OWN = {"demo"}
LOOKS_FOR_ITSELF = {"doctor"}
"""Commands that say themselves what is wrong with the tables."""

OF_DJANGO = {
    "changepassword": "Change the password of a login.",
    "createsuperuser": "Create a login for the admin.",
    "migrate": "Bring the tables up to date; on the embedded database every command does this by itself.",
    "check": "Check the settings; use `check --deploy` for a web server that others can reach.",
    "dbshell": "Open psql on the database, if it is installed.",
    "shell": "Open a Python prompt with Django and all models loaded.",
}
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def main(arguments: Sequence[str]) -> int:
    """Run the command of these words; return its exit code. What people can put right is said in a sentence."""
    try:
        if len(arguments) > 1 and arguments[1] not in NEEDS_NO_SERVER:
            embedded.hold()
        CommandLine(list(arguments)).execute()
    except (embedded.EmbeddedError, ImproperlyConfigured, CommandError) as error:
        return _say(str(error))
    except DatabaseError as error:
        if "--traceback" in arguments or not (sentence := _about_database(error)):
            raise
        return _say(sentence)
    except OSError as error:
        if "--traceback" in arguments or error.errno not in FULL:
            raise
        return _say(
            f"{error.strerror}: {error.filename or 'a file'} could not be written. Free some space and try again."
        )
    return 0


def _say(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1


def _about_database(error: DatabaseError) -> str:
    """Return what people can do about it; empty if it is our mistake."""
    said = " ".join(str(error).split())
    cause = error.__cause__
    if isinstance(cause, psycopg.errors.InsufficientPrivilege):
        return (
            f"PostgreSQL refused: {said}. The account in DATABASE_URL must own the tables; change their owner or use "
            "that account."
        )
    if isinstance(cause, psycopg.errors.UndefinedTable | psycopg.errors.UndefinedColumn):
        return f"PostgreSQL: {said}. The tables are not up to date. Run `./manage.py migrate`."
    if isinstance(cause, psycopg.errors.DiskFull):
        return f"PostgreSQL: {said}. Free some space on its disk and try again."
    if isinstance(error, OperationalError | InterfaceError):
        return f"PostgreSQL cannot be used: {said}. Check DATABASE_URL; `./manage.py doctor` says more."
    return ""


class CommandLine(ManagementUtility):
    """Django's command line, knowing ours."""

    def fetch_command(self, subcommand: str) -> BaseCommand:
        """Return the command; when it is the one to be run and ours, its tables are up to date."""
        command = super().fetch_command(subcommand)
        asks = {"-h", "--help"} & set(self.argv)
        if subcommand == self.argv[1] and not asks and _needs_tables(subcommand):
            from config import tables  # needs the apps, which are loaded by now

            try:
                tables.make_ready()
            except (DatabaseError, CommandError):
                if subcommand not in LOOKS_FOR_ITSELF:
                    raise
        return command

    def main_help_text(self, commands_only: bool = False) -> str:
        """Return all commands; ours first, with a line each."""
        if commands_only or self.settings_exception is not None:
            return super().main_help_text(commands_only)
        names = get_commands()
        lines = ["Usage: ./manage.py COMMAND ...        ./manage.py help COMMAND for details", ""]
        for app, title in OURS.items():
            ours = sorted(name for name, where in names.items() if where == app)
            lines += [title, *(_line(name, load_command_class(app, name).help) for name in ours), ""]
        lines += ["Django commands used most often", *(_line(name, text) for name, text in OF_DJANGO.items()), ""]
        others = sorted(name for name, where in names.items() if where not in OURS and name not in OF_DJANGO)
        return "\n".join([*lines, "Others", textwrap.indent(textwrap.fill(", ".join(others), 98), "  ")])


def _line(name: str, text: str) -> str:
    """Return the name and what its help says up to the first stop, in a line."""
    first = re.split(r"[.:;] ", " ".join(text.split()))[0].rstrip(".")
    return f"  {name:21} {textwrap.shorten(first, 97, placeholder=' ...')}"


def _needs_tables(name: str) -> bool:
    is_ours = get_commands().get(name) in OURS and name not in BRINGS_ITS_OWN
    return is_ours or name in ("createsuperuser", "changepassword")

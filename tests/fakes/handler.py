"""A handler that does what each message says: real answers, real failures, real deaths.

A text holds words like `slow=0.1 act=raise times=2`; see `_Script`. Each message leaves lines in the file that
HANDLER_LOG names when it begins and ends, so that tests see the order over all processes.
"""

import os
import re
import signal
import time
from dataclasses import dataclass
from typing import Any

from sessions.answering.handler import Answer, Handler, Turn
from sessions.chat.context import choose_project
from sessions.chat.opening import open_session

_WORD = re.compile(r"(\w+)=(\S+)")


@dataclass(frozen=True)
class _Script:
    """What one text asks for."""

    slow: float = 0.0
    act: str = ""  # raise, kill, open
    times: int = 1_000_000  # how often it dies

    @classmethod
    def of(cls, text: str) -> "_Script":
        found = dict(_WORD.findall(text))
        return cls(float(found.get("slow", 0)), found.get("act", ""), int(found.get("times", cls.times)))


class ScriptedHandler(Handler):
    """Prepares as long as it is told, and answers with the message's own key."""

    def prepare(self, turn: Turn) -> _Script:
        """Wait outside of any transaction."""
        script = _Script.of(turn.message.text)
        log("begin", turn)
        time.sleep(script.slow)
        return script

    def answer(self, turn: Turn, prepared: Any) -> Answer:
        """Write something, and then do what the text says."""
        choose_project(user_id=turn.message.user_id, project_id=turn.message.key, at=turn.at)
        if prepared.act == "raise":
            raise RuntimeError("told to, with a NUL \0 in it")
        if prepared.act == "kill" and turn.message.try_count < prepared.times:
            os.kill(os.getpid(), signal.SIGKILL)
        if prepared.act == "open":
            open_session(user_id=turn.message.user_id, at=turn.at)
        log("end", turn)
        return Answer(f"answer to {turn.message.key}")


def log(what: str, turn: Turn) -> None:
    """Append a line in one write, which does not mix with those of others."""
    if path := os.environ.get("HANDLER_LOG"):
        with open(path, "ab", buffering=0) as file:
            file.write(f"{what} {turn.message.user_id} {turn.message.key}\n".encode())

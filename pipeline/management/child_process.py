"""Processes that do not outlive who started them."""

import os
import sys
from collections.abc import Sequence

_LEASH = """
import ctypes, os, sys
parent, number, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, number)  # PR_SET_PDEATHSIG of linux/prctl.h
    if os.getppid() != parent:
        sys.exit("the parent died first")
os.execv(command[0], command)
"""


def ending_with_parent(command: Sequence[str], number: int) -> list[str]:
    """Return the command so that Linux sends it a signal when we die, even by kill -9; other systems do not know how.

    The first word must be a path. Unlike a `preexec_fn` this runs no Python in the forked child of a process that has
    threads and open connections, where a garbage collection may wait for an answer for ever.
    """
    return [sys.executable, "-S", "-P", "-c", _LEASH, str(os.getpid()), str(int(number)), *command]

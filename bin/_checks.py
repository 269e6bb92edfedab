"""The checks of bin/test that are no tests, beside one another: each says what it found when it has ended.

A process of its own, so that a signal to its group ends all of them.
"""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

sys.dont_write_bytecode = True

from _setup import ROOT, say  # noqa: E402

BIN = Path(sys.prefix) / "bin"
AT_ONCE = 2  # the one that takes longest, and the others one after another
CHECKS: dict[str, list[str | Path]] = {
    "mypy": [BIN / "mypy"],
    "ruff check": [BIN / "ruff", "check"],
    "ruff format": [BIN / "ruff", "format", "--check"],
    "lint-imports": [BIN / "lint-imports"],
    "migrations": [BIN / "python", ROOT / "manage.py", "makemigrations", "--check", "--dry-run"],
}


def main() -> int:
    """Run all checks; return the exit code of one that failed, or 0."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return max([ended.result() for ended in as_completed(pool.submit(check, name) for name in CHECKS)])


def check(name: str) -> int:
    """Run one check, show what it printed in one piece, and return its exit code."""
    began = time.monotonic()
    done = subprocess.run(
        CHECKS[name], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, check=False,
    )  # fmt: skip
    verdict = "passed" if done.returncode == 0 else "FAILED"
    say(f"== {name} {verdict} in {time.monotonic() - began:.1f} s\n{done.stdout}", end="")
    return abs(done.returncode)  # that of a signal is negative


if __name__ == "__main__":
    sys.exit(main())

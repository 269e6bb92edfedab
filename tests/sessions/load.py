"""Front ends that go on sending while their database comes and goes, as a program of its own.

`python -m tests.sessions.load CALLERS SECONDS`, with the database in DATABASE_URL: prints `sending`, and in the end
what the callers were told, as JSON.
"""

import json
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import django
from django.apps import apps
from django.db import connection
from django.utils import timezone

if not apps.ready:
    django.setup()

from sessions.chat.messages import receive
from sessions.chat.opening import SessionUnavailableError

USERS = 20
PATIENCE = 60.0  # seconds that a caller tries one message


def send(caller: int, seconds: float, is_sending: threading.Event) -> Counter[str]:
    """Send messages one after the other, each until it is taken, and return what came of them."""
    told: Counter[str] = Counter()
    end = time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            told[_deliver(f"user {(caller + told['sent']) % USERS}", f"{caller}-{told['sent']}", told)] += 1
            told["sent"] += 1
            is_sending.set()
    finally:
        connection.close()
    return told


def _deliver(user_id: str, key: str, told: Counter[str]) -> str:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            found = receive(user_id=user_id, key=key, text="hello", at=timezone.now())
            return "duplicate" if found.is_duplicate else "new"
        except SessionUnavailableError:
            told["told to try again"] += 1
            time.sleep(0.02)
        except Exception as error:
            return f"{type(error).__name__}: {error}"
    return "never taken"


def main(callers: int, seconds: float) -> None:
    is_sending = threading.Event()
    total: Counter[str] = Counter()
    with ThreadPoolExecutor(callers) as pool:
        told = [pool.submit(partial(send, number, seconds, is_sending)) for number in range(callers)]
        is_sending.wait(240)
        print("sending", flush=True)
        for each in told:
            total += each.result()
    print(json.dumps(total), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))

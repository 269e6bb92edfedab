"""Taking turns at a host: few requests at once, a pause between two, and robots.txt asked first."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import TracebackType
from urllib.parse import urlsplit

from protego import Protego

from pipeline.models.company import PageOutcome
from pipeline.sources.websites.policy import LONGEST_CRAWL_DELAY

LARGEST_ROBOTS = 500 * 1024
"""Bytes of a robots.txt that are read (RFC 9309, section 2.5)."""


class Turn:
    """The turns at one host: at most so many requests at once, and `delay` seconds between the starts of two."""

    def __init__(self, at_once: int, delay: float) -> None:
        self.delay = delay
        self._free = asyncio.Semaphore(at_once)
        self._next_at = 0.0

    async def __aenter__(self) -> None:
        await self._free.acquire()
        try:
            now = asyncio.get_running_loop().time()
            starts_at = max(now, self._next_at)
            self._next_at = starts_at + self.delay
            if starts_at > now:
                await asyncio.sleep(starts_at - now)
        except BaseException:
            self._free.release()
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._free.release()


@dataclass(frozen=True, slots=True)
class Rules:
    """What a host's robots.txt says. `refusal` says why nothing may be read there: then `outcome` is that of all pages.

    None stands for a host without rules.
    """

    parsed: Protego | None = None
    outcome: str = ""
    refusal: str = ""

    def allow(self, url: str, agent: str) -> bool:
        return self.parsed is None or bool(self.parsed.can_fetch(url, agent))

    def delay(self, agent: str) -> float:
        """Return the pause that is asked for, in seconds; 0 for none."""
        asked = self.parsed.crawl_delay(agent) if self.parsed else None
        return min(float(asked or 0.0), LONGEST_CRAWL_DELAY)


@dataclass(frozen=True, slots=True)
class RobotsAnswer:
    """What came of asking for a robots.txt: a status and a body, or the outcome and detail of what failed."""

    status: int = 0
    body: bytes = b""
    outcome: str = ""
    detail: str = ""


def rules_of(answer: RobotsAnswer) -> Rules:
    """Return the rules that an answer gives, as RFC 9309 says: 4xx is no rules, and what cannot be read is a no.

    A host that does not answer at all has no page either: its pages come to the same outcome as its robots.txt.
    """
    if answer.outcome:
        return Rules(outcome=answer.outcome, refusal=answer.detail)
    if answer.status >= 500 or answer.status == 429:
        return Rules(
            outcome=PageOutcome.ROBOTS,
            refusal=f"robots.txt returned {answer.status}, which means that fetching is not allowed",
        )
    if not 200 <= answer.status < 300:
        return Rules()
    return Rules(Protego.parse(answer.body[:LARGEST_ROBOTS].decode("utf-8-sig", "replace")))


@dataclass(slots=True)
class Hosts:
    """The hosts that are asked during one delivery, each with its turns and rules; asked about its rules once."""

    at_once: int
    delay: float
    agent: str
    ask_robots: Callable[[str], Awaitable[RobotsAnswer]] | None
    _turns: dict[str, Turn] = field(default_factory=dict)
    _rules: dict[str, asyncio.Task[Rules]] = field(default_factory=dict)

    def turn(self, url: str) -> Turn:
        """Return the turns at the host of an address."""
        host = urlsplit(url).netloc
        if host not in self._turns:
            self._turns[host] = Turn(self.at_once, self.delay)
        return self._turns[host]

    async def rules(self, url: str) -> Rules:
        """Return the rules for an address; several that ask at once wait for one request."""
        if self.ask_robots is None:
            return Rules()
        parts = urlsplit(url)
        place = f"{parts.scheme}://{parts.netloc}"
        if place not in self._rules:
            self._rules[place] = asyncio.ensure_future(self._asked(place))
        return await asyncio.shield(self._rules[place])

    async def _asked(self, place: str) -> Rules:
        assert self.ask_robots is not None
        rules = rules_of(await self.ask_robots(f"{place}/robots.txt"))
        turn = self.turn(place)
        turn.delay = max(turn.delay, rules.delay(self.agent))
        return rules

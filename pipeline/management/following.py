"""Watch a run from the command line until it ends.

The command is a spectator: the run ends without it. But where no beat runs, nobody else would send again what was lost,
so it looks after the run as beat does.
"""

import time

from django.conf import settings
from django.db import connection
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from pipeline import tasks
from pipeline.ledger.claims import stale_before
from pipeline.ledger.counts import ItemCounts, find_run, item_counts
from pipeline.ledger.errors import RunError
from pipeline.ledger.states import request_stop
from pipeline.models import Judgement, Run
from pipeline.models.wording import counted, duration
from pipeline.reports.companies import company_progress
from pipeline.runs import workers

LOOK_EVERY = 0.25
"""Seconds between two looks at a run."""


PATIENCE = 3.0
"""Seconds without any movement after which the waiting command looks after the run itself."""


NO_WORKER_HINT = 15.0
"""Seconds without a first reading after which the command says how to start a worker."""


SERVERS_PATIENCE = 60.0
"""Seconds without an answer of PostgreSQL or Redis after which the waiting command gives up; the run does not."""


PHASES = {Run.Phase.EXTRACT: "Extracting", Run.Phase.MERGE: "Merging", Run.Phase.GROUP: "Grouping"}


def follow(run_id: int, console: Console) -> Run:
    """Show a run until it ends, looking after it when it stalls; Ctrl-C asks it to stop, a second one leaves it."""
    screen = _Bars(console) if console.is_terminal else _Lines(console)
    asked = False
    with screen:
        while True:
            try:
                return _Watch(run_id, screen).until_it_ends()
            except KeyboardInterrupt:
                if asked or not request_stop(run_id=run_id):
                    raise
                asked = True
                screen.say(
                    "Stopping after the conversations in progress. "
                    "Press Ctrl-C again to detach; the run will stop by itself."
                )


def follow_judging(run: Run, console: Console) -> Run:
    """Wait until a finished run that asks for it was judged by a language model; return it as it is then.

    Ctrl-C leaves it to the workers. Where nobody judges for RUN_LOST_AFTER seconds it says how to continue and returns.
    """
    moved_at, seen = time.monotonic(), -1
    while run.is_to_be_judged:
        try:
            asked = run.judgements.count()
            ended = asked - run.judgements.filter(state__in=Judgement.OPEN).count()
            if ended > seen:
                told = f"run {run.pk}: judging, {ended} of {counted(asked, 'question')} answered"
                console.print(told, highlight=False, soft_wrap=True)
            if ended > seen or (run.advance_claimed_at and run.advance_claimed_at >= stale_before()):
                moved_at, seen = time.monotonic(), ended
            tasks.send_to_be_judged(run=run)  # where beat does not run nobody else would send it again
            run = find_run(run.pk)
            time.sleep(LOOK_EVERY)
        except tasks.SERVER_AWAY:
            connection.close()
            time.sleep(LOOK_EVERY)
        except KeyboardInterrupt:
            console.print("The workers continue to judge; see run_status.", highlight=False)
            break
        if time.monotonic() - moved_at > settings.RUN_LOST_AFTER:
            console.print(f"Nobody is judging run {run.pk}. Continue with:  ./manage.py judge {run.pk}")
            break
    return run


class _Watch:
    """Looks at a run again and again, and looks after it (`tasks.supervise`) when nothing moves."""

    def __init__(self, run_id: int, screen: "_Bars | _Lines") -> None:
        self.run_id, self.screen = run_id, screen
        self.seen: tuple[str, str, int] | None = None
        self.moved_at = self.began_at = self.tended_at = time.monotonic()
        self.hinted = False
        self.away_since: float | None = None
        self.companies_at = -1

    def until_it_ends(self) -> Run:
        while True:
            try:
                run = self._look()
                self.away_since = None
            except tasks.SERVER_AWAY as error:
                self._wait_for_servers(error)
            else:
                if not run.is_live:
                    return run
            time.sleep(LOOK_EVERY)

    def _look(self) -> Run:
        if self.away_since is not None:
            workers.reach()  # PostgreSQL shows below whether it is back; Redis only where something has to be sent
        run, counts = find_run(self.run_id), item_counts(self.run_id)
        if run.is_of_pages and self.companies_at != counts.finished:
            self.companies_at, self.screen.companies = counts.finished, company_progress(run)
        self.screen.show(run, counts)
        if run.is_live:
            self._notice(run, counts)
        return run

    def _wait_for_servers(self, error: Exception) -> None:
        """Be patient while PostgreSQL or Redis restarts: the run does not need this command."""
        connection.close()  # else the dead connection would be asked again
        if self.away_since is None:
            self.away_since = time.monotonic()
            self.screen.say("PostgreSQL or Redis is not answering; waiting.")
        if time.monotonic() - self.away_since > SERVERS_PATIENCE:
            raise RunError(
                f"PostgreSQL or Redis did not answer for {SERVERS_PATIENCE:.0f} s ({error}). When it is back, check "
                f"the run with ./manage.py run_status {self.run_id}"
            ) from error

    def _notice(self, run: Run, counts: ItemCounts) -> None:
        now, state = time.monotonic(), (run.state, run.phase, counts.finished)
        if state != self.seen:
            self.seen, self.moved_at = state, now
        # a person waits for the stop to take effect; else the workers are given time to come by themselves
        patience = LOOK_EVERY if run.state == Run.State.STOPPING else PATIENCE
        if now - max(self.moved_at, self.tended_at) >= patience:
            self.tended_at = now
            tasks.supervise(run_id=run.pk)
        if (
            not self.hinted
            and now - self.began_at > NO_WORKER_HINT
            and counts.pending == counts.planned - counts.skipped > 0
        ):
            self.hinted = True
            self.screen.say("No worker has picked up this run yet. Is one running? Start one with `bin/up`.")


class _Bars:
    """Progress in a terminal: a bar a phase."""

    def __init__(self, console: Console) -> None:
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description:<11}"),
            BarColumn(bar_width=40),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        self.companies: tuple[int, int] | None = None
        self.progress = Progress(*columns, console=console)
        self.bars: dict[str, TaskID] = {}

    def __enter__(self) -> "_Bars":
        self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.progress.stop()

    def say(self, text: str) -> None:
        self.progress.console.print(text)

    def show(self, run: Run, counts: ItemCounts) -> None:
        order = list(PHASES)
        now = order.index(Run.Phase(run.phase)) if run.phase in order else len(order)
        for phase in order[: now + 1]:
            of_extract = self.companies or (counts.finished, counts.planned)
            done, total = of_extract if phase == Run.Phase.EXTRACT else (int(order.index(phase) < now), 1)
            if phase not in self.bars:
                self.bars[phase] = self.progress.add_task(PHASES[phase], total=total)
            self.progress.update(self.bars[phase], completed=done, total=total)


class _Lines:
    """Progress where there is no terminal: a plain line when something changed, at most one a second."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.last = ""
        self.said_at = 0.0
        self.began_at = time.monotonic()
        self.companies: tuple[int, int] | None = None

    def __enter__(self) -> "_Lines":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def _remaining(self, counts: ItemCounts) -> str:
        """Say how long it takes at the pace so far."""
        left = counts.planned - counts.finished
        read = counts.finished - counts.skipped
        spent = time.monotonic() - self.began_at
        return f", about {duration(spent / read * left)} left" if left and read > 0 and spent >= 1 else ""

    def say(self, text: str) -> None:
        self.console.print(text, highlight=False, soft_wrap=True)

    def show(self, run: Run, counts: ItemCounts) -> None:
        line = f"run {run.pk}: {run.phase}, {counts.finished} of {counted(counts.planned, 'conversation')}"
        if self.companies:
            done, total = self.companies
            line = (
                f"run {run.pk}: {run.phase}, {done} of {counted(total, 'company', 'companies')}, "
                f"{counts.finished} of {counted(counts.planned, 'page')}{self._remaining(counts)}"
            )
        if line != self.last and (time.monotonic() - self.said_at >= 1 or not run.is_live):
            self.last, self.said_at = line, time.monotonic()
            self.say(line)

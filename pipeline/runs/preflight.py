"""Pre-flight: what must be in order before a run may start, looked at before any row is written or anything is spent.

`run_checks` looks at everything and says what it found, for people (`./manage.py doctor`). `require_ready` raises where
something is not in order; whoever starts a run goes through it (`pipeline.runs.start`).
"""

import logging
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import psycopg.errors
import redis
from django.conf import settings
from django.core import checks as django_checks
from django.db import Error, connection

from pipeline.extract.base import Asking, Checked, UnknownExtractor, asks, get_extractor
from pipeline.extract.llm.abilities import probe
from pipeline.extract.llm.endpoint import target
from pipeline.extract.llm.faults import RunFault
from pipeline.extract.llm.prices import most_of
from pipeline.extract.profiles import UnknownProfile, get_profile
from pipeline.extract.versions import reader_of, refuse_other_model, versions
from pipeline.ledger.errors import RunError
from pipeline.models import Source, schema
from pipeline.models.refusal import Refusal
from pipeline.runs import checks
from pipeline.runs.reopen import reopenable
from pipeline.runs.workers import Heartbeats
from pipeline.sources.ingest import Import
from pipeline.sources.parsing.parts import STDIN
from pipeline.sources.records import UnreadableSource

OLDEST_REDIS = (6, 2)
START_A_WORKER = "start one with `bin/up` or `celery -A config worker -E -Q default,extract,merge,background`"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found: a sentence, and where something is not in order a hint what to do."""

    name: str
    ok: bool
    sentence: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.name}: {self.sentence}" + (f"; {self.hint}" if self.hint else "")

    def as_json(self) -> dict[str, object]:
        return {"name": self.name, "ok": self.ok, "sentence": self.sentence, "hint": self.hint}


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What a run would read and how; without source and files only the installation is looked at.

    `asks` says whether anything will be asked that is not answered yet: else a reader need not show that it can answer.
    `spends` says that the run has a budget in dollars, `judges` that a language model judges its result.
    """

    profile: str
    extractor: str
    source: Source | None = None
    files: Import | None = None
    asks: bool = True
    spends: bool = False
    judges: bool = False


def require_ready(intention: RunRequest, *, patience: float | None = None) -> None:
    """Return if a run may start; RunError names all that is not in order.

    If all else is well, workers are waited for: at most `patience` seconds, by default settings.HEARTBEAT_PATIENCE.
    """
    # sent before anything else is looked at, so that they travel meanwhile
    with _heartbeats(intention, patience) as heartbeats:
        failed = [finding for finding in _at_once(intention) if not finding.ok]
        if not failed and not (workers := _workers(heartbeats, intention)).ok:
            failed.append(workers)
    if failed:
        raise RunError("the run cannot start. " + " ".join(f"{finding}." for finding in failed))


def require_ready_again(
    *, run_id: int, phase: str | None = None, asks: bool = True, spends: bool = False, patience: float | None = None
) -> None:
    """Return if an ended run may go on; RunError as of `reopen.reopen` and of `require_ready`; nothing is changed."""
    run = reopenable(run_id=run_id, phase=phase)
    judges = bool(run.parameters.get("judge"))
    request = RunRequest(run.profile, run.extractor, run.source, asks=asks, spends=spends, judges=judges)
    require_ready(request, patience=patience)


def run_checks(intention: RunRequest, *, patience: float | None = None) -> list[Finding]:
    """Return what each check found, good and bad; raises nothing for what it is there to find."""
    with _heartbeats(intention, patience) as heartbeats:
        return [*_at_once(intention), _found("workers", _workers, heartbeats, intention)]


def check_installation() -> list[Finding]:
    """Return what is found of servers, tables and promises, without waiting for a worker."""
    findings = [_found("PostgreSQL", _postgres), _found("Redis", _redis)]
    if findings[0].ok:
        findings.append(tables := _found("tables", _schema))
        if tables.ok:
            findings.append(_found("promises", _promises))
    return findings


def _heartbeats(intention: RunRequest, patience: float | None) -> Heartbeats:
    seconds = settings.HEARTBEAT_PATIENCE if patience is None else patience
    return Heartbeats(seconds, reader=(intention.profile, intention.extractor))


def _at_once(intention: RunRequest) -> Iterator[Finding]:
    """Yield what is found without waiting for anybody."""
    yield _found("settings", _settings)
    yield (postgres := _found("PostgreSQL", _postgres))
    yield _found("Redis", _redis)
    asks_a_model = _asks_a_model(intention.extractor)
    if not asks_a_model:
        yield _found("extractor", _extractor, intention)
    if intention.files:
        yield _found("source", _files, intention.files)
    if postgres.ok:
        yield (tables := _found("tables", _schema))
        if tables.ok:
            if asks_a_model:  # what it can do is kept in a table
                yield _found("extractor", _extractor, intention)
            elif intention.judges:
                yield _found("judge", _judge, intention)
            yield from _rows(intention)


def _rows(intention: RunRequest) -> Iterator[Finding]:
    yield _found("promises", _promises)
    yield _found("signatures", _registry, intention)
    if intention.source:
        yield _found("source", _source, intention.source)


def _found(name: str, check: Callable[..., Finding], *what: object) -> Finding:
    """Return what the check found. Whatever it raises is a finding too: `doctor` looks at everything, come what may."""
    try:
        return check(*what)
    except Exception as error:
        logger.debug("the check of %s failed", name, exc_info=True)
        hint = "the account in DATABASE_URL must own the tables" if _is_about_rights(error) else ""
        return Finding(name, False, f"it cannot be checked: {_one_line(error)}", hint)


def _is_about_rights(error: Exception) -> bool:
    return isinstance(error.__cause__, psycopg.errors.InsufficientPrivilege)


# --- The installation ---------------------------------------------------------------------------------------------


def _settings() -> Finding:
    unsafe = [message for message in checks.settings_messages() if message.level >= django_checks.ERROR]
    if not unsafe:
        return Finding("settings", True, "all settings are safe")
    sentences = "; ".join(f"{message.id}: {message.msg}" for message in unsafe)
    return Finding("settings", False, sentences.rstrip("."), "`./manage.py check` says more")


def _postgres() -> Finding:
    try:
        connection.ensure_connection()
        version = connection.pg_version  # type: ignore[attr-defined]
    except Error as error:
        return Finding("PostgreSQL", False, f"unusable: {_one_line(error)}", "check DATABASE_URL")
    return Finding("PostgreSQL", True, f"version {version // 10_000}.{version % 10_000}")


def _redis() -> Finding:
    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=5, socket_timeout=5) as client:
            info: dict[str, Any] = client.info()
            if doubt := redis_doubt(info):
                return Finding("Redis", False, *doubt)
            if refusal := _write_refusal(client):
                return Finding(
                    "Redis", False, f"it is refusing writes: {refusal}", ("check its memory, disk and replicas")
                )
    except redis.RedisError as error:
        return Finding("Redis", False, f"it cannot be reached: {_one_line(error)}", "check REDIS_URL")
    valkey = info.get("valkey_version")
    return Finding("Redis", True, f"Valkey {valkey}" if valkey else f"version {info['redis_version']}")


def _write_refusal(client: redis.Redis) -> str:
    """Return why the server takes no writes just now; empty if it does. The key is gone a second later."""
    try:
        # a full disk or a lost replica shows only when something is written
        client.set(f"{settings.REDIS_PREFIX}preflight", 1, ex=1)
    except redis.RedisError as error:
        return _one_line(error)
    return ""


def redis_doubt(info: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return why a server with this INFO cannot carry a queue, and what to do; None if it can."""
    version = tuple(int(part) for part in str(info["redis_version"]).split(".")[:2])
    if version < OLDEST_REDIS:
        return f"version {info['redis_version']} is too old", "use 6.2 or newer, or Valkey"
    policy = str(info.get("maxmemory_policy", ""))
    if info.get("maxmemory") and policy.startswith("allkeys"):
        return f"it discards messages when its memory is full (maxmemory-policy {policy})", "set it to noeviction"
    return None


def _schema() -> Finding:
    if stale := schema.staleness():
        return Finding("tables", False, stale, "run `./manage.py migrate`")
    if unknown := schema.unknown_migrations():
        which = ", ".join(unknown[:3])
        hint = "run the newer version of the code, or restore a backup made before the migration"
        return Finding("tables", False, f"they are newer than this code, which has no migration {which}", hint)
    return Finding("tables", True, "all migrations are applied")


def _promises() -> Finding:
    broken = schema.broken_promises()
    if not broken:
        return Finding("promises", True, "every constraint and index of the models exists and is valid")
    cures = " ".join(promise.cure for promise in broken)
    return Finding("promises", False, "; ".join(map(str, broken)), f"restore it with `./manage.py dbshell`: {cures}")


# --- What the run needs -------------------------------------------------------------------------------------------


def _extractor(intention: RunRequest) -> Finding:
    """Load the reader as a worker would; it may fail in any way, for its files and libraries are somebody else's."""
    try:
        get_profile(intention.profile)
        reader = get_extractor(intention.extractor)
        if isinstance(reader, Checked) and intention.asks:
            reader.check()
        if asks(reader):
            return _model(reader, intention)
    except (UnknownProfile, UnknownExtractor, RunFault) as error:
        return Finding("extractor", False, str(error).rstrip("."))
    except Exception as error:
        return Finding("extractor", False, f"{intention.extractor} cannot be used: {_one_line(error)}")
    return Finding("extractor", True, f"{intention.extractor} is ready (embedding model {reader.model})")


def _model(reader: Asking, intention: RunRequest) -> Finding:
    reader.prompt_of(get_profile(intention.profile))
    if intention.spends and (unknown := _unknown_price("extractor")):
        return unknown
    return Finding("extractor", True, f"{reader.told()} (embedding model {reader.model})")


def _judge(intention: RunRequest) -> Finding:
    """Ask the model that is to judge something tiny, where no model reads that would have been asked."""
    try:
        abilities = probe(target())
    except RunFault as error:
        return Finding("judge", False, str(error).rstrip("."))
    if intention.spends and (unknown := _unknown_price("judge")):
        return unknown
    return Finding("judge", True, f"{target().model} at {target().host}: {abilities}")


def _unknown_price(name: str) -> Finding | None:
    """Return that a budget in dollars cannot be kept, if so."""
    if most_of(1, 1, target()) is not None:
        return None
    sentence = f"the price of {target().model} at {target().host} is unknown, so a budget in dollars cannot be enforced"
    return Finding(name, False, sentence, "set LLM_PRICES or use --budget-tokens")


def _asks_a_model(extractor: str) -> bool:
    try:
        return asks(get_extractor(extractor))
    except Exception:  # its own finding says why
        return False


def _registry(intention: RunRequest) -> Finding:
    try:
        refuse_other_model(intention.profile, intention.extractor)
    except RunError as error:
        return Finding("signatures", False, str(error).rstrip("."))
    except Error:
        raise
    except Exception as error:  # the extractor cannot even name its model; its own finding says why
        return Finding("signatures", False, f"their embedding model cannot be compared: {_one_line(error)}")
    return Finding(
        "signatures", True, f"{intention.profile} has no signatures yet, or their vectors are from the same model"
    )


def _source(source: Source) -> Finding:
    if source.conversations.exists():
        return Finding("source", True, f"{source} has conversations")
    return Finding("source", False, f"{source} has no conversations", "import some: `./manage.py import_conversations`")


def _files(asked: Import) -> Finding:
    """Read the first row of the files; what is read but once is left to the import."""
    if STDIN in asked.paths:
        return Finding("source", True, "standard input will be read after all other checks")
    if pipe := next((path for path in asked.paths if _is_read_once(Path(path))), ""):
        return Finding("source", True, f"{pipe} is a pipe and will be read after all other checks")
    try:
        file = asked.file()
        with closing(cast(Generator[object], file.records())) as rows:
            first = next(rows, None)
    except UnreadableSource as error:
        return Finding("source", False, str(error))
    if first is None:
        return Finding("source", False, f"{file} contains no conversations")
    return Finding("source", True, f"{file} can be read")


def _is_read_once(path: Path) -> bool:
    """Whether what is taken from it is gone, as in `--path <(zcat export.gz)` and /dev/stdin."""
    return path.is_fifo() or path.is_char_device()


# --- The workers --------------------------------------------------------------------------------------------------


def _workers(heartbeats: Heartbeats, intention: RunRequest) -> Finding:
    heartbeats.wait()
    if heartbeats.error:
        return Finding("workers", False, f"the queue cannot be reached: {heartbeats.error}", "check REDIS_URL")
    for doubt in (_nobody, _fell_over, _elsewhere):
        if finding := doubt(heartbeats):
            return finding
    if finding := _of_another_version(heartbeats, intention):
        return finding
    return Finding("workers", True, ". ".join(_consumers(heartbeats)))


def _nobody(heartbeats: Heartbeats) -> Finding | None:
    if not (queues := heartbeats.unconsumed):
        return None
    which = f"queue {queues[0]}" if len(queues) == 1 else f"queues {', '.join(queues)}"
    waited = f"no heartbeat within {heartbeats.patience:g} s"
    return Finding("workers", False, f"no worker is consuming the {which}: {waited}", START_A_WORKER)


def _fell_over(heartbeats: Heartbeats) -> Finding | None:
    for queue, why in heartbeats.failed.items():
        return Finding("workers", False, f"the worker of the queue {queue} is failing: {why}", "see its log")
    return None


def _elsewhere(heartbeats: Heartbeats) -> Finding | None:
    try:
        here = schema.identity()
    except Error:
        return None  # there is nothing to compare with; another finding says why
    for queue, database in heartbeats.came_back.items():
        if database != here:
            sentence = f"the worker of the queue {queue} uses another database ({database}; here it is {here})"
            return Finding("workers", False, sentence, "start it with the same DATABASE_URL and REDIS_URL")
    return None


def _of_another_version(heartbeats: Heartbeats, intention: RunRequest) -> Finding | None:
    try:
        here = reader_of(versions(intention.profile, intention.extractor))
    except (Refusal, Error):
        return None  # another finding says why
    for queue, there in heartbeats.reads_with.items():
        if there and there != here:
            sentence = f"the worker of the queue {queue} reads with {there}; here it is {here}"
            return Finding(
                "workers", False, sentence, ("restart all workers with the same version and the same EMBEDDING_MODEL")
            )
    return None


def _consumers(heartbeats: Heartbeats) -> Iterator[str]:
    if heartbeats.came_back:
        answered = [queue for queue in heartbeats.queues if queue in heartbeats.came_back]
        yield f"heartbeats received on {', '.join(answered)}"
    for queue, worker in heartbeats.busy.items():
        if queue in heartbeats.unanswered:
            yield f"{queue} is consumed by {worker}, which is busy"
    if heartbeats.silent_reader and heartbeats.without_a_word:
        reader = f"a worker is busy reading run {heartbeats.silent_reader} and cannot answer until it is done"
        yield f"{reader}; it is assumed to consume {', '.join(heartbeats.without_a_word)}"
    if own := [queue for queue in heartbeats.queues if queue in heartbeats.own]:
        yield f"this worker itself consumes {', '.join(own)}"


def _one_line(error: BaseException) -> str:
    return " ".join(f"{error}".split()).rstrip(".") or type(error).__name__

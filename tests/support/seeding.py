"""Conversations for tests, stored the way an import stores them."""

import hashlib
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from django.db import transaction

from pipeline import tasks
from pipeline.advance import advance
from pipeline.extract.chunk import read_chunk
from pipeline.ledger.counts import unfinished_chunks
from pipeline.models import Conversation, ConversationVersion, Run, Source
from pipeline.runs.create import Selection, create_run
from pipeline.runs.salvage import SalvageOptions, SalvagePlan, reopen_to_salvage
from tests.support.scenes import made_once

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


@transaction.atomic
def seed(texts: Sequence[str], *, name: str = "test") -> Source:
    """Store one conversation a text, a minute apart, each of a customer of its own; return their source."""
    source, _ = Source.objects.get_or_create(kind="file", name=name)
    first = source.conversations.count()
    conversations = Conversation.objects.bulk_create(
        Conversation(
            source=source,
            external_id=f"{name}-{first + number}",
            customer=f"customer-{first + number}",
            occurred_at=NOW + timedelta(minutes=first + number),
        )
        for number in range(len(texts))
    )
    versions = ConversationVersion.objects.bulk_create(
        ConversationVersion(
            conversation=conversation,
            content_hash=hashlib.sha256(text.encode()).hexdigest(),
            messages=[{"role": "customer", "author": "", "text": text, "created_at": None}],
            stored_at=NOW,
        )
        for conversation, text in zip(conversations, texts, strict=True)
    )
    for conversation, version in zip(conversations, versions, strict=True):
        conversation.current_version = version
    Conversation.objects.bulk_update(conversations, ["current_version"])
    return source


def scripts(problems: int, each: int, **words: object) -> list[str]:
    """Return `each` scripts for each of so many problems, the problems in turn."""
    extra = " ".join(f"{key}={value}" for key, value in words.items())
    return [
        f"nr {number} name=problem_{problem:03}_fails problem={problem} {extra}"
        for number in range(each)
        for problem in range(problems)
    ]


SPELLINGS = (
    "multi_network_failure_{}",
    "multinetwork_failure_{}",
    "multi_network_failures_{}",
    "MultiNetworkFailure_{}",
)


def twins(problems: int, each: int, seed: int = 1) -> list[str]:
    """Return scripts in which every problem's name is spelled in four ways, shuffled."""
    texts = [
        f"nr {number} name={SPELLINGS[number % 4].format(_letters(problem))} problem={problem}"
        for problem in range(problems)
        for number in range(each)
    ]
    random.Random(seed).shuffle(texts)
    return texts


def _letters(number: int) -> str:
    return chr(97 + number // 26) + chr(97 + number % 26)


def start(source: Source, extractor: str = "scripted", **selection: object) -> Run:
    """Start a run, with the scripted extractor unless another is named; nothing is dispatched.

    In few chunks unless a size is given: a run chooses small ones for workers that share it, and each costs statements.
    """
    selection.setdefault("chunk_size", 50)
    return create_run(
        source=source,
        profile="support",
        extractor=extractor,
        selection=Selection(**selection),  # type: ignore[arg-type]
    )


def read(run: Run) -> None:
    """Read the run's conversations in this process, chunk by chunk, as a worker would."""
    for chunk in unfinished_chunks(run):
        read_chunk(run_id=run.pk, epoch=run.epoch, chunk=chunk, delivery=f"chunk {chunk}")


def salvage(*, run_id: int, choice: SalvageOptions | None = None) -> tuple[Run, SalvagePlan]:
    """Salvage a run as `start.salvage_run` does, but without pre-flight: no worker needs to be there."""
    run, plan = reopen_to_salvage(run_id=run_id, choice=choice)
    tasks.dispatch(run=run)
    return run, plan


def finish(run: Run) -> Run:
    """Read what is unread and take the run as far as it goes, in this process; return it."""
    read(run)
    return advance(run_id=run.pk)


@made_once
def first_run(texts: Sequence[str], extractor: str = "scripted", *, name: str = "test", **selection: object) -> Run:
    """Return a finished run over these texts, stored as a source of this name, for a test to begin with."""
    return finish(start(seed(texts, name=name), extractor, **selection))


@transaction.atomic
def change(source: Source, texts: Sequence[str | None]) -> None:
    """Give the source's conversations, in the order they were seeded, a new version each; None leaves one as it is."""
    for conversation, text in zip(source.conversations.order_by("id"), texts, strict=True):
        if text is not None:
            conversation.current_version = ConversationVersion.objects.create(
                conversation=conversation,
                content_hash=hashlib.sha256(text.encode()).hexdigest(),
                messages=[{"role": "customer", "author": "", "text": text, "created_at": None}],
                stored_at=NOW,
            )
            conversation.save(update_fields=["current_version"])


def partition(run: Run) -> dict[str, str]:
    """Return for each conversation of the run the key of its theme's root signature."""
    rows = run.themes.values_list("conversation__external_id", "signature__root_link__root__key")
    return {str(conversation): str(key) for conversation, key in rows}

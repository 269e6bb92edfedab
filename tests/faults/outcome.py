"""What came of a run, without ids and times: two runs that did the same are equal."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from pipeline.models import Orphan, Run, Signature, Story

Row = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """All that people would see of a run on an empty database; an orphan that graduated names its story."""

    state: str
    attention: str
    error: str
    items: list[Row]
    themes: list[Row]
    signatures: list[Row]
    stories: list[Row]
    orphans: list[Row]


def outcome_of(run: Run) -> Outcome:
    """Return what came of the run, which must be the only one that made stories and orphans."""
    run = Run.objects.get(pk=run.pk)
    conversation = "conversation__external_id"
    return Outcome(
        state=run.state,
        attention=run.attention,
        error=run.error,
        items=sorted(run.items.values_list(conversation, "state", "reason", "stage", "error_class", "category")),
        themes=sorted(
            run.themes.values_list(
                conversation, "raw_signature", "signature__root_link__root__key", "signature_rule", "evidence__quote"
            )
        ),
        signatures=sorted(Signature.objects.values_list("key", "root_link__root__key", "size")),
        stories=stories(),
        orphans=sorted(Orphan.objects.values_list("signature__key", "reason", "detail", "story__title"), key=repr),
    )


def stories() -> list[Row]:
    """Return all stories: title, status, category, and the ids of their conversations."""
    return sorted(
        (
            story.title,
            story.status,
            story.category,
            *sorted(story.evidence.values_list("conversation__external_id", flat=True)),
        )
        for story in Story.objects.all()
    )


def asked(log: Path) -> Counter[str]:
    """Return how often each text was asked about, over all processes that leave their lines in this file."""
    lines = log.read_text().splitlines() if log.exists() else []
    return Counter(line.split(" ", 1)[1] for line in lines)

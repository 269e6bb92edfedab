"""What a run would read, without reading it: counts, ten diverse samples, an estimate."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from django.db import connection
from django.utils import timezone

from pipeline.extract.base import asks, get_extractor
from pipeline.extract.knowledge import profile_of
from pipeline.extract.llm.estimate import estimate
from pipeline.extract.versions import refuse_other_model, versions
from pipeline.ledger import pages, plan
from pipeline.ledger.counts import unfinished_items
from pipeline.ledger.transcript import Question, transcript_of
from pipeline.models import ConversationVersion, Run, Source
from pipeline.reports.summary import run_summary
from pipeline.runs.create import Selection

SAMPLES = 10
LOOKED_AT = 2000
"""Conversations the samples are chosen from, the newest: enough to be diverse, few enough to be instant."""

MEASURED = 50
"""Conversations of which the first question to a language model is made and measured."""

CHARACTERS_A_TOKEN = 4
"""English prose, roughly: https://help.openai.com/en/articles/4936856 gives the same figure."""


@dataclass(frozen=True, slots=True)
class _Text:
    external_id: str
    month: str
    message_count: int
    text: str
    messages: list[dict[str, str]]


def preview(*, source: Source, profile: str, extractor: str, selection: Selection) -> Run:
    """Store a run that was only planned: its `preview` holds breakdown, samples and estimate; no other row is made."""
    refuse_other_model(profile, extractor)
    now = timezone.now()
    run = Run(
        source=source,
        profile=profile,
        extractor=extractor,
        parameters=selection.as_parameters(),
        versions=versions(profile, extractor),
        is_preview=True,
        state=Run.State.COMPLETED,
        phase=Run.Phase.DONE,
        started_at=now,
        finished_at=now,
    )
    if run.is_of_pages:
        run.preview = asdict(pages.count_pages(run=run, window=selection))
        run.save()
        return run
    planned = plan.count_planned(run=run, window=selection)
    texts = _texts(run, selection)
    run.preview = {
        "to_read": planned.to_read,
        "unchanged": planned.unchanged,
        "by_month": dict(sorted(Counter(text.month for text in texts).items())),
        "by_messages": dict(sorted(Counter(_size_class(text.message_count) for text in texts).items())),
        "looked_at": len(texts),
        "samples": [{"id": text.external_id, "text": text.text[:300]} for text in diverse(texts, SAMPLES)],
        "estimate": _estimate(run, planned, texts),
    }
    run.save()
    return run


_SELECTED_TEXTS = f"""
WITH {plan.SELECTED}
SELECT conversation.external_id, to_char(conversation.occurred_at, 'YYYY-MM'), version.messages
FROM judged JOIN pipeline_conversation conversation USING (id)
JOIN pipeline_conversationversion version ON version.id = judged.current_version_id
WHERE NOT is_unchanged ORDER BY conversation.occurred_at DESC, conversation.id DESC LIMIT {LOOKED_AT}
"""


def _texts(run: Run, selection: Selection) -> list[_Text]:
    with connection.cursor() as cursor:
        cursor.execute(_SELECTED_TEXTS, plan.values_of(run, selection))
        rows = [(external_id, month, json.loads(messages)) for external_id, month, messages in cursor.fetchall()]
    return [
        _Text(external_id, month, len(messages), ConversationVersion(messages=messages).text, messages)
        for external_id, month, messages in rows
    ]


def _size_class(message_count: int) -> str:
    return "1 message" if message_count == 1 else "2-5 messages" if message_count <= 5 else "6 and more messages"


def diverse(texts: Sequence[_Text], count: int) -> list[_Text]:
    """Return `count` texts that differ, the newest first: each next one is the farthest from all chosen (Gonzalez)."""
    if not texts:
        return []
    from sklearn.feature_extraction.text import HashingVectorizer  # two seconds to import

    rows = HashingVectorizer(n_features=2**12, stop_words="english").transform(text.text for text in texts)
    chosen, nearest = [0], np.full(len(texts), -1.0)
    while len(chosen) < min(count, len(texts)):
        nearest = np.maximum(nearest, (rows @ rows[chosen[-1]].T).toarray().ravel())
        # above every cosine, so that none is chosen twice
        nearest[chosen] = 2.0
        chosen.append(int(nearest.argmin()))
    return [texts[i] for i in chosen]


def _estimate(run: Run, planned: plan.Planned, texts: Sequence[_Text]) -> dict[str, object]:
    """Return tokens from the texts looked at, and seconds from the newest finished run with the same extractor."""
    reader = get_extractor(run.extractor)
    rate = _known_rate(run.extractor)
    time = {
        "seconds": round(planned.to_read / rate, 1) if rate else None,
        "conversations_per_second": round(rate, 1) if rate else None,
    }
    if asks(reader):
        return {**estimate(_questions(texts), planned.to_read, profile_of(run), reader).as_json(), **time}
    characters = sum(len(text.text) for text in texts) / max(1, len(texts)) * planned.to_read
    return {"tokens": round(characters / CHARACTERS_A_TOKEN), **time}


def note_estimate(*, run: Run, selection: Selection) -> None:
    """Store with a planned run by a language model what it is expected to need, to be held against what it needs."""
    if asks(get_extractor(run.extractor)):
        to_read = unfinished_items(run).count()
        texts = _texts(run, selection) if to_read else []
        expected = _estimate(run, plan.Planned(to_read, 0), texts[:MEASURED])
        Run.objects.filter(pk=run.pk).update(preview={"estimate": expected})


def _questions(texts: Sequence[_Text]) -> list[Question]:
    """Return some of the texts as a reader is given them, to measure what would be asked."""
    return [
        Question(number, transcript_of(text.external_id, text.messages)) for number, text in enumerate(texts[:MEASURED])
    ]


def _known_rate(extractor: str) -> float | None:
    finished = Run.objects.filter(extractor=extractor, state__in=Run.FINISHED, is_preview=False).order_by("-id")
    for run in finished[:5]:
        summary = run_summary(run)
        read = summary.conversations.finished - summary.conversations.skipped
        if read and summary.seconds:
            return read / summary.seconds
    return None

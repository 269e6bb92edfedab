"""Finding conversations by their words and by what they mean, and the stories and customers behind them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection

from pipeline.models import Conversation, StoryEvidence

MOST_FOUND = 5000
"""Conversations that a search looks at: a word that half of all have is not worth ranking."""

START, END = "\ue000", "\ue001"
"""Around a hit: from the private use area, so that no text brings them by itself; they are taken out of what does."""

UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
"""Scripts without spaces between words, which PostgreSQL cannot take apart: looked for as they stand."""


@dataclass(frozen=True, slots=True)
class Chips:
    """What narrows a search: each chip is a key and a value; what says nothing is not asked."""

    since: datetime | None = None
    until: datetime | None = None
    source: int | None = None
    customer: str = ""
    story: int | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Found:
    """The ids of what was found, the best first; `is_all` says that no more would be found."""

    conversations: list[int]
    is_all: bool


_CONFIGS = """
WITH RECURSIVE found (config) AS (
    (SELECT config FROM pipeline_searchtext ORDER BY config LIMIT 1)
    UNION ALL
    SELECT (SELECT config FROM pipeline_searchtext WHERE config > found.config ORDER BY config LIMIT 1)
    FROM found WHERE found.config IS NOT NULL
) SELECT config FROM found WHERE config IS NOT NULL
"""


def configs_there() -> list[str]:
    """Return the search configurations that conversations are indexed by; a look at each, not at each row."""
    with connection.cursor() as cursor:
        cursor.execute(_CONFIGS)
        return [config for (config,) in cursor.fetchall()]


def find_conversations(words: str, chips: Chips = Chips()) -> Found:  # it is frozen
    """Return the conversations with these words, those first in which they stand nearest to each other.

    `words` are as people type them for a search engine: "a phrase", or, -not. Without words the chips alone narrow, the
    newest first. Bounded work: at most MOST_FOUND are ranked.
    """
    values: dict[str, Any] = {"words": words, "most": MOST_FOUND + 1}
    where, rank = ["TRUE"], "extract(epoch FROM conversation.occurred_at)"
    if words.strip():
        if UNSPACED.search(words):
            where = ["version.messages::text ILIKE %(like)s"]
            values["like"] = f"%{words.strip().translate(_LIKE)}%"
        else:
            # one condition a language, so that each can use the index; a column as the configuration could not
            asked = [_config(config) for config in configs_there()] or ["FALSE"]
            where = ["(" + " OR ".join(asked) + ")"]
            rank = "ts_rank_cd(known.words, websearch_to_tsquery(known.config::regconfig, %(words)s))"
    where += _chips(chips, values)
    version = "JOIN pipeline_conversationversion version ON version.id = conversation.current_version_id"
    statement = f"""
    SELECT id FROM (
        SELECT conversation.id, {rank} AS rank, conversation.occurred_at FROM pipeline_searchtext known
        JOIN pipeline_conversation conversation ON conversation.id = known.conversation_id
        {version if "like" in values else ""}
        WHERE {" AND ".join(where)} LIMIT %(most)s
    ) AS found ORDER BY rank DESC, occurred_at DESC, id DESC
    """
    if not words.strip():
        statement = f"""
        SELECT conversation.id FROM pipeline_conversation conversation
        WHERE {" AND ".join(where)} ORDER BY conversation.occurred_at DESC, conversation.id DESC LIMIT %(most)s
        """
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        ids = [pk for (pk,) in cursor.fetchall()]
    return Found(ids[:MOST_FOUND], len(ids) <= MOST_FOUND)


_LIKE = {ord("%"): r"\%", ord("_"): r"\_", ord("\\"): r"\\"}


def _config(config: str) -> str:
    """Return the condition for rows of one configuration: each is asked in its own language."""
    # it goes into the statement as it is
    if not config.isalpha():
        return "FALSE"
    return f"(known.config = '{config}' AND known.words @@ websearch_to_tsquery('{config}', %(words)s))"


def _chips(chips: Chips, values: dict[str, Any]) -> list[str]:
    """Return the conditions of the chips, and add what they compare with to the values."""
    asked = {
        "since": (chips.since, "conversation.occurred_at >= %(since)s"),
        "until": (chips.until, "conversation.occurred_at < %(until)s"),
        "source": (chips.source, "conversation.source_id = %(source)s"),
        "customer": (chips.customer, "lower(conversation.customer) = lower(%(customer)s)"),
        "story": (
            chips.story,
            "EXISTS (SELECT FROM pipeline_storyevidence evidence WHERE evidence.story_id = %(story)s"
            " AND evidence.conversation_id = conversation.id)",
        ),
    }
    conditions = []
    for name, (value, condition) in asked.items():
        if value not in (None, ""):
            values[name] = value
            conditions.append(condition)
    for place, (key, value) in enumerate(chips.metadata.items()):
        values |= {f"key{place}": key, f"value{place}": value}
        conditions.append(f"conversation.metadata ->> %(key{place})s = %(value{place})s")
    return conditions


# --- What is shown of a hit ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Hit:
    """A conversation that was found: its row, and the text around what was looked for, in pieces (text, is a hit)."""

    conversation: Conversation
    pieces: list[tuple[str, bool]]
    stories: list[tuple[int, str]] = field(default_factory=list)
    cosine: float | None = None


_HEADLINES = """
SELECT conversation.id, CASE WHEN %(words)s = '' THEN left(said.text, 300) ELSE
       ts_headline(coalesce(known.config, 'simple')::regconfig, left(said.text, 50000),
                   websearch_to_tsquery(coalesce(known.config, 'simple')::regconfig, %(words)s), %(options)s) END
FROM pipeline_conversation conversation
JOIN pipeline_conversationversion version ON version.id = conversation.current_version_id
LEFT JOIN pipeline_searchtext known ON known.conversation_id = conversation.id,
     LATERAL (
         SELECT translate(string_agg(message ->> 'text', ' '), %(marks)s, '')
         FROM jsonb_array_elements(version.messages) AS each (message)
     ) AS said (text)
WHERE conversation.id = ANY(%(ids)s)
"""
_OPTIONS = f'StartSel="{START}", StopSel="{END}", MaxFragments=2, MaxWords=28, MinWords=12, FragmentDelimiter=" … "'


def hits(ids: Sequence[int], words: str, cosines: Mapping[int, float] | None = None) -> list[Hit]:
    """Return what is shown of these conversations, in their order; three questions."""
    found = Conversation.objects.select_related("source").in_bulk(ids)
    with connection.cursor() as cursor:
        cursor.execute(
            _HEADLINES, {"ids": list(ids), "words": words.strip(), "options": _OPTIONS, "marks": START + END}
        )
        texts = dict(cursor.fetchall())
    stories = stories_of_conversations(ids)
    return [
        Hit(found[pk], pieces_of_headline(texts.get(pk) or ""), stories.get(pk, []), (cosines or {}).get(pk))
        for pk in ids
        if pk in found
    ]


def pieces_of_headline(text: str) -> list[tuple[str, bool]]:
    """Return a headline in pieces, each with whether it was looked for."""
    pieces = []
    for part in re.split(f"({START}[^{END}]*{END})", text[:2000]):
        if part:
            pieces.append((part.strip(START + END), part.startswith(START)))
    return pieces


def stories_of_conversations(ids: Sequence[int]) -> dict[int, list[tuple[int, str]]]:
    """Return for each of these conversations the stories it is in, by id and title."""
    rows = StoryEvidence.objects.filter(conversation__in=ids, story__absorbed_by__isnull=True)
    found: dict[int, list[tuple[int, str]]] = {}
    for conversation, story, title in rows.order_by("id").values_list("conversation", "story", "story__title"):
        found.setdefault(conversation, []).append((story, title))
    return found


def stories_behind(ids: Sequence[int], limit: int) -> list[tuple[int, int]]:
    """Return the stories that most of these conversations are in, each with how many; absorbed ones are left out."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT evidence.story_id, count(*) FROM pipeline_storyevidence evidence"
            " JOIN pipeline_story story ON story.id = evidence.story_id"
            " WHERE evidence.conversation_id = ANY(%s) AND story.absorbed_by_id IS NULL"
            " GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT %s",
            [list(ids), limit],
        )
        return [(story, count) for story, count in cursor.fetchall()]


def customers_behind(ids: Sequence[int], limit: int) -> list[tuple[str, int]]:
    """Return the customers with most of these conversations, each with how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT min(customer), count(*) FROM pipeline_conversation WHERE id = ANY(%s) AND customer <> ''"
            " GROUP BY lower(customer) ORDER BY 2 DESC, 1 LIMIT %s",
            [list(ids), limit],
        )
        return [(customer, count) for customer, count in cursor.fetchall()]


def metadata_keys(ids: Sequence[int], limit: int = 8, values: int = 4) -> list[tuple[str, list[tuple[str, int]]]]:
    """Return the commonest metadata keys of these conversations with their commonest values, to narrow by."""
    with connection.cursor() as cursor:
        cursor.execute(_KEYS, [list(ids[:500])])
        found: dict[str, list[tuple[str, int]]] = {}
        for key, value, count in cursor.fetchall():
            found.setdefault(key, []).append((value, count))
    telling = {key: pairs for key, pairs in found.items() if sum(n for _, n in pairs) > len(pairs)}
    ranked = sorted(telling.items(), key=lambda item: (-sum(n for _, n in item[1]), item[0]))
    return [(key, pairs[:values]) for key, pairs in ranked[:limit]]


_KEYS = """
SELECT key, left(held #>> '{}', 80) AS value, count(*) AS number
FROM pipeline_conversation conversation, jsonb_each(conversation.metadata) AS pair (key, held)
WHERE conversation.id = ANY(%s) AND jsonb_typeof(conversation.metadata) = 'object'
  AND jsonb_typeof(held) IN ('string', 'number', 'boolean') AND held #>> '{}' <> ''
GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2
"""

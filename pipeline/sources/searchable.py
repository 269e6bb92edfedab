"""Keeps what full-text search looks in up to date: by one statement, for conversations whose words changed.

The end of a run does it, when the languages are known: in an import it took as long as everything else together. What
no run has read is indexed with the next run of its source, its words as they stand.
"""

import json

from django.db import connection

from pipeline.models import Source

CONFIGS = {
    "ar": "arabic", "hy": "armenian", "eu": "basque", "ca": "catalan", "da": "danish", "nl": "dutch", "en": "english",
    "fi": "finnish", "fr": "french", "de": "german", "el": "greek", "hi": "hindi", "hu": "hungarian",
    "id": "indonesian", "ga": "irish", "it": "italian", "lt": "lithuanian", "ne": "nepali", "no": "norwegian",
    "nb": "norwegian", "nn": "norwegian", "pt": "portuguese", "ro": "romanian", "ru": "russian", "sr": "serbian",
    "es": "spanish", "sv": "swedish", "ta": "tamil", "tr": "turkish", "yi": "yiddish",
}  # fmt: skip
"""Languages that PostgreSQL knows the endings of, by their BCP 47 code: https://www.postgresql.org/docs/14/textsearch-dictionaries.html"""

SIMPLE = "simple"

MOST_CHARACTERS = 200_000
"""Of a conversation that are indexed: a tsvector holds a megabyte at most, and PostgreSQL refuses more."""

# What is found by id, customer and label (weight A) is looked for twice, as written and by its stem: names have no
# endings. Only rows whose version or language is another are made again, so that a run over the same conversations
# costs nothing.
_RENEW = """
WITH read AS (
    SELECT DISTINCT ON (item.conversation_id) item.conversation_id, item.language
    FROM pipeline_item item JOIN pipeline_conversation conversation ON conversation.id = item.conversation_id
    WHERE conversation.source_id = %(source)s AND item.language <> ''
    ORDER BY item.conversation_id, item.id DESC
), judged AS (
    SELECT conversation.id, conversation.current_version_id AS version, conversation.external_id, conversation.customer,
           conversation.label,
           coalesce(%(configs)s::jsonb ->> split_part(read.language, '-', 1), 'simple') AS config
    FROM pipeline_conversation conversation LEFT JOIN read ON read.conversation_id = conversation.id
    WHERE conversation.source_id = %(source)s AND conversation.current_version_id IS NOT NULL
), outdated AS (
    SELECT judged.* FROM judged LEFT JOIN pipeline_searchtext known ON known.conversation_id = judged.id
    WHERE known.conversation_id IS NULL OR known.version_id <> judged.version OR known.config <> judged.config
)
INSERT INTO pipeline_searchtext (conversation_id, version_id, config, words)
SELECT outdated.id, outdated.version, outdated.config,
       setweight(to_tsvector('simple', head.text) || to_tsvector(outdated.config::regconfig, head.text), 'A')
           || to_tsvector(outdated.config::regconfig, left(said.text, %(most)s))
FROM outdated JOIN pipeline_conversationversion version ON version.id = outdated.version,
     LATERAL (SELECT concat_ws(' ', outdated.external_id, outdated.customer, outdated.label)) AS head (text),
     LATERAL (
         SELECT string_agg(message ->> 'text', E'\\n') FROM jsonb_array_elements(version.messages) AS each (message)
     ) AS said (text)
ORDER BY outdated.id
ON CONFLICT (conversation_id) DO UPDATE
    SET version_id = excluded.version_id, config = excluded.config, words = excluded.words
"""


def renew_search_texts(*, source: Source) -> int:
    """Index the conversations of a source that are new, grown, or known to be in another language; return how many.

    One statement; may run twice, and two at once only wait for each other.
    """
    with connection.cursor() as cursor:
        cursor.execute(_RENEW, {"configs": json.dumps(CONFIGS), "source": source.pk, "most": MOST_CHARACTERS})
        return int(cursor.rowcount)

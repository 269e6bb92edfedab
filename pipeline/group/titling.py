"""Gives stories their titles: reads what their central members said, lets `titles` choose, and writes.

A story keeps its title as long as most of the conversations are there that it was chosen for, and for ever once a
person wrote it or named its signature. No transaction is open while the model reads.
"""

import logging
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import tee

import numpy as np
from django.db import connection, transaction
from django.db.models import Count, Exists, F, JSONField, OuterRef, Q, QuerySet, Window
from django.db.models.expressions import Func
from django.db.models.functions import RowNumber
from django.utils import timezone

from pipeline.extract.base import UnknownExtractor, get_extractor
from pipeline.extract.embedding import EmbeddingModelError
from pipeline.extract.local.reader import LocalExtractor
from pipeline.extract.redaction import without_private
from pipeline.group.clauses import count_words
from pipeline.group.current import centres_of, open_stories
from pipeline.group.settle import is_still_grouping
from pipeline.group.titles import Floats, Model, Untitled, Voice, choose_titles, title_of
from pipeline.ledger.transcript import CUSTOMER, Message, messages_of
from pipeline.models import Evidence, Registry, Rename, Run, Signature, Source, Split, Story, StoryEvidence
from pipeline.models.signature import STANDING
from pipeline.sources.repetition import repeated_of

log = logging.getLogger(__name__)

VOICES = 25
"""Members nearest to the middle of a story that are listened to."""

OPENING_WORDS = 12
"""What somebody comes for is said in the first messages that make up so many words."""

SHORT = 25
"""Words of a message whose clauses mean about what the whole of it means."""

BATCH = 100
"""Stories whose conversations are held at once."""

MOST_TRIES = 3
"""Somebody else may take a title while it is being chosen; then another is chosen, so often."""


def title_stories(*, profile: str, roots: Sequence[int] | None = None, run: Run | None = None) -> int:
    """Give the open stories of a profile, or of these root signatures, the titles they are due; return how many.

    Opens a short transaction to write. With a `run` it writes only while that run groups. May run twice.
    """
    given = 0
    # each try asks again what is due: what was written is not, what somebody else took a title from is
    for _ in range(MOST_TRIES):
        due = list(stories_due_a_title(profile, roots))
        if not due:
            break
        given += _write(profile, due, _choose(profile, due), run)
    return given


def stories_due_a_title(profile: str, roots: Sequence[int] | None = None) -> QuerySet[Story]:
    """Open stories without a chosen title, or most of whose conversations are not those it was chosen for.

    Left out are those whose title a person wrote, or whose signature a person named. What a language model
    wrote stands as long as a chosen title would. The largest come first.
    """
    stories = open_stories(profile) if roots is None else open_stories(profile).filter(signature__in=roots)
    named = Rename.objects.filter(STANDING, actor="", signature=OuterRef("signature"))
    split = Split.objects.filter(STANDING, actor="", made=OuterRef("signature"))
    size, stayed = Count("evidence"), Count("evidence", filter=Q(evidence__in_title=True))
    counted = stories.annotate(size=size, stayed=stayed).filter(size__gt=0)
    # `stayed` are the conversations that were there when the title was chosen. It goes when they are no more than half
    # of those there now, or no more than half of those it was chosen for.
    is_other = Q(titled_at__isnull=True) | Q(size__gte=2 * F("stayed")) | Q(title_size__gte=2 * F("stayed"))
    due = counted.filter(Story.NOT_WRITTEN, is_other, ~Exists(named), ~Exists(split))
    return due.select_related("signature").defer("signature__vector_sum").order_by("-size", "id")


# --- Reading ------------------------------------------------------------------------------------------------------


def _choose(profile: str, due: Sequence[Story]) -> dict[int, str]:
    """Return a title for each of these stories by its id; the model reads, so no transaction may be open."""
    centres = _centres(profile)
    # a story whose centre is gone (all its themes were moved) gets one of zeros: it is near to nothing
    size = next((len(centre) for centre in centres.values()), 1)
    waiting = [story.signature_id for story in due]
    groups = [
        _untitled(story, voices, centres.get(story.signature_id, np.zeros(size, np.float32)))
        for start in range(0, len(due), BATCH)
        for story, voices in _listen(due[start : start + BATCH])
    ]
    chosen = choose_titles(
        groups,
        others=[centre for root, centre in centres.items() if root not in set(waiting)],
        model=model_of_profile(profile),
        taken=list(_titles_of_others(profile, due)),
    )
    return {key: choice.title for key, choice in chosen.items()}


def _centres(profile: str) -> dict[int, Floats]:
    """Return the mean vector of the root signature of each open story."""
    roots = sorted(open_stories(profile).values_list("signature_id", flat=True))
    return {one.key: np.frombuffer(one.vector_sum, np.float32) / np.float32(one.size) for one in centres_of(roots)}


def _titles_of_others(profile: str, due: Sequence[Story]) -> QuerySet[Story, str]:
    standing = Story.objects.standing().filter(signature__profile=profile)
    return standing.exclude(pk__in=[story.pk for story in due]).values_list("title", flat=True)


def model_of_profile(profile: str) -> Model | None:
    """Return what places words among the profile's vectors; None if nothing here does."""
    measured = Signature.objects.filter(profile=profile, size__gt=0).exclude(vector_model="")
    space = measured.values_list("vector_model", flat=True).first()
    return model_of(space) if space else None


def model_of(space: str) -> Model | None:
    """Return the embedded model if its vectors are those of this space, else None: then words alone decide."""
    try:
        extractor = get_extractor("local")
        if isinstance(extractor, LocalExtractor) and extractor.model == space:
            return extractor.embedder
    except (UnknownExtractor, EmbeddingModelError) as error:
        log.warning("titles are chosen by word statistics only, because the embedding model cannot be used: %s", error)
    return None


_FIRST_MESSAGES = "jsonb_path_query_array(%(expressions)s, '$[0 to 9]')"


def _listen(stories: Sequence[Story]) -> list[tuple[Story, list[tuple[str, Voice]]]]:
    """Return with each story its voices, the most central first, and what the reader named each one's theme."""
    nearest = [F("theme__signature_score").desc(nulls_last=True), F("theme_id").asc()]
    place = Window(RowNumber(), partition_by=F("story"), order_by=nearest)
    first_messages = Func(F("theme__item__version__messages"), template=_FIRST_MESSAGES, output_field=JSONField())
    rows = list(
        StoryEvidence.objects.filter(story__in=stories, theme__erased_at__isnull=True)
        .annotate(place=place, first_messages=first_messages)
        .filter(place__lte=VOICES)
        .order_by("story", "place")
        .values_list(
            "story_id", "theme_id", "theme__raw_key", "conversation__customer", "conversation__source",
            "theme__item__language", "theme__vector", "first_messages",
        )
    )  # fmt: skip
    # by source, for stories hold conversations of several
    repeated = {source.pk: repeated_of(source) for source in Source.objects.filter(pk__in={row[4] for row in rows})}
    quotes: dict[int, list[str]] = defaultdict(list)
    themes = [row[1] for row in rows]
    for theme, quote in Evidence.objects.filter(theme__in=themes).order_by("start").values_list("theme_id", "quote"):
        quotes[theme].append(quote)
    voices: dict[int, list[tuple[str, Voice]]] = defaultdict(list)
    for story, theme, raw_key, customer, source, language, stored, messages in rows:
        turns = messages or []
        names = (customer, *sorted({turn["author"] for turn in turns if turn.get("author")}))
        said = tuple(without_private(quote) for quote in quotes[theme])  # titles go into exports and notices
        first = opening(messages_of(turns, repeated[source]))
        vector = np.frombuffer(bytes(stored), np.float32) if says_one_thing(len(turns), first) else None
        voices[story].append((raw_key, Voice(without_private(first), said, names, language, vector)))
    return [(story, voices[story.pk]) for story in stories]


def opening(messages: Iterable[Message]) -> str:
    """Return what the customer says first, up to about OPENING_WORDS words; anybody, if there is no customer.

    Messages are taken one by one: own words are told apart only in those that are needed.
    """
    first, again = tee(messages)
    said = _beginning(message for message in first if message.role == CUSTOMER)
    return "\n".join(said or _beginning(again))


def _beginning(messages: Iterable[Message]) -> list[str]:
    said, words = [], 0
    for message in messages:
        said.append(message.own_text)
        words += message.own_text.count(" ") + 1
        if words >= OPENING_WORDS:
            break
    return said


def says_one_thing(message_count: int, first: str) -> bool:
    """Whether all that is said is one short message, `first`: then the vector of its theme is that of its words."""
    return message_count == 1 and count_words(first) <= SHORT


def _untitled(story: Story, voices: Sequence[tuple[str, Voice]], centre: Floats) -> Untitled:
    names = Counter(name for name, _ in voices)
    return Untitled(
        key=story.pk,
        centre=centre,
        voices=tuple(voice for _, voice in voices),
        name=title_of(story.signature.key),
        is_named=2 * names[story.signature.normal_form] > len(voices),
        current=story.title if story.titled_at else "",
    )


# --- Writing ------------------------------------------------------------------------------------------------------

# The title is changed only if it is the one that was known when another was chosen: a person's words, or another run's
# choice, are not written over.
_TITLE = """
UPDATE pipeline_story story
SET title = chosen.title, titled_at = %s, edited_at = NULL, edited_actor = '',
    title_size = (SELECT count(*) FROM pipeline_storyevidence evidence WHERE evidence.story_id = story.id)
FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS chosen (story, known, title)
WHERE story.id = chosen.story AND story.title = chosen.known
    AND (story.edited_at IS NULL OR story.edited_actor <> '')
RETURNING story.id
"""


def _write(profile: str, due: Sequence[Story], chosen: dict[int, str], run: Run | None) -> int:
    """Write the titles that nobody took meanwhile, on stories that nobody changed; return how many."""
    with transaction.atomic():
        if run and not is_still_grouping(run):
            return 0
        Registry.objects.get_or_create(profile=profile)
        Registry.objects.select_for_update().get(profile=profile)  # one at a time, so that no two take one title
        taken = {title.casefold() for title in _titles_of_others(profile, due)}
        # those whose title was taken meanwhile stay due, and choose again
        free = [story for story in due if chosen[story.pk].casefold() not in taken]
        known, titles = [story.title for story in free], [chosen[story.pk] for story in free]
        with connection.cursor() as cursor:
            cursor.execute(_TITLE, [timezone.now(), [story.pk for story in free], known, titles])
            titled = [pk for (pk,) in cursor.fetchall()]
        StoryEvidence.objects.filter(story__in=titled, in_title=False).update(in_title=True)
    return len(titled)

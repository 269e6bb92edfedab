"""Gives signatures the name that people see: a clause of what is said there, in the place of a key like `sec_slow`.

A signature with an open story has that story's title. For the others, orphans and names that mean another signature,
their most central themes are read; the clause that sounds best and names nobody is taken. The key never changes by it.
No transaction is open while clauses are weighed. A name is chosen once: it stays until a story gives another, a person
names the signature, or its text is erased.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import count

from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Window
from django.db.models.functions import Left, RowNumber

from pipeline.extract.local.quotes import shortened
from pipeline.extract.redaction import Redactor
from pipeline.group.clauses import ADDRESS, MAX_WORDS, clauses, count_words
from pipeline.group.titles import LONGEST_TITLE, plain, title_of
from pipeline.group.titling import model_of_profile
from pipeline.group.vocabulary import Vocabulary
from pipeline.models import Rename, Signature, Split, Story, Theme
from pipeline.models.signature import STANDING

CENTRAL = 3
"""Themes of a signature that are read: with three conversations it is a story, and titled by more of them."""

TOO_AWKWARD = 0.15
"""What a clause may not lose by its form and be a name: from there on the beginning of what was said does better."""

TOO_STRANGE = 0.12
"""What words that are somebody's own, names and numbers, may not add up to: from there on the key does better."""

BEGINNING = 60
"""Characters of the beginning of what was said where no clause of it is a name."""

BATCH = 1_000
"""Signatures that are locked and written at once."""


def name_signatures(*, profile: str) -> int:
    """Choose what people see for the signatures of a profile that have no title yet; return how many got one.

    Opens short transactions to write; may run twice, and at the same time as another.
    """
    _follow_stories(profile)
    due = list(signatures_due_a_title(profile))
    if not due:
        return 0
    said = _said(profile, [pk for pk, _ in due])
    vocabulary = Vocabulary(
        [[text for text, _ in said[pk]] for pk, _ in due],
        [[customer for _, customer in said[pk]] for pk, _ in due],
        known=model.rank if (model := model_of_profile(profile)) else None,
    )
    taken = {plain(title) for title in _titles(profile)}
    chosen = []
    for number, (pk, key) in enumerate(due):
        ways = _ways_to_call(key, [text for text, _ in said[pk]], vocabulary, number)
        title = next(way for way in ways if plain(way) not in taken)
        taken.add(plain(title))
        chosen.append((pk, title))
    return sum(_write(chosen[start : start + BATCH]) for start in range(0, len(chosen), BATCH))


def signatures_due_a_title(profile: str) -> QuerySet[Signature, tuple[int, str]]:
    """Id and key of the signatures without a title, rising; not those whose key somebody chose, which is their name."""
    untitled = Signature.objects.filter(~_is_called_by_people("pk"), profile=profile, title="")
    return untitled.order_by("pk").values_list("pk", "key")


def _is_called_by_people(signature: str) -> Q:
    """Whether somebody chose the key of the signature at this path."""
    named = Rename.objects.filter(STANDING, signature=OuterRef(signature))
    split = Split.objects.filter(STANDING, made=OuterRef(signature))
    return Exists(named) | Exists(split)


def _titles(profile: str) -> Iterator[str]:
    """Yield what signatures and stories of a profile are called."""
    yield from Signature.objects.filter(profile=profile).exclude(title="").values_list("title", flat=True)
    yield from Story.objects.standing().filter(signature__profile=profile).values_list("title", flat=True)


def _said(profile: str, signatures: Sequence[int]) -> dict[int, list[tuple[str, str]]]:
    """Return of each signature what its most central themes say, private data hidden, and whose they are.

    Its own themes come first; a name without any has those of the names that were merged into it.
    """
    said: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for group in ("signature", "signature__root_link__root"):
        wanted = [pk for pk in signatures if pk not in said]
        place = Window(
            RowNumber(), partition_by=F(group), order_by=[F("signature_score").desc(nulls_last=True), F("id").asc()]
        )
        themes = Theme.objects.filter(**{f"{group}__in": wanted}, profile=profile, erased_at__isnull=True)
        rows = themes.annotate(place=place).filter(place__lte=CENTRAL).order_by(group, "place")
        for pk, summary, customer in rows.values_list(group, "summary", "conversation__customer"):
            # titles go into exports and notices
            said[pk].append((Redactor((customer,), summary).hide(summary), customer))
    return said


def _ways_to_call(key: str, said: Sequence[str], vocabulary: Vocabulary, number: int) -> Iterator[str]:
    """Yield titles, the best first: a clause of what is said, else how that begins, else the key in words, numbered."""
    english = vocabulary.is_english(number)
    ranked: list[tuple[float, int, int, str]] = []
    for place, text in enumerate(said):
        for clause in clauses(text, english=english):
            strange = vocabulary.strangeness(clause.text, number)
            if clause.awkward < TOO_AWKWARD and strange < TOO_STRANGE:
                ranked.append((clause.awkward + strange, place, len(ranked), clause.text))
    for *_, text in sorted(ranked):
        yield vocabulary.polished(text, number)[:LONGEST_TITLE]
    for text in said:
        # a text of one clause was refused above; the beginning of a longer one is still more telling than a name that
        # rules put together
        head = shortened(text, BEGINNING)
        is_said = count_words(text) > MAX_WORDS and not ADDRESS.search(head) and "[" not in head
        if is_said and vocabulary.strangeness(head, number) < TOO_STRANGE:
            yield vocabulary.polished(head.rstrip("."), number)
    yield title_of(key)
    yield from (f"{title_of(key)[: LONGEST_TITLE - 10]} {other}" for other in count(2))


# --- Writing ------------------------------------------------------------------------------------------------------

_FOLLOW = """
UPDATE pipeline_signature signature SET title = left(story.title, %s)
FROM pipeline_story story
WHERE story.signature_id = signature.id AND signature.id = ANY(%s) AND story.status = ANY(%s)
    AND story.absorbed_by_id IS NULL
"""


def _follow_stories(profile: str) -> None:
    """Give signatures with an open story the title of the story, unless somebody chose their key."""
    stories = Story.objects.open().filter(~_is_called_by_people("signature"), signature__profile=profile)
    other = stories.annotate(shown=Left("title", LONGEST_TITLE)).exclude(shown=F("signature__title"))
    roots = list(other.order_by("signature_id").values_list("signature_id", flat=True))
    for start in range(0, len(roots), BATCH):
        batch = roots[start : start + BATCH]
        with transaction.atomic():
            _lock(batch)
            with connection.cursor() as cursor:
                cursor.execute(_FOLLOW, [LONGEST_TITLE, batch, list(Story.OPEN)])


_TITLE = """
UPDATE pipeline_signature signature SET title = chosen.title
FROM unnest(%s::bigint[], %s::text[]) AS chosen (signature, title)
WHERE signature.id = chosen.signature AND signature.title = ''
"""


def _write(chosen: Sequence[tuple[int, str]]) -> int:
    """Write the titles of those that still have none; return how many."""
    with transaction.atomic():
        _lock([pk for pk, _ in chosen])
        with connection.cursor() as cursor:
            cursor.execute(_TITLE, [list(column) for column in zip(*chosen, strict=True)])
            return int(cursor.rowcount)


def _lock(signatures: Sequence[int]) -> None:
    # in the order in which groups are settled and people decide, so that nobody waits in a ring
    rows = Signature.objects.filter(pk__in=signatures).order_by("pk")
    list(rows.select_for_update(no_key=True).values_list("pk"))

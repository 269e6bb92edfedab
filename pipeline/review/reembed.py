"""Move a profile to another model: all its themes get vectors of that model, and keep what they are.

First the conversations are read again, a few at a time, and the new vectors are laid beside the old ones; that can be
stopped and taken up again. Once every theme has one, all change places in one transaction: at no time do vectors of two
models meet. Signatures, merges, decisions and stories stay; which of them a theme belongs to does not change here.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from pipeline.extract.base import Answer, Extractor, asks, get_extractor
from pipeline.extract.profiles import Profile, get_profile
from pipeline.extract.profiles.one_meaning import category_vectors
from pipeline.extract.reading import ask
from pipeline.extract.themes import Reading
from pipeline.ledger.errors import RunError
from pipeline.ledger.transcript import CUSTOMER, Message, Question, Transcript, transcript_of
from pipeline.merge.counting import recount
from pipeline.merge.rules.grouping.vectors import centred, group_centres, shrunken_mean
from pipeline.merge.rules.normalise import normal_form
from pipeline.models import NewVector, Run, Signature, SignatureRoot, Theme
from pipeline.models.copy import copy_rows
from pipeline.review.deciding import deciding, lock, settle
from pipeline.sources.repetition import repeated_of

BATCH = 50
"""Themes whose conversations are read together; what is read is kept after each batch."""


@dataclass(frozen=True, slots=True)
class Reembedded:
    """What was done: to which model, of how many themes, and how many had to be read by their quotes alone."""

    model: str
    themes: int
    by_quotes: int


@dataclass(frozen=True, slots=True)
class _Made:
    vector: bytes
    unread_language: str


def reembed(*, profile: str, extractor: str, tell: Callable[[int, int], object] = lambda done, of: None) -> Reembedded:
    """Give all themes of a profile vectors of the model the extractor has now; `tell` hears how many are done, of all.

    Taken up where an earlier call ended. Raises RunError if a run of the profile is live, or its vectors are of that
    model already. Must not be called inside a transaction.
    """
    reader, what = get_extractor(extractor), get_profile(profile)
    _refuse_live(profile)
    # left over from an earlier call for another model
    NewVector.objects.filter(theme__profile=profile).exclude(vector_model=reader.model).delete()
    themes = Theme.objects.filter(profile=profile)
    if not _of_other_models(profile, reader.model):
        raise RunError(f"the vectors of profile {profile} are already from {reader.model}; nothing was changed.")
    total, by_quotes = themes.count(), 0
    while True:
        while batch := list(_unmade(themes)[:BATCH]):
            by_quotes += _make(batch, what, reader)
            tell(NewVector.objects.filter(theme__profile=profile).count(), total)
        if _swap(profile, reader.model):
            return Reembedded(reader.model, total, by_quotes)


def _of_other_models(profile: str, model: str) -> bool:
    others = ~Q(vector_model=model)
    signatures = Signature.objects.filter(others, profile=profile, vector_sum__isnull=False)
    return Theme.objects.filter(others, profile=profile).exists() or signatures.exists()


def _refuse_live(profile: str) -> None:
    live = Run.objects.filter(profile=profile, state__in=Run.LIVE).values_list("pk", flat=True).first()
    if live:
        raise RunError(
            f"run {live} of profile {profile} is live and writes vectors of its own model. Wait for it or stop it "
            f"(./manage.py stop_run {live}), then run reembed again; what was done so far is kept."
        )


def _unmade(themes: QuerySet[Theme]) -> QuerySet[Theme]:
    """Those without a new vector yet, those of one item together."""
    made = NewVector.objects.filter(theme=OuterRef("pk"))
    rows = themes.filter(~Exists(made)).order_by("item_id", "id").defer("vector")
    return rows.select_related("run", "item__version", "conversation__source").prefetch_related("evidence")


# --- Making -------------------------------------------------------------------------------------------------------


def _make(themes: Sequence[Theme], profile: Profile, reader: Extractor) -> int:
    """Lay the new vectors of these themes aside; return how many had to be made of their quotes alone.

    Conversations are read again, but for what a language model said: its themes have vectors of summary and quotes,
    which are stored, and nobody is asked a second time.
    """
    if profile.one_meaning_a_category:  # their vectors are those of their categories, whatever a model made of the text
        vectors = category_vectors([theme.category for theme in themes], profile, reader.dimension)
        rows = [
            (theme.pk, row.tobytes(), reader.model, theme.unread_language)
            for theme, row in zip(themes, vectors, strict=True)
        ]
        copy_rows(NewVector, _COLUMNS, rows)
        return 0
    said = [theme for theme in themes if asks(get_extractor(theme.run.extractor))]
    rows = [(theme.pk, _of_what_is_stored(theme), reader.model, theme.unread_language) for theme in said]
    copy_rows(NewVector, _COLUMNS, rows)
    others = [theme for theme in themes if theme not in said]
    return _make_by_reading(others, profile, reader) if others else 0


_COLUMNS = ("theme_id", "vector", "vector_model", "unread_language")


def _of_what_is_stored(theme: Theme) -> bytes:
    reader = get_extractor(theme.run.extractor)
    assert asks(reader)
    quotes = [evidence.quote for evidence in sorted(theme.evidence.all(), key=lambda evidence: evidence.pk)]
    return bytes(reader.vector_of(theme.summary, quotes).tobytes())


def _make_by_reading(themes: Sequence[Theme], profile: Profile, reader: Extractor) -> int:
    by_item = [list(group) for _, group in groupby(themes, key=lambda theme: theme.item_id)]
    questions = [Question(group[0].item_id, _transcript(group[0])) for group in by_item]
    answers = dict(ask(questions, profile, reader))
    rows, by_quotes = [], 0
    for group in by_item:
        found = dict(_named(answers[group[0].item_id], reader))
        for theme in group:
            made = found.get(theme.raw_key)
            if made is None:
                made, by_quotes = _by_quotes(theme, profile, reader), by_quotes + 1
            rows.append((theme.pk, made.vector, reader.model, made.unread_language))
    copy_rows(NewVector, _COLUMNS, rows)
    return by_quotes


def _transcript(theme: Theme) -> Transcript:
    repeated = repeated_of(theme.conversation.source)
    assert theme.item.version is not None  # the constraint what_was_read_has_a_version
    return transcript_of(f"conversation {theme.conversation_id}", theme.item.version.messages, repeated)


def _named(answer: Answer | Exception, reader: Extractor) -> Iterator[tuple[str, _Made]]:
    """Yield the normal form of each theme's name in an answer, and its vector; raise what the answer is instead."""
    if isinstance(answer, Exception):
        raise answer
    reading = Reading.model_validate_json(answer.text)
    rows = np.frombuffer(answer.vectors, np.float32).reshape(len(reading.themes), reader.dimension)
    for theme, row in zip(reading.themes, rows, strict=True):
        yield normal_form(theme.signature), _Made(row.tobytes(), reading.unread_language)


def _by_quotes(theme: Theme, profile: Profile, reader: Extractor) -> _Made:
    """Return the vector of a theme that the conversation does not show when read again: of its quotes or summary."""
    quotes = "\n".join(evidence.quote for evidence in theme.evidence.all())
    # the last one says in so many words that something is wrong, so that a reader finds a theme in it
    for text in (quotes, theme.summary, f"There is a problem: {theme.summary}"):
        said = Transcript(f"theme {theme.pk}", (Message(CUSTOMER, text),))
        (answer,) = dict(ask([Question(theme.pk, said)], profile, reader)).values()
        for _, made in _named(answer, reader):
            return made
    raise RunError(f"theme {theme.pk} ({theme.raw_signature}) cannot be read by {reader.model}; nothing was changed.")


# --- Changing places ----------------------------------------------------------------------------------------------

_SWAP = """
UPDATE pipeline_theme theme
SET vector = made.vector, vector_model = made.vector_model, unread_language = made.unread_language
FROM pipeline_newvector made WHERE made.theme_id = theme.id AND theme.profile = %s
"""


def _swap(profile: str, model: str) -> bool:
    """Let the new vectors take the place of the old in one transaction. False: themes came meanwhile; make theirs."""
    with deciding(profile, None) as stamp:
        _refuse_live(profile)
        if _unmade(Theme.objects.filter(profile=profile)).exists():
            # nothing was written; the block is left by a return, which would commit and raise the registry's version
            transaction.set_rollback(True)
            return False
        signatures = Signature.objects.filter(profile=profile)
        lock(signatures.values_list("pk", flat=True))
        with connection.cursor() as cursor:
            cursor.execute(_SWAP, [profile])
        recount(signatures.filter(vector_sum__isnull=False).values_list("pk", flat=True))
        signatures.update(vector_model=model)
        _renew_scores(profile)
        NewVector.objects.filter(theme__profile=profile).delete()
        roots = SignatureRoot.objects.filter(signature__in=signatures, signature__themes__isnull=False)
        settle(stamp, roots.values_list("root_id", flat=True).distinct())
    return True


def _renew_scores(profile: str) -> None:
    """Bring each theme's cosine to the centre of its signature up to date, as the profile's middle sees both."""
    themes = Theme.objects.filter(profile=profile, signature__isnull=False, signature_score__isnull=False)
    rows = list(themes.order_by("id").values_list("id", "signature__root_link__root", "vector"))
    if not rows:
        return
    vectors = np.frombuffer(b"".join(bytes(vector) for _, _, vector in rows), np.float32).reshape(len(rows), -1)
    points = centred(vectors, shrunken_mean(vectors))
    labels = np.unique(np.array([root for _, root, _ in rows]), return_inverse=True)[1]
    scores = np.clip(np.einsum("nd,nd->n", points, group_centres(points, labels)[labels]), -1.0, 1.0)
    with connection.cursor() as cursor:
        cursor.execute(_SCORES, [[pk for pk, _, _ in rows], [round(float(score), 6) for score in scores]])


_SCORES = """
UPDATE pipeline_theme theme SET signature_score = seen.score
FROM unnest(%s::bigint[], %s::float8[]) AS seen (id, score) WHERE theme.id = seen.id
"""

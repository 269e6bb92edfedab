"""What people told the readers beforehand, from the database: the newest vocabulary, and documents that fit a question.

Candidates are chosen by similarity to what the conversation says and never by how often they occurred: what is common
would crowd out what is meant.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone
from pydantic import BaseModel, ConfigDict, Field

from pipeline.extract.llm.steps import Encode
from pipeline.extract.profiles import Profile, get_profile
from pipeline.extract.profiles.vocabulary import AreaHint, Distinction, Entry, Vocabulary
from pipeline.ledger.transcript import Question
from pipeline.models import ContextDocument, Run, VocabularyVersion
from pipeline.models.refusal import Refusal, breaks

MOST_ENTRIES = 5_000
MOST_CANDIDATES = 25
"""Known names that stand in a question."""

MOST_DOCUMENTS = 3
DOCUMENT_PIECE = 1_500
"""Characters of a document that are offered at most, and by which documents are compared."""

READ_CHARACTERS = 2_000
"""Of a conversation by which candidates are found."""


class BadVocabulary(Refusal):
    """A vocabulary that cannot be used; the message says why."""


# --- Vocabularies -------------------------------------------------------------------------------------------------


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    key: str = Field(min_length=1, max_length=200)
    description: str = Field("", max_length=2000)
    examples: list[str] = Field(default_factory=list, max_length=50)
    area: str = Field("", max_length=200)


class _Distinction(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    terms: list[str] = Field(min_length=2, max_length=10)
    how: str = Field(min_length=1, max_length=1000)


class _Content(BaseModel):
    model_config = ConfigDict(extra="forbid")

    entries: list[_Entry] = Field(default_factory=list, max_length=MOST_ENTRIES)
    distinctions: list[_Distinction] = Field(default_factory=list, max_length=500)
    areas: dict[str, str] = Field(default_factory=dict)


def vocabulary_of(content: Mapping[str, Any], *, number: int = 0, is_strict: bool = False) -> Vocabulary:
    """Return the vocabulary that is written down as JSON. BadVocabulary says what is wrong with it."""
    try:
        found = _Content.model_validate(content)
    except ValueError as error:
        raise BadVocabulary(f"the vocabulary cannot be used: {error}") from error
    entries = tuple(Entry(each.key, each.description, tuple(each.examples), each.area) for each in found.entries)
    vocabulary = Vocabulary(
        number,
        entries,
        tuple(Distinction(tuple(each.terms), each.how) for each in found.distinctions),
        tuple(AreaHint(pattern, area) for pattern, area in found.areas.items()),
        is_strict,
    )
    twins = {entry.key for entry in entries if vocabulary.entry(entry.key) is not entry}
    if twins:
        raise BadVocabulary(f"the vocabulary has the same name twice: {', '.join(sorted(twins)[:5])}")
    if is_strict and not entries:
        raise BadVocabulary("a strict vocabulary needs at least one entry; otherwise nothing would fit")
    return vocabulary


def store_vocabulary(*, profile: str, content: Mapping[str, Any], is_strict: bool, by: Any = None) -> VocabularyVersion:
    """Store the next version of a profile's vocabulary and return it; runs that start from now on use it.

    BadVocabulary if it cannot be used, UnknownProfile if there is no such profile: then nothing is stored.
    """
    get_profile(profile)
    vocabulary_of(content, is_strict=is_strict)
    while True:
        newest = VocabularyVersion.objects.filter(profile=profile).aggregate(newest=Max("number"))["newest"] or 0
        try:
            with transaction.atomic():
                return VocabularyVersion.objects.create(
                    profile=profile, number=newest + 1, content=content, is_strict=is_strict, created_by=by
                )
        except IntegrityError as error:
            # somebody stored the same number meanwhile: the next one is free
            if not breaks(error, "one_vocabulary_per_profile_and_number"):
                raise


def newest_number(profile: str) -> int:
    """Return the number of a profile's newest vocabulary; 0 if people gave none."""
    return VocabularyVersion.objects.filter(profile=profile).aggregate(newest=Max("number"))["newest"] or 0


def with_vocabulary(profile: Profile, number: int) -> Profile:
    """Return the profile with that version of its vocabulary; with what stands in its file for 0."""
    if not number:
        return profile
    stored = VocabularyVersion.objects.get(profile=profile.name, number=number)
    return replace(profile, vocabulary=vocabulary_of(stored.content, number=number, is_strict=stored.is_strict))


def profile_of(run: Run) -> Profile:
    """Return the profile as the run reads with it: with the version of its vocabulary that it was started with."""
    return with_vocabulary(get_profile(run.profile), int(run.versions.get("vocabulary", 0)))


# --- What a question is to know -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Document:
    """A document, or the piece of it that is offered."""

    name: str
    area: str
    text: str


@dataclass(frozen=True, slots=True)
class Known:
    """What a reader is told with one conversation."""

    vocabulary: Vocabulary
    candidates: tuple[Entry, ...] = ()
    areas: tuple[str, ...] = ()
    documents: tuple[Document, ...] = ()


def prepare(profile: Profile, questions: Sequence[Question], encode: Encode) -> dict[int, object]:
    """Return for each question the names, areas and documents that are nearest to what is said in it.

    The names are those of the profile as it is given: a run reads with the vocabulary it was started with, whatever
    people have stored since.
    """
    vocabulary, pieces = profile.vocabulary, _pieces(profile.name)
    said = [question.transcript.customer_text[:READ_CHARACTERS] for question in questions]
    vectors = encode(said) if said and (vocabulary.entries or pieces) else None
    entries, documents = _vectors(vocabulary.entries, encode), _vectors(pieces, encode)
    known: dict[int, object] = {}
    for place, question in enumerate(questions):
        areas = vocabulary.areas_of("\n".join(message.own_text for message in question.transcript.messages))
        vector = vectors[place] if vectors is not None else None
        known[question.key] = Known(
            vocabulary,
            tuple(nearest(vocabulary.entries, entries, vector, areas, MOST_CANDIDATES)),
            areas,
            tuple(nearest(pieces, documents, vector, areas, MOST_DOCUMENTS)),
        )
    return known


def nearest(
    things: Sequence[Any], vectors: "np.ndarray | None", vector: "np.ndarray | None", areas: Sequence[str], most: int
) -> list[Any]:
    """Return the things whose vectors are nearest to one, those of the hinted areas first; ties by their order."""
    if vector is None or vectors is None:
        return []
    # 1 for a hinted area: that is more than cosines of texts differ by
    scores = vectors @ vector + np.array([thing.area in areas for thing in things], np.float32)
    return [things[place] for place in np.argsort(-scores, kind="stable")[:most]]


def _vectors(things: Sequence[Any], encode: Encode) -> "np.ndarray | None":
    """Return the vectors of entries or pieces, (n, d); made once for the same texts in a process."""
    if not things:
        return None
    texts = tuple(thing.text for thing in things)
    found = _MADE.get(texts)
    if found is None:
        # some profiles with their documents; what falls out is made again
        if len(_MADE) >= 8:
            _MADE.clear()
        found = _MADE[texts] = np.asarray(encode(texts), np.float32)
    return found


_MADE: dict[tuple[str, ...], "np.ndarray"] = {}


def _pieces(profile: str) -> tuple[Document, ...]:
    rows = ContextDocument.objects.filter(profile=profile).order_by("name")
    state = tuple(rows.values_list("name", "content_hash"))
    return _cut(profile, state) if state else ()


@lru_cache(maxsize=8)
def _cut(profile: str, _state: tuple[tuple[str, str], ...]) -> tuple[Document, ...]:
    """Return the documents in pieces at blank lines; `_state` makes that it is done again when one has changed."""
    found = []
    for name, area, text in ContextDocument.objects.filter(profile=profile).values_list("name", "area", "text"):
        piece = ""
        for paragraph in text.split("\n\n"):
            if piece and len(piece) + len(paragraph) > DOCUMENT_PIECE:
                found.append(Document(name, area, piece.strip()))
                piece = ""
            piece += paragraph[:DOCUMENT_PIECE] + "\n\n"
        if piece.strip():
            found.append(Document(name, area, piece.strip()))
    return tuple(found)


def store_documents(*, profile: str, documents: Iterable[tuple[str, str, str]]) -> tuple[int, int]:
    """Store (name, area, text) of documents and return how many are new or changed, and how many were so already."""
    get_profile(profile)
    changed = unchanged = 0
    for name, area, text in documents:
        digest = hashlib.sha256(f"{area}\0{text}".encode()).hexdigest()
        if ContextDocument.objects.filter(profile=profile, name=name, content_hash=digest).exists():
            unchanged += 1
            continue
        columns = {"area": area, "text": text, "content_hash": digest, "stored_at": timezone.now()}
        ContextDocument.objects.update_or_create(profile=profile, name=name, defaults=columns)
        changed += 1
    return changed, unchanged

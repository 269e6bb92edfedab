"""The reader `llm`: which model answers, whose vectors its themes get, and how stored answers become readings."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from django.conf import settings

from pipeline.extract.base import Answer
from pipeline.extract.embedding import Embedder, Vectors
from pipeline.extract.embedding.endpoint import configured_embedder
from pipeline.extract.llm.abilities import probe, stored
from pipeline.extract.llm.conduct import Request, as_answer, conduct, go_on
from pipeline.extract.llm.endpoint import target
from pipeline.extract.llm.faults import NotAnswered, RunFault
from pipeline.extract.llm.prices import most_of
from pipeline.extract.llm.steps import Prompt
from pipeline.extract.profiles import Profile
from pipeline.extract.profiles.one_meaning import category_vectors
from pipeline.extract.quotes import verified
from pipeline.extract.redaction import read_redacted
from pipeline.extract.themes import ProposedTheme, Reading
from pipeline.ledger.transcript import Question, Transcript
from pipeline.merge.rules.grouping.vectors import unit_vector

QUOTES_SHARE = 0.6
"""How much of a theme's vector its quotes are; the rest is the summary. Measured with a played model on three data sets
(`python -m benchmarks.said`): NMI .98 where every name is right and .89 where 15 % are wrong; half and half, as in
published work, .93 and .82; text alone .88. More quotes bear wrong names better and lose where names are right."""


class NoPrompt(RunFault):
    """The profile does not say how a language model reads for it."""


class LlmExtractor:
    """Reads by asking a language model; what it says gets vectors of the local model, or of EMBEDDING_URL."""

    name = "llm"
    is_paid = True

    def __init__(self, embedder: Embedder | None = None) -> None:
        self.embedder = embedder or configured_embedder()

    @property
    def version(self) -> str:
        """Of the code that understands answers and makes their vectors, with the model that gives them."""
        return f"llm-2 {settings.LLM_MODEL}"

    @property
    def model(self) -> str:
        """The name of the vectors' space."""
        return self.embedder.name

    @property
    def dimension(self) -> int:
        """How many numbers a vector has."""
        return self.embedder.dimension

    def check(self) -> None:
        """Ask the model something tiny, and let the vectors' model read; raise what they do if one cannot."""
        probe(target())
        self.embedder.encode(["It works."])

    def told(self) -> str:
        """Return in words which model is asked, where, how and at what price."""
        asked = target()
        abilities, price = stored(asked), most_of(1_000_000, 0, asked)
        costs = "price unknown" if price is None else f"{price:.2f} dollars per million input tokens"
        return f"{asked.model} at {asked.host}: {abilities or 'not tested yet'}; {costs}"

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return the unit vectors of texts, (n, d) float32, in the space of the themes' vectors."""
        return self.embedder.encode(texts)

    def prompt_of(self, profile: Profile) -> Prompt:
        """Return how the profile reads with a language model; NoPrompt if it does not.

        Whatever it is, it is given conversations in which placeholders stand for what is private.
        """
        if profile.prompt is None:
            raise NoPrompt(
                f"the profile {profile.name} has no prompt for a language model; read with --extractor local"
            )
        return replace(profile.prompt, read=partial(read_redacted, profile.prompt.read))

    def reread(
        self, question: Question, bodies: Mapping[tuple[str, str], bytes], profile: Profile, known: object
    ) -> Answer:
        """Return the reading that stored answers make, without its vectors; NotAnswered where one is not stored."""
        reading = conduct(self.prompt_of(profile).read(question.transcript, known))
        found = go_on(reading, None)
        while isinstance(found, Request):
            missing = NotAnswered(f"the step {found.step} {found.unit}".strip() + " has no stored answer")
            found = go_on(reading, bodies.get((found.step, found.unit), missing))
        return as_answer(found)

    def embed(self, transcript: Transcript, answer: Answer, profile: Profile) -> Answer:
        """Return the answer with a vector for each theme: of what the model says and what it quotes rightly, or of its
        category, where that says it all."""
        themes = Reading.model_validate_json(answer.text).themes
        if profile.one_meaning_a_category:
            vectors = category_vectors([theme.category for theme in themes], profile, self.dimension).tobytes()
            return Answer(text=answer.text, vectors=vectors, flaws=answer.flaws)
        rows = [self._vector(transcript, theme) for theme in themes]
        vectors = np.stack(rows).tobytes() if rows else b""
        return Answer(text=answer.text, vectors=vectors, flaws=answer.flaws)

    def vector_of(self, summary: str, quotes: list[str]) -> Vectors:
        """Return the unit vector of a theme, (d,) float32, from its summary and its verified quotes."""
        texts = [summary, *quotes]
        rows = self.embedder.encode(texts).astype(np.float64)
        vector = rows[0]
        if quotes:
            vector = (1 - QUOTES_SHARE) * unit_vector(rows[0]) + QUOTES_SHARE * unit_vector(rows[1:].sum(axis=0))
        return unit_vector(vector)

    def _vector(self, transcript: Transcript, theme: ProposedTheme) -> Vectors:
        return self.vector_of(
            theme.summary, [stands[0] for stands in verified(transcript.text, theme.quotes) if stands]
        )

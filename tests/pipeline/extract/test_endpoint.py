"""Vectors from an endpoint, over real HTTP, with what real endpoints do wrong."""

import json
import logging
from collections.abc import Iterator

import numpy as np
import pytest
from pytest_django import Settings

from pipeline.extract.embedding import EmbeddingModelError
from pipeline.extract.embedding import endpoint as module
from pipeline.extract.embedding.endpoint import MOST_TEXTS, TRIES, EndpointEmbedder, configured_embedder
from pipeline.extract.local import LocalExtractor
from pipeline.extract.profiles import get_profile
from pipeline.ledger.transcript import Message, Transcript
from tests.fakes.embeddings import DIMENSION, Endpoint, endpoint, vectors_for

KEY = "sk-very-secret"


@pytest.fixture
def server(settings: Settings) -> Iterator[Endpoint]:
    with endpoint() as server:
        settings.EMBEDDING_URL, settings.EMBEDDING_KEY, settings.EMBEDDING_MODEL = server.url, KEY, "small"
        yield server


def test_texts_come_back_as_unit_vectors_in_their_order(server: Endpoint) -> None:
    texts = [f"word{number} and more" for number in range(2 * MOST_TEXTS + 3)]
    vectors = EndpointEmbedder().encode(texts)
    assert vectors.shape == (len(texts), DIMENSION)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert np.allclose(vectors[5], EndpointEmbedder().encode([texts[5]])[0])
    assert {request["model"] for request in server.requests} == {"small"}
    assert max(len(request["input"]) for request in server.requests) == MOST_TEXTS
    assert set(server.keys) == {f"Bearer {KEY}"}


def test_a_busy_server_is_asked_again_and_not_for_ever(server: Endpoint) -> None:
    server.faults = [429, 503]
    assert EndpointEmbedder().encode(["hello"]).shape == (1, DIMENSION)
    server.requests.clear()
    server.faults = [503] * 20
    with pytest.raises(EmbeddingModelError, match="returned no vectors: 503"):
        EndpointEmbedder().encode(["hello"])
    assert len(server.requests) == TRIES


@pytest.mark.parametrize("status", [301, 400, 401, 404])
def test_what_does_not_pass_is_not_asked_again_and_no_redirect_followed(server: Endpoint, status: int) -> None:
    server.faults = [status] * 9
    with pytest.raises(EmbeddingModelError, match=f"returned no vectors: {status}"):
        EndpointEmbedder().encode(["hello"])
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>sign in</html>",
        b'{"error": {"message": "no"}}',
        b'{"data": null}',
        b'{"data": []}',
        vectors_for(["one", "two"]),
        json.dumps({"data": [{"index": 0, "embedding": [float("nan")] * DIMENSION}]}).encode(),
        json.dumps({"data": [{"index": 0, "embedding": [0.0] * DIMENSION}]}).encode(),
        json.dumps({"data": [{"index": 0, "embedding": "AAAA"}]}).encode(),
        b"[" * 100_000,
    ],
)
def test_an_answer_that_is_not_what_was_asked_for_is_refused(server: Endpoint, content: bytes) -> None:
    server.faults = [content]
    with pytest.raises(EmbeddingModelError, match="the answer from EMBEDDING_URL cannot be used"):
        EndpointEmbedder().encode(["hello"])


def test_a_server_that_drips_is_hung_up_on(server: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DEADLINE", 0.3)
    monkeypatch.setattr(module, "TRIES", 1)
    server.drip = 0.05
    with pytest.raises(EmbeddingModelError, match=r"no answer within 0\.3 s|IncompleteRead"):
        EndpointEmbedder().encode(["hello"])


def test_nobody_there_is_a_sentence_and_the_key_is_in_no_message(
    server: Endpoint, settings: Settings, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    server.faults = [400]
    with pytest.raises(EmbeddingModelError) as refusal:
        EndpointEmbedder().encode(["hello"])
    assert "Bearer ***" in str(refusal.value)
    assert KEY not in str(refusal.value) + caplog.text
    monkeypatch.setattr(module, "TRIES", 1)
    settings.EMBEDDING_URL = "http://127.0.0.1:9/v1"
    with pytest.raises(EmbeddingModelError, match="Check EMBEDDING_URL"):
        EndpointEmbedder().encode(["hello"])
    settings.EMBEDDING_URL = "ftp://host/v1"
    with pytest.raises(EmbeddingModelError, match="EMBEDDING_URL cannot be used"):
        EndpointEmbedder().encode(["hello"])


def test_the_local_reader_reads_with_it_in_the_languages_it_knows(server: Endpoint, settings: Settings) -> None:
    settings.EMBEDDING_LANGUAGES = frozenset({"en", "de"})
    assert isinstance(configured_embedder(), EndpointEmbedder)
    reader = LocalExtractor()
    assert (reader.model, reader.dimension, reader.is_paid) == ("small", DIMENSION, True)
    texts = ["I was charged twice.", "Mein Passwort funktioniert seit gestern nicht.", "パスワードを忘れました。"]
    said = [Transcript("test", (Message("customer", text),)) for text in texts]
    answers = list(reader.read(said, get_profile("support")))
    assert [len(answer.vectors) for answer in answers] == [4 * DIMENSION] * 3
    assert ["unread_language" in answer.text for answer in answers] == [False, False, True]

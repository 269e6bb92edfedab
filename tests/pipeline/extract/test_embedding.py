"""The embedding model on real weights: repeatable to the bit, and the same as the published forward pass."""

import json
import os
import random
import shutil
import subprocess
import sys
from math import erf
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
import pytest
from pytest_django import Settings
from safetensors.numpy import load_file

from pipeline.extract.embedding import Embedder, EmbeddingModelError
from pipeline.extract.embedding.files import ModelFiles, find_model, verify_published
from pipeline.extract.embedding.graph import write_full_graph
from pipeline.extract.embedding.session import MAX_TOKENS, built_graph

Array = npt.NDArray[np.float32]

TOPICS = ("invoice", "password", "calendar", "refund", "delivery", "printer", "hotel room", "playlist", "webhook")
TEXTS = [
    f"{'Please help, ' * (n % 4)}my {TOPICS[n % 9]} {'is wrong again ' * (n % 7 + 1)}since {n}." for n in range(60)
]
TEXTS += ["", "🙂", "ω", "one", "word " * 400, "שלום, הכרטיס שלי לא הגיע"]


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return Embedder()


@pytest.fixture(scope="module")
def alone(embedder: Embedder) -> Array:
    return embedder.encode(TEXTS)


def test_it_gives_unit_rows_in_float32(alone: Array) -> None:
    assert alone.shape == (len(TEXTS), 384)
    assert alone.dtype == np.float32
    assert np.allclose(np.linalg.norm(alone, axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("chunk", [1, 7, 500])
@pytest.mark.parametrize("seed", [0, 1])
def test_it_gives_a_text_the_same_bits_in_any_chunk_and_order(
    embedder: Embedder, alone: Array, chunk: int, seed: int
) -> None:
    order = list(range(len(TEXTS)))
    random.Random(seed).shuffle(order)
    chunks = [order[start : start + chunk] for start in range(0, len(order), chunk)]
    encoded = np.concatenate([embedder.encode([TEXTS[index] for index in indexes]) for indexes in chunks])
    assert encoded.tobytes() == alone[order].tobytes()


ELSEWHERE = """
import json, os, sys, django
django.setup()
from pipeline.extract.embedding import Embedder
texts, embedder = json.load(sys.stdin), Embedder()
own = embedder.encode(texts)
if os.fork() == 0:  # a child that inherits a session, as those of a worker do
    os.write(1, embedder.encode(texts).tobytes())
    os._exit(0)
os.wait()
os.write(1, own.tobytes())
"""


def test_it_gives_the_same_bits_in_another_process_and_after_a_fork(alone: Array) -> None:
    """In a process of its own: forked from this one, a child would close what this has open, and may wait for ever."""
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    program = [sys.executable, "-c", ELSEWHERE]
    given = json.dumps(TEXTS[::-1]).encode()
    done = subprocess.run(program, input=given, capture_output=True, check=True, env=environment, timeout=240)
    assert done.stdout == 2 * alone[::-1].tobytes()


def test_it_reads_no_more_than_256_tokens(embedder: Embedder) -> None:
    assert len(embedder.token_ids("word " * 10_000)) == MAX_TOKENS
    assert len(embedder.token_ids("x" * 1_000_000)) <= MAX_TOKENS


def test_it_puts_like_meanings_close(embedder: Embedder) -> None:
    query, like, unlike = embedder.encode(
        ["My card was declined at the shop.", "The store's terminal refused my payment.", "How do I export a report?"]
    )
    assert query @ like > query @ unlike + 0.2


class Reference:
    """The published forward pass in plain numpy, float64."""

    def __init__(self, folder: Path) -> None:
        weights = load_file(folder / "model.safetensors")
        self.weights = {name: value.astype(np.float64) for name, value in weights.items() if value.ndim}

    def encode(self, ids: list[int]) -> npt.NDArray[np.float64]:
        weights, prefix = self.weights, "embeddings."
        hidden = weights[prefix + "word_embeddings.weight"][ids]
        hidden = hidden + weights[prefix + "position_embeddings.weight"][: len(ids)]
        hidden = self.normalise(hidden + weights[prefix + "token_type_embeddings.weight"][0], prefix + "LayerNorm")
        for layer in range(6):
            hidden = self.layer(hidden, f"encoder.layer.{layer}.")
        mean = hidden.mean(axis=0)
        vector: npt.NDArray[np.float64] = mean / np.linalg.norm(mean)
        return vector

    def layer(self, hidden: npt.NDArray[np.float64], prefix: str) -> npt.NDArray[np.float64]:
        attended = self.dense(self.attention(hidden, prefix + "attention.self."), prefix + "attention.output.dense")
        hidden = self.normalise(hidden + attended, prefix + "attention.output.LayerNorm")
        wide = self.dense(hidden, prefix + "intermediate.dense")
        wide = wide * 0.5 * (1 + np.vectorize(erf)(wide / np.sqrt(2)))
        return self.normalise(hidden + self.dense(wide, prefix + "output.dense"), prefix + "output.LayerNorm")

    def attention(self, hidden: npt.NDArray[np.float64], prefix: str) -> npt.NDArray[np.float64]:
        query, key, value = (
            self.dense(hidden, prefix + name).reshape(len(hidden), 12, 32).transpose(1, 0, 2)
            for name in ("query", "key", "value")
        )
        scores = np.exp(query @ key.transpose(0, 2, 1) / np.sqrt(32))
        mixed = scores / scores.sum(axis=-1, keepdims=True) @ value
        heads: npt.NDArray[np.float64] = mixed.transpose(1, 0, 2).reshape(len(hidden), 384)
        return heads

    def dense(self, hidden: npt.NDArray[np.float64], name: str) -> npt.NDArray[np.float64]:
        out: npt.NDArray[np.float64] = hidden @ self.weights[name + ".weight"].T + self.weights[name + ".bias"]
        return out

    def normalise(self, hidden: npt.NDArray[np.float64], name: str) -> npt.NDArray[np.float64]:
        centred = hidden - hidden.mean(axis=-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-12)
        out: npt.NDArray[np.float64] = scaled * self.weights[name + ".weight"] + self.weights[name + ".bias"]
        return out


def test_its_graph_agrees_with_the_published_forward_pass(embedder: Embedder, tmp_path: Path) -> None:
    write_full_graph(embedder.files, tmp_path / "fp32.onnx")
    session = ort.InferenceSession(tmp_path / "fp32.onnx", providers=["CPUExecutionProvider"])
    reference = Reference(embedder.files.folder)
    for text in TEXTS[::6]:
        ids = embedder.token_ids(text)
        expected = reference.encode(ids)
        full = session.run(None, {"ids": np.array([ids])})[0][0]
        assert expected @ full >= 0.9999
        assert expected @ embedder.encode_ids(ids) >= 0.97, "8 bits cost more than measured (0.980 at worst)"


def test_it_builds_the_graph_once_and_leaves_no_other_file(settings: Settings, tmp_path: Path) -> None:
    settings.CACHE_DIR = tmp_path
    path = built_graph(find_model())
    built_at = path.stat().st_mtime_ns
    assert built_graph(find_model()) == path
    assert path.stat().st_mtime_ns == built_at
    assert [file.name for file in tmp_path.rglob("*") if file.is_file()] == [path.name]


def test_it_reads_a_model_from_a_folder_and_names_it_apart(settings: Settings, tmp_path: Path) -> None:
    folder = shutil.copytree(find_model().folder, tmp_path / "my-model")
    settings.EMBEDDING_MODEL = str(folder)
    found = find_model()
    assert found.name.startswith("my-model-")
    assert found.name != "all-MiniLM-L6-v2-int8"
    assert Embedder(found).dimension == 384


def test_it_says_which_file_of_a_folder_is_missing(settings: Settings, tmp_path: Path) -> None:
    settings.EMBEDDING_MODEL = str(tmp_path)
    with pytest.raises(EmbeddingModelError, match=r"model\.safetensors cannot be read: .*EMBEDDING_MODEL"):
        find_model()


def test_it_refuses_a_folder_that_is_no_bert_encoder(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"hidden_act": "relu"}))
    with pytest.raises(EmbeddingModelError, match="only BERT encoders"):
        _ = Embedder(ModelFiles("other", tmp_path, "0" * 64)).dimension


def test_it_refuses_files_that_are_not_the_published_ones(tmp_path: Path) -> None:
    folder = shutil.copytree(find_model().folder, tmp_path / "changed")
    verify_published(folder)
    with (folder / "tokenizer.json").open("a") as file:
        file.write(" ")
    with pytest.raises(EmbeddingModelError, match=r"tokenizer\.json is not the published all-MiniLM-L6-v2"):
        verify_published(folder)


def test_it_leaves_nothing_in_a_home_and_tells_nobody(tmp_path: Path) -> None:
    home, temp = tmp_path / "home", tmp_path / "temp"
    home.mkdir()
    temp.mkdir()
    program = (
        "import os, django; os.environ['DJANGO_SETTINGS_MODULE'] = 'config.settings'; django.setup()\n"
        "from pipeline.extract.embedding import Embedder; Embedder().encode(['The calendar is empty.'])"
    )
    surroundings = {**os.environ, "HOME": str(home), "TMPDIR": str(temp), "XDG_CACHE_HOME": ""}
    surroundings.pop("ORT_DISABLE_TELEMETRY", None)
    subprocess.run([sys.executable, "-c", program], check=True, env=surroundings)
    assert [path for folder in (home, temp) for path in folder.rglob("*")] == []

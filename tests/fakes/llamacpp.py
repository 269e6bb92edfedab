"""llama.cpp's own server with a random model: `python -m tests.fakes.llamacpp` prints its address and serves.

The model knows 57 characters and nothing else, is made in a moment and weighs 200 kB. What it says is noise in the form
that its grammar enforces: good for the wire, and for nothing else. No backtick and only ASCII in its vocabulary: else
it begins a code block by chance, which the server's parser takes for a tool call.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

CONTEXT, EMBEDDING, FORWARD, HEADS = 8192, 64, 128, 4
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789_-.,:;!?'\"{}[]()/\\"
TEMPLATE = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}assistant:"


def write_model(path: Path) -> None:
    """Write a llama of one layer with random weights, always the same."""
    import gguf

    random = np.random.default_rng(0)
    words = ["<|end|>", "<|pad|>", *LETTERS, "\u0120", "\u010a", "th"]
    kinds = [gguf.TokenType.CONTROL] * 2 + [gguf.TokenType.NORMAL] * (len(words) - 2)
    file: Any = gguf.GGUFWriter(str(path), "llama")
    file.add_name("tiny-random")
    file.add_context_length(CONTEXT)
    file.add_embedding_length(EMBEDDING)
    file.add_block_count(1)
    file.add_feed_forward_length(FORWARD)
    file.add_head_count(HEADS)
    file.add_head_count_kv(HEADS)
    file.add_layer_norm_rms_eps(1e-5)
    file.add_rope_dimension_count(EMBEDDING // HEADS)
    file.add_vocab_size(len(words))
    file.add_file_type(0)
    file.add_tokenizer_model("gpt2")
    file.add_tokenizer_pre("default")
    file.add_token_list(words)
    file.add_token_types(kinds)
    file.add_token_merges(["t h"])
    file.add_bos_token_id(1)
    file.add_eos_token_id(0)
    file.add_add_bos_token(False)
    file.add_chat_template(TEMPLATE)
    square, wide, narrow = (EMBEDDING, EMBEDDING), (FORWARD, EMBEDDING), (EMBEDDING, FORWARD)
    shapes = {"attn_q": square, "attn_k": square, "attn_v": square, "attn_output": square}
    shapes |= {"ffn_gate": wide, "ffn_up": wide, "ffn_down": narrow}
    layer = {f"blk.0.{name}.weight": shape for name, shape in shapes.items()}
    ends = {"token_embd.weight": (len(words), EMBEDDING), "output.weight": (len(words), EMBEDDING)}
    for name, shape in {**ends, **layer}.items():
        file.add_tensor(name, random.normal(0, 0.3, shape).astype(np.float32))
    for name in ("output_norm.weight", "blk.0.attn_norm.weight", "blk.0.ffn_norm.weight"):
        file.add_tensor(name, np.ones(EMBEDDING, np.float32))
    file.write_header_to_file()
    file.write_kv_data_to_file()
    file.write_tensors_to_file()
    file.close()


@contextmanager
def llamacpp() -> Iterator[str]:
    """Serve the model in a process of its own; yield the address of its API."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.fakes.llamacpp"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("http"):
                yield f"{line.strip()}/v1"
                return
        raise AssertionError("llama.cpp's server did not come up")
    finally:
        process.kill()
        process.communicate()


def _serve() -> None:
    import xllamacpp

    with tempfile.TemporaryDirectory() as folder:
        write_model(Path(folder) / "tiny.gguf")
        words: Any = xllamacpp.CommonParams()
        words.model.path = f"{folder}/tiny.gguf"
        words.n_ctx, words.n_parallel, words.warmup = 2 * CONTEXT, 2, False
        words.cpuparams.n_threads = words.cpuparams_batch.n_threads = 1  # two spin, and starve on a busy machine
        words.hostnames, words.port = ["127.0.0.1"], 0
        server: Any = xllamacpp.Server(words)
        print(server.listening_address, flush=True)
        while not sys.stdin.closed and not sys.stdin.read(1):
            time.sleep(1)


if __name__ == "__main__":
    _serve()

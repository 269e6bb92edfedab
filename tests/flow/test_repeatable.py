"""The same conversations give the same stories, whichever arithmetic kernels the processor's libraries choose."""

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import pipeline

ROOT = Path(pipeline.__file__).parent.parent
SAMPLE = ROOT / "pipeline" / "sample" / "conversations.jsonl"
ON_X86 = os.uname().machine == "x86_64"


@pytest.mark.slow
@pytest.mark.skipif(not ON_X86, reason="these are the names of x86-64 kernels")
def test_it_groups_the_sample_alike_with_the_kernels_of_two_processors() -> None:
    assert _evaluated(OPENBLAS_CORETYPE="Nehalem") == _evaluated(OPENBLAS_CORETYPE="Haswell")


def test_it_finds_what_was_put_into_the_sample() -> None:
    found = _evaluated(OPENBLAS_CORETYPE="Haswell") if ON_X86 else _evaluated()
    assert found["pairwise_f1"] > 10 * found["naive"]["pairwise_f1"]
    assert 0.7 <= found["groups_found"] / found["groups_true"] <= 1.4
    assert found["noise_orphan_share"] >= 0.8
    assert found["orphan_share"] <= 0.25


@cache  # half a minute each
def _evaluated(**environment: str) -> dict[str, Any]:
    command = [sys.executable, str(ROOT / "manage.py"), "evaluate", str(SAMPLE), "--json"]
    done = subprocess.run(command, capture_output=True, check=True, env={**os.environ, **environment})
    found = json.loads(done.stdout)
    del found["seconds"]
    return dict(found)

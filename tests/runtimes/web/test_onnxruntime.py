"""ONNX Runtime Web's verbose log, read."""

from pathlib import Path

import pytest

from runtimes.web.onnxruntime import placement
from wedepth.errors import WedepthError

BEGINNING = "2026-11-26 18:27:52.920801 [V:onnxruntime:, session_state.cc:1380 VerifyEachNodeIsAssignedToAnEp] "
ALL = [
    f"{BEGINNING}Node placements",
    f"{BEGINNING} All nodes placed on [CPUExecutionProvider]. Number of nodes: 1263",
]
SOME = [
    f"{BEGINNING}Node placements",
    f"{BEGINNING} Node(s) placed on [CPUExecutionProvider]. Number of nodes: 3",
    f"{BEGINNING}  Gather (table)",
    f"{BEGINNING}  Gather (other)",
    f"{BEGINNING}  Shape (shape)",
    f"{BEGINNING} Node(s) placed on [WebGpuExecutionProvider]. Number of nodes: 4",
    f"{BEGINNING}  Conv (conv)",
    f"{BEGINNING}  MatMul ()",
    f"{BEGINNING}  MemcpyToHost (Memcpy)",
    f"{BEGINNING}  MemcpyFromHost (Memcpy_token_1)",
    "2026-11-26 [V:onnxruntime:, session_state.cc:126 CreateGraphInfo] SaveMLValueNameIndexMapping",
]
NOWHERE = Path("model.onnx")


def test_all_on_one_provider() -> None:
    assert placement(ALL, "cpu", NOWHERE).placed == {"cpu": 1263}


def test_asked_for_the_gpu_all_on_the_cpu() -> None:
    found = placement(ALL, "gpu", NOWHERE)
    assert (found.placed, found.elsewhere) == ({"cpu": 1263}, None)


def test_on_two_providers_with_the_kinds_that_were_left_and_without_copies() -> None:
    found = placement(SOME, "gpu", NOWHERE)
    assert (found.placed, found.elsewhere) == ({"cpu": 3, "gpu": 2}, "2 Gather, 1 Shape")


def test_a_log_that_does_not_tell_is_an_error() -> None:
    with pytest.raises(WedepthError, match="does not tell"):
        placement(["2026-11-26 [I:onnxruntime:] Creating and using per session threadpools"], "gpu", NOWHERE)

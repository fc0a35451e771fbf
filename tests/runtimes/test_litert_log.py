"""LiteRT's log, read."""

import pytest

from runtimes.litert_log import adapter, delegated, failure, refused

PARTLY = """INFO: [delegate_webgpu.cc:363] Created a WebGPU environment.
ERROR: Following operations are not supported by GPU delegate:
PAD: Invalid paddings tensor shape: expected 4x2 or 3x2, got 2x2
GATHER_ND: Operation is not supported.
1442 operations will run on the GPU, and the remaining 92 operations will run on the CPU.
I0000 00:00:1795718000.624913    8702 delegate_kernel.cc:984] Initializing WebGPU-based API from graph.
INFO: Created TensorFlow Lite XNNPACK delegate for CPU.
"""
NOTHING = """ERROR: Following operations are not supported by GPU delegate:
CAST: Not supported cast case

No operations will run on the GPU, and all 12 operations will run on the CPU.
"""
WHOLE = "I0000 00:00:1795717974.195244    8203 delegate_kernel.cc:984] Initializing WebGPU-based API from graph.\n"
XNNPACK = "INFO: Replacing 11 out of 12 node(s) with delegate (TfLiteXNNPackDelegate) node, yielding 2 partitions."
WORDS = "INFO: Replacing 11 out of 12 node(s) with delegate (LiteRtWebGpu) node, yielding 2 partitions."


@pytest.mark.parametrize(
    ("log", "placed"),
    [
        (PARTLY, {"gpu": 1442, "cpu": 92}),
        (NOTHING, {"cpu": 12}),
        (WHOLE, {"gpu": 12}),
        (WORDS, {"gpu": 11, "cpu": 1}),
        (XNNPACK, None),
        ("", None),
    ],
)
def test_how_many_ops_the_delegate_took(log: str, placed: dict[str, int] | None) -> None:
    assert delegated(log, "gpu", ops=12) == placed


def test_what_it_refused_and_why() -> None:
    pad = "PAD: Invalid paddings tensor shape: expected 4x2 or 3x2, got 2x2"
    assert refused(PARTLY) == f"the delegate refused {pad}; GATHER_ND: Operation is not supported"
    assert refused(NOTHING) == "the delegate refused CAST: Not supported cast case"
    assert refused(WHOLE) is None


def test_the_adapter_and_what_went_wrong() -> None:
    assert adapter("I0000 environment.cc:532] Selected adapter: SwiftShader Device\nINFO: x") == "SwiftShader Device"
    assert adapter(WHOLE) is None
    assert failure("INFO: fine\nERROR: [litert/x.cc:12] No device.\n") == "No device"
    assert failure(WHOLE) is None
    delegate = "E1129 14:03:42.068999  7 delegate_webgpu.cc:373] Failed to create x: Unable to parse B.; selector=1"
    assert failure(f"{WHOLE}{delegate}\nERROR: [litert_web.cc:245].\n") == "Failed to create x: Unable to parse B"

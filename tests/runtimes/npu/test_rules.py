"""Every statement about an NPU has its source and certainty, and what none speaks of is never ready."""

from typing import Any, get_args

import pytest

from runtimes.npu.graph import FORMATS, Op, Tensor
from runtimes.npu.rules import CONDITIONS, Certainty, Npu, Outcome, read_npus

NPUS = {npu.name: npu for npu in read_npus()}
ANE, ETHOS, INTEL = (NPUS[name] for name in ("apple-neural-engine", "arm-ethos-u85", "intel-npu"))
HEXAGON, HEXAGON_TFLITE = (NPUS[f"qualcomm-hexagon-{format}"] for format in ("onnx", "tflite"))


def op(kind: str, dtype: str = "int8", shape: tuple[int | None, ...] = (1, 4, 4, 8), **changes: Any) -> Op:
    value = Tensor("x", dtype, shape, scales=1 if dtype.startswith(("int", "uint")) else 0)
    return Op(
        **{"name": "o", "kind": kind, "module": "m", "macs": 1, "inputs": (value,), "outputs": (value,)} | changes
    )


def test_all_formats_have_an_npu() -> None:
    assert {npu.format for npu in NPUS.values()} == set(FORMATS.values())


@pytest.mark.parametrize("npu", NPUS.values(), ids=NPUS.keys())
def test_every_statement_has_a_source_and_a_certainty(npu: Npu) -> None:
    verdicts = [*npu.taken.values(), *(rule.verdict for rule in npu.rules), npu.unlisted]
    assert {verdict.source for verdict in verdicts} == set(npu.sources)
    assert {verdict.certainty for verdict in verdicts} <= set(get_args(Certainty))
    assert {verdict.outcome for verdict in verdicts} <= set(get_args(Outcome))
    assert all(verdict.certainty != "unknown" for verdict in verdicts if verdict.outcome != "unknown")
    assert all(verdict.reason for verdict in verdicts if verdict.outcome != "ready")
    assert {name for rule in npu.rules for name in rule.when} <= set(CONDITIONS)


@pytest.mark.parametrize("npu", NPUS.values(), ids=NPUS.keys())
def test_what_no_source_speaks_of_is_not_ready(npu: Npu) -> None:
    assert npu.judge(op("MadeUp", dtype="float16")).outcome == ("unknown" if npu is ANE else "refused")


@pytest.mark.parametrize("npu", NPUS.values(), ids=NPUS.keys())
def test_no_op_of_an_open_size_is_ready(npu: Npu) -> None:
    for kind in npu.taken:
        assert npu.judge(op(kind, shape=(None, 4, 4, 8))).outcome != "ready", kind


@pytest.mark.parametrize(
    ("npu", "kind", "dtype", "outcome"),
    [
        (ANE, "conv", "float16", "ready"),
        (ANE, "conv", "float32", "refused"),
        (ANE, "cast", "float32", "ready"),
        (ANE, "resample", "float16", "refused"),
        (ANE, "erf", "float16", "unknown"),
        (ETHOS, "CONV_2D", "int8", "ready"),
        (ETHOS, "CONV_2D", "float32", "refused"),
        (ETHOS, "QUANTIZE", "float32", "refused"),
        (ETHOS, "DEQUANTIZE", "int8", "refused"),
        (ETHOS, "EMBEDDING_LOOKUP", "int8", "refused"),
        (ETHOS, "MINIMUM", "int8", "unknown"),
        (HEXAGON, "GridSample", "float32", "ready"),
        (HEXAGON, "MatMul", "uint8", "ready"),
        (HEXAGON, "MatMul", "int8", "unknown"),
        (HEXAGON, "Gather", "int64", "ready"),
        (HEXAGON, "Add", "int64", "unknown"),
        (HEXAGON, "Loop", "float32", "refused"),
        (HEXAGON_TFLITE, "EMBEDDING_LOOKUP", "float32", "ready"),
        (INTEL, "ScaledDotProductAttention", "float32", "ready"),
    ],
)
def test_kinds_and_types(npu: Npu, kind: str, dtype: str, outcome: Outcome) -> None:
    assert npu.judge(op(kind, dtype)).outcome == outcome


@pytest.mark.parametrize(("npu", "most"), [(ANE, 4), (HEXAGON, 4), (HEXAGON_TFLITE, 4), (INTEL, 5)])
def test_more_axes_than_are_known_to_be_taken_are_not_ready(npu: Npu, most: int) -> None:
    kind = next(kind for kind in ("add", "Add", "ADD") if kind in npu.taken)
    assert npu.judge(op(kind, "float16", (2,) * most)).outcome == "ready"
    assert npu.judge(op(kind, "float16", (2,) * (most + 1))).outcome == "unknown"


def test_ethos_needs_one_scale_for_each_value() -> None:
    values = [Tensor("x", "int8", (1, 4, 8), constant=True, scales=scales) for scales in (0, 1, 8)]
    assert [ETHOS.judge(op("BATCH_MATMUL", inputs=(value,))).outcome for value in values] == ["ready"] * 2 + ["refused"]
    assert ETHOS.judge(op("CONV_2D", inputs=(values[2],))).outcome == "ready", "whose weights may have one by channel"
    without = Tensor("x", "int32", (1, 4, 8))
    assert ETHOS.judge(op("ADD", inputs=(without,))).outcome == "refused"
    assert ETHOS.judge(op("PAD", inputs=(without,))).outcome == "ready"


@pytest.mark.parametrize(
    ("before", "after", "outcome"),
    [((4, 6), (8, 12), "ready"), ((4, 6), (4, 6), "ready"), ((4, 6), (12, 18), "refused"), ((4, 6), (6, 9), "refused")],
)
def test_ethos_resizes_by_powers_of_two(before: tuple[int, int], after: tuple[int, int], outcome: Outcome) -> None:
    inputs, outputs = ((Tensor("x", "int8", (1, *size, 8), scales=1),) for size in (before, after))
    assert ETHOS.judge(op("RESIZE_BILINEAR", inputs=inputs, outputs=outputs)).outcome == outcome


def test_ethos_gathers_along_the_batch_only_and_takes_so_many_rows() -> None:
    assert ETHOS.judge(op("GATHER", options={"axis": 1, "batchDims": 1})).outcome == "ready"
    assert ETHOS.judge(op("GATHER", options={"axis": 1, "batchDims": 0})).outcome == "refused"
    assert ETHOS.judge(op("SOFTMAX", shape=(1, 6, 541, 557))).outcome == "ready"
    assert ETHOS.judge(op("SOFTMAX", shape=(1, 256, 256, 8))).outcome == "refused"

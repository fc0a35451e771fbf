"""A report in which everything occurs that a report can have, and its pictures."""

import math
from dataclasses import replace

import numpy as np
import pytest

from runtimes.change import Change, Interval
from runtimes.limits import Limit
from runtimes.panels import Panels, make_panels
from runtimes.results import Breakdown, FrameErrors, Latency, Origin, Part, Report, Row, Run
from wedepth.rooms import rooms

MACHINE = {
    "cpu": "Some CPU @ 2.0 GHz", "cores": 2, "instructions": "x86_64: avx512_vnni, avx2", "governor": "not told",
    "system": "Linux", "python": "3.11.2", "versions": {"wedepth": "0.1.0", "openvino": "2026.4.1"},
}  # fmt: skip
LONG = "the mean relative difference ≤ 0.007 is not met: 5.0e-01 at most, 2.0e-02 on average <b>not bold</b>"
METRICS: dict[str, float | None] = {"abs_rel": 0.1712, "delta1": 0.7514, "scale_bias": 0.01}


def _latency(p50: float) -> Latency:
    return Latency(300.0, 2 * p50, 4, 20, 3.0, p50, 1.1 * p50, 1.3 * p50, p50 + 8)


def _breakdown(scale: float) -> Breakdown:
    bands = [Part(f"{k}–{k + 1} m", 1000 * k, scale * k, 0.17, 0.17) for k in range(1, 6)]
    edges = [Part("at edges", 900, 9 * scale, 0.3, 0.3), Part("off edges", 9000, scale, None, None)]
    return Breakdown(bands, edges, [FrameErrors("room of seed 3", scale, 9 * scale, 0.2, 0.2)], scale / 3)


def _row(runtime: str, precision: str, status: str, scale: float = 1e-3, **columns: object) -> Row:
    given: dict = {
        "bundle": f"edge-{runtime}-{precision}", "trained": True, "frames": 4, "metrics": METRICS,
        "vs_torch": {"max_rel": 9 * scale, "mean_rel": scale}, "latency": _latency(180), "peak_bytes": 412_000_000,
        "change": Change(4, Interval(1 + scale, 1 - scale, 1 + 3 * scale), Interval(1 - scale, 1 - 2 * scale, 1.0)),
        "breakdown": _breakdown(scale),
    }  # fmt: skip
    return Row(runtime, runtime, "cpu", precision, status, **{**given, **columns})  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def full_report() -> Report:
    """Rows of every status, a stand-in, untrained weights, a frame that was not read."""
    one = Interval(1.0004, -math.inf, math.inf)
    rows = [
        Row("torch", "-", "cpu", "fp32", "pass", bundle="edge", trained=True, frames=4, metrics=METRICS,
            latency=_latency(260), peak_bytes=900_000_000),
        _row("onnxruntime", "fp32", "pass", 1e-6, placed={"cpu": 812}),
        _row("openvino", "fp16", "fail", 2e-2, reason=LONG),
        _row("tflite", "fp16", "undecided", reason="AbsRel is 1.0050 of torch's: 4 frames do not tell"),
        _row("coreml-reference", "fp16", "pass", latency=_latency(3000)),
        _row("arm-tflite", "fp32", "pass", 1e-6, latency=None, stand_in="Kernels of phones, emulated: never speed."),
        _row("onnxruntime", "int8", "pass", 1e-2, trained=False, change=Change(1, one, one), bundle="small-onnx-int8"),
        Row("openvino", "openvino", "npu", "fp16", "not_run", "OpenVINO finds no NPU here"),
        Row("tflite", "tflite", "gpu", "fp16", "not_run", "LiteRT finds no GPU here"),
    ]  # fmt: skip
    limits = {"fp32": Limit(1e-3, math.inf, 1.001, 0.999), "fp16": Limit(math.inf, 0.007, 1.01, 0.99), "int8": Limit()}
    sha = "309cc719de411612e2e7e77aa1c2584cc76d50c2ddbb5199624cca3f1059496c"
    origin = Origin(
        "edge-onnxruntime-fp32", "model.onnx", 139_813_115, sha[::-1], "edge", sha, "trained: 17064 images",
        "vit_small_patch14_dinov2.lvd142m", sha, {"torch": "2.14.1", "onnx": "1.23.2"},
    )  # fmt: skip
    return Report(
        "4 frames of /data/a/rather/long/path/to/frames_without_a_single_space_in_its_name (eval)",
        "2026-11-26T18:31:27+00:00", MACHINE, rows, {"frame 3 of 4": "Cannot read room.png: it is torn."},
        ["small: untrained: adapters from seed 0. Its depth metrics say nothing of WEDepth."],
        command="wedepth-parity --data frames --device cpu --device npu --html report.html", limits=limits,
        origins=[origin],
    )  # fmt: skip


@pytest.fixture(scope="session")
def full_panels(full_report: Report) -> Panels:
    """Pictures of two drawn rooms, each row a little off torch."""
    frames = rooms(4, (96, 128))
    truths = {index: np.maximum(frames[index].depth, 0.5) for index in range(4)}
    runs = [Run(full_report.rows[0], truths)]
    for number, row in enumerate(full_report.rows[1:7]):
        wave = 1 + 10.0 ** (number - 6) * np.sin(np.linspace(0, 20, 128, dtype=np.float32))
        runs.append(
            Run(
                replace(row, bundle="edge"),
                {index: truths[index] * wave for index in (0, 1 + number % 2)},
            )
        )
    found = make_panels(runs, [], frames.__getitem__)
    assert found is not None
    return found

"""What has to hold: ratios of one run, each told as met or not met with its figure, and never asserted."""

from dataclasses import dataclass
from typing import Any

from export.bench.results import Report, Row


@dataclass(frozen=True, slots=True)
class Must:
    """`over`'s time divided by `under`'s must be `least` or more, or `most` or less; on `presets`, or on all."""

    words: str
    over: tuple[str, ...]
    """In order: of a naive road, the documented call, then the least that takes the network there if that refuses."""
    under: str
    least: float | None = None
    most: float | None = None
    presets: tuple[str, ...] = ()


NAIVE = {
    "onnxruntime": ("onnxruntime-naive",),
    "openvino": ("openvino-naive", "openvino-naive-traced"),
    "tflite": ("tflite-naive", "tflite-naive-folded"),
}
OURS = {"onnxruntime": "ONNX Runtime", "openvino": "OpenVINO", "tflite": "TFLite"}
MUSTS = (
    Must("TFLite, naive ÷ ours", NAIVE["tflite"], "tflite-fp32", least=15),
    Must("ONNX Runtime, naive ÷ ours", NAIVE["onnxruntime"], "onnxruntime-fp32", least=1.5),
    Must("OpenVINO, naive ÷ ours", NAIVE["openvino"], "openvino-fp32", least=1.5),
    *(
        Must(f"torch eager ÷ {words}", ("torch-eager",), f"{name}-fp32", least=2, presets=("edge",))
        for name, words in OURS.items()
    ),
    Must("TFLite ÷ ONNX Runtime", ("tflite-fp32",), "onnxruntime-fp32", most=1.5),
    *(
        Must(
            f"edge ÷ Depth Anything V2-Small, {OURS[name]}", (f"{name}-fp32",), f"{name}-dav2",
            most=1.2, presets=("edge",),
        )
        for name in ("onnxruntime", "openvino")
    ),
)  # fmt: skip
PEAK_SHARE = {"openvino-fp32": (0.5, ("small",))}
MET, NOT_MET, NOT_MEASURED = "met", "not met", "not measured"


def judge(report: Report) -> list[dict[str, Any]]:
    """Every must of the report's preset, at every number of threads that was measured, as plain JSON types."""
    threads = sorted({t for row in report.rows for t in row.timings})
    found = []
    for must in MUSTS:
        if must.presets and report.preset not in must.presets:
            continue
        for count in threads:
            over = next((name for name in must.over if (row := report.row(name)) and row.wall(count)), must.over[0])
            figure, why = ratio(report, over, must.under, count)
            if figure is not None and over != must.over[0]:
                why = "; ".join(filter(None, (f"over {over}, for {must.over[0]} is not run", why)))
            limit = f"≥ {must.least:g}×" if must.least is not None else f"≤ {must.most:g}×"
            holds = figure is not None and _right(report, must.under) and _within(must, figure)
            found.append(_verdict(must.words, limit, count, figure, holds, why, "×"))
    for name, (least, presets) in PEAK_SHARE.items():
        if report.preset in presets:
            for count in threads:
                row = report.row(name)
                share = share_of_peak(report, row, count) if row else None
                holds = share is not None and share >= least
                words = f"{OURS[name.partition('-')[0]]} fp32, share of the matmul peak"
                found.append(_verdict(words, f"≥ {least:.0%}", count, share, holds, "", "share"))
    return found


def _within(must: Must, figure: float) -> bool:
    return figure >= must.least if must.least is not None else figure <= (must.most or 0)


def _right(report: Report, name: str) -> bool:
    """Whether a contender's depth is its reference's: a fast wrong answer is worth nothing."""
    row = report.row(name)
    return row is None or row.agrees is not False


def _verdict(
    words: str, limit: str, threads: str, figure: float | None, holds: bool, why: str, unit: str
) -> dict[str, Any]:
    verdict = NOT_MEASURED if figure is None else MET if holds else NOT_MET
    return {
        "must": words,
        "limit": limit,
        "threads": threads,
        "figure": None if figure is None else round(figure, 4),
        "unit": unit,
        "verdict": verdict,
        "why": why,
    }


def ratio(report: Report, over: str, under: str, threads: str) -> tuple[float | None, str]:
    """Median wall time of `over` divided by that of `under`; None with the reason where one did not run.

    With a remark where they did not take turns, or where one of them does not agree with its reference.
    """
    rows = [report.row(name) for name in (over, under)]
    for name, row in zip((over, under), rows, strict=True):
        if row is None:
            return None, f"{name} was not asked for"
        if row.wall(threads) is None:
            return None, f"{name}: {row.reason or 'not run'}"
    first, second = (row for row in rows if row is not None)
    a, b = first.timings[threads], second.timings[threads]
    remarks = [f"{row.name} does not agree with torch" for row in (first, second) if row.agrees is False]
    if a.group != b.group:
        remarks.append("not in turns with each other, for want of memory")
    return a.wall.median / b.wall.median, "; ".join(remarks)


def share_of_peak(report: Report, row: Row, threads: str) -> float | None:
    """The part of the machine's measured matmul peak that a contender reaches.

    Multiply-accumulates are those of our prepared graph for every contender of the network, so that shares compare as
    speeds do: a naive graph's own, which are more, would flatter it.
    """
    macs, peak, wall = report.macs.get(row.network), report.peak.get(threads), row.wall(threads)
    if macs is None or peak is None or wall is None:
        return None
    return 2 * macs / wall / float(peak["flops"])

"""How latency and memory grow: with the size of the input, and with the size of the model."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from export.bench.report import Table
from export.bench.results import Report
from wedepth.config import PRESETS
from wedepth.files import write_beside

SIZES = ((192, 256), (288, 384), (384, 512), (480, 640))
COMMON = (192, 256)
"""The size at which models are compared."""
MODELS = ("edge", "small", "base")
NAMES = ("torch-eager", "onnxruntime-fp32", "openvino-fp32", "tflite-fp32")
JSON, MARKDOWN, PICTURE = "growth.json", "growth.md", "growth.png"


@dataclass(frozen=True, slots=True)
class Point:
    """A contender on one preset at one size. Seconds are the median wall time of an image."""

    preset: str
    size: tuple[int, int]
    name: str
    parameters: int
    tokens: int
    macs: int
    pairs: int
    """Multiply-accumulates between two activations, most of them attention's for each pair of tokens."""
    seconds: float
    bytes: int

    @property
    def pixels(self) -> int:
        """Of the input."""
        return math.prod(self.size)


def points_of(report: Report, count: dict[str, Any], threads: str) -> list[Point]:
    """What a report has for the growth, with the count of its hub."""
    config = PRESETS[report.preset]
    patch = config.vfm.patch_size
    tokens = config.prompts + 1 + math.prod(side // patch for side in report.size)
    return [
        Point(
            report.preset, report.size, row.name, report.weights["parameters"], tokens, count["macs"], count["pairs"],
            row.timings[threads].wall.median, row.timings[threads].peak_bytes,
        )
        for row in report.rows
        if row.name in NAMES and threads in row.timings
    ]  # fmt: skip


def slope(x: Sequence[float], y: Sequence[float]) -> float | None:
    """The exponent p of the y ∝ xᵖ that fits best, by least squares of the logarithms; None from one point."""
    if len(set(x)) < 2:
        return None
    a, b = [math.log(v) for v in x], [math.log(v) for v in y]
    middle_a, middle_b = sum(a) / len(a), sum(b) / len(b)
    over = sum((p - middle_a) * (q - middle_b) for p, q in zip(a, b, strict=True))
    return over / sum((p - middle_a) ** 2 for p in a)


def series_of(points: Sequence[Point]) -> list[dict[str, Any]]:
    """Curves: each contender over pixels on the preset that was run at most sizes, and over parameters at the common
    size."""
    presets = [p.preset for p in points]
    grown = max(presets, key=lambda name: len({p.size for p in points if p.preset == name}), default="")
    found = []
    for axis in ("pixels", "parameters"):
        for name in dict.fromkeys(p.name for p in points):
            mine = [p for p in points if p.name == name]
            mine = [p for p in mine if (p.preset == grown if axis == "pixels" else p.size == COMMON)]
            mine.sort(key=lambda p: getattr(p, axis))
            if len(mine) < 2:
                continue
            x = [getattr(p, axis) for p in mine]
            seconds, memory = [p.seconds for p in mine], [p.bytes for p in mine]
            found.append(
                {
                    "axis": axis, "name": name, "x": x, "seconds": seconds, "bytes": memory,
                    "time_slope": slope(x, seconds), "memory_slope": slope(x, memory),
                    "presets": [p.preset for p in mine], "sizes": [list(p.size) for p in mine],
                }
            )  # fmt: skip
    return found


def tables(points: Sequence[Point]) -> list[Table]:
    """Every point, and the slopes."""
    rows = [
        (p.preset, f"{p.size[0]}×{p.size[1]}", p.name, f"{p.parameters / 1e6:.1f}", str(p.tokens),
         f"{p.macs / 1e9:.2f}", f"{p.pairs / p.macs:.0%}", f"{1000 * p.seconds:.1f}", f"{p.bytes / 1e6:.0f}")
        for p in points
    ]  # fmt: skip
    heading = ("preset", "size", "contender", "M parameters", "tokens", "G MACs", "of two activations", "ms", "peak MB")
    slopes = [
        (s["name"], s["axis"], f"{s['x'][0]:,} … {s['x'][-1]:,}", _number(s["time_slope"]), _number(s["memory_slope"]))
        for s in series_of(points)
    ]
    return [
        Table("Measured", heading, rows, texts=3),
        Table("Slopes", ("contender", "over", "from … to", "latency", "peak memory"), slopes, texts=3),
    ]


def explain(points: Sequence[Point]) -> str:
    """Why the slopes are what they are, from the counts."""
    by_size = sorted({p.size: p for p in points if p.preset == (points[0].preset if points else "")}.values(),
                     key=lambda p: p.pixels)  # fmt: skip
    if len(by_size) < 2:
        return ""
    first, last = by_size[0], by_size[-1]
    pixels, macs = [p.pixels for p in by_size], [p.macs for p in by_size]
    rest = [p.macs - p.pairs for p in by_size]
    exponent = {name: slope(pixels, values) or 0 for name, values in (("all", macs), ("rest", rest))}
    between = slope(pixels, [p.pairs for p in by_size]) or 0
    return (
        f"Of {first.preset}'s multiply-accumulates, those in linear layers and convolutions go with the maps, whose "
        f"size goes with the pixels (slope {exponent['rest']:.2f}); products of two activations go with the square of "
        f"the tokens where every token sees every other, and with the maps where prompts or windows are seen "
        f"(slope {between:.2f} together). The latter are {first.pairs / first.macs:.0%} of all at "
        f"{first.size[0]}×{first.size[1]} ({first.tokens} tokens) and {last.pairs / last.macs:.0%} at "
        f"{last.size[0]}×{last.size[1]} ({last.tokens} tokens), so that all together grow with slope "
        f"{exponent['all']:.2f}. A latency that grows less has a part that does not depend on the size (reading the "
        f"weights, starting each operator); one that grows more meets maps that no longer fit the caches. Peak memory "
        f"begins with the runtime's libraries and the weights, which do not grow with the input."
    )


def write(points: Sequence[Point], machine: dict[str, Any], threads: str, folder: Path) -> None:
    """growth.json, growth.md and growth.png."""
    from export.bench.plot import growth

    folder.mkdir(parents=True, exist_ok=True)
    series = series_of(points)
    data = {"machine": machine, "threads": threads, "points": [asdict(p) for p in points], "series": series}
    text = json.dumps(data, indent=1, ensure_ascii=False) + "\n"
    write_beside(folder / JSON, lambda beside: beside.write_text(text))
    parts = [
        "# Growth", f"Medians at {threads} threads, on {machine['cpu']}.", f"![Latency and memory]({PICTURE})",
        explain(points), *(t.markdown() for t in tables(points)),
    ]  # fmt: skip
    whole = "\n\n".join(part.rstrip("\n") for part in parts if part) + "\n"
    write_beside(folder / MARKDOWN, lambda beside: beside.write_text(whole))
    if series:
        growth(series, folder / PICTURE)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"

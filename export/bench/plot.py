"""The pictures of the docs, drawn from the JSON that the benchmark keeps."""

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from export.bench.results import Report, Row
from wedepth.errors import WedepthError

COLOURS = {"naive": "#c0504d", "ours": "#2f6fab", "other": "#8c8c8c"}


def latency(reports: Sequence[Report], path: Path) -> None:
    """A panel for each report: a bar for each contender at the most threads measured, its ratio to torch eager beside
    it, and a mark where it was at one thread. Logarithmic, for the naive TFLite is far away."""
    plt = _pyplot()
    panels = [(report, _bars(report)) for report in reports]
    panels = [(report, bars) for report, bars in panels if bars]
    if not panels:
        return
    heights = [1.2 + 0.28 * len(bars) for _, bars in panels]
    figure, axes = plt.subplots(
        len(panels), 1, figsize=(9, sum(heights)), height_ratios=heights, squeeze=False, layout="constrained"
    )
    for (report, bars), axis in zip(panels, axes[:, 0], strict=True):
        threads = _most_threads(report)
        names = [row.name for row in bars]
        values = [1000 * row.timings[threads].wall.median for row in bars]
        axis.barh(names, values, color=[COLOURS[row.road] for row in bars], height=0.7)
        eager = report.row("torch-eager")
        whole = eager.wall(threads) if eager else None
        for index, (row, value) in enumerate(zip(bars, values, strict=True)):
            ratio = f", {1000 * whole / value:.2f}×" if whole and row.network == "wedepth" else ""
            one = 1000 * row.timings["1"].wall.median if "1" in row.timings and threads != "1" else value
            axis.text(max(value, one) * 1.06, index, f"{value:,.0f} ms{ratio}", va="center", fontsize=8)
            if one != value:
                axis.plot(one, index, "|", color="black", markersize=9)
        axis.set_xscale("log")
        _plain_numbers(axis.xaxis)
        axis.invert_yaxis()
        axis.set_xlim(min(values) / 1.6, max(values) * 6)
        axis.tick_params(axis="y", labelsize=8)
        mark = ", | at one" if threads != "1" else ""
        what = f"{report.preset}, {report.size[0]}×{report.size[1]}"
        axis.set_title(f"{what}: ms an image, {threads} threads{mark}; × of torch eager", fontsize=9, loc="left")
        for side in ("top", "right"):
            axis.spines[side].set_visible(False)
    _save(figure, path)


def growth(series: Sequence[dict[str, Any]], path: Path) -> None:
    """Latency and peak memory over input pixels and over parameters, both axes logarithmic, with the fitted slopes.

    Each of `series`: `axis` (pixels or parameters), `name`, `x`, `seconds`, `bytes`, `time_slope`, `memory_slope`.
    """
    plt = _pyplot()
    kinds = [kind for kind in ("pixels", "parameters") if any(s["axis"] == kind for s in series)]
    figure, axes = plt.subplots(2, len(kinds), figsize=(5.2 * len(kinds), 7), squeeze=False, layout="constrained")
    for column, kind in enumerate(kinds):
        for entry in (s for s in series if s["axis"] == kind):
            for row, (key, scale, slope) in enumerate(
                (("seconds", 1e3, entry["time_slope"]), ("bytes", 1e-6, entry["memory_slope"]))
            ):
                label = f"{entry['name']}, slope {slope:.2f}" if slope is not None else entry["name"]
                axes[row, column].loglog(entry["x"], [scale * y for y in entry[key]], "o-", label=label, markersize=4)
        axes[0, column].set_ylabel("ms an image")
        axes[1, column].set_ylabel("peak memory, MB")
        for axis in axes[:, column]:
            axis.set_xlabel({"pixels": "input pixels", "parameters": "parameters"}[kind])
            for one in (axis.xaxis, axis.yaxis):
                _plain_numbers(one)
            axis.tick_params(labelsize=8)
            axis.legend(fontsize=8)
            axis.grid(which="both", alpha=0.2)
    _save(figure, path)


def _plain_numbers(axis: Any) -> None:
    """Ticks of a logarithmic axis as numbers that people write, at 1, 2 and 5."""
    ticker: Any = importlib.import_module("matplotlib.ticker")
    axis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(ticker.EngFormatter(sep=""))
    axis.set_minor_locator(ticker.NullLocator())


def _bars(report: Report) -> list[Row]:
    threads = _most_threads(report)
    return [row for row in report.rows if row.network != "matmul" and threads in row.timings]


def _most_threads(report: Report) -> str:
    return max((count for row in report.rows for count in row.timings), key=int, default="1")


def _pyplot() -> Any:
    try:
        matplotlib: Any = importlib.import_module("matplotlib")
    except ImportError:
        raise WedepthError("The plots need matplotlib, of the extra `bench`: pip install 'wedepth[bench]'.") from None
    matplotlib.use("Agg")
    return importlib.import_module("matplotlib.pyplot")


def _save(figure: Any, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    _pyplot().close(figure)

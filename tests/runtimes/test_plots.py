"""Where marks lie and what the words beside them say."""

import math

import pytest

from runtimes.change import Change, Interval
from runtimes.limits import Limit
from runtimes.plots import Plot, change_plot, latency_plot, parts_plots
from runtimes.results import Breakdown, FrameErrors, Latency, Part, Report, Row

SAME = Interval(1.0, 1.0, 1.0)


def timed(p50: float, p90: float, p99: float, runtime: str = "openvino", stand_in: str | None = None) -> Row:
    latency = Latency(1, 1, 2, 20, 1.0, p50, p90, p99, None)
    return Row(runtime, "openvino", "cpu", "fp32", "pass", latency=latency, stand_in=stand_in)


def changed(interval: Interval, precision: str = "fp16") -> Plot:
    row = Row("openvino", "openvino", "cpu", precision, "pass", change=Change(3, interval, SAME))
    found = change_plot(Report("f", "t", {}, [row], {}, [], limits={"fp16": Limit(abs_rel=1.01), "any": Limit()}))
    assert found is not None
    return found


def marks(plot: Plot, kind: str, line: int = 0) -> list[tuple[float, float]]:
    return [(mark.start, mark.end) for mark in plot.lines[line].marks if mark.kind == kind]


def test_bars_are_in_proportion_and_start_at_zero() -> None:
    plot = latency_plot([timed(50, 60, 100), timed(25, 30, 40)])
    assert plot is not None and plot.ticks[0] == (0.0, "0 ms")
    ((start, first),), ((_, second),) = marks(plot, "bar"), marks(plot, "bar", 1)
    assert start == 0 and first == pytest.approx(2 * second)
    (whisker,) = marks(plot, "whisker")
    assert whisker[0] == first and whisker[1] == pytest.approx(2 * first) and whisker[1] < 100
    assert plot.lines[0].words == "p50 50.0, p90 60.0, p99 100.0 ms of 20 runs"


def test_the_time_of_a_stand_in_is_not_drawn_beside_the_others() -> None:
    plot = latency_plot([timed(5, 6, 7), timed(900, 900, 900, "coreml-reference"), timed(900, 900, 900, stand_in="x")])
    assert plot is not None and len(plot.lines) == 1 and len(plot.notes) == 2
    assert latency_plot([timed(900, 900, 900, "coreml-reference")]) is None
    assert latency_plot([Row("openvino", "openvino", "cpu", "fp32", "not_run")]) is None


def test_an_interval_lies_between_no_change_and_the_limit() -> None:
    plot = changed(Interval(1.004, 1.002, 1.006))
    (zero, _), (limit, _), (dot, _) = (marks(plot, kind)[0] for kind in ("zero", "limit", "dot"))
    ((low, high),) = marks(plot, "whisker")
    assert zero < low < dot < high < limit
    assert plot.lines[0].words == "+0.4 % (+0.2 to +0.6 %); limit +1 %"


def test_one_frame_has_no_interval_and_an_unlimited_precision_no_limit() -> None:
    plot = changed(Interval(1.004, -math.inf, math.inf), "any")
    assert marks(plot, "whisker") == [(0.0, 100.0)] and not marks(plot, "limit")
    assert plot.lines[0].words == "+0.4 % (no interval: one frame); no limit"
    plot = changed(Interval(math.inf, -math.inf, math.inf))
    assert not marks(plot, "dot") and plot.lines[0].words.startswith("not a number")


def test_parts_are_on_a_logarithmic_axis() -> None:
    bands = [Part("0–1 m", 10, 1e-3, 0.1, 0.2), Part("1–2 m", 20, 1e-4, None, None), Part("2–4 m", 0, None, None, None)]
    edges = [Part("at edges", 5, 1e-2, None, None), Part("off edges", 25, None, None, None)]
    worst = [FrameErrors("room 7", 1e-3, 1e-1, None, None)]
    (plot,) = parts_plots([Row("o", "o", "cpu", "fp16", "pass", breakdown=Breakdown(bands, edges, worst, 1e-4))])
    assert [line.name for line in plot.lines] == ["0–1 m", "1–2 m", "at edges", "off edges"]
    assert [marks(plot, "dot", k)[0][0] for k in range(3)] == pytest.approx([50, 0, 100])
    assert not plot.lines[3].marks and plot.lines[3].words == "not a number; 25 pixels"
    assert plot.lines[0].words == "1.0e-03; AbsRel 0.1000, torch's 0.2000; 10 pixels"
    assert "room 7" in plot.notes[0] and "+1.0e-04" in plot.notes[-1]


def test_nothing_to_show_is_no_plot() -> None:
    row = Row("o", "o", "cpu", "fp16", "not_run")
    assert not parts_plots([row]) and change_plot(Report("f", "t", {}, [row], {}, [])) is None
    same = Breakdown([Part("0–1 m", 10, 0.0, None, None)], [], [], 0.0)
    assert not parts_plots([Row("o", "o", "cpu", "fp32", "pass", breakdown=same)])

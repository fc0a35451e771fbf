"""Slopes and curves, from made-up points."""

import pytest

from export.bench.grow import COMMON, Point, explain, series_of, slope


def _point(preset: str, size: tuple[int, int], seconds: float, parameters: int = 30_000_000) -> Point:
    pixels = size[0] * size[1]
    return Point(preset, size, "openvino-fp32", parameters, 500, 10 * pixels, 2 * pixels, seconds, 10**9)


def test_slope_is_the_exponent() -> None:
    assert slope([1, 2, 4, 8], [3, 12, 48, 192]) == pytest.approx(2)
    assert slope([5, 5], [1, 2]) is None


def test_curves_over_pixels_and_over_parameters() -> None:
    sizes = [(192, 256), (288, 384), (384, 512)]
    points = [_point("edge", size, size[0] * size[1] / 1e6) for size in sizes]
    points.append(_point("small", COMMON, 0.2, parameters=60_000_000))
    pixels, parameters = series_of(points)
    assert pixels["presets"] == ["edge"] * 3
    assert pixels["time_slope"] == pytest.approx(1)
    assert pixels["memory_slope"] == pytest.approx(0)
    assert parameters["presets"] == ["edge", "small"]
    assert parameters["x"] == [30_000_000, 60_000_000]
    assert "slope 1.00" in explain(points)

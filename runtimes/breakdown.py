"""Where an artifact differs from torch: near or far, at depth edges or off them, in all frames or in some."""

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from runtimes.results import Breakdown, Depth, FrameErrors, Part
from wedepth.data import Frame, resize_depth

BANDS = (0.0, 1.0, 2.0, 4.0, 8.0, math.inf)
"""Bounds of the bands of torch's depth, in metres; each holds its lower one."""
EDGE = 0.05
"""How much farther than its neighbour a pixel is at a depth edge: 5 %, the finest step of Depth Pro's boundary metric
(Bochkovskii et al. 2024)."""
WORST = 5
Labels = NDArray[np.intp]


def break_down(
    depths: Mapping[int, Depth], reference: Mapping[int, Depth], frames: Iterable[tuple[int, Frame]]
) -> Breakdown:
    """Where `depths` differ from the `reference`, torch's: both [h,w] in metres by the frame's number.

    Every pixel belongs to the band of torch's depth there, and to the depth edges or to the rest (`depth_edges`).
    Differences are relative and over all pixels. AbsRel is over valid pixels of the ground truth, at its size, each in
    the part of the nearest pixel of torch's depth. Frames are read one after another, and none is kept; those without a
    depth are passed over.
    """
    bands = _Tally([*(f"{low:g}–{high:g} m" for low, high in itertools.pairwise(BANDS[:-1])), f"from {BANDS[-2]:g} m"])
    edges = _Tally(["off edges", "at edges"])
    found, logs = [], []
    for index, frame in frames:
        if index not in depths or index not in reference:
            continue
        depth, torch = depths[index].astype(np.float64), reference[index].astype(np.float64)
        relative = np.abs(depth - torch) / torch
        with np.errstate(invalid="ignore", divide="ignore"):
            logs.append(float(np.log(depth / torch).mean()))
        errors = _truth_errors(depths[index], frame), _truth_errors(reference[index], frame)
        for tally, labels in ((bands, np.digitize(torch, BANDS[1:-1])), (edges, depth_edges(torch).astype(np.intp))):
            tally.add(labels, relative)
            tally.add_errors(_nearest(labels, frame.depth.shape)[frame.valid], *errors)
        found.append(FrameErrors(frame.name, float(relative.mean()), float(relative.max()), *map(_mean, errors)))
    worst = sorted(found, key=lambda one: -np.nan_to_num(one.mean_rel, nan=math.inf))[:WORST]
    return Breakdown(bands.parts(), edges.parts()[::-1], worst, float(np.mean(logs)))


def depth_edges(depth: NDArray[np.float64]) -> NDArray[np.bool_]:
    """The pixels of a depth [h,w] on both sides of a depth edge: where one of two neighbours, side by side or one below
    the other, is more than `EDGE` farther than the other one."""
    logs = np.log(depth)
    across = np.abs(np.diff(logs, axis=1)) > math.log1p(EDGE)
    down = np.abs(np.diff(logs, axis=0)) > math.log1p(EDGE)
    found = np.zeros(depth.shape, bool)
    found[:, 1:] |= across
    found[:, :-1] |= across
    found[1:] |= down
    found[:-1] |= down
    return found


class _Tally:
    """Sums over the pixels of each part, by which pixels are labelled."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._pixels, self._relative, self._valid, self._own, self._torch = np.zeros((5, len(names)))

    def add(self, labels: Labels, relative: NDArray[np.float64]) -> None:
        """Relative differences from torch [h,w]."""
        self._pixels += self._sums(labels)
        self._relative += self._sums(labels, relative)

    def add_errors(self, labels: Labels, own: NDArray[np.float64], torch: NDArray[np.float64]) -> None:
        """Errors of the artifact and of torch against the ground truth, of its valid pixels [n]."""
        self._valid += self._sums(labels)
        self._own += self._sums(labels, own)
        self._torch += self._sums(labels, torch)

    def parts(self) -> list[Part]:
        """The means; none where a part has no pixel, or a value that is not a number."""
        return [
            Part(
                name,
                int(self._pixels[k]),
                _quotient(self._relative[k], self._pixels[k]),
                _quotient(self._own[k], self._valid[k]),
                _quotient(self._torch[k], self._valid[k]),
            )
            for k, name in enumerate(self._names)
        ]

    def _sums(self, labels: Labels, values: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        weights = None if values is None else values.reshape(-1)
        return np.bincount(labels.reshape(-1), weights, len(self._names)).astype(np.float64)


def _truth_errors(depth: Depth, frame: Frame) -> NDArray[np.float64]:
    """|depth − truth| / truth of the valid pixels [n], as `wedepth.metrics` has it."""
    truth = frame.depth[frame.valid].astype(np.float64)
    found = resize_depth(depth, (frame.depth.shape[0], frame.depth.shape[1]))[frame.valid].astype(np.float64)
    return np.abs(found.clip(frame.min_depth, frame.max_depth) - truth) / truth


def _nearest(labels: Labels, size: tuple[int, ...]) -> Labels:
    """Labels [h,w] at another size [H,W], each that of the nearest pixel."""
    rows, columns = (
        ((np.arange(new) + 0.5) * old / new).astype(int) for old, new in zip(labels.shape, size, strict=True)
    )
    return labels[np.ix_(rows, columns)]


def _mean(errors: NDArray[np.float64]) -> float | None:
    return _quotient(float(errors.sum()), errors.size)


def _quotient(total: float, count: float) -> float | None:
    return float(total / count) if count and math.isfinite(total) else None

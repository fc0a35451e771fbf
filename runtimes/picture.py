"""One picture of parity: a frame, its ground truth, and each runtime's depth and error on one metric scale."""

import io
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image

from runtimes.registry import TORCH
from runtimes.results import Depth, Run
from wedepth.data import Frame
from wedepth.picture import colour, depth_range, sheet


def to_png(runs: Sequence[Run], read: Callable[[int], Frame]) -> bytes | None:
    """The first frame through the first network that was run, as a PNG; None where nothing was run yet.

    `read` gives a frame by its number.
    """
    drawn = [run for run in runs if run.depths]
    if not drawn:
        return None
    index, first = next(iter(drawn[0].depths.items()))
    depths = [(run.row, run.depths[index]) for run in drawn if index in run.depths]
    depths = [(row, depth) for row, depth in depths if depth.shape == first.shape]
    torch = next((depth for row, depth in depths if row.runtime == TORCH), None)
    artifacts = [(f"{row.runtime} {row.precision}", depth) for row, depth in depths if row.runtime != TORCH]
    stream = io.BytesIO()
    _draw(read(index), torch, artifacts or [(TORCH, first)]).save(stream, "PNG")
    return stream.getvalue()


def _draw(frame: Frame, reference: Depth | None, depths: Sequence[tuple[str, Depth]]) -> Image.Image:
    """The frame, its ground truth and torch's depth above; below them each runtime's depth [H,W] in metres and its
    relative difference from torch, 0 to 1 %, all depths on torch's (or the first runtime's) scale."""
    low, high = depth_range(reference if reference is not None else depths[0][1])
    metres = f"{low:.1f}-{high:.1f} m"
    top = [("frame", frame.image)]
    if frame.valid.any():
        top.append((f"ground truth, {metres}", colour(frame.depth, low, high)))
    if reference is not None:
        top.append((f"torch, {metres}", colour(reference, low, high)))
    rows = [top, [(name, colour(depth, low, high)) for name, depth in depths]]
    if reference is not None:
        errors = [(name, np.abs(depth - reference) / reference) for name, depth in depths]
        rows.append(
            [(f"|error| 0-1 %, max {100 * error.max():.4f} %", colour(error + 1e-9, 0, 0.01)) for name, error in errors]
        )
    return sheet(rows)

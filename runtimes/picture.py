"""One picture of parity: a frame, its ground truth, and each runtime's depth and error on one metric scale."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from runtimes.results import Depth
from wedepth.picture import colour, depth_range, save, sheet


def draw(
    path: Path,
    image: NDArray[np.uint8],
    truth: Depth | None,
    reference: Depth | None,
    depths: Sequence[tuple[str, Depth]],
) -> None:
    """Write a PNG: the frame, its ground truth and torch's depth above; below them each runtime's depth [H,W] in metres
    and its relative difference from torch, 0 to 1 %, all depths on torch's (or the first runtime's) scale."""
    low, high = depth_range(reference if reference is not None else depths[0][1])
    metres = f"{low:.1f}-{high:.1f} m"
    top = [("frame", image)]
    if truth is not None:
        top.append((f"ground truth, {metres}", colour(truth, low, high)))
    if reference is not None:
        top.append((f"torch, {metres}", colour(reference, low, high)))
    rows = [top, [(name, colour(depth, low, high)) for name, depth in depths]]
    if reference is not None:
        errors = [(name, np.abs(depth - reference) / reference) for name, depth in depths]
        rows.append(
            [(f"|error| 0-1 %, max {100 * error.max():.4f} %", colour(error + 1e-9, 0, 0.01)) for name, error in errors]
        )
    save(sheet(rows), path)

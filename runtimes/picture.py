"""One picture of parity: a frame, its ground truth, and each runtime's depth and error on one metric scale."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from runtimes.parity import Depth

TILE = (192, 256)
GAP = 6
CAPTION = 18

# Mikhailov's polynomial fit of the Turbo colour map, RGB in 0…1 from 0…1.
_TURBO = np.array(
    [
        [0.13572138, 4.6153926, -42.66032258, 132.13108234, -152.94239396, 59.28637943],
        [0.09140261, 2.19418839, 4.84296658, -14.18503333, 4.27729857, 2.82956604],
        [0.1066733, 12.64194608, -60.58204836, 110.36276771, -89.90310912, 27.34824973],
    ]
)


def colour(values: NDArray[np.float32], low: float, high: float) -> NDArray[np.uint8]:
    """[H,W] → RGB [H,W,3] in Turbo from `low` (blue) to `high` (red); what is 0 or not a number is black."""
    # The map's first 7 % are all but black, which is kept for what is unknown.
    x = 0.07 + 0.93 * np.clip((values - low) / (high - low), 0, 1)[..., None]
    x = np.nan_to_num(x)
    powers = np.concatenate([x**n for n in range(6)], axis=-1)
    rgb = np.clip(powers @ _TURBO.T, 0, 1) * np.isfinite(values)[..., None] * (values != 0)[..., None]
    return (255 * rgb).astype(np.uint8)


def draw(
    path: Path,
    image: NDArray[np.uint8],
    truth: Depth | None,
    reference: Depth | None,
    depths: Sequence[tuple[str, Depth]],
) -> None:
    """Write a PNG: the frame, its ground truth and torch's depth above; below them each runtime's depth [H,W] in metres
    and its relative difference from torch, 0 to 1 %, all depths on torch's (or the first runtime's) scale."""
    scale = reference if reference is not None else depths[0][1]
    low, high = (float(v) for v in np.percentile(scale, (2, 98)))
    high = max(high, low + 1e-3)
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
    width = max(len(row) for row in rows) * (TILE[1] + GAP) + GAP
    canvas = Image.new("RGB", (width, len(rows) * (TILE[0] + CAPTION + GAP) + GAP), "white")
    pen, font = ImageDraw.Draw(canvas), ImageFont.load_default(12)
    for r, row in enumerate(rows):
        for c, (caption, tile) in enumerate(row):
            x, y = GAP + c * (TILE[1] + GAP), GAP + r * (TILE[0] + CAPTION + GAP)
            pen.text((x, y), caption, fill="black", font=font)
            canvas.paste(Image.fromarray(tile).resize(TILE[::-1]), (x, y + CAPTION))
    canvas.save(path, "PNG")

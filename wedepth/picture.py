"""Pictures: depth in the Turbo colour map, a scale in metres, and sheets of captioned tiles."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from wedepth.files import write_beside

TILE = (192, 256)
GAP = 6
CAPTION = 18
BAR, LABEL = 16, 52

# Mikhailov's polynomial fit of the Turbo colour map, RGB in 0…1 from 0…1.
_TURBO = np.array(
    [
        [0.13572138, 4.6153926, -42.66032258, 132.13108234, -152.94239396, 59.28637943],
        [0.09140261, 2.19418839, 4.84296658, -14.18503333, 4.27729857, 2.82956604],
        [0.1066733, 12.64194608, -60.58204836, 110.36276771, -89.90310912, 27.34824973],
    ]
)


def colour(values: NDArray[np.floating], low: float, high: float) -> NDArray[np.uint8]:
    """[H,W] → RGB [H,W,3] in Turbo from `low` (blue) to `high` (red); what is 0 or not a number is black."""
    # The map's first 7 % are all but black, which is kept for what is unknown.
    x = 0.07 + 0.93 * np.clip((values - low) / (high - low), 0, 1)[..., None]
    x = np.nan_to_num(x)
    powers = np.concatenate([x**n for n in range(6)], axis=-1)
    rgb = np.clip(powers @ _TURBO.T, 0, 1) * np.isfinite(values)[..., None] * (values != 0)[..., None]
    return (255 * rgb).astype(np.uint8)


def depth_range(depth: NDArray[np.floating]) -> tuple[float, float]:
    """The 2nd and 98th percentile of the known depths [H,W] in metres; 0 to 1 where nothing is known."""
    known = depth[np.isfinite(depth) & (depth > 0)]
    if not known.size:
        return 0.0, 1.0
    low, high = (float(v) for v in np.percentile(known, (2, 98)))
    return low, max(high, low + 1e-3)


def with_scale(depth: NDArray[np.floating], low: float, high: float) -> Image.Image:
    """The depth map [H,W] in colour with a scale in metres to its right."""
    height, width = depth.shape
    size = max(12, min(28, height // 24))
    bar, label, font = size, 4 * size, ImageFont.load_default(size)
    canvas = Image.new("RGB", (width + bar + label, height), "white")
    canvas.paste(Image.fromarray(colour(depth, low, high)), (0, 0))
    ramp = np.linspace(high, low, height)[:, None].repeat(bar, axis=1)
    # `colour` paints 0 black, and a scale may begin at 0 m.
    canvas.paste(Image.fromarray(colour(np.where(ramp == 0, 1e-9, ramp), low, high)), (width, 0))
    pen = ImageDraw.Draw(canvas)
    ticks = max(2, min(9, height // (3 * size)))
    for tick in range(ticks):
        share = tick / (ticks - 1)
        y = round(share * (height - 1))
        pen.line((width + bar - bar // 3, y, width + bar, y), fill="black")
        top = min(max(0, y - size // 2), height - size - 2)
        pen.text((width + bar + 4, top), f"{high + share * (low - high):.2f} m", fill="black", font=font)
    return canvas


def sheet(rows: Sequence[Sequence[tuple[str, NDArray[np.uint8]]]], tile: tuple[int, int] = TILE) -> Image.Image:
    """Rows of captioned RGB tiles, all shown at one (height, width)."""
    width = max(len(row) for row in rows) * (tile[1] + GAP) + GAP
    caption = CAPTION if any(words for row in rows for words, _ in row) else 0
    canvas = Image.new("RGB", (width, len(rows) * (tile[0] + caption + GAP) + GAP), "white")
    pen, font = ImageDraw.Draw(canvas), ImageFont.load_default(12)
    for r, row in enumerate(rows):
        for c, (words, pixels) in enumerate(row):
            x, y = GAP + c * (tile[1] + GAP), GAP + r * (tile[0] + caption + GAP)
            pen.text((x, y), words, fill="black", font=font)
            canvas.paste(Image.fromarray(pixels).resize(tile[::-1]), (x, y + caption))
    return canvas


def save(picture: Image.Image, path: Path) -> None:
    """Write a PNG, whole or not at all."""
    write_beside(path, lambda beside: picture.save(beside, "PNG"))

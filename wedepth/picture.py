"""Pictures: depth in the Turbo colour map, a scale in metres, and sheets of captioned tiles."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from wedepth.files import write_beside

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
# The map's first 7 % are all but black, which is kept for what is unknown.
_COLOURS = (255 * np.clip(np.vander(np.linspace(0.07, 1, 1024), 6, increasing=True) @ _TURBO.T, 0, 1)).astype(np.uint8)


def colour(values: NDArray[np.floating], low: float, high: float) -> NDArray[np.uint8]:
    """[H,W] → RGB [H,W,3] in Turbo from `low` (blue) to `high` (red); what is 0 or not a number is black."""
    known = np.isfinite(values) & (values != 0)
    position = np.clip((np.where(known, values, low) - low) / (high - low), 0, 1)
    return _COLOURS[np.rint(position * (len(_COLOURS) - 1)).astype(np.uint16)] * known[..., None]


def indexed(values: NDArray[np.floating], low: float, high: float) -> Image.Image:
    """What `colour` paints of [H,W], in 255 colours and black: as a PNG a third of the size."""
    known = np.isfinite(values) & (values != 0)
    position = np.clip((np.where(known, values, low) - low) / (high - low), 0, 1)
    image = Image.fromarray(np.where(known, 1 + np.rint(254 * position), 0).astype(np.uint8), "P")
    image.putpalette(np.vstack([np.zeros((1, 3), np.uint8), _COLOURS[np.linspace(0, 1023, 255).astype(int)]]).tobytes())
    return image


def depth_range(depth: NDArray[np.floating]) -> tuple[float, float]:
    """The 2nd and 98th percentile of the known depths [H,W] in metres; 0 to 1 where nothing is known."""
    known = depth[np.isfinite(depth) & (depth > 0)]
    if not known.size:
        return 0.0, 1.0
    low, high = (float(v) for v in np.percentile(known, (2, 98)))
    return low, max(high, low + 1e-3)


def with_scale(depth: NDArray[np.floating], low: float, high: float) -> Image.Image:
    """The depth map [H,W] in colour, pixel for pixel at the left, and beside it what the colours mean in metres."""
    height, width = depth.shape
    em = max(11, min(height, width) // 32)
    font = ImageFont.load_default(em)
    tall = max(height - 2 * em, 3 * em)
    marks = scale_marks(low, high, most=max(3, tall // (3 * em)))
    left, right = width + em, width + 2 * em + em // 2
    room = max((math.ceil(font.getlength(text)) for text in marks.values()), default=0)
    canvas = Image.new("RGB", (right + room + em, max(height, tall + 2 * em)), "white")
    canvas.paste(Image.fromarray(colour(depth, low, high)), (0, 0))
    # `colour` paints 0 black, and a scale may begin at 0 m.
    bar = np.maximum(np.linspace(high, low, tall), 1e-9)[:, None].repeat(em, axis=1)
    canvas.paste(Image.fromarray(colour(bar, low, high)), (left, em))
    pen = ImageDraw.Draw(canvas)
    for metres, text in marks.items():
        y = em + round((high - metres) / (high - low) * (tall - 1))
        pen.line((left + em, y, left + em + em // 4, y), fill="black", width=max(1, em // 12))
        pen.text((right, y), text, fill="black", font=font, anchor="lm")
    return canvas


def scale_marks(low: float, high: float, most: int) -> dict[float, str]:
    """Round values in metres (in steps of 1, 2 or 5) from `low` to `high`, about `most`, each with its label."""
    least = (high - low) / most
    power = 10.0 ** math.floor(math.log10(least))
    step = next(n * power for n in (1, 2, 5, 10) if n * power >= least * (1 - 1e-9))
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    counts = range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)
    return {n * step: f"{n * step:.{digits}f} m" for n in counts}


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

"""How an image of any size becomes the network's input, and its depth the image's again: the wrappers' reference.

Pixels have half-pixel centres: pixel i covers i…i+1. Sizes are (width, height), as platforms have them; arrays are
[height, width, …]. All sizes and offsets follow by arithmetic on whole numbers, so that every language gets the same
ones. Depths are never scaled: metres stay metres, however the image is placed.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Fit = Literal["letterbox", "crop"]
Rectangle = tuple[int, int, int, int]
"""Left, top, width, height."""

GREY = 128
"""What letterbox puts beside the image, in each channel."""
ORIENTATIONS = range(1, 9)
# Those whose columns, and whose rows, run the other way, once 5 to 8 are transposed.
MIRRORED, UPSIDE_DOWN = (2, 3, 6, 7), (3, 4, 7, 8)


@dataclass(frozen=True, slots=True)
class Placement:
    """Which part `source` of the upright image is put where in the network's input, `model`, both in whole pixels."""

    source: Rectangle
    model: Rectangle


def upright_size(width: int, height: int, orientation: int) -> tuple[int, int]:
    """The size that an image of stored size is shown in: EXIF orientations 5 to 8 lay it on its side."""
    return (height, width) if orientation >= 5 else (width, height)


def upright(image: NDArray[Any], orientation: int) -> NDArray[Any]:
    """A stored image [H,W,…] as it is shown, for its EXIF orientation:

    1 as it is; 2 mirrored left to right; 3 turned by 180°; 4 mirrored top to bottom; 5 transposed; 6 turned by 90°
    clockwise; 7 transposed over the other diagonal; 8 turned by 90° counter-clockwise.
    """
    turned = image.swapaxes(0, 1) if orientation >= 5 else image
    if orientation in MIRRORED:
        turned = turned[:, ::-1]
    if orientation in UPSIDE_DOWN:
        turned = turned[::-1]
    return np.ascontiguousarray(turned)


def shown_at(x: int, y: int, width: int, height: int, orientation: int) -> tuple[int, int]:
    """Where pixel (x, y) of a stored image of width × height is in the upright one."""
    across, down = upright_size(width, height, orientation)
    if orientation >= 5:
        x, y = y, x
    if orientation in MIRRORED:
        x = across - 1 - x
    if orientation in UPSIDE_DOWN:
        y = down - 1 - y
    return x, y


def place(width: int, height: int, model_width: int, model_height: int, fit: Fit) -> Placement:
    """Where an upright image of width × height goes in the network's input.

    Letterbox: the whole image, as large as it fits, in the middle. It fills the width where
    width × model_height ≥ height × model_width, and is then round(height × model_width ÷ width) high; else it fills the
    height, and is round(width × model_height ÷ height) wide; 1 at least.

    Crop: the largest rectangle of the input's aspect, in the middle of the image, fills the input. In the first case it
    is round(height × model_width ÷ model_height) wide and as high as the image, else as wide as the image and
    round(width × model_height ÷ model_width) high; 1 at least.

    Halves are rounded up, and offsets, half of what is left over, down.
    """
    wide = width * model_height >= height * model_width
    if fit == "letterbox":
        w = model_width if wide else max(1, _divided(width * model_height, height))
        h = max(1, _divided(height * model_width, width)) if wide else model_height
        return Placement((0, 0, width, height), ((model_width - w) // 2, (model_height - h) // 2, w, h))
    w = max(1, _divided(height * model_width, model_height)) if wide else width
    h = height if wide else max(1, _divided(width * model_height, model_width))
    return Placement(((width - w) // 2, (height - h) // 2, w, h), (0, 0, model_width, model_height))


def to_model(
    image: NDArray[np.uint8], orientation: int, model_width: int, model_height: int, fit: Fit
) -> NDArray[np.uint8]:
    """A stored RGB image [H,W,3] as the network's input, RGB uint8 [model_height, model_width, 3]."""
    shown = upright(image, orientation)
    placement = place(shown.shape[1], shown.shape[0], model_width, model_height, fit)
    left, top, width, height = placement.model
    pixels = np.full((model_height, model_width, 3), GREY, np.uint8)
    scaled = resize(_cut(shown, placement.source), width, height)
    pixels[top : top + height, left : left + width] = np.floor(scaled + 0.5).astype(np.uint8)
    return pixels


def to_image(depth: NDArray[np.float32], width: int, height: int, fit: Fit) -> NDArray[np.float32]:
    """The network's depth [h,w] as that of the upright image of width × height: float32 [H,W], metres, NaN where a crop
    left the image out."""
    placement = place(width, height, depth.shape[1], depth.shape[0], fit)
    left, top, w, h = placement.source
    whole = np.full((height, width), np.nan, np.float32)
    whole[top : top + h, left : left + w] = resize(_cut(depth, placement.model), w, h)
    return whole


def resize(values: NDArray[Any], width: int, height: int) -> NDArray[np.float64]:
    """An array [H,W] or [H,W,C] at another size, bilinear with half-pixel centres, as float64.

    First along rows, then along columns. Where it shrinks, the triangle is as wide as the step between the new pixels,
    so that every old one counts (as Pillow's BILINEAR does it, and browsers about so).
    """
    rows, columns = _weights(values.shape[1], width), _weights(values.shape[0], height)
    narrow = np.einsum("ij,hj...->hi...", rows, values.astype(np.float64))
    return np.einsum("ij,jw...->iw...", columns, narrow)


def _weights(old: int, new: int) -> NDArray[np.float64]:
    """What each of `old` pixels in a row counts for each of `new` ones, [new, old]: pixel j for pixel i by the distance
    of j + ½ from the centre (i + ½) × old ÷ new, 1 at none and 0 from max(1, old ÷ new) on; divided by their sum."""
    centres = (np.arange(new)[:, None] + 0.5) * old / new
    distances = np.abs(np.arange(old) + 0.5 - centres) / max(1.0, old / new)
    weights = np.maximum(0.0, 1.0 - distances)
    return weights / weights.sum(1, keepdims=True)


def _cut(values: NDArray[Any], rectangle: Rectangle) -> NDArray[Any]:
    left, top, width, height = rectangle
    return values[top : top + height, left : left + width]


def _divided(numerator: int, denominator: int) -> int:
    """The quotient of whole numbers, rounded, halves up."""
    return (2 * numerator + denominator) // (2 * denominator)

"""Cases of the geometry, worked out by the reference, that the wrappers' tests check theirs against."""

from typing import Any

import numpy as np

from export.embed.geometry import ORIENTATIONS, Fit, place, resize, shown_at, upright_size

# A phone's photograph, the same on its side, a square, a strip, an image smaller than any network takes, odd sizes.
SIZES = ((4032, 3024), (1080, 1920), (500, 500), (1999, 333), (31, 17), (641, 479))
FITS: tuple[Fit, ...] = ("letterbox", "crop")
RESIZES = (((5, 1), (8, 1)), ((7, 1), (3, 1)), ((4, 3), (2, 5)))


def geometry_cases(model_width: int, model_height: int) -> list[dict[str, Any]]:
    """For every size, fit and EXIF orientation: the upright size [width, height], the part of the upright image that is
    taken (`source`) and where in the input it is put (`model`), both [left, top, width, height]; and where the stored
    image's pixels (0, 0) and (1, 0) are shown (`first`, `second`: [x, y])."""
    return [
        _case(width, height, fit, orientation, model_width, model_height)
        for width, height in SIZES
        for fit in FITS
        for orientation in ORIENTATIONS
    ]


def _case(width: int, height: int, fit: Fit, orientation: int, model_width: int, model_height: int) -> dict[str, Any]:
    shown = upright_size(width, height, orientation)
    placement = place(*shown, model_width, model_height, fit)
    return {
        "width": width,
        "height": height,
        "fit": fit,
        "orientation": orientation,
        "upright": list(shown),
        "source": list(placement.source),
        "model": list(placement.model),
        "first": list(shown_at(0, 0, width, height, orientation)),
        "second": list(shown_at(1, 0, width, height, orientation)),
    }


def resize_cases() -> list[dict[str, Any]]:
    """Small rows and tables of numbers, each at one size and at another: `from` and `to` are [width, height], `values`
    and `resized` are row by row."""
    cases = []
    for old, new in RESIZES:
        values = (np.arange(old[0] * old[1]) * 7 % 10).astype(np.float64).reshape(old[1], old[0])
        cases.append(
            {
                "from": list(old),
                "to": list(new),
                "values": values.ravel().tolist(),
                "resized": [round(float(v), 6) for v in resize(values, *new).ravel()],
            }
        )
    return cases

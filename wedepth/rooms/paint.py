"""Textures: what colour a material has where."""

import numpy as np

from wedepth.rooms.solids import Array, Material

ONE = np.float32(1)
HALF = np.float32(0.5)


def paint(material: Material, seed: int, u: Array, v: Array, footprint: Array) -> Array:
    """Linear colour [N,3] at texture coordinates [N] in metres; `footprint` is how many metres a pixel covers there.

    A pattern finer than the pixels fades to its mean, so that nothing flickers from one frame to the next.
    """
    period = np.float32(material.period)
    s, t = u / period, v / period
    mix, mean = _PATTERNS[material.pattern](s, t, seed)
    clear = np.clip(period / (np.float32(4) * footprint) - HALF, 0, 1)
    mix = mean + clear * (mix - mean)
    stain = noise(u * np.float32(1.7), v * np.float32(1.7), seed + 1) - HALF
    grain = noise(u * np.float32(23), v * np.float32(23), seed + 2) - HALF
    fine = np.clip(np.float32(0.011) / footprint - HALF, 0, 1)
    shade = ONE + np.float32(0.12) * stain + np.float32(0.16) * fine * grain
    return np.stack(
        [
            (np.float32(a) + mix * np.float32(b - a)) * shade
            for a, b in zip(material.colour, material.other, strict=True)
        ],
        axis=-1,
    )


def noise(u: Array, v: Array, seed: int) -> Array:
    """Smooth value noise [N] in 0…1 with one lattice point a unit."""
    left, low = np.floor(u), np.floor(v)
    x, y = u - left, v - low
    x, y = x * x * (np.float32(3) - 2 * x), y * y * (np.float32(3) - 2 * y)
    column, row = left.astype(np.int32).view(np.uint32), low.astype(np.int32).view(np.uint32)
    corner = {(i, j): scatter(column + np.uint32(i), row + np.uint32(j), seed) for i in (0, 1) for j in (0, 1)}
    below = corner[0, 0] + x * (corner[1, 0] - corner[0, 0])
    above = corner[0, 1] + x * (corner[1, 1] - corner[0, 1])
    return below + y * (above - below)


def scatter(column: Array, row: Array, seed: int) -> Array:
    """A number in 0…1 for every cell of a lattice, without order."""
    mixed: Array = column * np.uint32(374761393) + row * np.uint32(668265263) + np.uint32(seed * 974634777 % 2**32)
    mixed = (mixed ^ (mixed >> np.uint32(13))) * np.uint32(1274126177)
    mixed = mixed ^ (mixed >> np.uint32(16))
    return (mixed >> np.uint32(8)).astype(np.float32) / np.float32(2**24)


def _cell(s: Array, t: Array, seed: int) -> Array:
    return scatter(np.floor(s).astype(np.int32).view(np.uint32), np.floor(t).astype(np.int32).view(np.uint32), seed)


def _plain(s: Array, t: Array, seed: int) -> tuple[Array, float]:
    return np.float32(0.3) * noise(s, t, seed), 0.15


def _tiles(s: Array, t: Array, seed: int) -> tuple[Array, float]:
    x, y = s - np.floor(s), t - np.floor(t)
    joint = (np.minimum(x, y) < np.float32(0.04)).astype(np.float32)
    return np.maximum(joint, np.float32(0.25) * _cell(s, t, seed)), 0.15


def _checks(s: Array, t: Array, seed: int) -> tuple[Array, float]:
    both = np.floor(s) + np.floor(t)
    return (both - 2 * np.floor(both * HALF)).astype(np.float32), 0.5


def _stripes(s: Array, t: Array, seed: int) -> tuple[Array, float]:
    return (s - np.floor(s) < HALF).astype(np.float32), 0.5


def _folds(s: Array, t: Array, seed: int) -> tuple[Array, float]:
    """A curtain's: soft and uneven stripes."""
    x = s + np.float32(0.4) * noise(s * HALF, t * np.float32(0.2), seed)
    wave = np.abs(2 * (x - np.floor(x)) - ONE)
    return wave * wave, 0.35


def _boards(s: Array, t: Array, seed: int) -> tuple[Array, float]:
    """Wooden boards along the second axis."""
    board = np.floor(s)
    tone = scatter(board.astype(np.int32).view(np.uint32), np.zeros(len(s), np.uint32), seed)
    veins = noise(s * 9 + 31 * tone, t * HALF + 17 * tone, seed + 3)
    joint = (s - board < np.float32(0.03)).astype(np.float32)
    return np.maximum(joint, np.float32(0.4) * tone + np.float32(0.5) * veins * veins), 0.35


def _wood(s: Array, t: Array, seed: int) -> tuple[Array, float]:
    rings = noise(s * HALF, t * 6, seed) + np.float32(0.4) * noise(s * 3, t * 24, seed + 3)
    return rings * np.float32(0.7), 0.45


def _bricks(s: Array, t: Array, seed: int) -> tuple[Array, float]:
    row = np.floor(t * 3)
    x = s + HALF * (row - 2 * np.floor(row * HALF))
    joint = (x - np.floor(x) < np.float32(0.05)) | (t * 3 - row < np.float32(0.14))
    return np.maximum(joint.astype(np.float32), np.float32(0.35) * _cell(x, row, seed)), 0.3


def _carpet(s: Array, t: Array, seed: int) -> tuple[Array, float]:
    return HALF * noise(s * 7, t * 7, seed) + HALF * noise(s, t, seed + 3), 0.5


def _dots(s: Array, t: Array, seed: int) -> tuple[Array, float]:
    x, y = s - np.floor(s) - HALF, t - np.floor(t) - HALF
    return (x * x + y * y < np.float32(0.06)).astype(np.float32), 0.19


def _picture(s: Array, t: Array, seed: int) -> tuple[Array, float]:
    """Blots, as on a painting or a poster."""
    blots = noise(s * 3, t * 3, seed) + HALF * noise(s * 8, t * 8, seed + 3) - np.float32(0.25)
    steps = np.floor(blots * 5) / 4
    return np.clip(steps, 0, 1), 0.5


_PATTERNS = {
    "plain": _plain,
    "tiles": _tiles,
    "checks": _checks,
    "stripes": _stripes,
    "folds": _folds,
    "boards": _boards,
    "wood": _wood,
    "bricks": _bricks,
    "carpet": _carpet,
    "dots": _dots,
    "picture": _picture,
}
PATTERNS = tuple(_PATTERNS)

"""What rooms are built of: convex solids, what they are made of, and where rays meet them.

All arithmetic on pixels is +, −, ×, ÷ and √ in float32, which IEEE 754 rounds the same on every machine.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]  # float32; numpy's stubs widen it at every operation
Triple = tuple[Array, ...]  # x, y, z
Point = tuple[float, float, float]
TINY = np.float32(1e-7)
FAR = np.float32(1e6)


@dataclass(frozen=True, slots=True)
class Material:
    """Two linear colours, the pattern that mixes them and its period in metres."""

    colour: Point
    other: Point
    pattern: str = "plain"
    period: float = 0.3
    glow: float = 0.0
    """Light of its own: a window's, a screen's, a lamp shade's."""
    unseen: bool = False
    """Whether depth sensors get nothing back from it: glass, screens."""


@dataclass(frozen=True, slots=True)
class Solid:
    """A box, ellipsoid or upright cylinder: centre and half sizes in metres, turned about the vertical."""

    kind: str
    centre: Point
    half: Point
    material: Material
    turn: tuple[float, float] = (1.0, 0.0)
    """Cosine and sine of the turn."""
    shades: bool = True
    """Whether it throws a shadow; what lies flat on a wall need not."""

    def corners(self) -> list[Point]:
        """The eight corners of the turned box around it."""
        cos, sin = self.turn
        found = []
        for x in (-self.half[0], self.half[0]):
            for y in (-self.half[1], self.half[1]):
                for z in (-self.half[2], self.half[2]):
                    across, along = cos * x - sin * y, sin * x + cos * y
                    found.append((self.centre[0] + across, self.centre[1] + along, self.centre[2] + z))
        return found


@dataclass(frozen=True, slots=True)
class Lamp:
    """A light of some size: centre and half sizes in metres, and its power by colour."""

    centre: Point
    half: Point
    power: Point


@dataclass(frozen=True, slots=True)
class Scene:
    """A room from (0, 0, 0) to `size` (width, length, height in metres) and all that stands in it."""

    size: Point
    walls: tuple[Material, ...]
    """Floor, ceiling, and the walls at y=length, y=0, x=width, x=0."""
    solids: list[Solid] = field(default_factory=list)
    lamps: list[Lamp] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Chord:
    """Where rays enter and leave a solid, in units of the ray, and their start and direction in its own axes."""

    enter: Array
    leave: Array
    start: Triple
    direction: Triple
    slabs: Triple
    """For a box the entry of each pair of faces; else that of the round surface (twice) and of the lids."""


def chord(solid: Solid, origin: Triple, direction: Triple) -> Chord:
    """Rays against a solid; they miss it where they would leave before they enter."""
    start = _turned(solid, tuple(np.float32(o - c) for o, c in zip(origin, solid.centre, strict=True)), origin)
    ray = _turned(solid, direction, direction)
    half = tuple(np.float32(h) for h in solid.half)
    if solid.kind == "box":
        near, far = zip(*(_slab(s, d, h) for s, d, h in zip(start, ray, half, strict=True)), strict=True)
        enter = np.maximum(np.maximum(near[0], near[1]), near[2])
        leave = np.minimum(np.minimum(far[0], far[1]), far[2])
        return Chord(enter, leave, start, ray, near)
    axes = 3 if solid.kind == "ellipsoid" else 2
    s = [start[i] / half[i] for i in range(axes)]
    d = [ray[i] / half[i] for i in range(axes)]
    a = _dot(d, d) + TINY
    b = _dot(s, d)
    inside = b * b - a * (_dot(s, s) - np.float32(1))
    root = np.sqrt(np.maximum(inside, np.float32(0)))
    enter = np.where(inside > 0, (-b - root) / a, FAR)
    leave = np.where(inside > 0, (-b + root) / a, -FAR)
    if axes == 3:
        return Chord(enter, leave, start, ray, (enter, enter, enter))
    lid, floor = _slab(start[2], ray[2], half[2])
    return Chord(np.maximum(enter, lid), np.minimum(leave, floor), start, ray, (enter, enter, lid))


def _turned(solid: Solid, vector: tuple, like: Triple) -> Triple:
    """A vector in the solid's own axes."""
    cos, sin = (np.float32(v) for v in solid.turn)
    x, y, z = vector
    if sin == 0 and cos == 1:
        return x, y, z
    return cos * x + sin * y, cos * y - sin * x, z


def _slab(start: Array, direction: Array, half: np.float32) -> tuple[Array, Array]:
    inverse = np.float32(1) / np.where(np.abs(direction) < TINY, TINY, direction)
    one, two = (-half - start) * inverse, (half - start) * inverse
    return np.minimum(one, two), np.maximum(one, two)


def _dot(one: list[Array], two: list[Array]) -> Array:
    total = one[0] * two[0]
    for a, b in zip(one[1:], two[1:], strict=True):
        total = total + a * b
    return total

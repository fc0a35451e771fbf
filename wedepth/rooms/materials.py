"""What walls and furniture are made of, drawn at random."""

import numpy as np

from wedepth.rooms.solids import Material, Point

Rng = np.random.Generator


def tone(rng: Rng, low: float = 0.1, high: float = 0.8, strength: float = 0.35) -> Point:
    """A linear colour: a brightness, and how far its channels may stray from it."""
    level = rng.uniform(low, high)
    red, green, blue = (min(0.95, level * (1 + rng.uniform(-strength, strength))) for _ in range(3))
    return red, green, blue


def dimmed(colour: Point, factor: float) -> Point:
    """The same colour, darker or lighter."""
    red, green, blue = (min(0.95, channel * factor) for channel in colour)
    return red, green, blue


def wood(rng: Rng) -> Material:
    """Wood, dark or light."""
    level = rng.uniform(0.06, 0.5)
    light = (level, level * rng.uniform(0.6, 0.85), level * rng.uniform(0.3, 0.65))
    dark = (light[0] * 0.6, light[1] * 0.55, light[2] * 0.5)
    return Material(light, dark, "wood", rng.uniform(0.15, 0.4))


def paint_of(rng: Rng) -> Material:
    """Wood, paint or metal, as furniture has it."""
    if rng.random() < 0.55:
        return wood(rng)
    colour = tone(rng, 0.05, 0.8, 0.3 if rng.random() < 0.6 else 0.8)
    return Material(colour, tone(rng, 0.05, 0.6), "plain", rng.uniform(0.3, 2.0))


def cloth(rng: Rng) -> Material:
    """Cloth: plain, striped, checked or dotted."""
    pattern = str(
        rng.choice(["plain", "carpet", "stripes", "checks", "dots", "picture"], p=[0.4, 0.25, 0.1, 0.1, 0.05, 0.1])
    )
    colour = tone(rng, 0.05, 0.75, 0.6)
    near = rng.uniform(0.5, 1.3)
    other = tone(rng, 0.05, 0.7, 0.6) if pattern == "picture" else dimmed(colour, near)
    return Material(colour, other, pattern, rng.uniform(0.04, 0.4))

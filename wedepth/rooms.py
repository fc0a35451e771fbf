"""Rooms that the project draws itself: frames with exact metric depth, so that everything runs with nothing downloaded.

A ray caster over a box room with boxes, spheres and upright cylinders in it, textured, lit by one lamp with shadows.
They are rooms enough for a demonstration and for parity; nobody should take them for photographs.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wedepth.data import Frame
from wedepth.data.frame import INDOOR
from wedepth.errors import WedepthError

Vectors = NDArray[np.float64]
SIZE = (240, 320)
FAR = 1e9


@dataclass(frozen=True, slots=True)
class Surface:
    """A colour, how much a second colour mixes in, and the texture's period in metres."""

    colour: Vectors
    other: Vectors
    pattern: str
    period: float


@dataclass(frozen=True, slots=True)
class Shape:
    """A box (half sizes), sphere (radius) or upright cylinder (radius, half height), in metres."""

    kind: str
    centre: Vectors
    extent: Vectors
    surface: Surface


def rooms(count: int, size: tuple[int, int] = SIZE, seed: int = 0) -> list[Frame]:
    """`count` frames of as many rooms, each [H,W] of `size`; the same ones for the same seed on every machine."""
    if count < 1:
        raise WedepthError(f"The number of rooms must be at least 1, not {count}.")
    return [render(seed + index, size) for index in range(count)]


def render(seed: int, size: tuple[int, int] = SIZE) -> Frame:
    """One room: RGB uint8 [H,W,3] and its exact depth (z) float32 [H,W] in metres."""
    rng = np.random.default_rng(seed)
    room = np.array([rng.uniform(2.8, 7.5), rng.uniform(2.8, 8.5), rng.uniform(2.3, 3.1)])  # width, length, height
    shapes = _furnish(rng, room)
    walls = [_surface(rng, bright) for bright in (0.45, 0.9, 0.75, 0.75, 0.75, 0.75)]
    origin, rotation, field = _camera(rng, room)
    height, width = size
    focal = 0.5 * width / np.tan(field / 2)
    y, x = np.mgrid[0:height, 0:width] + 0.5
    rays = np.stack([(x - width / 2) / focal, np.ones_like(x), (height / 2 - y) / focal], axis=-1).reshape(-1, 3)
    directions = rays @ rotation.T
    distance, normal, colour = _trace(origin, directions, room, shapes, walls)
    points = origin + directions * distance[:, None]
    lamp = room * [0.5, rng.uniform(0.3, 0.7), 0.97]
    shade = _light(points, normal, lamp, shapes)
    image = np.clip(colour * shade[:, None], 0, 1) ** (1 / 2.2)
    image = image + rng.normal(0, 0.008, image.shape)  # a phone's sensor in a lit room
    depth = distance.reshape(size).astype(np.float32)  # rays have unit length along the optical axis
    pixels = (np.clip(image, 0, 1) * 255).round().astype(np.uint8).reshape(height, width, 3)
    return INDOOR.frame(f"room {seed}", pixels, depth, f"room {seed}")


def _camera(rng: np.random.Generator, room: Vectors) -> tuple[Vectors, Vectors, float]:
    """Position, rotation (columns: right, forward, up) and horizontal field of view of a hand-held camera."""
    origin = np.array([room[0] * rng.uniform(0.3, 0.7), rng.uniform(0.15, 0.4), rng.uniform(1.1, 1.7)])
    yaw, pitch, roll = rng.uniform(-0.35, 0.35), rng.uniform(-0.35, 0.02), rng.normal(0, 0.03)

    def turn(axis: int, angle: float) -> Vectors:
        a, b = [i for i in range(3) if i != axis]
        matrix = np.eye(3)
        matrix[a, a] = matrix[b, b] = np.cos(angle)
        matrix[a, b], matrix[b, a] = -np.sin(angle), np.sin(angle)
        return matrix

    return origin, turn(2, yaw) @ turn(0, pitch) @ turn(1, roll), np.radians(rng.uniform(52, 72))


def _surface(rng: np.random.Generator, brightness: float) -> Surface:
    hue = rng.uniform(0.55, 1.0, 3) * brightness
    pattern = rng.choice(["plain", "checks", "stripes", "mottle"])
    return Surface(hue, hue * rng.uniform(0.5, 0.9), str(pattern), rng.uniform(0.1, 0.6))


def _furnish(rng: np.random.Generator, room: Vectors) -> list[Shape]:
    """Tables, cupboards, shelves, lamps and balls that stand on the floor or on each other."""
    shapes: list[Shape] = []
    for _ in range(rng.integers(4, 9)):
        at = np.array([rng.uniform(0.1, 0.9) * room[0], rng.uniform(0.35, 0.95) * room[1], 0.0])
        kind = rng.choice(["table", "cupboard", "column", "ball", "shelf"])
        skin = _surface(rng, rng.uniform(0.3, 0.9))
        if kind == "table":
            half = np.array([rng.uniform(0.35, 0.9), rng.uniform(0.3, 0.6)])
            top = rng.uniform(0.42, 0.8)
            shapes.append(Shape("box", at + [0, 0, top], np.array([*half, 0.02]), skin))
            for sx in (-1, 1):
                for sy in (-1, 1):
                    leg = at + [sx * (half[0] - 0.05), sy * (half[1] - 0.05), top / 2]
                    shapes.append(Shape("box", leg, np.array([0.025, 0.025, top / 2]), skin))
            if rng.random() < 0.7:
                radius = rng.uniform(0.06, 0.16)
                ball = at + [rng.uniform(-0.2, 0.2), rng.uniform(-0.2, 0.2), top + 0.02 + radius]
                shapes.append(Shape("sphere", ball, np.full(3, radius), _surface(rng, 0.8)))
        elif kind == "cupboard":
            half = np.array([rng.uniform(0.25, 0.7), rng.uniform(0.2, 0.4), rng.uniform(0.3, 1.0)])
            shapes.append(Shape("box", at + [0, 0, half[2]], half, skin))
        elif kind == "column":
            half_height = rng.uniform(0.2, 0.8)
            extent = np.array([rng.uniform(0.08, 0.3), 0.0, half_height])
            shapes.append(Shape("cylinder", at + [0, 0, half_height], extent, skin))
        elif kind == "ball":
            radius = rng.uniform(0.12, 0.4)
            shapes.append(Shape("sphere", at + [0, 0, radius], np.full(3, radius), skin))
        else:
            side = rng.choice([-1, 1])
            x = 0.16 if side < 0 else room[0] - 0.16
            for level in range(4):
                board = np.array([x, at[1], 0.35 + 0.42 * level])
                shapes.append(Shape("box", board, np.array([0.16, 0.5, 0.015]), skin))
    return shapes


def _trace(
    origin: Vectors, directions: Vectors, room: Vectors, shapes: list[Shape], walls: list[Surface]
) -> tuple[Vectors, Vectors, Vectors]:
    """Distance (in units of the ray), normal and colour of the first surface that every ray meets."""
    with np.errstate(divide="ignore", invalid="ignore"):
        bounds = np.where(directions > 0, (room - origin) / directions, -origin / directions)
    axis = np.argmin(bounds, axis=1)
    rows = np.arange(len(directions))
    distance = bounds[rows, axis]
    positive = directions[rows, axis] > 0
    normal = np.zeros_like(directions)
    normal[rows, axis] = np.where(positive, -1.0, 1.0)
    which = np.array([[4, 5], [2, 3], [0, 1]])[axis, positive.astype(int)]
    points = origin + directions * distance[:, None]
    colour = np.zeros_like(directions)
    for index, surface in enumerate(walls):
        mask = which == index
        colour[mask] = _paint(surface, points[mask], normal[mask])
    for shape in shapes:
        near, facing = _hit(shape, origin, directions)
        mask = near < distance
        distance = np.where(mask, near, distance)
        normal[mask] = facing[mask]
        places = origin + directions[mask] * near[mask, None]
        colour[mask] = _paint(shape.surface, places - shape.centre, facing[mask])
    return distance, normal, colour


def _hit(shape: Shape, origin: Vectors, directions: Vectors) -> tuple[Vectors, Vectors]:
    """Distance to the shape (FAR where it is missed) and its outward normal there."""
    start = origin - shape.centre
    with np.errstate(divide="ignore", invalid="ignore"):
        if shape.kind == "box":
            near = (-np.sign(directions) * shape.extent - start) / directions
            far = (np.sign(directions) * shape.extent - start) / directions
            axis = np.argmax(near, axis=1)
            enter, leave = near.max(axis=1), far.min(axis=1)
            hit = (enter < leave) & (enter > 1e-6)
            normal = np.zeros_like(directions)
            rows = np.arange(len(directions))
            normal[rows, axis] = -np.sign(directions[rows, axis])
            return np.where(hit, enter, FAR), normal
        flat = np.array([1.0, 1.0, 0.0 if shape.kind == "cylinder" else 1.0])
        d, o = directions * flat, start * flat
        a, b, c = (d * d).sum(1), (d @ o), (o @ o) - shape.extent[0] ** 2
        root = b * b - a * c
        enter = (-b - np.sqrt(root)) / a
        places = start + directions * enter[:, None]
        hit = (root > 0) & (enter > 1e-6)
        normal = places * flat / shape.extent[0]
        if shape.kind == "cylinder":
            hit &= np.abs(places[:, 2]) <= shape.extent[2]
            lid = (shape.extent[2] - start[2]) / directions[:, 2]
            on_lid = start + directions * lid[:, None]
            top = (directions[:, 2] < 0) & (lid > 1e-6) & (np.hypot(on_lid[:, 0], on_lid[:, 1]) <= shape.extent[0])
            enter = np.where(top & ~(hit & (enter < lid)), lid, enter)
            normal[top & (enter == lid)] = [0, 0, 1]
            hit |= top
        return np.where(hit, enter, FAR), normal


def _paint(surface: Surface, points: Vectors, normal: Vectors) -> Vectors:
    """The texture's colour: its two coordinates are those across the normal's largest axis."""
    across = np.argsort(np.abs(normal), axis=1, kind="stable")[:, :2]
    u, v = (np.take_along_axis(points, across[:, i : i + 1], 1)[:, 0] / surface.period for i in (0, 1))
    if surface.pattern == "checks":
        mix = (np.floor(u) + np.floor(v)) % 2
    elif surface.pattern == "stripes":
        mix = np.floor(2 * u) % 2
    elif surface.pattern == "mottle":
        mix = 0.5 + 0.25 * np.sin(5 * u + 3 * np.sin(2 * v)) + 0.25 * np.sin(7 * v + 2 * np.sin(3 * u))
    else:
        mix = np.zeros_like(u)
    return surface.colour + mix[:, None] * (surface.other - surface.colour)


def _light(points: Vectors, normal: Vectors, lamp: Vectors, shapes: list[Shape]) -> Vectors:
    """Ambient light, and the lamp's where no shape stands between."""
    beam = lamp - points
    length = np.linalg.norm(beam, axis=1)
    facing = np.clip((beam * normal).sum(1) / length, 0, 1)
    lit = np.ones(len(points))
    for shape in shapes:
        reached, _ = _hit(shape, lamp, -beam)
        lit[reached < 1 - 1e-3] = 0.25
    return 0.35 + 0.9 * facing * lit / (0.5 + 0.12 * length**2)

"""Furniture in the sizes that people buy: what gives away how far away it is."""

from collections.abc import Callable
from dataclasses import dataclass, field

from wedepth.rooms.materials import Rng, cloth, paint_of, tone, wood
from wedepth.rooms.solids import Material, Point, Solid


@dataclass(slots=True)
class Spot:
    """A place to build at: x along the piece, y from its back to its front, z up, in metres."""

    at: tuple[float, float]
    turn: tuple[float, float]
    solids: list[Solid] = field(default_factory=list)

    def add(self, kind: str, centre: Point, half: Point, material: Material, shades: bool = True) -> None:
        """A solid whose centre is given from this spot."""
        cos, sin = self.turn
        x, y, z = centre
        where = (self.at[0] + cos * x - sin * y, self.at[1] + sin * x + cos * y, z)
        self.solids.append(Solid(kind, where, half, material, self.turn, shades))

    def box(self, x: tuple[float, float], y: tuple[float, float], z: tuple[float, float], material: Material) -> None:
        """A box between two values of each coordinate."""
        centre = (x[0] + x[1]) / 2, (y[0] + y[1]) / 2, (z[0] + z[1]) / 2
        self.add("box", centre, ((x[1] - x[0]) / 2, (y[1] - y[0]) / 2, (z[1] - z[0]) / 2), material)

    def legs(self, width: float, depth: float, height: float, thick: float, material: Material) -> None:
        """Four of them, under a top of that width and depth."""
        for x in (-width / 2, width / 2 - thick):
            for y in (0.0, depth - thick):
                self.box((x, x + thick), (y, y + thick), (0.0, height), material)


@dataclass(frozen=True, slots=True)
class Piece:
    """How to build a piece, and how much floor it takes: width, depth."""

    build: Callable[[Rng, Spot, float, float], None]
    width: tuple[float, float]
    depth: tuple[float, float]


def clutter(rng: Rng, spot: Spot, x: tuple[float, float], y: tuple[float, float], z: float, most: int) -> None:
    """Things that lie on a surface at height z: books, mugs, boxes, balls, bottles, a screen, a lamp."""
    for _ in range(int(rng.integers(0, most + 1))):
        at = (rng.uniform(*x), rng.uniform(*y))
        kind = rng.integers(0, 7)
        skin = cloth(rng) if rng.random() < 0.5 else paint_of(rng)
        if kind == 0:  # a mug
            spot.add("cylinder", (*at, z + 0.047), (0.04, 0.04, 0.047), skin)
        elif kind == 1:  # a bottle
            spot.add("cylinder", (*at, z + 0.1), (0.035, 0.035, 0.1), skin)
            spot.add("cylinder", (*at, z + 0.23), (0.013, 0.013, 0.04), skin)
        elif kind == 2:  # books, lying
            height = z
            for _ in range(int(rng.integers(1, 5))):
                thick, half = rng.uniform(0.012, 0.045), (rng.uniform(0.09, 0.12), rng.uniform(0.06, 0.09))
                spot.add("box", (*at, height + thick / 2), (*half, thick / 2), cloth(rng))
                height += thick
        elif kind == 3:  # a ball or a piece of fruit
            radius = rng.choice([0.037, 0.04, 0.06, 0.11])
            spot.add("ellipsoid", (*at, z + radius), (radius, radius, radius), skin)
        elif kind == 4:  # a box
            box = rng.uniform(0.04, 0.16, 3)
            spot.add("box", (*at, z + box[2]), (box[0], box[1], box[2]), skin)
        elif kind == 5:  # a lamp
            spot.add("cylinder", (*at, z + 0.15), (0.02, 0.02, 0.15), skin)
            shade = Material(tone(rng, 0.5, 0.9, 0.15), (0.8, 0.8, 0.8), glow=rng.choice([0.0, 1.2]))
            spot.add("cylinder", (*at, z + 0.38), (0.13, 0.13, 0.1), shade)
        else:  # a bowl of plants
            spot.add("cylinder", (*at, z + 0.06), (0.08, 0.08, 0.06), skin)
            leaves(rng, spot, at, z + 0.2, 0.13)


def leaves(rng: Rng, spot: Spot, at: tuple[float, float], z: float, size: float) -> None:
    """A plant's leaves."""
    green = rng.uniform(0.05, 0.25)
    leaf = Material((green * 0.6, green, green * 0.3), (green * 0.2, green * 0.4, green * 0.1), "carpet", 0.06)
    for _ in range(4):
        x, y, h = (rng.uniform(-size, size) * 0.7 for _ in range(3))
        half = (rng.uniform(0.3, 0.8) * size, rng.uniform(0.3, 0.8) * size, rng.uniform(0.4, 1.0) * size)
        spot.add("ellipsoid", (at[0] + x, at[1] + y, z + h), half, leaf)


def _table(rng: Rng, spot: Spot, width: float, depth: float) -> None:
    skin, height = paint_of(rng), rng.uniform(0.71, 0.77)
    spot.box((-width / 2, width / 2), (0, depth), (height - 0.03, height), skin)
    if rng.random() < 0.8:
        spot.legs(width, depth, height - 0.03, rng.uniform(0.04, 0.07), skin)
    else:
        spot.box((-0.06, 0.06), (depth / 2 - 0.06, depth / 2 + 0.06), (0, height), skin)
    clutter(rng, spot, (-width / 2 + 0.15, width / 2 - 0.15), (0.15, depth - 0.15), height, 6)
    for _ in range(int(rng.integers(0, 6))):
        side = float(rng.choice([-1, 1]))
        where = (
            rng.uniform(-width / 2 + 0.2, width / 2 - 0.2),
            depth / 2 + side * (depth / 2 + rng.uniform(-0.1, 0.25)),
        )
        chair_at(rng, spot, where, side)


def chair_at(rng: Rng, spot: Spot, where: tuple[float, float], side: float) -> None:
    """A chair whose seat is at `where` of the spot and whose back is away from the piece there."""
    skin, seat = paint_of(rng), rng.uniform(0.43, 0.48)
    cushion = cloth(rng) if rng.random() < 0.5 else skin
    x, y = where
    half = rng.uniform(0.2, 0.24)
    spot.box((x - half, x + half), (y - half, y + half), (seat - 0.04, seat), cushion)
    for dx in (-half, half - 0.035):
        for dy in (-half, half - 0.035):
            spot.box((x + dx, x + dx + 0.035), (y + dy, y + dy + 0.035), (0, seat - 0.04), skin)
    back = y + side * (half - 0.02)
    top = rng.uniform(0.8, 0.98)
    spot.box((x - half, x + half), (back - 0.015, back + 0.015), (seat + rng.uniform(0.05, 0.25), top), skin)


def _desk(rng: Rng, spot: Spot, width: float, depth: float) -> None:
    skin, height = paint_of(rng), rng.uniform(0.71, 0.76)
    spot.box((-width / 2, width / 2), (0, depth), (height - 0.03, height), skin)
    for x in (-width / 2, width / 2 - 0.04):
        spot.box((x, x + 0.04), (0.02, depth - 0.02), (0, height - 0.03), skin)
    if rng.random() < 0.7:
        monitor(rng, spot, rng.uniform(-width / 4, width / 4), 0.2, height)
    clutter(rng, spot, (-width / 2 + 0.1, width / 2 - 0.1), (0.1, depth - 0.1), height, 5)
    if rng.random() < 0.7:
        chair_at(rng, spot, (rng.uniform(-0.2, 0.2), depth + rng.uniform(0.0, 0.3)), 1.0)


def monitor(rng: Rng, spot: Spot, x: float, y: float, z: float, half: float | None = None) -> None:
    """A screen on a foot."""
    half = half or rng.uniform(0.22, 0.35)
    high = half * 0.6
    frame = Material((0.02, 0.02, 0.02), (0.05, 0.05, 0.05))
    shown = Material(tone(rng, 0.01, 0.6, 0.6), tone(rng, 0.01, 0.5, 0.6), "picture", 0.3, rng.choice([0.0, 0.8]), True)
    spot.box((x - 0.03, x + 0.03), (y - 0.02, y + 0.02), (z, z + 0.15), frame)
    spot.box((x - half, x + half), (y - 0.02, y + 0.02), (z + 0.1, z + 0.1 + 2 * high), frame)
    inner = (x - half + 0.015, x + half - 0.015)
    spot.box(inner, (y + 0.01, y + 0.022), (z + 0.115, z + 0.085 + 2 * high), shown)


def _bed(rng: Rng, spot: Spot, width: float, depth: float) -> None:
    frame, sheet, cover = paint_of(rng), Material(tone(rng, 0.4, 0.9, 0.1), (0.6, 0.6, 0.6)), cloth(rng)
    top = rng.uniform(0.42, 0.62)
    spot.box((-width / 2, width / 2), (0, depth), (0.08, top - 0.22), frame)
    spot.box((-width / 2 + 0.02, width / 2 - 0.02), (0.04, depth), (top - 0.22, top), sheet)
    spot.box(
        (-width / 2 - 0.01, width / 2 + 0.01), (rng.uniform(0.5, 0.8), depth + 0.02), (top - 0.3, top + 0.03), cover
    )
    spot.box((-width / 2 - 0.03, width / 2 + 0.03), (-0.01, 0.05), (0, rng.uniform(0.8, 1.2)), frame)
    for x in (-width / 4, width / 4) if width > 1.2 else (0.0,):
        spot.add("ellipsoid", (x, 0.3, top + 0.06), (0.33, 0.22, 0.1), cloth(rng) if rng.random() < 0.4 else sheet)


def _sofa(rng: Rng, spot: Spot, width: float, depth: float) -> None:
    skin = cloth(rng)
    seat, back = rng.uniform(0.4, 0.46), rng.uniform(0.75, 0.95)
    spot.box((-width / 2, width / 2), (0.05, depth), (0.08, seat - 0.12), skin)
    count = max(1, round(width / 0.75))
    for i in range(count):
        x = -width / 2 + 0.15 + i * (width - 0.3) / count
        spot.box((x + 0.005, x + (width - 0.3) / count - 0.005), (0.2, depth), (seat - 0.12, seat), skin)
    spot.box((-width / 2, width / 2), (0, 0.22), (0.1, back), skin)
    for x in (-width / 2, width / 2 - 0.15):
        spot.box((x, x + 0.15), (0, depth - 0.02), (0.06, seat + 0.17), skin)
    for _ in range(int(rng.integers(0, 4))):
        x = rng.uniform(-width / 2 + 0.35, width / 2 - 0.35)
        spot.add("ellipsoid", (x, 0.32, seat + 0.2), (0.22, 0.09, 0.2), cloth(rng))


def _bookcase(rng: Rng, spot: Spot, width: float, depth: float) -> None:
    skin = paint_of(rng)
    height = rng.choice([rng.uniform(0.8, 1.2), rng.uniform(1.7, 2.1)])
    for x in (-width / 2, width / 2 - 0.02):
        spot.box((x, x + 0.02), (0, depth), (0, height), skin)
    spot.box((-width / 2, width / 2), (0, 0.01), (0, height), skin)
    levels = max(2, round(height / rng.uniform(0.32, 0.4)))
    for level in range(levels + 1):
        z = 0.05 + level * (height - 0.07) / levels
        spot.box((-width / 2, width / 2), (0, depth), (z, z + 0.02), skin)
        if level == levels or rng.random() < 0.15:
            continue
        x, end = -width / 2 + 0.03, width / 2 - 0.03
        while x < end - 0.1:
            wide = rng.uniform(0.06, 0.35)  # books of one series
            tall = rng.uniform(0.18, (height - 0.07) / levels - 0.04)
            spines = Material(tone(rng, 0.03, 0.7, 0.8), tone(rng, 0.03, 0.7, 0.8), "stripes", rng.uniform(0.04, 0.09))
            spot.box(
                (x, min(end, x + wide)), (0.02, rng.uniform(0.14, depth - 0.02)), (z + 0.02, z + 0.02 + tall), spines
            )
            x += wide + (rng.uniform(0.05, 0.3) if rng.random() < 0.3 else 0.002)
    clutter(rng, spot, (-width / 2 + 0.1, width / 2 - 0.1), (0.1, depth - 0.08), height, 3)


def _wardrobe(rng: Rng, spot: Spot, width: float, depth: float) -> None:
    skin, height = paint_of(rng), rng.uniform(1.8, 2.2)
    _fronts(rng, spot, width, depth, (0.06, height), skin, max(1, round(width / 0.55)), 1)


def _fronts(
    rng: Rng, spot: Spot, width: float, depth: float, z: tuple[float, float], skin: Material, across: int, up: int
) -> None:
    """A body with doors or drawers and their handles."""
    spot.box((-width / 2, width / 2), (0, depth - 0.02), z, skin)
    knob = Material(tone(rng, 0.05, 0.6, 0.1), (0.3, 0.3, 0.3))
    wide, high = width / across, (z[1] - z[0]) / up
    for i in range(across):
        for j in range(up):
            x, low = -width / 2 + i * wide, z[0] + j * high
            spot.box((x + 0.004, x + wide - 0.004), (depth - 0.02, depth), (low + 0.004, low + high - 0.004), skin)
            if up > across or up > 1:
                spot.box(
                    (x + wide / 2 - 0.06, x + wide / 2 + 0.06),
                    (depth, depth + 0.02),
                    (low + high * 0.75, low + high * 0.75 + 0.012),
                    knob,
                )
            else:
                side = x + (0.05 if i % 2 else wide - 0.06)
                middle = low + high / 2
                spot.box((side, side + 0.012), (depth, depth + 0.02), (middle - 0.08, middle + 0.08), knob)


def _drawers(rng: Rng, spot: Spot, width: float, depth: float) -> None:
    height = rng.uniform(0.7, 1.1)
    _fronts(rng, spot, width, depth, (0.05, height), paint_of(rng), 1 if width < 0.9 else 2, int(rng.integers(2, 5)))
    if rng.random() < 0.3:
        monitor(rng, spot, 0.0, depth / 2, height, rng.uniform(0.35, 0.6))
    clutter(rng, spot, (-width / 2 + 0.1, width / 2 - 0.1), (0.1, depth - 0.1), height, 5)


def _kitchen(rng: Rng, spot: Spot, width: float, depth: float) -> None:
    skin, top = paint_of(rng), Material(tone(rng, 0.05, 0.7, 0.2), tone(rng, 0.05, 0.6, 0.2), "carpet", 0.05)
    doors = max(2, round(width / 0.55))
    _fronts(rng, spot, width, depth - 0.03, (0.1, 0.87), skin, doors, 1)
    spot.box((-width / 2 - 0.01, width / 2 + 0.01), (0, depth), (0.87, 0.91), top)
    clutter(rng, spot, (-width / 2 + 0.1, width / 2 - 0.1), (0.12, depth - 0.12), 0.91, 7)
    if rng.random() < 0.75:
        upper = Spot(spot.at, spot.turn)
        _fronts(rng, upper, width, 0.35, (1.4, rng.uniform(2.0, 2.2)), skin, doors, 1)
        spot.solids.extend(upper.solids)
    if rng.random() < 0.6:
        oven = rng.uniform(-width / 2 + 0.3, width / 2 - 0.3)
        dark = Material((0.02, 0.02, 0.02), (0.1, 0.1, 0.1), unseen=True)
        spot.box((oven - 0.28, oven + 0.28), (depth - 0.05, depth - 0.02), (0.25, 0.75), dark)


def _fridge(rng: Rng, spot: Spot, width: float, depth: float) -> None:
    skin = Material(tone(rng, 0.2, 0.85, 0.05), (0.5, 0.5, 0.5), "plain", 1.0)
    height = rng.uniform(1.5, 1.9)
    split = height * rng.uniform(0.35, 0.7)
    spot.box((-width / 2, width / 2), (0, depth - 0.04), (0.03, height), skin)
    for low, high in ((0.04, split - 0.005), (split + 0.005, height)):
        spot.box((-width / 2, width / 2), (depth - 0.04, depth), (low, high), skin)
        spot.box((-width / 2 + 0.04, -width / 2 + 0.06), (depth, depth + 0.04), (low + 0.1, low + 0.4), wood(rng))


def _armchair(rng: Rng, spot: Spot, width: float, depth: float) -> None:
    _sofa(rng, spot, width, depth)


def _plant(rng: Rng, spot: Spot, width: float, depth: float) -> None:
    pot, size = paint_of(rng), rng.uniform(0.25, 0.45)
    spot.add("cylinder", (0, depth / 2, 0.15), (0.15, 0.15, 0.15), pot)
    spot.add("cylinder", (0, depth / 2, 0.45), (0.02, 0.02, 0.2), wood(rng))
    leaves(rng, spot, (0, depth / 2), rng.uniform(0.6, 1.1), size)


def _lamp(rng: Rng, spot: Spot, width: float, depth: float) -> None:
    skin = paint_of(rng)
    spot.add("cylinder", (0, depth / 2, 0.015), (0.14, 0.14, 0.015), skin)
    spot.add("cylinder", (0, depth / 2, 0.75), (0.015, 0.015, 0.75), skin)
    shade = Material(tone(rng, 0.6, 0.9, 0.15), (0.8, 0.8, 0.8), glow=rng.choice([0.0, 1.5]))
    spot.add("cylinder", (0, depth / 2, 1.55), (0.2, 0.2, 0.15), shade)


def _boxes(rng: Rng, spot: Spot, width: float, depth: float) -> None:
    card = Material((0.35, 0.23, 0.12), (0.28, 0.18, 0.09), "plain", 0.4)
    z = 0.0
    for _ in range(int(rng.integers(1, 4))):
        high = rng.uniform(0.2, 0.4)
        half = rng.uniform(0.35, 0.5) * width
        spot.box(
            (-half, half),
            (0.02, depth * rng.uniform(0.8, 1.0)),
            (z, z + high),
            card if rng.random() < 0.7 else paint_of(rng),
        )
        z += high


def _bin(rng: Rng, spot: Spot, width: float, depth: float) -> None:
    spot.add("cylinder", (0, depth / 2, 0.17), (0.13, 0.13, 0.17), paint_of(rng))


def _coffee_table(rng: Rng, spot: Spot, width: float, depth: float) -> None:
    skin, height = paint_of(rng), rng.uniform(0.38, 0.48)
    spot.box((-width / 2, width / 2), (0, depth), (height - 0.04, height), skin)
    spot.legs(width, depth, height - 0.04, 0.05, skin)
    clutter(rng, spot, (-width / 2 + 0.1, width / 2 - 0.1), (0.1, depth - 0.1), height, 5)


def _stool(rng: Rng, spot: Spot, width: float, depth: float) -> None:
    chair_at(rng, spot, (0, depth / 2), float(rng.choice([-1, 1])))


def _person(rng: Rng, spot: Spot, width: float, depth: float) -> None:
    tall = rng.uniform(0.92, 1.08)
    top, bottom, skin = cloth(rng), cloth(rng), Material((0.45, 0.28, 0.2), (0.4, 0.25, 0.18))
    for x in (-0.1, 0.1):
        spot.add("ellipsoid", (x, depth / 2, 0.42 * tall), (0.09, 0.1, 0.45 * tall), bottom)
        spot.add("ellipsoid", (2.5 * x, depth / 2, 1.12 * tall), (0.06, 0.07, 0.32 * tall), top)
    spot.add("ellipsoid", (0, depth / 2, 1.15 * tall), (0.2, 0.13, 0.36 * tall), top)
    spot.add("ellipsoid", (0, depth / 2, 1.6 * tall), (0.085, 0.1, 0.13 * tall), skin)


AT_WALLS: tuple[Piece, ...] = (
    Piece(_desk, (1.0, 1.8), (0.6, 0.8)),
    Piece(_bed, (0.9, 1.8), (1.95, 2.1)),
    Piece(_sofa, (1.5, 2.3), (0.8, 0.95)),
    Piece(_bookcase, (0.6, 1.4), (0.25, 0.38)),
    Piece(_wardrobe, (0.9, 2.0), (0.55, 0.65)),
    Piece(_drawers, (0.5, 1.4), (0.4, 0.55)),
    Piece(_kitchen, (1.2, 3.0), (0.58, 0.65)),
    Piece(_fridge, (0.55, 0.75), (0.6, 0.7)),
    Piece(_armchair, (0.75, 0.9), (0.75, 0.9)),
    Piece(_plant, (0.5, 0.6), (0.5, 0.6)),
    Piece(_lamp, (0.4, 0.4), (0.4, 0.4)),
    Piece(_boxes, (0.4, 0.7), (0.3, 0.5)),
    Piece(_bin, (0.28, 0.28), (0.28, 0.28)),
)
IN_THE_ROOM: tuple[Piece, ...] = (
    Piece(_table, (1.0, 2.0), (0.7, 1.0)),
    Piece(_table, (0.7, 1.2), (0.7, 0.8)),
    Piece(_coffee_table, (0.7, 1.2), (0.5, 0.7)),
    Piece(_armchair, (0.75, 0.9), (0.75, 0.9)),
    Piece(_stool, (0.5, 0.5), (0.5, 0.5)),
    Piece(_boxes, (0.4, 0.7), (0.3, 0.5)),
    Piece(_sofa, (1.4, 2.0), (0.8, 0.95)),
    Piece(_bed, (0.9, 1.6), (1.95, 2.05)),
    Piece(_person, (0.5, 0.5), (0.4, 0.4)),
)

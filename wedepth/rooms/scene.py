"""A furnished room, and where in it the camera is held."""

import numpy as np

from wedepth.rooms.camera import Camera, rotation, turn
from wedepth.rooms.furniture import AT_WALLS, IN_THE_ROOM, Piece, Spot, clutter
from wedepth.rooms.materials import Rng, cloth, dimmed, tone, wood
from wedepth.rooms.solids import FAR, Lamp, Material, Point, Scene, Solid
from wedepth.rooms.trace import trace

QUARTERS = ((1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0))
LOOK = (12, 16)
"""Rows and columns of the glance that tells whether a place is good to hold a camera at."""
NEAR = 0.55
"""Metres: how close the nearest twentieth of the picture may be."""
TRIES, CLOSE_ENOUGH = 24, 0.1


def furnish(rng: Rng) -> Scene:
    """A room of 2.8–6.8 m by 3.5–11 m with doors, windows, pictures, furniture and lamps."""
    height = rng.choice([rng.uniform(2.35, 2.7), rng.uniform(2.5, 3.2)], p=[0.75, 0.25])
    length = rng.uniform(3.5, 7.5) if rng.random() < 0.6 else rng.uniform(6.0, 11.0)
    size = (rng.uniform(2.8, 6.8), length, height)
    crowd = min(2.0, size[0] * size[1] / 20)
    scene = Scene(size, _walls(rng))
    taken: list[tuple[float, float, float, float]] = []
    if rng.random() < 0.4:
        _alcove(rng, scene, taken)
    _openings(rng, scene)
    for _ in range(int(rng.uniform(3.5, 9.0) * crowd + 1.5)):
        _place(rng, scene, taken, AT_WALLS[int(rng.integers(len(AT_WALLS)))], at_wall=True)
    for _ in range(int(rng.uniform(0.5, 3.0) * crowd + 0.5)):
        _place(rng, scene, taken, IN_THE_ROOM[int(rng.integers(len(IN_THE_ROOM)))], at_wall=False)
    if rng.random() < 0.35:
        rug = (rng.uniform(0.6, 1.2), rng.uniform(0.5, 1.0), 0.008)
        middle = (size[0] * rng.uniform(0.35, 0.65), size[1] * rng.uniform(0.35, 0.65), 0.008)
        scene.solids.append(Solid("box", middle, rug, cloth(rng), shades=False))
    if rng.random() < 0.3:
        floor = Spot((0.0, 0.0), QUARTERS[0])
        clutter(rng, floor, (0.4, size[0] - 0.4), (0.4, size[1] - 0.4), 0.0, 5)
        scene.solids.extend(floor.solids)
    _lamps(rng, scene)
    return scene


def hold(rng: Rng, scene: Scene) -> Camera:
    """A hand-held camera with something to see: of some places tried, the one whose middle depth is nearest to one
    drawn from 1.3–5.5 m, so that views across a room are as frequent as views of a corner.

    Every eighth is held close, as people scan things, at 0.9–1.5 m and tilted down; the others at 1.1–1.75 m, tilted
    from 29° down to 6° up. Fields of view are a Kinect's (63°) or from 57° to 69°, as phones held level have them.
    """
    focal = rng.uniform(0.80, 0.83) if rng.random() < 0.5 else rng.uniform(0.73, 0.92)
    close = rng.random() < 0.125
    aim = rng.uniform(0.7, 1.6) if close else rng.uniform(1.3, 5.5)
    enough = int(rng.integers(5, 13))
    best, best_miss = None, float(FAR)
    for _ in range(TRIES):
        height = rng.uniform(0.9, 1.5) if close else rng.uniform(1.1, 1.75)
        where = (rng.uniform(0.25, scene.size[0] - 0.25), rng.uniform(0.25, scene.size[1] - 0.25), height)
        cos, sin = QUARTERS[int(rng.integers(4))]
        pitch = rng.uniform(-0.45, -0.15) if close else rng.uniform(-0.26, 0.05)
        axes = rotation(rng.uniform(-0.41, 0.41), pitch, rng.uniform(-0.03, 0.03))
        right, forward, up = ((cos * a[0] - sin * a[1], sin * a[0] + cos * a[1], a[2]) for a in axes)
        camera = Camera(where, (right, forward, up), focal)
        view = trace(scene, camera, LOOK)
        depth = np.sort(view.depth, axis=None)
        near, middle = float(depth[len(depth) // 20]), float(depth[len(depth) // 2])
        miss = abs(middle - aim) / aim + max(0.0, 1 - near / NEAR) + 0.1 * max(0, enough - len(np.unique(view.surface)))
        if miss < best_miss:
            best, best_miss = camera, miss
        if miss < CLOSE_ENOUGH:
            break
    assert best is not None
    return best


def _walls(rng: Rng) -> tuple[Material, ...]:
    kind = rng.integers(0, 5)
    if kind == 0:
        floor = Material(
            tone(rng, 0.1, 0.7, 0.15), tone(rng, 0.1, 0.6, 0.1), "tiles", rng.choice([0.3, 0.33, 0.45, 0.6])
        )
    elif kind == 1:
        colour = tone(rng, 0.05, 0.5, 0.35)
        floor = Material(colour, tuple(c * rng.uniform(0.5, 0.9) for c in colour), "carpet", rng.uniform(0.05, 0.4))  # type: ignore[arg-type]
    elif kind == 2:
        floor = Material(tone(rng, 0.1, 0.6, 0.2), tone(rng, 0.05, 0.5, 0.2), "checks", rng.choice([0.3, 0.4, 0.5]))
    else:
        boards = wood(rng)
        floor = Material(boards.colour, boards.other, "boards", rng.uniform(0.08, 0.2))
    white = Material(tone(rng, 0.55, 0.9, 0.05), (0.7, 0.7, 0.7), "plain", 1.5)
    ceiling = Material(white.colour, (0.4, 0.4, 0.4), "tiles", 0.6) if rng.random() < 0.25 else white
    pattern = str(rng.choice(["plain", "stripes", "dots", "bricks", "picture"], p=[0.84, 0.05, 0.03, 0.05, 0.03]))
    colour = tone(rng, 0.25, 0.85, rng.choice([0.08, 0.2]))
    near = rng.uniform(0.75, 1.1)
    wall = Material(colour, dimmed(colour, near), pattern, rng.uniform(0.1, 0.6))
    walls = [wall] * 4
    if rng.random() < 0.3:
        walls[int(rng.integers(4))] = Material(tone(rng, 0.1, 0.7, 0.5), (0.5, 0.5, 0.5), "plain", 1.0)
    return floor, ceiling, *walls


def _on_wall(rng: Rng, scene: Scene, width: float) -> Spot:
    """A place on one of the walls for something so wide; its y runs into the room."""
    side = int(rng.integers(4))
    along = scene.size[side % 2]
    at = rng.uniform(width / 2 + 0.05, max(width / 2 + 0.06, along - width / 2 - 0.05))
    corner = ((at, 0.0), (scene.size[0], at), (at, scene.size[1]), (0.0, at))[side]
    return Spot(corner, QUARTERS[side])


def _openings(rng: Rng, scene: Scene) -> None:
    """Doors, windows with curtains, pictures, skirting boards."""
    trim = Material(tone(rng, 0.4, 0.9, 0.1), (0.6, 0.6, 0.6))
    flat: list[Solid] = []
    for _ in range(int(rng.integers(1, 3))):
        spot, leaf = _on_wall(rng, scene, 1.0), wood(rng) if rng.random() < 0.5 else trim
        spot.box((-0.5, 0.5), (-0.02, 0.02), (0, 2.1), trim)
        spot.box((-0.42, 0.42), (0.0, 0.035), (0, 2.03), leaf)
        for low, high in ((0.25, 0.9), (1.1, 1.85)):
            spot.box((-0.28, 0.28), (0.0, 0.04), (low, high), leaf)
        spot.box((0.33, 0.38), (0.03, 0.08), (1.0, 1.03), Material((0.5, 0.5, 0.45), (0.4, 0.4, 0.4)))
        flat += spot.solids
    for _ in range(int(rng.integers(0, 3))):
        width, low, high = rng.uniform(0.8, 2.0), rng.uniform(0.75, 1.0), rng.uniform(1.9, 2.25)
        spot = _on_wall(rng, scene, width + 0.4)
        bright = rng.choice([0.05, 1.5, 4.0])
        pane = Material(
            tone(rng, 0.6, 0.9, 0.15), tone(rng, 0.2, 0.7, 0.3), "picture", rng.uniform(0.8, 2.0), bright, True
        )
        spot.box((-width / 2, width / 2), (-0.02, 0.005), (low, high), pane)
        for bar in ((-width / 2, -width / 2 + 0.06), (width / 2 - 0.06, width / 2), (-0.03, 0.03)):
            spot.box(bar, (0, 0.04), (low, high), trim)
        for z in (low, high - 0.06):
            spot.box((-width / 2, width / 2), (0, 0.04), (z, z + 0.06), trim)
        spot.box((-width / 2 - 0.05, width / 2 + 0.05), (0, 0.15), (low - 0.04, low), trim)
        if rng.random() < 0.5:
            fabric = tone(rng, 0.1, 0.8, 0.5)
            folds = Material(fabric, dimmed(fabric, 0.5), "folds", rng.uniform(0.08, 0.16))
            for left in (-width / 2 - 0.15, width / 2 - 0.15):
                spot.box((left, left + 0.3), (0.05, 0.12), (0.05, high + 0.1), folds)
        elif rng.random() < 0.5:
            spot.box((-width / 2, width / 2), (0.02, 0.12), (0.1, 0.65), trim)  # a radiator
        flat += spot.solids
        if bright > 1:
            x, y = spot.at[0] - spot.turn[1] * 0.25, spot.at[1] + spot.turn[0] * 0.25
            power = rng.uniform(0.6, 1.6)
            size = (abs(spot.turn[0]) * width / 2, abs(spot.turn[1]) * width / 2, 0.4)
            scene.lamps.append(Lamp((x, y, (low + high) / 2), size, (power * 0.9, power, power * 1.15)))
    for _ in range(int(rng.integers(0, 6))):
        half = (rng.uniform(0.12, 0.6), rng.uniform(0.12, 0.45))
        spot, z = _on_wall(rng, scene, 2 * half[0]), rng.uniform(1.3, 1.7)
        art = Material(tone(rng, 0.03, 0.8, 0.7), tone(rng, 0.03, 0.8, 0.7), "picture", rng.uniform(0.2, 0.8))
        spot.box((-half[0], half[0]), (0, 0.02), (z - half[1], z + half[1]), wood(rng) if rng.random() < 0.6 else art)
        spot.box((0.03 - half[0], half[0] - 0.03), (0, 0.023), (z + 0.03 - half[1], z + half[1] - 0.03), art)
        flat += spot.solids
    scene.solids.extend(Solid(s.kind, s.centre, s.half, s.material, s.turn, shades=False) for s in flat)
    for side in range(4):
        along = scene.size[side % 2]
        corner = ((along / 2, 0.0), (scene.size[0], along / 2), (along / 2, scene.size[1]), (0.0, along / 2))[side]
        board = Spot(corner, QUARTERS[side])
        board.add("box", (0, 0.006, 0.04), (along / 2, 0.006, 0.04), trim, shades=False)
        scene.solids.extend(board.solids)


def _alcove(rng: Rng, scene: Scene, taken: list[tuple[float, float, float, float]]) -> None:
    """A block from floor to ceiling in a corner or at a wall, so that not every room is a box."""
    half = (rng.uniform(0.2, 0.25 * scene.size[0]), rng.uniform(0.2, 0.25 * scene.size[1]))
    x = rng.choice([half[0], scene.size[0] - half[0]])
    y = rng.choice([half[1], scene.size[1] - half[1], scene.size[1] * rng.uniform(0.4, 0.6)])
    high = scene.size[2] / 2
    scene.solids.append(Solid("box", (x, y, high), (*half, high), scene.walls[2]))
    taken.append((x - half[0], y - half[1], x + half[0], y + half[1]))


def _place(rng: Rng, scene: Scene, taken: list[tuple[float, float, float, float]], piece: Piece, at_wall: bool) -> None:
    """Put a piece where nothing stands yet; after some tries, nowhere."""
    for _ in range(8):
        width, depth = rng.uniform(*piece.width), rng.uniform(*piece.depth)
        if at_wall:
            spot = _on_wall(rng, scene, width)
            gap = rng.uniform(0.0, 0.06)
            spot = Spot((spot.at[0] - spot.turn[1] * gap, spot.at[1] + spot.turn[0] * gap), spot.turn)
        else:
            cos, sin = QUARTERS[int(rng.integers(4))]
            skew = turn(rng.uniform(-0.2, 0.2)) if rng.random() < 0.5 else (1.0, 0.0)
            axes = (cos * skew[0] - sin * skew[1], sin * skew[0] + cos * skew[1])
            spot = Spot((rng.uniform(0.5, scene.size[0] - 0.5), rng.uniform(0.5, scene.size[1] - 0.5)), axes)
        corners = [
            (spot.at[0] + spot.turn[0] * x - spot.turn[1] * y, spot.at[1] + spot.turn[1] * x + spot.turn[0] * y)
            for x in (-width / 2, width / 2)
            for y in (0, depth)
        ]
        left, right = min(x for x, _ in corners), max(x for x, _ in corners)
        near, far = min(y for _, y in corners), max(y for _, y in corners)
        fits = left > -0.02 and near > -0.02 and right < scene.size[0] + 0.02 and far < scene.size[1] + 0.02
        free = all(right <= l or left >= r or far <= n or near >= f for l, n, r, f in taken)  # noqa: E741
        if fits and free:
            piece.build(rng, spot, width, depth)
            scene.solids.extend(spot.solids)
            taken.append((left, near, right, far))
            return


def _lamps(rng: Rng, scene: Scene) -> None:
    """One to three lamps at the ceiling, sometimes seen."""
    power = rng.uniform(0.7, 2.2)
    warm = rng.uniform(0.65, 1.05)
    colour: Point = (power, power * (0.5 + warm / 2), power * warm)
    shade = Material((0.9, 0.9, 0.85), (0.9, 0.9, 0.85), glow=3.0)
    for _ in range(int(rng.integers(1, 3))):
        x, y = scene.size[0] * rng.uniform(0.25, 0.75), scene.size[1] * rng.uniform(0.2, 0.8)
        hang = rng.choice([0.03, rng.uniform(0.3, 0.7)])
        z, half = scene.size[2] - hang, rng.uniform(0.12, 0.4)
        scene.lamps.append(Lamp((x, y, z - 0.12), (half, half, 0.02), colour))
        kind = "cylinder" if rng.random() < 0.6 else "box"
        scene.solids.append(Solid(kind, (x, y, z), (half, half, 0.03), shade, shades=False))

"""The self-test's data: an image, the depth that this very artifact gives of it, and how far off each mistake is.

Whoever embeds the model runs the image through their own code. Depth within the tolerance is right; else the mistake
whose mean relative difference is nearest to theirs is the first to look for.
"""

import hashlib
import io
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from export.embed.cases import geometry_cases, resize_cases
from runtimes.bundle import Bundle, Manifest
from runtimes.errors import DeviceUnavailable
from runtimes.limits import limit_for
from runtimes.registry import Session, open_session, runtime_for, to_depth, to_input
from wedepth.data import resize_image
from wedepth.errors import WedepthError
from wedepth.rooms import render

SCHEMA = 1
IMAGE, DEPTH, FACTS = "image.png", "depth.f32", "golden.json"
SEED = 3
# A room's colours are near to grey, and networks hardly tell RGB of it from BGR: the trained edge gave 0.052 of mean
# relative difference. In stronger colours and under a lamp, whose light is red above all, it gives 0.117.
SATURATION, LAMP = 3.0, (1.0, 0.55, 0.2)
Depth = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Mistake:
    """A mistake of an integration: `mean_rel` and `ratio` (the median) are what its depth has to the right one."""

    words: str
    mean_rel: float
    ratio: float


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far another device's depth may be from the golden one, relative: at any pixel (None: no bound), and its
    mean."""

    max_rel: float | None
    mean_rel: float


@dataclass(frozen=True, slots=True)
class Golden:
    """An RGB image uint8 [H,W,3], its depth float32 [H,W] in metres, what ran it and in how many seconds, and how far
    off other depths may be, and are."""

    image: NDArray[np.uint8]
    depth: Depth
    runtime: str
    tolerance: Tolerance
    mistakes: dict[str, Mistake]
    load_seconds: float
    first_seconds: float

    def write(self, folder: Path) -> None:
        """Write image.png, depth.f32 (little-endian float32, row by row) and golden.json into the folder."""
        folder.mkdir(parents=True, exist_ok=True)
        image, depth = _png(self.image), self.depth.astype("<f4").tobytes()
        height, width = self.depth.shape
        facts = {
            "schema": SCHEMA,
            "height": height,
            "width": width,
            "runtime": self.runtime,
            "image_sha256": hashlib.sha256(image).hexdigest(),
            "depth_sha256": hashlib.sha256(depth).hexdigest(),
            "tolerance": asdict(self.tolerance),
            "mistakes": {name: asdict(mistake) for name, mistake in self.mistakes.items()},
            "geometry": geometry_cases(width, height),
            "resize": resize_cases(),
        }
        (folder / IMAGE).write_bytes(image)
        (folder / DEPTH).write_bytes(depth)
        (folder / FACTS).write_text(_lines(facts) + "\n")


def run_golden(bundle: Bundle) -> Golden:
    """Run the artifact in its reference runtime on the CPU: on the golden image as it should be, and with each mistake.

    WedepthError where the runtime is not here, and where a mistake is too near to the right depth to be told from it.
    """
    manifest, start = bundle.manifest, time.perf_counter()
    try:
        session = open_session(runtime_for(manifest.target), bundle.artifact, "cpu")
    except DeviceUnavailable as error:
        raise WedepthError(f"The golden sample of {manifest.name} needs its runtime: {error}.") from None
    loaded = time.perf_counter()
    image = golden_image(manifest.size)
    drawn = time.perf_counter()
    depth = _depth(session, manifest, image)
    seconds = loaded - start, time.perf_counter() - drawn
    mistakes = {
        name: Mistake(words, *_difference(make(session, manifest, image, depth), depth))
        for name, (words, make) in MISTAKES.items()
    }
    return Golden(image, depth, session.runtime, find_tolerance(manifest, mistakes), mistakes, *seconds)


def golden_image(size: tuple[int, int]) -> NDArray[np.uint8]:
    """A room in lamplight, RGB uint8 [H,W,3] of `size` (height, width): upright, and like itself in no mirror."""
    room = render(SEED, size).image.astype(np.float64)
    grey = room.mean(2, keepdims=True)
    strong = np.clip(grey + SATURATION * (room - grey), 0, 255)
    return np.floor(strong * LAMP + 0.5).astype(np.uint8)


def find_tolerance(manifest: Manifest, mistakes: dict[str, Mistake]) -> Tolerance:
    """Twice what may be between torch and an artifact of this precision (`runtimes/limits.toml`), since another device
    may be as far off the other way; but half of the least mistake at most.

    Refused where that half is below twice what this artifact itself was found to be from torch: then a device's own
    rounding and a mistake look alike.
    """
    limit = limit_for(manifest.precision.name)
    for mistake in mistakes.values():
        if not np.isfinite(mistake.mean_rel):
            raise WedepthError(f"{manifest.name} gives no depth, or none where {mistake.words}.")
    name = min(mistakes, key=lambda name: mistakes[name].mean_rel)
    half = mistakes[name].mean_rel / 2
    if half < 2 * manifest.verified.mean_rel:
        raise WedepthError(
            f"{manifest.name} does not tell a mistake from rounding: where {mistakes[name].words}, depth differs by "
            f"{2 * half:.2g} on average, and the artifact from torch by {manifest.verified.mean_rel:.2g}."
        )
    mean = min(2 * min(limit.mean_rel, limit.max_rel), half)
    return Tolerance(2 * limit.max_rel if np.isfinite(limit.max_rel) else None, mean)


def differs(golden: Golden, depth: Depth) -> str:
    """What the wrappers' tests say of a depth [H,W] in metres, as the reference for theirs; empty where it is right."""
    if wrong := int((~np.isfinite(depth)).sum()):
        return f"the depth is no number at {wrong} of {depth.size} pixels."
    mean, _ = _difference(depth, golden.depth)
    bounds = golden.tolerance
    largest = float(np.abs(depth / golden.depth - 1).max()) if bounds.max_rel is not None else 0.0
    if mean <= bounds.mean_rel and largest <= (bounds.max_rel or 0.0):
        return ""
    if mean <= bounds.mean_rel:
        return f"the relative difference is {largest:.2g} at one pixel; {bounds.max_rel:.2g} is the tolerance."
    nearest = min(golden.mistakes.values(), key=lambda mistake: abs(mistake.mean_rel - mean))
    return (
        f"the mean relative difference is {mean:.2g}; {bounds.mean_rel:.2g} is the tolerance. "
        f"{nearest.mean_rel:.2g} is what it is where {nearest.words}."
    )


def _depth(session: Session, manifest: Manifest, image: NDArray[Any]) -> Depth:
    return to_depth(session.run(to_input(image, manifest)), manifest)


def _difference(found: Depth, right: Depth) -> tuple[float, float]:
    """Mean relative difference, and median quotient."""
    quotient = found.astype(np.float64) / right
    return _significant(np.abs(quotient - 1).mean()), _significant(np.median(quotient))


def _ranged(session: Session, manifest: Manifest, image: NDArray[np.uint8], depth: Depth) -> Depth:
    return to_depth(session.run(to_input(image, manifest) / np.float32(255)), manifest)


def _shown(change: Callable[[NDArray[np.uint8]], NDArray[np.uint8]]) -> "Make":
    """The mistake of giving the network the image changed."""

    def make(session: Session, manifest: Manifest, image: NDArray[np.uint8], depth: Depth) -> Depth:
        changed = np.ascontiguousarray(change(image))
        return _depth(session, manifest, resize_image(changed, manifest.size))

    return make


Make = Callable[[Session, Manifest, NDArray[np.uint8], Depth], Depth]
MISTAKES: dict[str, tuple[str, Make]] = {
    "bgr": ("the channels are in the order BGR, not RGB", _shown(lambda image: image[..., ::-1])),
    "range": ("pixels are 0…1, or normalised, not 0…255", _ranged),
    "rotated": ("the image is turned by 90°, as its EXIF orientation was left out", _shown(np.rot90)),
    "flipped": ("the image is upside down, its rows from the bottom up", _shown(lambda image: image[::-1])),
    "mirrored": (
        "the image is mirrored, as a front camera shows it",
        _shown(lambda image: image[:, ::-1]),
    ),
    "scale": ("the depth is in millimetres, not in metres", lambda session, manifest, image, depth: depth * 1000),
    "log": ("the depth is the logarithm of metres", lambda session, manifest, image, depth: np.log(depth)),
}
"""By name: what is wrong, in words that follow "where", and the depth that it gives."""


def _significant(value: float) -> float:
    return float(f"{value:.4g}")


def _png(image: NDArray[np.uint8]) -> bytes:
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "PNG", optimize=True)
    return stream.getvalue()


def _lines(facts: dict[str, Any]) -> str:
    """JSON with a line for each entry, and one for each case in a list."""
    entries = []
    for name, value in facts.items():
        if isinstance(value, list):
            text = "[\n" + ",\n".join(f"  {json.dumps(item)}" for item in value) + "\n ]"
        else:
            text = json.dumps(value, ensure_ascii=False)
        entries.append(f" {json.dumps(name)}: {text}")
    return "{\n" + ",\n".join(entries) + "\n}"

"""The pictures of a report: frames, their ground truth, and every depth and its error, each on one scale for all."""

import base64
import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from runtimes.bundle import Bundle
from runtimes.registry import TORCH
from runtimes.results import Depth, Run
from wedepth.data import Frame, resize_depth, resize_image
from wedepth.errors import WedepthError
from wedepth.picture import depth_range, indexed, scale_marks

ERRORS = (-6, 0)
"""Powers of ten of the relative difference from torch at the ends of the colour scale: 0.0001 % to 100 %."""
WIDEST, NARROWEST = 384, 160
PIXELS = 4_000_000
"""Of all tiles together, so that the page stays small; a pixel of a depth takes half a byte, of an error one."""
MOST_FARTHEST = 4
QUALITY = 82


@dataclass(frozen=True, slots=True)
class Tile:
    """A picture with its name, what it shows in words, and its `data:` address."""

    caption: str
    alt: str
    source: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Scale:
    """A colour scale from left to right: its `data:` address, and labels at per cents of its width."""

    title: str
    source: str
    marks: list[tuple[float, str]]


@dataclass(frozen=True, slots=True)
class Scene:
    """A frame through one network: the frame, ground truth and torch; then each artifact's depth and its error."""

    title: str
    given: list[Tile]
    found: list[tuple[Tile, Tile | None]]


@dataclass(frozen=True, slots=True)
class Panels:
    """Scenes, the first frame's first, and the scales of all depths and all errors in them."""

    depths: Scale
    errors: Scale
    scenes: list[Scene]
    missing: list[str]
    """Frames that could not be read again to be shown, with the reason."""


@dataclass(frozen=True, slots=True)
class _Shot:
    """One frame of one network: torch's depth, and each artifact's by the row's name."""

    index: int
    torch: Depth | None
    depths: dict[str, Depth]
    note: str


def make_panels(runs: Sequence[Run], bundles: Sequence[Bundle], read: Callable[[int], Frame]) -> Panels | None:
    """The first frame of each network through everything that ran, and the frames on which artifacts are farthest from
    torch; None where nothing ran. `read` gives a frame by its number."""
    shots = [shot for network in _networks(runs, bundles) for shot in _shots(network)]
    if not shots:
        return None
    seen = [shot.torch if shot.torch is not None else next(iter(shot.depths.values())) for shot in shots]
    low, high = depth_range(np.concatenate([depth.reshape(-1) for depth in seen]))
    tiles = sum(3 + 2 * len(shot.depths) for shot in shots)
    scenes, missing = [], []
    for shot in shots:
        try:
            frame = read(shot.index)
        except WedepthError as error:
            missing.append(str(error))
            continue
        scenes.append(_scene(shot, frame, (low, high), PIXELS / tiles))
    return Panels(_depth_scale(low, high), _error_scale(), scenes, missing)


def _networks(runs: Sequence[Run], bundles: Sequence[Bundle]) -> list[list[Run]]:
    """Runs with something to draw by the network that they are of: those of one network and size are comparable."""
    sources = {bundle.manifest.name: bundle.manifest.checkpoint.source for bundle in bundles}
    found: dict[object, list[Run]] = {}
    for run in runs:
        if run.depths:
            source = sources.get(run.row.bundle or "", run.row.bundle)
            found.setdefault((source, next(iter(run.depths.values())).shape), []).append(run)
    return list(found.values())


def _shots(runs: Sequence[Run]) -> list[_Shot]:
    torch = next((run.depths for run in runs if run.row.runtime == TORCH), {})
    artifacts = [run for run in runs if run.row.runtime != TORCH]
    first = next(iter((artifacts or runs)[0].depths))
    # Where two rows share a name (one bundle elsewhere), the bundle tells them apart.
    names = [run.row.name for run in artifacts]
    labels = [n if names.count(n) == 1 else f"{n} ({r.row.bundle})" for n, r in zip(names, artifacts, strict=True)]
    means = {
        (index, label): float(np.mean(_relative(depth, torch[index])))
        for label, run in zip(labels, artifacts, strict=True)
        for index, depth in run.depths.items()
        if index != first and index in torch
    }
    worst = sorted(means, key=lambda key: -np.nan_to_num(means[key], nan=math.inf))[:MOST_FARTHEST]
    return [
        _Shot(
            index,
            torch.get(index),
            {
                label: run.depths[index]
                for label, run in zip(labels, artifacts, strict=True)
                if index in run.depths and (index == first or (index, label) in worst)
            },
            "" if index == first else ", farthest from torch for what is shown",
        )
        for index in dict.fromkeys([first, *(index for index, _ in worst)])
    ]


def _scene(shot: _Shot, frame: Frame, scale: tuple[float, float], pixels: float) -> Scene:
    height, width = frame.image.shape[:2]
    shown_width = round(min(width, WIDEST, max(NARROWEST, math.sqrt(pixels * width / height))))
    size = max(1, round(shown_width * height / width)), shown_width
    metres = f"coloured from {scale[0]:.1f} m (blue) to {scale[1]:.1f} m (red)"

    def depth_tile(name: str, depth: Depth) -> Tile:
        known = depth[np.isfinite(depth) & (depth > 0)]
        median = f", median {np.median(known):.2f} m" if known.size else ""
        picture = indexed(resize_depth(depth, size), *scale)
        return _tile(name, f"Depth of {frame.name}: {name}, {metres}{median}", _png(picture), size)

    def error_tile(name: str, depth: Depth) -> Tile | None:
        if shot.torch is None:
            return None
        error = _relative(depth, shot.torch)
        words = f"mean {_percent(float(error.mean()))}, max {_percent(float(error.max()))}"
        # 0, a difference of 100 %, would be painted as what is unknown.
        powers = np.log10(np.maximum(error, 10.0 ** ERRORS[0])).clip(ERRORS[0], ERRORS[1] - 1e-6)
        picture = indexed(resize_depth(powers.astype(np.float32), size), *ERRORS)
        return _tile(words, f"Relative difference of {name} from torch on {frame.name}: {words}", _png(picture), size)

    given = [_tile("frame", f"The frame {frame.name}", _jpeg(resize_image(frame.image, size)), size)]
    if frame.valid.any():
        # Unknown pixels are 0, which must not bleed into known ones.
        truth = np.asarray(Image.fromarray(frame.depth).resize(size[::-1], Image.Resampling.NEAREST))
        words = f"Ground truth of {frame.name}, {metres}, black where unknown"
        given.append(_tile("ground truth", words, _png(indexed(truth, *scale)), size))
    if shot.torch is not None:
        given.append(depth_tile("torch", shot.torch))
    found = [(depth_tile(name, depth), error_tile(name, depth)) for name, depth in shot.depths.items()]
    return Scene(f"Frame {shot.index + 1}: {frame.name}{shot.note}", given, found)


def _depth_scale(low: float, high: float) -> Scale:
    marks = [(100 * (m - low) / (high - low), text) for m, text in scale_marks(low, high, most=6).items()]
    return Scale("Depth", _bar(low, high), marks)


def _error_scale() -> Scale:
    low, high = ERRORS
    marks = [(100 * (p - low) / (high - low), _percent(10.0**p)) for p in range(low, high + 1, 2)]
    return Scale("Relative difference from torch, in powers of ten", _bar(low, high), marks)


def _bar(low: float, high: float) -> str:
    # 0 is what `indexed` paints black.
    values = np.linspace(low, high, 256)[None]
    return _png(indexed(np.where(values == 0, 1e-9, values), low, high))


def _relative(depth: Depth, torch: Depth) -> NDArray[np.float64]:
    return np.abs(depth.astype(np.float64) - torch) / torch


def _percent(value: float) -> str:
    """A share in per cent with two figures, never as a power: 0.00012 %."""
    if not math.isfinite(value) or value == 0:
        return f"{100 * value:g} %"
    digits = max(0, 1 - math.floor(math.log10(100 * value)))
    text = f"{100 * value:.{digits}f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text} %"


def _tile(caption: str, alt: str, source: str, size: tuple[int, int]) -> Tile:
    return Tile(caption, alt, source, size[1], size[0])


def _png(image: Image.Image) -> str:
    stream = io.BytesIO()
    image.save(stream, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(stream.getvalue()).decode()}"


def _jpeg(image: NDArray[np.uint8]) -> str:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "JPEG", quality=QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode()}"

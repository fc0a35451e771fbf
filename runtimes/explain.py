"""Where an artifact goes wrong: its tensors and a reference's, walked in step from module to module."""

import statistics
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from runtimes.bundle import Bundle, bundle_beside
from runtimes.errors import DeviceUnavailable
from runtimes.tracing import Reference, Tracer, open_tracer
from wedepth.data import resize_image
from wedepth.errors import WedepthError

# A module stands out whose own error is so many times the median of all, and more than the rounding of its precision.
JUMP = 10.0
FLOORS = {"fp32": 1e-4, "fp16": 2e-2, "int8": 0.2}


@dataclass(frozen=True, slots=True)
class Step:
    """A tensor that one module gives to another. Errors are RMS of the difference over RMS of the reference's value:
    `propagated` with all that came before, `own` with the module fed the reference's inputs."""

    tensor: str
    module: str
    propagated: float
    own: float


@dataclass(frozen=True, slots=True)
class Walk:
    """All steps in the order of computation; `first` is the first whose own error stands out, if one does."""

    steps: list[Step]
    first: Step | None
    missing: list[str]
    """Tensors of the reference that the artifact has fused away, or has in another layout."""


class Stored(Mapping[str, NDArray[np.float32]]):
    """Values on the disk, read when asked for: those of a large network do not fit in memory together."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, Path] = {}

    def put(self, name: str, value: NDArray[np.float32]) -> None:
        """Keep a value."""
        self._files[name] = self._folder / f"{len(self._files)}.npy"
        np.save(self._files[name], value)

    def __getitem__(self, name: str) -> NDArray[np.float32]:
        return np.load(self._files[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)


def is_reference(bundle: Bundle) -> bool:
    """Whether a bundle is one that others are held against."""
    return bundle.manifest.target == "onnx" and bundle.manifest.precision.name == "fp32"


def reference_of(bundle: Bundle) -> Bundle:
    """The fp32 ONNX bundle of the same network and size beside a bundle; WedepthError where there is none."""
    if found := bundle_beside(bundle, "onnx", "fp32"):
        return found
    raise WedepthError(
        f"There is no fp32 ONNX bundle of the same network beside {bundle.folder.name}, to hold its tensors against; "
        "export one (wedepth-export --target onnx), or name it with --against."
    )


def walk_bundles(reference: Bundle, bundle: Bundle, image: NDArray[np.uint8], step: Callable[[str, int], None]) -> Walk:
    """Walk two bundles on an RGB image [H,W,3] of any size; WedepthError where they are of two networks or sizes."""
    mine, its = bundle.manifest, reference.manifest
    if not is_reference(reference):
        raise WedepthError(f"{its.name} is no fp32 ONNX bundle, whose tensors others could be held against.")
    if (mine.checkpoint.sha256, mine.size) != (its.checkpoint.sha256, its.size):
        raise WedepthError(f"{mine.name} and {its.name} are of two networks, or sizes; there is nothing to walk.")
    pixels = resize_image(image, mine.size).astype(np.float32).transpose(2, 0, 1)[None]
    try:
        known = Reference(reference.artifact)
        tracer = open_tracer(mine.target, bundle.artifact, known.names)
    except (ImportError, DeviceUnavailable) as error:
        raise WedepthError(f"{mine.name} cannot be walked: {error}.") from None
    return walk(known, tracer, mine.precision.name, np.ascontiguousarray(pixels), step)


def walk(
    reference: Reference,
    artifact: Tracer,
    precision: str,
    image: NDArray[np.float32],
    step: Callable[[str, int], None],
) -> Walk:
    """Walk both on one image [1,3,H,W], 0…255."""
    names = artifact.names
    with tempfile.TemporaryDirectory(prefix="wedepth-") as folder:
        values = Stored(Path(folder))
        for part in _parts(names, reference.at_once):
            for name, value in reference.trace(image, part, {}):
                values.put(name, value)
            step("reference", len(values))
        errors: dict[str, dict[str, float]] = {}
        for kind, forced in (("propagated", {}), ("own", values)):
            found = errors[kind] = {}
            for part in _parts(names, artifact.at_once):
                for name, value in artifact.trace(image, part, forced):
                    if value.shape == values[name].shape:
                        found[name] = _error(value, values[name])
                step(kind, len(found))
    both = errors["propagated"].keys() & errors["own"].keys()
    steps = [
        Step(name, reference.modules[name], errors["propagated"][name], errors["own"][name])
        for name in names
        if name in both
    ]
    missing = [name for name in reference.modules if name not in both]
    return Walk(steps, _first(steps, FLOORS.get(precision, FLOORS["fp32"])), missing)


def _first(steps: Sequence[Step], floor: float) -> Step | None:
    limit = max(floor, JUMP * statistics.median(step.own for step in steps))
    return next((step for step in steps if not step.own <= limit), None)


def _parts(names: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(names), size):
        yield names[start : start + size]


def _error(value: NDArray[np.float32], reference: NDArray[np.float32]) -> float:
    size = float(np.sqrt(np.mean(np.square(reference, dtype=np.float64))))
    difference = float(np.sqrt(np.mean(np.square(value.astype(np.float64) - reference))))
    return difference / size if size else float(difference > 0)

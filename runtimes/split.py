"""Which step on the way from the network as trained to an artifact adds which error: each is run on one frame."""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from runtimes.bundle import Bundle, bundle_beside
from runtimes.errors import DeviceUnavailable
from runtimes.parity import OPEN_SECONDS, RUN_SECONDS, compare
from runtimes.process import Child, ChildFailed
from runtimes.registry import TORCH, runtime_for
from runtimes.results import Depth
from runtimes.worker import Opening
from wedepth.data import resize_image
from wedepth.errors import WedepthError

ORDER = ("fp32", "fp16", "int8")


@dataclass(frozen=True, slots=True)
class Difference:
    """Relative difference over all pixels; `max_rel` is none where only the mean was recorded."""

    mean_rel: float
    max_rel: float | None


@dataclass(frozen=True, slots=True)
class Stage:
    """One step: what was run for it, and how far its depth is from torch's, and from the last step's that was run.

    A step that is not run here has the figures that export `recorded`, and says on what; one that was not run at all
    says the `reason`.
    """

    step: str
    bundle: str | None = None
    from_torch: Difference | None = None
    from_before: Difference | None = None
    recorded: str | None = None
    reason: str | None = None


def split_error(
    bundle: Bundle,
    image: NDArray[np.uint8],
    step: Callable[[str, int], None],
    *,
    against: Bundle | None = None,
    checkpoint: str | None = None,
    vfm: str | None = None,
) -> list[Stage]:
    """The steps to a bundle on an RGB image [H,W,3] of any size, each in a process of its own, on the CPU.

    The fp32 ONNX bundle is `against`, or the one beside the bundle, where those of the target's other precisions are
    looked for, too; `checkpoint` and `vfm` are the network in torch, where it is not where the bundle says.
    """
    manifest = bundle.manifest
    pixels = resize_image(image, manifest.size)
    torch, reason = _depth(Opening(TORCH, str(bundle.folder), "cpu", None, checkpoint, vfm), pixels)
    step("torch", 1)
    stages = [Stage("torch, as trained", manifest.checkpoint.source, reason=reason), _prepared(bundle)]
    before = torch
    for name, found in _bundles(bundle, against):
        if name == f"{manifest.target} int8" and manifest.int8 and "simulated" in manifest.int8.errors:
            stages.append(_simulated(bundle))
        if found is None:
            stages.append(Stage(name, reason=f"there is no such bundle beside {manifest.name}"))
            continue
        opening = Opening(runtime_for(found.manifest.target).name, str(found.folder), "cpu")
        depth, reason = _depth(opening, pixels)
        differences = _difference(depth, torch), _difference(depth, before)
        stages.append(Stage(name, found.manifest.name, *differences, reason=reason))
        before = before if depth is None else depth
        step(name, 1)
    return stages


def _bundles(bundle: Bundle, against: Bundle | None) -> Iterator[tuple[str, Bundle | None]]:
    """The bundles on the way, by the name of their step; none for one that is not there."""
    target, precision = bundle.manifest.target, bundle.manifest.precision.name
    if (target, precision) != ("onnx", "fp32"):
        yield "onnx fp32", against or bundle_beside(bundle, "onnx", "fp32")
    for one in ORDER[: ORDER.index(precision)]:
        if (target, one) != ("onnx", "fp32"):
            yield f"{target} {one}", bundle_beside(bundle, target, one)
    yield f"{target} {precision}", bundle


def _prepared(bundle: Bundle) -> Stage:
    found = bundle.manifest.verified.prepared
    return Stage("prepared", None, Difference(found.mean_rel, found.max_rel), None, "at export, on the bundle's sample")


def _simulated(bundle: Bundle) -> Stage:
    int8 = bundle.manifest.int8
    assert int8 is not None
    frames = f"at export, on the first of {int8.evaluation}"
    return Stage("int8, simulated in float", None, Difference(int8.errors["simulated"], None), None, frames)


def _depth(opening: Opening, pixels: NDArray[np.uint8]) -> tuple[Depth | None, str | None]:
    """Depth [H,W] in metres, or why there is none."""
    with tempfile.TemporaryDirectory(prefix="wedepth-") as folder:
        try:
            with Child("runtimes.worker", opening, Path(folder) / "log", OPEN_SECONDS) as child:
                return child.ask("run", pixels, seconds=RUN_SECONDS)[0], None
        except (DeviceUnavailable, ChildFailed) as error:
            return None, str(error)


def _difference(depth: Depth | None, reference: Depth | None) -> Difference | None:
    if depth is None or reference is None:
        return None
    try:
        largest, mean = compare([depth], [reference])
    except WedepthError:  # an artifact's depth that is not positive is no reference
        return None
    return Difference(mean, largest)

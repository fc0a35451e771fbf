"""One network in, bundles out: hub, conversion, verification in the target's own runtime, manifest, rename."""

import contextlib
import dataclasses
import importlib.metadata
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import export.onnx as hub_export
from calib.plan import Compiled
from export.int8 import Int8Frames, Int8Options, Quantiser
from export.targets import TARGETS, Target
from runtimes import bundle as bundles
from runtimes.limits import Limit, limit_for
from runtimes.parity import Depth, compare
from runtimes.registry import Session, open_session, predict, runtime_for
from runtimes.torch import TorchSession
from wedepth.checkpoint import describe
from wedepth.config import PRESETS
from wedepth.errors import WedepthError
from wedepth.network import WEDepth
from wedepth.rooms import rooms

SAMPLES = 2
Step = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Exported:
    """What was made: the bundle's artifact, its size, how long conversion and verification took, and its difference
    from torch at the worst pixel of the verification frames."""

    target: str
    precision: str
    path: str
    bytes: int
    seconds: float
    max_rel: float
    int8: bundles.Int8Record | None = None
    recipe: str = "ours"


@dataclass(frozen=True, slots=True)
class Samples:
    """Verification frames at the network's size, RGB [H,W,3], and torch's depth [H,W] of each."""

    images: list[NDArray[np.uint8]]
    depths: list[Depth]


def run(
    network: WEDepth,
    targets: Sequence[Target],
    precisions: Sequence[str],
    size: tuple[int, int],
    out: Path,
    step: Step,
    int8: Int8Options | None = None,
) -> tuple[list[Exported], list[str]]:
    """Export `network` for images of `size` (height, width) into bundles below `out`; `int8` says how to calibrate.

    Returns what was made, and a sentence for each target that failed: its conversion, its parity with torch, or its
    budget. Nothing is left of a bundle that failed, but of one over its budget, which is kept as `….unmet`; an older
    one of the same name stays as it was.
    """
    made, failed = [], []
    options = int8 or Int8Options()
    frames = Int8Frames.read(options, size) if "int8" in precisions else None
    weights = 4 * sum(tensor.numel() for tensor in network.state_dict().values())
    with _workspace(out, needed=weights * (2 + len(targets) * len(precisions))) as workspace:
        record = describe(network)
        step("torch: the depth of the verification frames")
        samples = _samples(network, size)
        step("onnx: tracing and folding the graph that every target is made from")
        hub = workspace / "hub.onnx"
        hub_export.export_onnx(network, size, hub)
        name = _name(network, size)
        quantiser = None
        if frames:
            quantiser = Quantiser(network, hub, options, frames, step)
            quantiser.calibration.write(out / f"{name}-calibration")
        for target in targets:
            for precision in precisions:
                step(f"{target.name} {precision}: converting and running (edge takes {target.takes})")
                variant = quantiser.variant(target) if quantiser and precision == "int8" else ""
                folder = workspace / f"{name}-{target.name}-{precision}{variant}"
                job = Job(network, record, target, precision, hub, out, samples, quantiser)
                try:
                    made.append(_export_one(job, folder))
                except WedepthError as error:
                    failed.append(f"{target.name} {precision}: {error}")
                if precision == "int8" and options.compare:
                    step(f"{target.name} {precision}: its quantiser's default recipe, for comparison")
                    try:
                        made.append(_compare_default(job, workspace / f"{name}-{target.name}-default"))
                    except WedepthError as error:
                        failed.append(f"{target.name} by its quantiser's default recipe: {error}")
    return made, failed


@dataclass(frozen=True, slots=True)
class Job:
    """One artifact to make: of what, from which hub, and what it is held against."""

    network: WEDepth
    record: dict[str, Any]
    target: Target
    precision: str
    hub: Path
    out: Path
    samples: Samples
    quantiser: Quantiser | None


def _export_one(job: Job, folder: Path) -> Exported:
    start = time.perf_counter()
    bundle, session, compiled, correction = _make(job, folder)
    verified = dataclasses.replace(bundle.manifest.verified, runtime=session.runtime, device=session.device)
    int8, refusal = None, None
    if compiled is not None and job.quantiser is not None:
        int8, difference = job.quantiser.judge(session, bundle, compiled, correction)
        refusal = job.quantiser.refusal(int8)
        verified = dataclasses.replace(verified, frames=len(job.quantiser.frames), data=int8.evaluation)
    else:
        images = job.samples.images
        difference = compare([predict(session, bundle, image) for image in images], job.samples.depths)
        _refuse_mismatch(limit_for(job.precision), difference, len(images))
    verified = dataclasses.replace(verified, max_rel=difference[0], mean_rel=difference[1])
    bundles.write_manifest(folder, dataclasses.replace(bundle.manifest, verified=verified, int8=int8))
    bundles.open_bundle(folder)  # as its user will
    del session
    final = job.out / (f"{folder.name}{bundles.UNMET}" if refusal else folder.name)
    _replace(folder, final)
    if refusal:
        raise WedepthError(f"{str(refusal).rstrip('.')}. The artifact is kept in {final}.")
    path = str(final / job.target.artifact)
    return _exported(job, bundle, path, start, difference[0], int8)


def _compare_default(job: Job, folder: Path) -> Exported:
    """The same artifact by its quantiser's own recipe, measured in the same way and thrown away."""
    assert job.quantiser is not None
    start = time.perf_counter()
    bundle, session, compiled = _convert(job, folder, default=True)
    assert compiled is not None
    int8, difference = job.quantiser.judge(session, bundle, compiled)
    return _exported(job, bundle, "(not kept)", start, difference[0], int8, "its default")


def _exported(
    job: Job,
    bundle: bundles.Bundle,
    path: str,
    start: float,
    max_rel: float,
    int8: bundles.Int8Record | None,
    recipe: str = "ours",
) -> Exported:
    seconds, size = round(time.perf_counter() - start, 1), bundle.manifest.artifact.bytes
    return Exported(job.target.name, job.precision, path, size, seconds, max_rel, int8, recipe)


Opened = tuple[bundles.Bundle, Session, Compiled | None]


def _make(job: Job, folder: Path) -> tuple[*Opened, float]:
    """A bundle before it is verified, its artifact opened, what is int8 in it, and the factor that corrects its depth.

    What INT8 does to the depth shows when it runs: the artifact is made again, corrected.
    """
    if job.quantiser is None or job.precision != "int8":
        return *_convert(job, folder), 1.0
    bundle, session, _ = _convert(job, folder.with_name(f"{folder.name}.first"))
    correction = job.quantiser.correction(session, bundle)
    del session
    return *_convert(job, folder, correction), correction


def _convert(job: Job, folder: Path, correction: float = 1.0, default: bool = False) -> Opened:
    """Make an artifact and open it; by its quantiser's own recipe, for `default`."""
    folder.mkdir()
    artifact = folder / job.target.artifact
    metadata = {
        "name": folder.name,
        "description": f"WEDepth metric depth in metres from RGB 0..255. {job.network.provenance.weights}",
        "author": "wedepth",
        "precision": job.precision,
        "checkpoint_sha256": job.record["sha256"],
    }
    compiled = None
    if job.quantiser is not None and job.precision == "int8":
        compiled = job.quantiser.convert(job.target, artifact, metadata, correction, default)
    else:
        module: Any = importlib.import_module(job.target.module)
        module.convert(job.hub, artifact, precision=job.precision, metadata=metadata)
    np.savez_compressed(folder / bundles.SAMPLE, image=job.samples.images[0], depth=job.samples.depths[0])
    bundle = bundles.Bundle(folder, _manifest(job, folder))
    return bundle, open_session(runtime_for(job.target.name), artifact, "cpu"), compiled


def _refuse_mismatch(limit: Limit, difference: tuple[float, float], frames: int) -> None:
    if not limit.holds(*difference):
        raise WedepthError(
            f"the artifact does not compute what torch does: {limit} is the limit, measured are "
            f"{difference[0]:.2e} (max) and {difference[1]:.2e} (mean) on {frames} frames."
        )


def _manifest(job: Job, folder: Path) -> bundles.Manifest:
    network, target, precision, samples = job.network, job.target, job.precision, job.samples
    height, width = samples.depths[0].shape
    channels_last = target.layout == "NHWC"

    narrow = precision == "int8" and job.quantiser is not None and job.quantiser.int8_interface(target)
    dtype = "int8" if narrow else "float32"

    def tensor(name: str, channels: int, unit: str, bounds: list[float | None]) -> bundles.TensorRecord:
        shape = [1, height, width, channels] if channels_last else [1, channels, height, width]
        return bundles.TensorRecord(name, target.layout, shape, dtype, unit, bounds)

    also = tuple(p.name for p in folder.iterdir() if p.name not in (target.artifact, bundles.SAMPLE))
    limit: object = limit_for(precision)
    activations = target.activations[precision]
    if job.quantiser is not None and precision == "int8":
        limit = job.quantiser.options.budget
        if target.name == "coreml" and job.quantiser.options.coreml_activations != "int8":
            activations = job.quantiser.options.coreml_activations
    return bundles.Manifest(
        schema=bundles.SCHEMA,
        name=folder.name,
        target=target.name,
        preset=next((name for name, config in PRESETS.items() if config == network.config), None),
        config=network.config.to_dict(),
        checkpoint=bundles.CheckpointRecord(**job.record),
        artifact=bundles.record_files(folder, target.artifact, also),
        input=tensor("image", 3, "RGB, 8-bit scale", [0, 255]),
        output=tensor("log_depth", 1, "ln(metre)", [None, None]) if narrow else tensor("depth", 1, "metre", [0, None]),
        precision=bundles.PrecisionRecord(precision, target.weights[precision], activations),
        int8=None,
        opset=hub_export.OPSET,
        versions=_versions(target, precision),
        verified=bundles.VerificationRecord(
            "", "", len(samples.images), "rooms drawn by wedepth.rooms", float("nan"), float("nan"), str(limit)
        ),
        sample=bundles.record_files(folder, bundles.SAMPLE),
    )


def _versions(target: Target, precision: str) -> dict[str, str]:
    packages = {"wedepth", "torch", "timm", *TARGETS["onnx"].needs, *target.needs}
    packages |= set(target.int8_needs) if precision == "int8" else set()
    return {name: importlib.metadata.version(name.replace("_", "-")) for name in sorted(packages)}


def _samples(network: WEDepth, size: tuple[int, int]) -> Samples:
    images = [frame.image for frame in rooms(SAMPLES, size)]
    session = TorchSession(network)
    inputs = (np.ascontiguousarray(image.transpose(2, 0, 1)[None], np.float32) for image in images)
    return Samples(images, [session.run(pixels)[0, 0] for pixels in inputs])


def _name(network: WEDepth, size: tuple[int, int]) -> str:
    stem = Path(network.provenance.source).stem
    return stem if size == network.config.image_size else f"{stem}-{size[0]}x{size[1]}"


def _replace(folder: Path, final: Path) -> None:
    """Put a finished bundle in the place of an older one; renames only, so that there is always one or the other."""
    if final.exists():
        final.replace(folder.with_name(f"{folder.name}.old"))
    folder.replace(final)


@contextlib.contextmanager
def _workspace(out: Path, needed: int) -> Iterator[Path]:
    """A folder inside `out`, on its disk, that is gone afterwards; a disk that is full, or will be, is a sentence."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        if (free := shutil.disk_usage(out).free) < needed:
            raise WedepthError(
                f"{out} has {free / 1e9:.1f} GB free, and this export needs about {needed / 1e9:.1f} GB."
            )
        folder = Path(tempfile.mkdtemp(prefix=".wedepth-", dir=out))
    except OSError as error:
        raise WedepthError(f"Cannot write to {out}: {error.strerror}.") from None
    try:
        yield folder
    except OSError as error:
        if error.errno is None:
            raise
        raise WedepthError(f"Cannot write to {out}: {os.strerror(error.errno)}.") from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)

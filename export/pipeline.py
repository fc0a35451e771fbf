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
from export.targets import TARGETS, Target
from runtimes import bundle as bundles
from runtimes.limits import limit_for
from runtimes.parity import Depth, compare
from runtimes.registry import open_session, predict, runtime_for
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
) -> tuple[list[Exported], list[str]]:
    """Export `network` for images of `size` (height, width) into bundles below `out`.

    Returns what was made, and a sentence for each target that failed: its conversion, or its parity with torch.
    Nothing is left of a bundle that failed; an older one of the same name stays as it was.
    """
    made, failed = [], []
    weights = 4 * sum(tensor.numel() for tensor in network.state_dict().values())
    with _workspace(out, needed=weights * (2 + len(targets) * len(precisions))) as workspace:
        record = describe(network)
        step("torch: the depth of the verification frames")
        samples = _samples(network, size)
        step("onnx: tracing and folding the graph that every target is made from")
        hub = workspace / "hub.onnx"
        hub_export.export_onnx(network, size, hub)
        name = _name(network, size)
        for target in targets:
            for precision in precisions:
                step(f"{target.name} {precision}: converting and running (edge takes {target.takes})")
                folder = workspace / f"{name}-{target.name}-{precision}"
                try:
                    made.append(_export_one(network, record, target, precision, hub, folder, out, samples))
                except WedepthError as error:
                    failed.append(f"{target.name} {precision}: {error}")
    return made, failed


def _export_one(
    network: WEDepth,
    record: dict[str, Any],
    target: Target,
    precision: str,
    hub: Path,
    folder: Path,
    out: Path,
    samples: Samples,
) -> Exported:
    start = time.perf_counter()
    folder.mkdir()
    metadata = {
        "name": folder.name,
        "description": f"WEDepth metric depth in metres from RGB 0..255. {network.provenance.weights}",
        "author": "wedepth",
        "precision": precision,
        "checkpoint_sha256": record["sha256"],
    }
    artifact = folder / target.artifact
    module: Any = importlib.import_module(target.module)
    module.convert(hub, artifact, precision=precision, metadata=metadata)
    np.savez_compressed(folder / bundles.SAMPLE, image=samples.images[0], depth=samples.depths[0])
    manifest = _manifest(network, record, target, precision, folder, samples)
    bundle = bundles.Bundle(folder, manifest)
    session = open_session(runtime_for(target.name), artifact, "cpu")
    max_rel, mean_rel = compare([predict(session, bundle, image) for image in samples.images], samples.depths)
    limit = limit_for(precision)
    if not limit.holds(max_rel, mean_rel):
        raise WedepthError(
            f"the artifact does not compute what torch does: {limit} is the limit, measured are "
            f"{max_rel:.2e} (max) and {mean_rel:.2e} (mean) on {len(samples.images)} frames."
        )
    verified = dataclasses.replace(
        manifest.verified, runtime=session.runtime, device=session.device, max_rel=max_rel, mean_rel=mean_rel
    )
    bundles.write_manifest(folder, dataclasses.replace(manifest, verified=verified))
    bundles.open_bundle(folder)  # as its user will
    del session
    final = out / folder.name
    _replace(folder, final)
    seconds = time.perf_counter() - start
    return Exported(
        target.name, precision, str(final / target.artifact), manifest.artifact.bytes, round(seconds, 1), max_rel
    )


def _manifest(
    network: WEDepth, record: dict[str, Any], target: Target, precision: str, folder: Path, samples: Samples
) -> bundles.Manifest:
    height, width = samples.depths[0].shape
    channels_last = target.layout == "NHWC"

    def tensor(name: str, channels: int, unit: str, bounds: list[float | None]) -> bundles.TensorRecord:
        shape = [1, height, width, channels] if channels_last else [1, channels, height, width]
        return bundles.TensorRecord(name, target.layout, shape, "float32", unit, bounds)

    also = tuple(p.name for p in folder.iterdir() if p.name not in (target.artifact, bundles.SAMPLE))
    limit = limit_for(precision)
    return bundles.Manifest(
        schema=bundles.SCHEMA,
        name=folder.name,
        target=target.name,
        preset=next((name for name, config in PRESETS.items() if config == network.config), None),
        config=network.config.to_dict(),
        checkpoint=bundles.CheckpointRecord(**record),
        artifact=bundles.record_files(folder, target.artifact, also),
        input=tensor("image", 3, "RGB, 8-bit scale", [0, 255]),
        output=tensor("depth", 1, "metre", [0, None]),
        precision=bundles.PrecisionRecord(precision, target.weights[precision], target.activations[precision]),
        opset=hub_export.OPSET,
        versions=_versions(target),
        verified=bundles.VerificationRecord(
            "", "", len(samples.images), "rooms drawn by wedepth.rooms", float("nan"), float("nan"), str(limit)
        ),
        sample=bundles.record_files(folder, bundles.SAMPLE),
    )


def _versions(target: Target) -> dict[str, str]:
    packages = {"wedepth", "torch", "timm", *TARGETS["onnx"].needs, *target.needs}
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

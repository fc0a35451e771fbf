"""One network in, bundles out: hub, conversion, verification in the target's own runtime, manifest, rename."""

import dataclasses
import importlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from calib.plan import Compiled
from export.embed.card import write_card
from export.hub import prepared_hub
from export.int8 import Int8Frames, Int8Options, Quantiser
from export.job import Job, Samples, Subject
from export.licences import licences
from export.manifest import manifest_of, output_of
from export.metadata import metadata
from export.prepare import prepare
from export.targets import Target
from export.workspace import give_back, replace, workspace
from runtimes import bundle as bundles
from runtimes.limits import Limit, limit_for
from runtimes.parity import compare
from runtimes.registry import Session, open_session, predict, runtime_for
from runtimes.torch import TorchSession
from wedepth.checkpoint import describe, training_of
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
    one of the same name stays as it was. The hub is kept in `NAME-hub`, for the next export of the same network.
    """
    made, failed = [], []
    options = int8 or Int8Options()
    frames = Int8Frames.read(options, size) if "int8" in precisions else None
    weights = 4 * sum(tensor.numel() for tensor in network.state_dict().values())
    with workspace(out, needed=weights * (3 + len(targets) * len(precisions))) as folder:
        record, training = describe(network), training_of(network)
        step("torch: the depth of the verification frames")
        samples = _samples(network, size)
        subject = Subject(network.config, record, training, samples, _prepared(network, size, samples))
        name = _name(network, size)
        hub = prepared_hub(network, record["sha256"], size, out / f"{name}-hub", folder, step)
        quantiser = None
        if frames:
            quantiser = Quantiser(network, hub, options, frames, step)
            quantiser.calibration.write(out / f"{name}-calibration")
        del network  # all that is to know of it is known: where the caller has let go of it too, its memory is free
        give_back()
        for target in targets:
            for precision in precisions:
                step(f"{target.name} {precision}: converting and running (edge takes {target.takes})")
                variant = quantiser.variant(target) if quantiser and precision == "int8" else ""
                bundle = f"{name}-{target.name}-{precision}{variant}"
                job = Job(subject, target, precision, hub, out, quantiser)
                try:
                    made.append(_export_one(job, folder / bundle))
                except WedepthError as error:
                    failed.append(f"{target.name} {precision}: {error}")
                if precision == "int8" and options.compare:
                    step(f"{target.name} {precision}: its quantiser's default recipe, for comparison")
                    try:
                        made.append(_compare_default(job, folder / f"{name}-{target.name}-default"))
                    except WedepthError as error:
                        failed.append(f"{target.name} by its quantiser's default recipe: {error}")
    return made, failed


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
        images = job.subject.samples.images
        difference = compare([predict(session, bundle, image) for image in images], job.subject.samples.depths)
        _refuse_mismatch(limit_for(job.precision), difference, len(images))
    verified = dataclasses.replace(verified, max_rel=difference[0], mean_rel=difference[1])
    manifest = dataclasses.replace(bundle.manifest, verified=verified, int8=int8)
    bundles.write_manifest(folder, manifest)
    write_card(folder, manifest, job.subject.training)
    bundles.open_bundle(folder)  # as its user will
    del session
    give_back()
    final = job.out / (f"{folder.name}{bundles.UNMET}" if refusal else folder.name)
    replace(folder, final)
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
    record, size = job.subject.record, job.subject.samples.depths[0].shape
    licence = str(licences(record, job.subject.training))
    given = metadata(folder.name, job.precision, record, licence, (size[0], size[1]), output_of(job).unit)
    compiled = None
    if job.quantiser is not None and job.precision == "int8":
        compiled = job.quantiser.convert(job.target, artifact, given, correction, default)
    else:
        module: Any = importlib.import_module(job.target.module)
        module.convert(job.hub, artifact, precision=job.precision, metadata=given)
    np.savez_compressed(
        folder / bundles.SAMPLE, image=job.subject.samples.images[0], depth=job.subject.samples.depths[0]
    )
    bundle = bundles.Bundle(folder, manifest_of(job, folder))
    return bundle, open_session(runtime_for(job.target.name), artifact, "cpu"), compiled


def _refuse_mismatch(limit: Limit, difference: tuple[float, float], frames: int) -> None:
    if not limit.holds(*difference):
        raise WedepthError(
            f"the artifact does not compute what torch does: {limit} is the limit, measured are "
            f"{difference[0]:.2e} (max) and {difference[1]:.2e} (mean) on {frames} frames."
        )


def _samples(network: WEDepth, size: tuple[int, int]) -> Samples:
    images = [frame.image for frame in rooms(SAMPLES, size)]
    session = TorchSession(network)
    return Samples(images, [session.run(_pixels(image))[0, 0] for image in images])


def _prepared(network: WEDepth, size: tuple[int, int], samples: Samples) -> bundles.PreparedRecord:
    """What preparation costs, on the bundle's sample; weights are shared, and those that it folds are gone after it."""
    prepared = prepare(network, size)
    with torch.inference_mode():
        depth = prepared(torch.from_numpy(_pixels(samples.images[0])))[0, 0].numpy()
    return bundles.PreparedRecord(*compare([depth], samples.depths[:1]))


def _pixels(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    return np.ascontiguousarray(image.transpose(2, 0, 1)[None], np.float32)


def _name(network: WEDepth, size: tuple[int, int]) -> str:
    stem = Path(network.provenance.source).stem
    return stem if size == network.config.image_size else f"{stem}-{size[0]}x{size[1]}"

"""What a bundle says of itself, from what it was made."""

import importlib.metadata
from pathlib import Path

from export.job import Job
from export.onnx import OPSET
from export.targets import TARGETS, Target
from runtimes import bundle as bundles
from runtimes.limits import limit_for
from wedepth.config import PRESETS


def manifest_of(job: Job, folder: Path) -> bundles.Manifest:
    """The manifest of what is in `folder`, before it is verified."""
    config, target, precision, samples = job.subject.config, job.target, job.precision, job.subject.samples
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
        preset=next((name for name, known in PRESETS.items() if known == config), None),
        config=config.to_dict(),
        checkpoint=bundles.CheckpointRecord(**job.subject.record),
        artifact=bundles.record_files(folder, target.artifact, also),
        input=_tensor(job, "image", 3, "RGB, 8-bit scale", [0, 255]),
        output=output_of(job),
        precision=bundles.PrecisionRecord(precision, target.weights[precision], activations),
        int8=None,
        opset=OPSET,
        versions=_versions(target, precision),
        verified=bundles.VerificationRecord(
            runtime="",
            device="",
            frames=len(samples.images),
            data="rooms drawn by wedepth.rooms",
            max_rel=float("nan"),
            mean_rel=float("nan"),
            limit=str(limit),
            prepared=job.subject.prepared,
        ),
        sample=bundles.record_files(folder, bundles.SAMPLE),
    )


def output_of(job: Job) -> bundles.TensorRecord:
    """What the artifact gives: metres, or their logarithm where that is int8."""
    if job.narrow:
        return _tensor(job, "log_depth", 1, bundles.LOG_METRES, [None, None])
    return _tensor(job, "depth", 1, bundles.METRES, [0, None])


def _tensor(job: Job, name: str, channels: int, unit: str, bounds: list[float | None]) -> bundles.TensorRecord:
    height, width = job.subject.samples.depths[0].shape
    shape = [1, height, width, channels] if job.target.layout == "NHWC" else [1, channels, height, width]
    return bundles.TensorRecord(name, job.target.layout, shape, "int8" if job.narrow else "float32", unit, bounds)


def _versions(target: Target, precision: str) -> dict[str, str]:
    packages = {"wedepth", "torch", "timm", *TARGETS["onnx"].needs, *target.needs}
    packages |= set(target.int8_needs) if precision == "int8" else set()
    return {name: importlib.metadata.version(name.replace("_", "-")) for name in sorted(packages)}

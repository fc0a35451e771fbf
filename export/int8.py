"""INT8 for every target: one calibration, one recipe, each target's own quantiser, and the budget that decides."""

import importlib
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from calib.budget import Budget, Cost
from calib.calibrate import Calibration, calibrate
from calib.correct import SAMPLES, log_bias, scale_hub
from calib.plan import Compiled
from calib.probabilities import even_probabilities
from calib.samples import Sample, choose, frame_hash
from calib.session import to_hub
from calib.simulate import Simulation
from export.float16 import to_float16
from export.prepare import prepare
from export.targets import Target
from runtimes.bundle import Bundle, Int8Record, record_files
from runtimes.machine import instruction_set
from runtimes.parity import compare, measure
from runtimes.registry import Session, open_session, predict, runtime_for
from runtimes.results import Depth
from runtimes.torch import TorchSession
from wedepth.data import Frame, resize_image
from wedepth.errors import WedepthError
from wedepth.network import WEDepth
from wedepth.training.sources import parse_source

# Frames on which the errors of the steps are told apart.
SPLIT = 4
# Modules that a report of an unmet budget names.
NAMED = 8
Step = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Int8Options:
    """What calibration and quantisation are asked for. `calib` and `evaluation` are PATH[@SPLIT] of frames."""

    calib: str = "rooms:1000-1064"
    count: int | None = None
    evaluation: str = "rooms:24"
    budget: Budget = field(default_factory=Budget)
    calibrated: Path | None = None
    coreml_activations: str = "float16"
    tflite_io: str = "float32"
    compare: bool = False
    """Also measure each quantiser's own default recipe on the same graph, samples and frames."""


@dataclass(frozen=True, slots=True)
class Int8Frames:
    """What INT8 is calibrated on and checked on, read before any work is done; a calibration that was kept, or None."""

    label: str
    samples: list[Sample]
    evaluation: list[Frame]
    kept: Calibration | None

    @staticmethod
    def read(options: Int8Options, size: tuple[int, int]) -> "Int8Frames":
        """The frames for a network of `size`; what is wrong with them is a WedepthError."""
        evaluation = [frame for frame in parse_source(options.evaluation, weighted=False).open() if frame.valid.any()]
        if not evaluation:
            raise WedepthError(f"No frame of {options.evaluation} has a valid depth: a budget cannot be checked on it.")
        source = parse_source(options.calib, weighted=False)
        samples = choose(source.open(), size, options.count, evaluated={frame_hash(frame) for frame in evaluation})
        kept = Calibration.read(options.calibrated) if options.calibrated else None
        if kept and kept.samples != tuple(sample.sha256 for sample in samples):
            raise WedepthError(
                f"{options.calibrated} was calibrated on other samples than --calib {options.calib} gives here."
            )
        return Int8Frames(source.label, samples, evaluation, kept)


class Quantiser:
    """A network's calibration, and what INT8 artifacts of it are held against. Built once for all targets."""

    def __init__(self, network: WEDepth, hub: Path, options: Int8Options, given: Int8Frames, step: Step) -> None:
        self.options, self.frames, self._label, self._traced = options, given.evaluation, given.label, hub
        self._hub = hub.with_name("even.onnx")
        even_probabilities(hub, self._hub)
        self._size = given.samples[0].image.shape[:2]
        self.images = [to_hub(sample.image) for sample in given.samples]
        beside = tuple(file.name for file in hub.parent.glob(f"{hub.name}.*"))  # weights above 1 GB
        sha256 = record_files(hub.parent, self._hub.name, beside).sha256
        self.calibration = given.kept or calibrate(self._hub, sha256, given.samples, step)
        self.plan = self.calibration.plan(self._hub, sha256)
        step("int8: torch's depth of the evaluation frames")
        session = TorchSession(network)
        self._inputs = [to_hub(resize_image(frame.image, self._size)) for frame in self.frames]
        self._torch = [session.run(pixels)[0, 0] for pixels in self._inputs]
        self._fp32 = metrics(self._torch, self.frames)
        self._samples = [sample.image for sample in given.samples[:SAMPLES]]
        self._reference = [session.run(pixels)[0, 0] for pixels in self.images[:SAMPLES]]
        step("int8: what the steps before it cost")
        self._errors = self._split(network)

    def convert(
        self, target: Target, artifact: Path, metadata: dict[str, str], correction: float = 1.0, default: bool = False
    ) -> Compiled:
        """Make the INT8 artifact by the target's own quantiser, all depths multiplied by `correction`; `default` by its
        own recipe, for comparison."""
        if default:
            other: Any = importlib.import_module(target.int8_default)
            return other.convert_default(self._traced, artifact, plan=self.plan, images=self.images, metadata=metadata)
        # Core ML's products of two activations stay float, where evening them would only take time.
        hub = self._traced if target.name == "coreml" else self._hub
        corrected = hub.with_name("corrected.onnx")
        scale_hub(hub, corrected, correction)
        module: Any = importlib.import_module(target.int8)
        own: dict[str, dict[str, Any]] = {
            "openvino": {"images": self.images},
            "coreml": {"activations": self.options.coreml_activations},
            "tflite": {"interface": self.options.tflite_io},
        }
        return module.convert(corrected, artifact, plan=self.plan, metadata=metadata, **own.get(target.name, {}))

    def correction(self, session: Session, bundle: Bundle) -> float:
        """The factor on its depths that takes an artifact's mean log depth on calibration samples back to torch's."""
        depths = [predict(session, bundle, image) for image in self._samples]
        return math.exp(-log_bias(depths, self._reference))

    def int8_interface(self, target: Target) -> bool:
        """Whether the target's artifact takes and gives int8."""
        return target.name == "tflite" and self.options.tflite_io == "int8"

    def variant(self, target: Target) -> str:
        """What the bundle's name says of options that are not the default."""
        if target.name == "coreml" and self.options.coreml_activations == "int8":
            return "-activations"
        return "-io" if self.int8_interface(target) else ""

    def judge(
        self, session: Session, bundle: Bundle, compiled: Compiled, correction: float = 1.0
    ) -> tuple[Int8Record, tuple[float, float]]:
        """Run the artifact on the evaluation frames: what stands in its manifest, and its differences from torch."""
        depths = [predict(session, bundle, resize_image(frame.image, self._size)) for frame in self.frames]
        cost = Cost.of(metrics(depths, self.frames), self._fp32)
        plan, executed = self.plan, compiled.executed
        record = Int8Record(
            static=bool(compiled.int8),
            int8_share=round(plan.share(compiled.int8), 4),
            weight_share=round(plan.share(compiled.weights), 4),
            executed_share=None if executed is None else round(plan.share(executed), 4),
            float_modules=sorted(plan.float_modules),
            float_ops=dict(compiled.floats),
            calibration=self._label,
            samples=list(self.calibration.samples),
            correction=round(correction, 6),
            evaluation=f"{len(self.frames)} frames of {self.options.evaluation}",
            budget=str(self.options.budget),
            cost={name: round(value, 5) for name, value in asdict(cost).items()},
            errors={**self._errors, "native": self._error(depths[:SPLIT])},
            instruction_set=instruction_set(),
        )
        return record, compare(depths, self._torch)

    def refusal(self, record: Int8Record) -> WedepthError | None:
        """What to say of an artifact that costs more than the budget; None of one within it."""
        cost, budget = Cost(**record.cost), self.options.budget
        if budget.holds(cost):
            return None
        modules = self.calibration.recipe.modules
        worst = sorted((m for m in modules if modules[m].precision == "int8"), key=lambda m: -modules[m].error)
        costs = ", ".join(f"{name} {modules[name].error:.2%}" for name in worst[:NAMED])
        return WedepthError(
            f"the budget {budget} is not met on {record.evaluation}: δ1 is {cost.delta1:.4f} of fp32's, AbsRel "
            f"{cost.abs_rel:.4f}, |bias| {cost.bias:+.4f}. Of what is in INT8, these move the depth most: {costs}."
        )

    def _error(self, depths: Sequence[Depth]) -> float:
        """Mean relative difference from torch on the first frames."""
        pairs = zip(depths, self._torch, strict=False)
        return float(f"{np.mean([np.abs(depth / expected - 1).mean() for depth, expected in pairs]):.3g}")

    def _split(self, network: WEDepth) -> dict[str, float]:
        inputs = self._inputs[:SPLIT]
        prepared = prepare(network, (self._size[0], self._size[1]))
        with torch.inference_mode():
            results = {"prepare": self._error([prepared(torch.from_numpy(x))[0, 0].numpy() for x in inputs])}
        half = self._hub.with_name("half.onnx")
        to_float16(self._traced, half)
        for name, path in (("onnx", self._traced), ("fp16", half)):
            session = open_session(runtime_for("onnx"), path, "cpu")
            results[name] = self._error([session.run(x)[0, 0] for x in inputs])
        simulation = Simulation(self._hub, self.plan.ops, self.plan.ranges)
        int8 = {op.module for op in self.plan.int8}
        results["simulated"] = self._error([simulation.depth(x, int8) for x in inputs])
        return results


def metrics(depths: list[Depth], frames: Sequence[Frame]) -> dict[str, float | None]:
    """Mean depth metrics over frames, in unaligned metres; none where no frame has ground truth."""
    return measure(depths, frames) or {}

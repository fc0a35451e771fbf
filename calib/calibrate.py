"""Calibration, once for all targets: samples → ranges → sensitivities → what stays in float; kept as two files."""

import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import onnx

from calib.ops import find_ops, modules_of, tensors_of, weights_of
from calib.plan import Plan
from calib.ranges import Range, collect
from calib.recipe import FLOAT, INT8, WEIGHT_HARM, WEIGHTS, Module, Recipe, measure, search
from calib.recipe import SCHEMA as RECIPE_SCHEMA
from calib.samples import Sample
from calib.session import to_hub
from calib.simulate import Simulation
from wedepth.config import from_json
from wedepth.errors import WedepthError
from wedepth.files import write_beside

RANGES, RECIPE = "ranges.json", "precision.json"
SCHEMA = 1
OUTPUT = "depth"
# Samples on which each module is tried alone, and on which a choice of modules is tried.
ALONE, TOGETHER = 2, 8
Step = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Calibration:
    """Ranges of a hub's activations, what of it stays in float, and the hashes of the samples behind both."""

    hub: str
    samples: tuple[str, ...]
    ranges: dict[str, Range]
    recipe: Recipe

    def write(self, folder: Path) -> None:
        """Write `ranges.json` and `precision.json` into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        head = {"schema": SCHEMA, "hub": self.hub, "samples": self.samples}
        lines = ",\n".join(f"  {json.dumps(n)}: {json.dumps(asdict(r))}" for n, r in self.ranges.items())
        text = json.dumps(head, indent=1)[:-2] + f',\n "ranges": {{\n{lines}\n }}\n}}\n'
        write_beside(folder / RANGES, lambda beside: beside.write_text(text))
        self.recipe.write(folder / RECIPE)

    @staticmethod
    def read(folder: Path) -> "Calibration":
        """What was written into a folder, `precision.json` perhaps edited since; what does not fit is named."""
        file = folder / RANGES
        try:
            data = json.loads(file.read_text())
        except (OSError, ValueError) as error:
            raise WedepthError(f"Cannot read the calibrated ranges {file}: {error}.") from None
        if (
            not isinstance(data, dict)
            or data.keys() != {"schema", "hub", "samples", "ranges"}
            or data["schema"] != SCHEMA
        ):
            raise WedepthError(f"{file} is no file of calibrated ranges of schema {SCHEMA}.")
        if not isinstance(data["ranges"], dict) or not isinstance(data["samples"], list):
            raise WedepthError(f"{file}: ranges must be an object, samples a list.")
        ranges = {name: from_json(Range, entry, f"{RANGES}: {name}") for name, entry in data["ranges"].items()}
        return Calibration(data["hub"], tuple(data["samples"]), ranges, Recipe.read(folder / RECIPE))

    def plan(self, hub: Path, sha256: str) -> Plan:
        """What the quantisers are given for `hub`, whose hash must be the one that was calibrated."""
        if sha256 != self.hub or sha256 != self.recipe.hub:
            raise WedepthError("The calibration is of another network, size or version of the graph; calibrate again.")
        ops = find_ops(onnx.load(str(hub), load_external_data=False))
        if unknown := self.recipe.modules.keys() ^ modules_of(ops).keys():
            raise WedepthError(f"{RECIPE}: {sorted(unknown)[0]} is missing, or no module of this network.")
        if missing := [name for name in tensors_of(ops) if name not in self.ranges]:
            raise WedepthError(f"{RANGES} has no range for {missing[0]}.")
        return Plan(ops, self.recipe.float_modules, self.ranges, self.recipe.float_weights)


def calibrate(hub: Path, sha256: str, samples: Sequence[Sample], step: Step) -> Calibration:
    """Collect ranges on all samples, then find on a few what each module costs and which have to stay in float.

    `step` is told what is done next.
    """
    images = [to_hub(sample.image) for sample in samples]
    ops = find_ops(onnx.load(str(hub), load_external_data=False))
    shares = modules_of(ops)
    seen, tried = itertools.count(1), itertools.count(1)
    ranges = collect(
        hub,
        (*tensors_of(ops), OUTPUT),
        images,
        lambda: step(f"calibration: ranges of activations, sample {next(seen)} of {len(images)}"),
    )
    simulation = Simulation(hub, ops, ranges)
    errors = measure(
        simulation,
        images[:ALONE],
        shares,
        lambda _: step(f"calibration: what each module costs in INT8, module {next(tried)} of {len(shares)}"),
    )
    trials = images[:TOGETHER]
    kept, found = search(
        simulation, trials, shares, weights_of(ops), errors, lambda words: step(f"calibration: {words}")
    )
    step("calibration: what weights alone cost in the modules that stay in float")
    harm = measure(simulation, images[:ALONE], kept, lambda _: None, activations=False)
    precisions = {name: FLOAT if harm[name] > WEIGHT_HARM else WEIGHTS for name in kept}
    modules = {
        name: Module(precisions.get(name, INT8), round(share, 6), round(errors[name], 6))
        for name, share in shares.items()
    }
    recipe = Recipe(RECIPE_SCHEMA, sha256, len(trials), round(found.mean_rel, 6), round(found.bias, 6), modules)
    return Calibration(sha256, tuple(sample.sha256 for sample in samples), ranges, recipe)

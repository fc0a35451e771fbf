"""Which modules of the network are int8: measured one by one, chosen for a budget, kept as a file to edit."""

import dataclasses
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
from numpy.typing import NDArray

from calib.simulate import Simulation
from wedepth.config import from_json
from wedepth.errors import WedepthError
from wedepth.files import write_beside

SCHEMA = 1
INT8, WEIGHTS, FLOAT = "int8", "weights", "float"
Values = NDArray[np.float32]
Step = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Difference:
    """Depth in INT8 against depth in float, relative, over frames: the mean of its size, and of its sign."""

    mean_rel: float
    bias: float


# The mean difference that the search aims at, measured on the trained default. Where depth is short by some percent on
# a whole frame, AbsRel rises by three times as much of itself: every frame's own bias has to stay small, and it comes
# with the mean difference. What all frames have in common is corrected on the artifact (calib.correct). At 0.0055,
# TFLite's AbsRel on 48 unseen rooms was 1.0136 of fp32's; at 0.0045, with eight modules more in float, 1.0042.
AIM = 0.0045
WEIGHT_HARM = 0.0005
"""Above this mean difference a module that is computed in float keeps float weights in targets of int8 weights too."""
LEAST_SHARE = 0.906
"""Of all multiply-accumulates, how much has to stay in int8: a budget that is met in float is not met. Nine tenths, and
the 0.6 % of the transposed convolutions, which no runtime here computes in int8."""
MOST_FLOAT_WEIGHTS = 0.1
"""Of all weights, how many may stay in float, as float16: with that many `edge` is 0.308 to 0.317 of fp32's size."""


@dataclass(frozen=True, slots=True)
class Module:
    """One module of the network: what is int8 of it, its share of all multiply-accumulates, and the mean relative
    difference of the depth when it alone is int8.

    "int8" is computed in int8, "float" and "weights" are not; of "weights", the weights can be int8 all the same, where
    a target has only weights in int8.
    """

    precision: str
    share: float
    error: float


@dataclass(frozen=True, slots=True)
class Recipe:
    """`precision.json`. `hub` is the SHA-256 of the graph that it was measured on; `mean_rel` and `bias` are those of
    the whole recipe, simulated on `frames` calibration frames."""

    schema: int
    hub: str
    frames: int
    mean_rel: float
    bias: float
    modules: dict[str, Module]

    @property
    def float_modules(self) -> frozenset[str]:
        """The modules that are computed in float."""
        return frozenset(name for name, module in self.modules.items() if module.precision != INT8)

    @property
    def float_weights(self) -> frozenset[str]:
        """The modules whose weights stay in float too."""
        return frozenset(name for name, module in self.modules.items() if module.precision == FLOAT)

    @property
    def int8_share(self) -> float:
        """The part of all multiply-accumulates that is int8."""
        return sum(module.share for module in self.modules.values() if module.precision == INT8)

    def write(self, path: Path) -> None:
        """Write the file, one module a line."""
        head = {key: value for key, value in dataclasses.asdict(self).items() if key != "modules"}
        lines = [f"  {json.dumps(name)}: {json.dumps(dataclasses.asdict(m))}" for name, m in self.modules.items()]
        text = json.dumps(head, indent=1)[:-2] + ',\n "modules": {\n' + ",\n".join(lines) + "\n }\n}\n"
        write_beside(path, lambda beside: beside.write_text(text))

    @staticmethod
    def read(path: Path) -> "Recipe":
        """The recipe in a file, as it was written or edited; what does not fit is named in a WedepthError."""
        try:
            data = json.loads(path.read_text())
        except (OSError, ValueError) as error:
            raise WedepthError(f"Cannot read the precision recipe {path}: {error}.") from None
        hints: dict[str, Any] = get_type_hints(Recipe)
        if not isinstance(data, dict) or data.keys() != hints.keys() or data["schema"] != SCHEMA:
            raise WedepthError(f"{path} is no precision recipe of schema {SCHEMA}: it must have {', '.join(hints)}.")
        if not isinstance(data["modules"], dict) or not data["modules"]:
            raise WedepthError(f"{path}: modules must be an object with an entry for each module.")
        modules = {
            name: from_json(Module, entry, f"{path.name}: modules.{name}") for name, entry in data["modules"].items()
        }
        for name, module in modules.items():
            if module.precision not in (INT8, WEIGHTS, FLOAT):
                raise WedepthError(
                    f"{path.name}: {name} is {module.precision!r}; it must be {INT8!r}, {WEIGHTS!r} or {FLOAT!r}."
                )
        rest = {key: from_json(hints[key], data[key], f"{path.name}: {key}") for key in hints if key != "modules"}
        return Recipe(**rest, modules=modules)


def measure(
    simulation: Simulation, images: Sequence[Values], modules: Iterable[str], step: Step, activations: bool = True
) -> dict[str, float]:
    """By module the mean relative difference of the depth when it alone is int8; without `activations`, its weights.

    `step` is called after every module with its name.
    """
    reference = [simulation.depth(image, frozenset()) for image in images]
    errors = {}
    for name in modules:
        errors[name] = difference(simulation, images, reference, frozenset((name,)), activations).mean_rel
        step(name)
    return errors


def difference(
    simulation: Simulation,
    images: Sequence[Values],
    reference: Sequence[Values],
    int8: frozenset[str],
    activations: bool = True,
) -> Difference:
    """What `int8` modules do to the depth of the images; without `activations`, what their weights do."""
    relative = [
        simulation.depth(image, int8, activations) / depth - 1 for image, depth in zip(images, reference, strict=True)
    ]
    sizes, signs = zip(*((float(np.abs(r).mean()), float(r.mean())) for r in relative), strict=True)
    return Difference(float(np.mean(sizes)), float(np.mean(signs)))


def search(
    simulation: Simulation,
    images: Sequence[Values],
    shares: dict[str, float],
    weights: dict[str, float],
    errors: dict[str, float],
    step: Step,
    aim: float = AIM,
) -> tuple[frozenset[str], Difference]:
    """The modules that have to stay in float for the aim, and what all others in int8 then do to the depth.

    `shares` and `weights` are each module's part of all multiply-accumulates and of all weights. Modules go back to
    float in the order of their squared error for their multiply-accumulates, as few as it takes, and never so many that
    less than LEAST_SHARE would be left in int8, or more than MOST_FLOAT_WEIGHTS be float; where the aim is out of reach
    by that, it is the best choice that was tried.
    """
    reference = [simulation.depth(image, frozenset()) for image in images]
    order: list[str] = []
    macs, heavy = 1 - LEAST_SHARE, MOST_FLOAT_WEIGHTS
    for name in sorted(shares, key=lambda name: errors[name] ** 2 / (shares[name] + 1e-4), reverse=True):
        if shares[name] <= macs and weights[name] <= heavy:
            order.append(name)
            macs, heavy = macs - shares[name], heavy - weights[name]

    def try_out(count: int) -> Difference:
        found = difference(simulation, images, reference, frozenset(shares) - frozenset(order[:count]))
        step(f"{count} of {len(shares)} modules in float: mean difference {found.mean_rel:.2%}, bias {found.bias:+.2%}")
        return found

    found = {0: try_out(0)}
    least, most = 0, 0 if found[0].mean_rel <= aim else len(order)
    while least < most:  # the fewest that suffice, by halving: each trial is a run over every image
        count = (least + most) // 2
        found[count] = try_out(count)
        least, most = (least, count) if found[count].mean_rel <= aim else (count + 1, most)
    if least not in found:
        found[least] = try_out(least)
    if found[least].mean_rel > aim:
        least = min(found, key=lambda count: found[count].mean_rel)
    return frozenset(order[:least]), found[least]

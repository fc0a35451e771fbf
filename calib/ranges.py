"""The range of every activation, collected once on the hub: the rule that measures best decides, tensor by tensor."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

from calib.session import open_hub
from wedepth.errors import WedepthError

LEVELS = 255
# Values that are kept of a tensor and image; the extremes are always known exactly.
KEPT = 4096
PERCENTILES = (99.9, 99.99)
SHRINKS = np.linspace(0.3, 1.0, 15)
Values = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Range:
    """Lowest and highest value that int8 is to represent, zero among them, and the rule that found them."""

    low: float
    high: float
    rule: str

    @property
    def scale(self) -> float:
        """The step between two of the 256 values."""
        return max(self.high - self.low, 1e-8) / LEVELS

    @property
    def zero_point(self) -> int:
        """The unsigned 8-bit value that stands for zero."""
        return int(np.clip(round(-self.low / self.scale), 0, LEVELS))


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of one tensor: extremes of every image [images], and an even part of its values [images,≤KEPT]."""

    lows: Values
    highs: Values
    values: Values


def collect(hub: Path, names: Sequence[str], images: Iterable[Values], step: Callable[[], None]) -> dict[str, Range]:
    """The range of each tensor in `names` over `images` (float32 [1,3,H,W], RGB 0…255); `step` is called for each.

    Raises WedepthError for a tensor that is not finite.
    """
    return {name: choose(seen, name) for name, seen in observe(hub, names, images, step).items()}


def observe(hub: Path, names: Sequence[str], images: Iterable[Values], step: Callable[[], None]) -> dict[str, Seen]:
    """What `choose` needs of each tensor, from one run of the hub an image."""
    session = open_hub(hub, lambda model: _add_outputs(model, names))
    outputs = [f"{name}~{what}" for name in names for what in ("low", "high", "values")]
    lows, highs, values = [], [], []
    for image in images:
        results = session.run(outputs, {"image": image})
        lows.append(results[0::3])
        highs.append(results[1::3])
        values.append(results[2::3])
        step()
    return {
        name: Seen(
            np.array([image[i] for image in lows], np.float32),
            np.array([image[i] for image in highs], np.float32),
            np.stack([image[i] for image in values]),
        )
        for i, name in enumerate(names)
    }


def choose(seen: Seen, name: str) -> Range:
    """The range whose rounding measures best on values that no rule was fitted to.

    Rules are fitted to every other image and measured on the rest: min-max, percentiles of either tail, and the part
    of min-max that has the least mean squared error on the fitted half. What is measured is the mean fourth power of
    the error, because the depth minds a few clipped outliers more than much rounding: by the mean square, percentiles
    win a third of the tensors and the depth comes out worse than with min-max everywhere.
    """
    if not (np.isfinite(seen.lows).all() and np.isfinite(seen.highs).all()):
        raise WedepthError(f"{name} is not finite on the calibration samples; there is no range for it.")
    whole = Range(min(float(seen.lows.min()), 0.0), max(float(seen.highs.max()), 0.0), "min-max")
    fitted, held = seen.values[0::2], seen.values[1::2]
    if not held.size:
        return whole
    shrunk = [Range(whole.low * part, whole.high * part, "mse") for part in SHRINKS]
    candidates = [whole, min(shrunk, key=lambda r: rounding_error(fitted, r, power=2))]
    for percent in PERCENTILES:
        low, high = np.percentile(fitted, (100 - percent, percent))
        candidates.append(Range(min(float(low), 0.0), max(float(high), 0.0), f"percentile {percent:g}"))
    return min(candidates, key=lambda r: rounding_error(held, r, power=4))


def rounding_error(values: Values, bounds: Range, power: int) -> float:
    """The mean `power` of the error of `values` when they are rounded to the 256 values of a range."""
    scale, zero = np.float32(bounds.scale), bounds.zero_point
    rounded = (np.clip(np.rint(values / scale) + zero, 0, LEVELS) - zero) * scale
    return float(np.mean((rounded - values) ** power, dtype=np.float64))


def rules(ranges: dict[str, Range]) -> dict[str, int]:
    """How many tensors each rule won."""
    return dict(Counter(found.rule for found in ranges.values()).most_common())


def _add_outputs(model: onnx.ModelProto, names: Sequence[str]) -> None:
    """Give the graph the extremes and an even part of every tensor as outputs, so that no whole tensor leaves it."""
    make, graph = onnx.helper, model.graph
    sizes = {
        value.name: int(np.prod([axis.dim_value for axis in value.type.tensor_type.shape.dim]))
        for value in (*graph.input, *onnx.shape_inference.infer_shapes(model).graph.value_info, *graph.output)
    }
    for name in names:
        # An odd step falls on every channel and column in turn.
        every = max(1, -(-sizes[name] // KEPT)) | 1
        constants = {"flat": [-1], "from": [0], "to": [sizes[name]], "axis": [0], "step": [every]}
        for key, value in constants.items():
            graph.initializer.append(make.make_tensor(f"{name}~{key}", onnx.TensorProto.INT64, [1], value))
        graph.node.extend(
            (
                make.make_node("ReduceMin", [name], [f"{name}~low"], keepdims=0),
                make.make_node("ReduceMax", [name], [f"{name}~high"], keepdims=0),
                make.make_node("Reshape", [name, f"{name}~flat"], [f"{name}~line"]),
                make.make_node(
                    "Slice", [f"{name}~{k}" for k in ("line", "from", "to", "axis", "step")], [f"{name}~values"]
                ),
            )
        )
        for what, shape in (("low", []), ("high", []), ("values", None)):
            graph.output.append(make.make_tensor_value_info(f"{name}~{what}", onnx.TensorProto.FLOAT, shape))

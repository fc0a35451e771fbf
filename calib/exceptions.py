"""What it would cost to round more than what multiplies: `python -m calib.exceptions HUB` prints it for a network.

No target is asked to round these; docs/int8.md has the figures of the trained default.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import click
import numpy as np
import onnx
from numpy.typing import NDArray

from calib.ops import Op, activations_of
from calib.ranges import collect
from calib.recipe import Difference, difference
from calib.samples import choose
from calib.session import to_hub
from calib.simulate import Simulation
from wedepth.commands import guarded
from wedepth.training.sources import parse_source

Values = NDArray[np.float32]
# What is rounded of each kind of operator: its inputs and result, or for the sampling only where it samples.
KINDS = {
    "softmax": "Softmax",
    "LayerNorm": "LayerNormalization",
    "GELU": "Gelu",
    "residual sums": "Add",
    "sampling coordinates": "GridSample",
    "the last exp": "Exp",
}


def measure_exceptions(hub: Path, images: Sequence[Values], step: Callable[[], None]) -> dict[str, Difference]:
    """For each of KINDS what its rounding alone does to the depth of `images` (hub inputs [1,3,H,W]).

    Ranges are chosen on the same images, as for what multiplies.
    """
    model = onnx.load(str(hub), load_external_data=False)
    ops = tuple(op for kind in KINDS for op in _ops(model, kind))
    simulation = Simulation(hub, ops, collect(hub, activations_of(ops), images, step))
    reference = [simulation.depth(image, frozenset()) for image in images]
    found = {}
    for kind in KINDS:
        found[kind] = difference(simulation, images, reference, frozenset((kind,)))
        step()
    return found


def _ops(model: onnx.ModelProto, kind: str) -> list[Op]:
    """The operators of a kind, as if they were modules that could be int8."""
    constants = {tensor.name for tensor in model.graph.initializer}
    found = []
    for node in model.graph.node:
        read = tuple(name for name in node.input if name and name not in constants)
        if node.op_type != KINDS[kind] or (kind == "residual sums" and len(read) < 2):
            continue
        if kind == "sampling coordinates":
            read = (node.input[1],)
        output = read[0] if kind == "sampling coordinates" else node.output[0]
        found.append(Op(node.name, node.op_type, kind, None, read, output, (output,), 0, 0))
    return found


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.argument("hub", type=click.Path(path_type=Path, exists=True))
@click.option("--calib", default="rooms:1000-1064", metavar="PATH[@SPLIT]", help="Frames to measure on.")
@click.option("--count", default=8, help="How many of them.")
def main(hub: Path, calib: str, count: int) -> None:
    """Print what rounding each kind of operator to INT8 would do to the depth, in a table."""
    from rich.console import Console
    from rich.progress import Progress
    from rich.table import Table

    shape = onnx.load(str(hub), load_external_data=False).graph.input[0].type.tensor_type.shape.dim
    samples = choose(parse_source(calib, weighted=False).open(), (shape[2].dim_value, shape[3].dim_value), count)
    table = Table(title=f"Rounded alone, on {len(samples)} frames", title_justify="left")
    for name in ("operators", "mean relative difference", "bias"):
        table.add_column(name, justify="left" if name == "operators" else "right")
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("ranges, then each kind alone", total=len(samples) + len(KINDS))
        found = measure_exceptions(hub, [to_hub(sample.image) for sample in samples], lambda: bar.advance(task))
    for kind, cost in found.items():
        table.add_row(kind, f"{cost.mean_rel:.2%}", f"{cost.bias:+.2%}")
    Console().print(table)


if __name__ == "__main__":
    guarded(main)

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from calib.ops import modules_of
from calib.plan import Plan
from calib.session import open_hub, to_hub
from calib.simulate import Simulation, weight_scales
from wedepth.rooms import rooms


@pytest.fixture(scope="module")
def simulation(nano_hub: Path, nano_plan: Plan) -> Simulation:
    return Simulation(nano_hub, nano_plan.ops, nano_plan.ranges)


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    return to_hub(rooms(9, (64, 96))[8].image)


@pytest.fixture(scope="module")
def in_float(nano_hub: Path, image: np.ndarray) -> np.ndarray:
    return open_hub(nano_hub).run(None, {"image": image})[0][0, 0]


def test_with_every_module_in_float_it_is_the_hub(
    simulation: Simulation, image: np.ndarray, in_float: np.ndarray
) -> None:
    np.testing.assert_allclose(simulation.depth(image, set()), in_float, rtol=1e-5)


def test_each_module_has_a_switch_of_its_own(
    simulation: Simulation, nano_plan: Plan, image: np.ndarray, in_float: np.ndarray
) -> None:
    errors = {
        module: float(np.abs(simulation.depth(image, {module}) / in_float - 1).mean())
        for module in modules_of(nano_plan.ops)
    }
    assert all(0 < error < 0.2 for error in errors.values()), errors
    assert len(set(errors.values())) > 0.9 * len(errors)
    together = float(np.abs(simulation.depth(image, set(errors)) / in_float - 1).mean())
    assert max(errors.values()) / 2 < together < 2 * sum(errors.values())


def test_weights_alone_are_rounded_without_activations(
    simulation: Simulation, nano_plan: Plan, image: np.ndarray, in_float: np.ndarray
) -> None:
    weighted = {op.module for op in nano_plan.ops if op.weight}
    whole, weights = (simulation.depth(image, weighted, both) / in_float - 1 for both in (True, False))
    assert 0 < np.abs(weights).mean() < np.abs(whole).mean()
    without = set(modules_of(nano_plan.ops)) - weighted
    assert without
    np.testing.assert_allclose(simulation.depth(image, without, activations=False), in_float, rtol=1e-5)


def test_one_module_is_what_rounding_by_hand_gives(
    simulation: Simulation, nano_hub: Path, nano_plan: Plan, image: np.ndarray
) -> None:
    """The first convolution of the graph, rounded in numpy instead of by the graph's own operators."""
    module = "vfm.patch_embed"
    (op,) = (op for op in nano_plan.ops if op.module == module)
    assert op.weight is not None

    def by_hand(model: onnx.ModelProto) -> None:
        weight = next(t for t in model.graph.initializer if t.name == op.weight)
        values = numpy_helper.to_array(weight)
        scale = weight_scales(values, 0).reshape(-1, 1, 1, 1)
        weight.CopyFrom(numpy_helper.from_array(np.rint(values / scale) * scale, op.weight))
        node = next(n for n in model.graph.node if n.name == op.node)
        for tensor in (op.inputs[0], op.output):
            bounds = nano_plan.ranges[tensor]
            step, zero = np.float32(bounds.scale), bounds.zero_point
            limits = np.array([-zero * step, (255 - zero) * step], np.float32)
            for suffix, value in (("step", step), ("low", limits[0]), ("high", limits[1])):
                model.graph.initializer.append(numpy_helper.from_array(np.array(value), f"{tensor}@{suffix}"))
            chain = [("Div", ["{}", "{}@step"]), ("Round", ["{}@0"]), ("Mul", ["{}@1", "{}@step"])]
            nodes = [
                onnx.helper.make_node(kind, [name.format(tensor) for name in names], [f"{tensor}@{index}"])
                for index, (kind, names) in enumerate(chain)
            ]
            nodes.append(onnx.helper.make_node("Clip", [f"{tensor}@{k}" for k in ("2", "low", "high")], [f"{tensor}@"]))
            place = list(model.graph.node)
            at = place.index(node) if tensor == op.inputs[0] else place.index(node) + 1
            readers = [node] if tensor == op.inputs[0] else place[at:]
            for reader in readers:
                reader.input[:] = [f"{tensor}@" if name == tensor else name for name in reader.input]
            place[at:at] = nodes
            del model.graph.node[:]
            model.graph.node.extend(place)
            node = next(n for n in model.graph.node if n.name == op.node)

    expected = open_hub(nano_hub, by_hand).run(None, {"image": image})[0][0, 0]
    np.testing.assert_allclose(simulation.depth(image, {module}), expected, rtol=2e-4)

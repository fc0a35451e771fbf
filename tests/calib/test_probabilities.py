import numpy as np
import onnx
import pytest

from calib.ops import find_ops
from calib.probabilities import even_probabilities
from calib.session import open_hub


@pytest.fixture(scope="module")
def even(nano_hub, tmp_path_factory):
    path = tmp_path_factory.mktemp("even") / "even.onnx"
    even_probabilities(nano_hub, path)
    return path


def image_of(hub):
    shape = [axis.dim_value for axis in onnx.load(hub).graph.input[0].type.tensor_type.shape.dim]
    return np.random.default_rng(0).uniform(0, 255, shape).astype(np.float32)


def test_evening_changes_no_depth(nano_hub, even) -> None:
    image = image_of(nano_hub)
    before, after = (open_hub(path).run(None, {"image": image})[0] for path in (nano_hub, even))
    assert np.abs(after / before - 1).max() < 1e-5


def test_every_product_with_probabilities_is_evened_and_stays_what_it_was(nano_hub, even) -> None:
    before, after = (find_ops(onnx.load(path)) for path in (nano_hub, even))
    assert [(op.node, op.module, op.macs) for op in after] == [(op.node, op.module, op.macs) for op in before]
    products = [op for op in after if op.module.endswith(".softmax")]
    assert len(products) > 20
    assert all(op.inputs[0].endswith("~even") for op in products)


def test_what_is_rounded_is_probabilities_by_the_root_of_the_largest_of_their_row(nano_hub, even) -> None:
    name = next(op.inputs[0] for op in find_ops(onnx.load(even)) if op.module == "vfm.blocks.0.attn.softmax")

    def output(model: onnx.ModelProto) -> None:
        model.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))

    (rows,) = open_hub(even, output).run([name], {"image": image_of(even)})
    probabilities = rows * rows.max(-1, keepdims=True)
    assert np.allclose(probabilities.sum(-1), 1, atol=1e-4) and not np.allclose(rows.sum(-1), 1, atol=0.1)

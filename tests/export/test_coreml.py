"""Every lowering against ONNX Runtime: one small graph an op, converted, and run by the reference interpreter."""

import gc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from export.coreml import convert
from runtimes.coreml_reference import CoreMLReference
from runtimes.mil_program import import_coremltools, mil_name
from wedepth.errors import WedepthError

SIZE = (8, 12)
RNG = np.random.default_rng(0)
Arrays = dict[str, NDArray]


def normal(*shape: int) -> NDArray[np.float32]:
    return RNG.standard_normal(shape).astype(np.float32)


def ints(*values: int) -> NDArray[np.int64]:
    return np.array(values, np.int64)


def model(*nodes: str, opset: int = 20, **constants: NDArray) -> onnx.ModelProto:
    """A graph from `x`, the image scaled to -1…1, to `depth`."""
    lines = ("unit = Mul(image, per_level)", "x = Sub(unit, one)", *nodes)
    constants |= {"per_level": np.float32(2 / 255), "one": np.float32(1)}
    graph = helper.make_graph(
        [onnx.parser.parse_node(line) for line in lines],
        "test",
        [helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, [1, 3, *SIZE])],
        [helper.make_tensor_value_info("depth", onnx.TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


def image() -> NDArray[np.float32]:
    return np.random.default_rng(1).integers(0, 256, (1, 3, *SIZE)).astype(np.float32)


def onnx_depth(graph: onnx.ModelProto) -> NDArray[np.float32]:
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"image": image()})[0]


def packaged(graph: onnx.ModelProto, folder: Path, precision: str = "fp32") -> CoreMLReference:
    onnx.save(graph, folder / "hub.onnx")
    convert(folder / "hub.onnx", folder / "model.mlpackage", precision=precision, metadata={})
    return CoreMLReference(folder / "model.mlpackage")


C3 = {"c": normal(3, 1, 1)}
RANK3 = "y = Reshape(x, shape)"  # [1,3,8,12] → [1,24,12]
UNARY = ("Cos", "Erf", "Exp", "Identity", "Neg", "Relu", "Sigmoid", "Sin", "Tanh")
BINARY = ("Add", "Sub", "Mul", "Div", "Max", "Min")
CASES: dict[str, tuple[list[str], Arrays]] = {
    "unary ops": (
        [*(f"{op}_ = {op}(x)" for op in UNARY), f"depth = Concat<axis=1>({', '.join(f'{op}_' for op in UNARY)})"],
        {},
    ),
    "binary ops": (
        [*(f"{op}_ = {op}(x, c)" for op in BINARY), f"depth = Concat<axis=1>({', '.join(f'{op}_' for op in BINARY)})"],
        C3,
    ),
    "Add two tensors": (["y = Exp(x)", "depth = Add(x, y)"], {}),
    "Sub from a constant": (["depth = Sub(c, x)"], C3),
    "Div of a constant": (["y = Exp(x)", "depth = Div(c, y)"], C3),
    "Max of three": (["y = Neg(x)", "depth = Max(x, c, y)"], C3),
    "Pow": (["y = Exp(x)", "depth = Pow(y, c)"], {"c": np.float32(1.7)}),
    "Pow 2": (["depth = Pow(x, c)"], {"c": np.float32(2)}),
    "Pow 2 and Sqrt": (["y = Pow(x, c)", "depth = Sqrt(y)"], {"c": np.float32(2)}),
    "Sqrt and Pow 2": (["z = Exp(x)", "y = Sqrt(z)", "depth = Pow(y, c)"], {"c": np.float32(2)}),
    "Reciprocal": (["depth = Reciprocal(x)"], {}),
    "Reciprocal of small": (["y = Mul(x, c)", "depth = Reciprocal(y)"], {"c": np.float32(1e-6)}),
    "Log": (["y = Exp(x)", "depth = Log(y)"], {}),
    "Clip to 0…6": (["y = Mul(x, six)", "depth = Clip(y, low, six)"], {"low": np.float32(0), "six": np.float32(6)}),
    "Clip": (["depth = Clip(x, low, high)"], {"low": np.float32(-0.5), "high": np.float32(0.25)}),
    "Clip below": (["depth = Clip(x, low)"], {"low": np.float32(-0.5)}),
    "Clip above": (['depth = Clip(x, "", high)'], {"high": np.float32(0.25)}),
    "Clip not at all": (["depth = Clip(x, low)"], {"low": np.float32(np.finfo(np.float32).min)}),
    "Gelu": (["depth = Gelu(x)"], {}),
    "Gelu tanh": (['depth = Gelu<approximate="tanh">(x)'], {}),
    "Gelu in parts": (
        ["a = Div(x, root)", "b = Erf(a)", "c = Add(b, one)", "d = Mul(x, c)", "depth = Mul(d, half)"],
        {"root": np.float32(2**0.5), "half": np.float32(0.5)},
    ),
    "Silu in parts": (["y = Sigmoid(x)", "depth = Mul(x, y)"], {}),
    "HardSigmoid": (["depth = HardSigmoid<alpha=0.3, beta=0.4>(x)"], {}),
    "HardSwish": (["y = Mul(x, c)", "depth = HardSwish(y)"], {"c": np.float32(4)}),
    "Softmax": (["depth = Softmax(x)"], {}),
    "Softmax over channels": (["depth = Softmax<axis=1>(x)"], {}),
    "Cast there and back": (["y = Mul(x, c)", "z = Cast<to=7>(y)", "depth = Cast<to=1>(z)"], {"c": np.float32(9)}),
    "Constant": (["c = Constant<value_float=0.7>()", "depth = Add(x, c)"], {}),
    "MatMul by a constant": (["depth = MatMul(x, w)"], {"w": normal(12, 5)}),
    "MatMul and bias": (["y = MatMul(x, w)", "depth = Add(y, b)"], {"w": normal(12, 5), "b": normal(5)}),
    "MatMul, rank 3": ([RANK3, "depth = MatMul(y, w)"], {"shape": ints(1, 24, 12), "w": normal(12, 5)}),
    "MatMul of a constant": (["depth = MatMul(w, x)"], {"w": normal(5, 8)}),
    "MatMul by a batch": (["depth = MatMul(x, w)"], {"w": normal(1, 3, 12, 5)}),
    "MatMul of two tensors": (["y = Transpose<perm=[0, 1, 3, 2]>(x)", "depth = MatMul(x, y)"], {}),
    "Gemm": (
        ["y = Reshape(x, shape)", "depth = Gemm<alpha=0.5, beta=2.0, transB=1>(y, w, b)"],
        {"shape": ints(24, 12), "w": normal(5, 12), "b": normal(5)},
    ),
    "Gemm without bias": (["y = Reshape(x, shape)", "depth = Gemm(y, w)"], {"shape": ints(24, 12), "w": normal(12, 5)}),
    "Gemm of two tensors": (
        ["y = Reshape(x, shape)", "z = Exp(y)", "depth = Gemm<alpha=0.5, beta=2.0, transA=1>(y, z, b)"],
        {"shape": ints(24, 12), "b": normal(12)},
    ),
    "LayerNormalization": (
        ["depth = LayerNormalization<axis=-1, epsilon=1e-6>(x, w, b)"],
        {"w": normal(12), "b": normal(12)},
    ),
    "LayerNormalization of two axes": (["depth = LayerNormalization<axis=2>(x, w)"], {"w": normal(8, 12)}),
    "InstanceNormalization": (["depth = InstanceNormalization(x, w, b)"], {"w": normal(3), "b": normal(3)}),
    "GroupNorm in parts": (
        [
            "y = Conv(x, k)", "g = Reshape(y, groups)", "n = InstanceNormalization(g, w, b)",
            "r = Reshape(n, shape)", "s = Mul(r, v)", "depth = Add(s, v)",
        ],
        {
            "k": normal(6, 3, 1, 1), "groups": ints(0, 2, -1), "shape": ints(1, 6, *SIZE), "v": normal(6, 1, 1),
            "w": np.ones(2, np.float32), "b": np.zeros(2, np.float32),
        },
    ),
    "BatchNormalization": (
        ["depth = BatchNormalization(x, a, b, c, d)"],
        {"a": normal(3), "b": normal(3), "c": normal(3), "d": np.abs(normal(3))},
    ),
    "BatchNormalization, rank 2": (
        ["y = Reshape(x, shape)", "depth = BatchNormalization(y, a, b, c, d)"],
        {"shape": ints(24, 12), "a": normal(12), "b": normal(12), "c": normal(12), "d": np.abs(normal(12))},
    ),
    "ReduceMean": (["depth = ReduceMean<keepdims=0>(x, axes)"], {"axes": ints(-1)}),
    "ReduceSum": (["depth = ReduceSum(x, axes)"], {"axes": ints(1, 3)}),
    "ReduceMax": (["depth = ReduceMax(x)"], {}),
    "ReduceSum, no axes": (["depth = ReduceSum<noop_with_empty_axes=1>(x)"], {}),
    "GlobalAveragePool": (["depth = GlobalAveragePool(x)"], {}),
    "Conv": (["depth = Conv<pads=[1, 1, 1, 1]>(x, w, b)"], {"w": normal(4, 3, 3, 3), "b": normal(4)}),
    "Conv with stride and uneven padding": (
        ["depth = Conv<pads=[0, 1, 2, 0], strides=[2, 3]>(x, w)"],
        {"w": normal(4, 3, 3, 2)},
    ),
    "Conv, depthwise and dilated": (
        ["depth = Conv<group=3, dilations=[2, 1], pads=[2, 1, 2, 1]>(x, w)"],
        {"w": normal(6, 1, 3, 3)},
    ),
    "Conv, SAME_UPPER": (
        ['depth = Conv<auto_pad="SAME_UPPER", strides=[2, 2]>(x, w)'],
        {"w": normal(4, 3, 3, 3)},
    ),
    "Conv, SAME_LOWER": (
        ['depth = Conv<auto_pad="SAME_LOWER", strides=[3, 2]>(x, w)'],
        {"w": normal(4, 3, 4, 3)},
    ),
    "Conv of one axis": (
        [RANK3, "depth = Conv<pads=[1, 0]>(y, w)"],
        {"shape": ints(1, 24, 12), "w": normal(4, 24, 2)},
    ),
    "Conv, BatchNormalization": (
        ["y = Conv(x, w)", "depth = BatchNormalization(y, a, a, a, d)"],
        {"w": normal(4, 3, 1, 1), "a": normal(4), "d": np.abs(normal(4))},
    ),
    "ConvTranspose": (["depth = ConvTranspose<strides=[2, 2]>(x, w, b)"], {"w": normal(3, 4, 2, 2), "b": normal(4)}),
    "ConvTranspose, cropped unevenly": (
        ["depth = ConvTranspose<strides=[2, 2], pads=[1, 0, 2, 1], output_padding=[1, 0]>(x, w)"],
        {"w": normal(3, 4, 3, 3)},
    ),
    "ConvTranspose in groups": (["depth = ConvTranspose<group=3>(x, w)"], {"w": normal(3, 2, 3, 3)}),
    "MaxPool": (["depth = MaxPool<kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]>(x)"], {}),
    "MaxPool, uneven": (["depth = MaxPool<kernel_shape=[3, 2], pads=[0, 0, 1, 1]>(x)"], {}),
    "MaxPool, ceil": (["depth = MaxPool<kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1>(x)"], {}),
    "AveragePool": (["depth = AveragePool<kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]>(x)"], {}),
    "AveragePool, uneven": (["depth = AveragePool<kernel_shape=[2, 3], pads=[0, 0, 1, 2]>(x)"], {}),
    "AveragePool over padding": (
        ["depth = AveragePool<kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1>(x)"],
        {},
    ),
    "Reshape with 0 and -1": (["depth = Reshape(x, shape)"], {"shape": ints(0, 3, -1, 2)}),
    "Flatten": (["depth = Flatten<axis=2>(x)"], {}),
    "Transpose": (["depth = Transpose<perm=[0, 2, 3, 1]>(x)"], {}),
    "Unsqueeze": (["depth = Unsqueeze(x, axes)"], {"axes": ints(-1)}),
    "Squeeze": (["depth = Squeeze(x, axes)"], {"axes": ints(0)}),
    "Concat": (["y = Neg(x)", "depth = Concat<axis=-1>(x, y, c)"], {"c": normal(1, 3, 8, 2)}),
    "Split": (["a, b, c = Split<axis=3>(x, sizes)", "depth = Concat<axis=3>(c, a)"], {"sizes": ints(2, 7, 3)}),
    "Split in five": (["a, b, c, d, e = Split<axis=-1, num_outputs=5>(x)", "depth = Concat<axis=3>(e, a)"], {}),
    "Slice to the end": (
        ["depth = Slice(x, starts, ends, axes)"],
        {"starts": ints(3, -2), "ends": ints(np.iinfo(np.int64).max, 2**40), "axes": ints(3, 1)},
    ),
    "Slice with steps": (
        ["depth = Slice(x, starts, ends, axes, steps)"],
        {"starts": ints(1, 0), "ends": ints(-1, 8), "axes": ints(-1, -2), "steps": ints(3, 2)},
    ),
    "Slice backwards": (
        ["depth = Slice(x, starts, ends, axes, steps)"],
        {"starts": ints(-1, -2), "ends": ints(-(2**62), 2), "axes": ints(3, 2), "steps": ints(-1, -2)},
    ),
    "Gather": (["depth = Gather<axis=3>(x, indices)"], {"indices": np.array([[0, -1], [5, 3]])}),
    "Gather one": (["depth = Gather<axis=1>(x, indices)"], {"indices": np.array(-1)}),
    "Expand": (["y = ReduceMean(x, axes)", "depth = Expand(y, shape)"], {"axes": ints(1), "shape": ints(2, 5, 1, 1)}),
    "Expand to a higher rank": (["depth = Expand(x, shape)"], {"shape": ints(2, 1, 1, 1, 1)}),
    "Pad": (
        ["depth = Pad(x, pads, value)"],
        {"pads": ints(0, 1, 0, 2, 0, 0, 3, 1), "value": np.float32(0.5)},
    ),
    "Pad some axes": (['depth = Pad(x, pads, "", axes)'], {"pads": ints(1, 2, 0, 3), "axes": ints(-1, 1)}),
    "Pad and Conv": (
        ["y = Pad(x, pads)", "depth = Conv(y, w)"],
        {"pads": ints(0, 0, 1, 2, 0, 0, 0, 1), "w": normal(4, 3, 3, 3)},
    ),
    "Pad, reflect": (['depth = Pad<mode="reflect">(x, pads)'], {"pads": ints(0, 0, 2, 1, 0, 0, 0, 3)}),
    "Pad, edge": (['depth = Pad<mode="edge">(x, pads)'], {"pads": ints(0, 0, 2, 1, 0, 0, 0, 3)}),
    "DepthToSpace, DCR": (["y = Conv(x, w)", "depth = DepthToSpace<blocksize=2>(y)"], {"w": normal(8, 3, 1, 1)}),
    "DepthToSpace, CRD": (
        ["y = Conv(x, w)", 'depth = DepthToSpace<blocksize=2, mode="CRD">(y)'],
        {"w": normal(8, 3, 1, 1)},
    ),
    **{
        f"GridSample, {mode}, {padding}, {corners}": (
            [f'depth = GridSample<mode="{mode}", padding_mode="{padding}", align_corners={corners}>(x, grid)'],
            {"grid": 1.3 * normal(1, 5, 7, 2)},
        )
        for mode, padding, corners in (("linear", "zeros", 0), ("linear", "border", 1), ("nearest", "zeros", 0))
    },
    "GridSample by a tensor": (
        ["y = Transpose<perm=[0, 2, 3, 1]>(x)", "grid = Slice(y, a, b, c)", "depth = GridSample(x, grid)"],
        {"a": ints(0), "b": ints(2), "c": ints(3)},
    ),
    **{
        f"Resize, linear, {grid}, to {size}": (
            [f'depth = Resize<mode="linear", coordinate_transformation_mode="{grid}">(x, "", "", size)'],
            {"size": ints(1, 3, *size)},
        )
        for grid in ("half_pixel", "pytorch_half_pixel", "align_corners")
        for size in ((20, 5), (16, 24))
    },
    "Resize, linear, to 1": (
        ['depth = Resize<mode="linear", coordinate_transformation_mode="align_corners">(x, "", "", size)'],
        {"size": ints(1, 3, 1, 1)},
    ),
    "Resize, linear, by scales": (
        ['depth = Resize<mode="linear">(x, "", scales)'],
        {"scales": np.array([1, 1, 1.5, 0.25], np.float32)},
    ),
    "Resize, nearest": (
        ['depth = Resize<coordinate_transformation_mode="asymmetric", nearest_mode="floor">(x, "", "", size)'],
        {"size": ints(1, 3, 24, 24)},
    ),
    "Resize, nearest, half pixel, of two axes": (
        ['depth = Resize<axes=[2, 3]>(x, "", scales)'],
        {"scales": np.array([2, 3], np.float32)},
    ),
}  # fmt: skip


# In these fp16 keeps about three digits; others amplify rounding (1/x near 0, a Cast to integers).
HALF = (
    "Softmax", "MatMul and bias", "LayerNormalization", "InstanceNormalization", "Conv, BatchNormalization",
    "AveragePool, uneven", "Slice backwards", "GridSample by a tensor", "Resize, linear, half_pixel, to (20, 5)",
)  # fmt: skip
REFUSED: dict[str, tuple[str, Arrays, str]] = {
    "an op without lowering": ("depth = Hardmax(x)", {}, "no lowering for ONNX op Hardmax at node 'depth'"),
    "cubic Resize": ('depth = Resize<mode="cubic">(x, "", "", s)', {"s": ints(1, 3, 16, 24)}, "'depth'.*'cubic'"),
    "nearest Resize by a fraction": ('depth = Resize(x, "", s)', {"s": np.float32([1, 1, 1.5, 1])}, "by whole factors"),
    "nearest Resize that drops pixels": (
        'depth = Resize<coordinate_transformation_mode="asymmetric">(x, "", "", s)',
        {"s": ints(1, 3, 16, 24)},
        "'asymmetric', 'round_prefer_floor'",
    ),
    "Resize of channels": ('depth = Resize<mode="linear">(x, "", "", s)', {"s": ints(1, 6, 8, 12)}, "only height and"),
    "Resize by an odd scale": (
        'depth = Resize<mode="linear">(x, "", s)',
        {"s": np.float32([1, 1, 1.3, 1])},
        "no whole number",
    ),
    "GridSample with reflection": (
        'depth = GridSample<padding_mode="reflection">(x, g)',
        {"g": normal(1, 5, 7, 2)},
        "padding 'reflection'",
    ),
    "a Pad that crops": ("depth = Pad(x, p)", {"p": ints(0, 0, -1, 0, 0, 0, 0, 0)}, "write a crop as a Slice"),
    "a Pad that wraps": ('depth = Pad<mode="wrap">(x, p)', {"p": ints(0, 0, 1, 0, 0, 0, 0, 0)}, "mode 'wrap'"),
    "dilated MaxPool": ("depth = MaxPool<kernel_shape=[2, 2], dilations=[2, 2]>(x)", {}, "dilated"),
    "uneven MaxPool with ceil": (
        "depth = MaxPool<kernel_shape=[2, 2], strides=[2, 2], pads=[1, 0, 0, 0], ceil_mode=1>(x)",
        {},
        "same padding on both sides",
    ),
    "more output_padding than padding": (
        "depth = ConvTranspose<strides=[2, 2], output_padding=[1, 1]>(x, w)",
        {"w": normal(3, 4, 3, 3)},
        "exceeds its padding",
    ),
    "a Gather by computed indices": ("depth = Gather(c, x)", {"c": normal(9)}, "input 1 .x. is not a constant"),
    "an empty Slice": ("depth = Slice(x, a, a)", {"a": ints(1)}, "empty"),
    "a Cast to bytes": ("depth = Cast<to=3>(x)", {}, "casts to ONNX type 3"),
    "shapes that do not fit": ("depth = Add(x, c)", {"c": normal(5)}, "'depth' .Add. has no counterpart"),
    "rank 6": ("depth = Reshape(x, s)", {"s": ints(1, 3, 2, 4, 2, 6)}, "rank <= 5. Layer .depth."),
}


@pytest.fixture(scope="module", autouse=True)
def _quick_collections() -> Iterator[None]:
    """Spares each conversion's gc.collect() what torch and coremltools hold: 0.24 of 0.36 s."""
    import_coremltools()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.parametrize("case", CASES)
def test_an_op_computes_what_onnx_runtime_does(case: str, tmp_path: Path) -> None:
    nodes, constants = CASES[case]
    graph = model(*nodes, **constants)
    expected = onnx_depth(graph)
    depth = packaged(graph, tmp_path).run(image())
    assert depth.shape == expected.shape
    assert np.abs(depth - expected).max() <= 1e-5 * max(1.0, np.abs(expected).max())


@pytest.mark.parametrize("case", HALF)
def test_an_op_in_half_precision_keeps_three_digits(case: str, tmp_path: Path) -> None:
    nodes, constants = CASES[case]
    graph = model(*nodes, **constants)
    expected = onnx_depth(graph)
    package = packaged(graph, tmp_path, "fp16")
    seen: dict[str, np.dtype] = {}
    depth = package.run(image(), lambda name, value: seen.update({name: value.dtype}))
    assert np.float16 in seen.values()
    assert np.abs(depth - expected).max() <= 4e-3 * max(1.0, np.abs(expected).max())


def test_group_normalization_of_opset_21(tmp_path: Path) -> None:
    nodes = ("y = Conv(x, k)", "depth = GroupNormalization<num_groups=2>(y, w, b)")
    graph = model(*nodes, opset=21, k=normal(6, 3, 1, 1), w=normal(6), b=normal(6))
    assert np.allclose(packaged(graph, tmp_path).run(image()), onnx_depth(graph), atol=1e-5)


def test_half_precision_keeps_the_last_exp_in_float32(tmp_path: Path) -> None:
    graph = model("y = Mul(x, c)", "depth = Exp(y)", c=np.float32(12))
    depth, expected = packaged(graph, tmp_path, "fp16").run(image()), onnx_depth(graph)
    assert expected.max() > np.finfo(np.float16).max
    assert np.abs(depth / expected - 1).max() < 0.02  # half an fp16 step of log depth 12 is 0.4 %, three roundings


@pytest.mark.parametrize("case", REFUSED)
def test_what_core_ml_lacks_is_refused_by_node(case: str, tmp_path: Path) -> None:
    node, constants, reason = REFUSED[case]
    with pytest.raises(WedepthError, match=reason):
        packaged(model(node, **constants), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["hub.onnx"]


def test_other_interfaces_are_refused(tmp_path: Path) -> None:
    two = model("depth = Exp(x)")
    two.graph.output.append(helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, None))
    with pytest.raises(WedepthError, match="gives depth, x; for Core ML"):
        packaged(two, tmp_path)
    free = model("depth = Exp(x)")
    free.graph.input[0].type.tensor_type.shape.dim[2].dim_param = "height"
    with pytest.raises(WedepthError, match="fixed shape"):
        packaged(free, tmp_path)


def test_weights_may_stand_beside_the_graph(tmp_path: Path) -> None:
    graph = model("depth = Conv(x, w)", w=normal(4, 3, 3, 3))
    expected = onnx_depth(graph)
    onnx.save(graph, tmp_path / "hub.onnx", save_as_external_data=True, location="hub.data", size_threshold=0)
    convert(tmp_path / "hub.onnx", tmp_path / "a.mlpackage", precision="fp32", metadata={})
    assert np.allclose(CoreMLReference(tmp_path / "a.mlpackage").run(image()), expected, atol=1e-5)


def test_the_package_is_what_it_claims_to_be(tmp_path: Path) -> None:
    import coremltools as ct

    graph = model(
        "vit.blocks.0/MatMul = MatMul(x, w)".replace("vit.blocks.0/MatMul", "product"),
        "depth = Exp(product)",
        w=normal(12, 5),
    )
    for node in graph.graph.node:
        node.input[:] = ["vit.blocks.0/MatMul" if name == "product" else name for name in node.input]
        node.output[:] = ["vit.blocks.0/MatMul" if name == "product" else name for name in node.output]
    onnx.save(graph, tmp_path / "hub.onnx")
    out = tmp_path / "model.mlpackage"
    convert(
        tmp_path / "hub.onnx", out, precision="fp32",
        metadata={"author": "wedepth", "description": "Metric depth.", "checkpoint_sha256": "ab12"},
    )  # fmt: skip
    specification = ct.models.utils.load_spec(str(out))
    function = specification.mlProgram.functions["main"]
    description = specification.description
    (image_input,), (depth_output,) = description.input, description.output
    kind = image_input.type.imageType
    assert (specification.specificationVersion, function.opset) == (ct.target.iOS17, "CoreML7")
    assert (image_input.name, kind.height, kind.width, kind.colorSpace) == (
        "image",
        *SIZE,
        kind.ColorSpace.Value("RGB"),
    )
    assert (depth_output.name, list(depth_output.type.multiArrayType.shape)) == ("depth", [1, 3, 8, 5])
    assert depth_output.type.multiArrayType.dataType == depth_output.type.multiArrayType.ArrayDataType.Value("FLOAT32")
    assert (description.metadata.author, description.metadata.shortDescription) == ("wedepth", "Metric depth.")
    assert description.metadata.userDefined["checkpoint_sha256"] == "ab12"
    assert "12 pixels wide" in image_input.shortDescription
    assert "metres" in depth_output.shortDescription
    names = {o.name for operation in function.block_specializations["CoreML7"].operations for o in operation.outputs}
    assert {mil_name("vit.blocks.0/MatMul"), "depth"} <= names
    assert all(path.stat().st_mode & 0o044 for path in out.rglob("*"))

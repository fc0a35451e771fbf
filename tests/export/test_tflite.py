"""Every lowering against ONNX Runtime, on graphs written as text; then what a whole file holds."""

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from export.tflite import convert
from wedepth.errors import WedepthError


def rand(*shape: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


def graph(path: Path, inputs: str, body: str, opset: int = 20, **weights: np.ndarray) -> Path:
    """A model from ONNX's text form; its output is `y`, or `y` and `z`."""
    outputs = "float[?] y, float[?] z" if " z = " in f" {body}" or ", z = " in body else "float[?] y"
    header = f'<ir_version: 9, opset_import: ["" : {opset}]>'
    model = onnx.parser.parse_model(f"{header} g ({inputs}) => ({outputs}) {{ {body} }}")
    for output in model.graph.output:
        output.type.tensor_type.ClearField("shape")
    model.graph.initializer.extend(onnx.numpy_helper.from_array(v, k) for k, v in weights.items())
    onnx.save(model, path)
    return path


def last(x: np.ndarray) -> np.ndarray:
    """[1,C,H,W] as TFLite has it; other ranks as they are."""
    return x.transpose(0, 2, 3, 1) if x.ndim == 4 else x


def compare(path: Path, precision: str = "fp32", scale: float = 1.0) -> float:
    """Convert, run both, and give the largest difference relative to the largest value."""
    out = path.with_suffix(".tflite")
    convert(path, out, precision=precision, metadata={})
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    feed = {i.name: rand(*i.shape, seed=k) * scale for k, i in enumerate(session.get_inputs())}
    expected = dict(zip([o.name for o in session.get_outputs()], session.run(None, feed), strict=True))
    runner = Interpreter(str(out), num_threads=1).get_signature_runner()
    got = runner(**{k: np.ascontiguousarray(last(v)) for k, v in feed.items()})
    worst = 0.0
    for name, value in expected.items():
        assert got[name].shape == last(value).shape
        worst = max(worst, float(np.abs(got[name] - last(value)).max() / max(np.abs(value).max(), 1e-6)))
    return worst


X = "float[1,6,5,8] x"  # a map
T = "float[2,5,8] x"  # tokens
C = 6
I64 = np.int64
CASES = {
    "neg": (T, "y = Neg(x)", {}),
    "sqrt-exp": (T, "a = Exp(x) y = Sqrt(a)", {}),
    "log-abs": (T, "a = Abs(x) b = Add(a, c) y = Log(b)", {"c": rand(8) ** 2 + 1}),
    "sigmoid-tanh": (X, "y = Sigmoid(x) z = Tanh(x)", {}),
    "relu-floor": (X, "a = Relu(x) b = Mul(a, c) y = Floor(b)", {"c": np.float32([3.3])}),
    "hardswish-identity": (X, "a = Identity(x) y = HardSwish(a)", {}),
    "hardsigmoid": (T, "y = HardSigmoid<alpha = 0.7, beta = 0.4>(x)", {}),
    "gelu": (T, "y = Gelu(x) z = Gelu<approximate = \"tanh\">(x)", {}),
    "reciprocal": (T, "a = Exp(x) y = Reciprocal(a)", {}),
    "clip": (T, "y = Clip(x, lo, hi) z = Clip(x, zero, hi)",
             {"lo": np.float32(-0.3), "hi": np.float32(0.2), "zero": np.float32(0)}),
    "clip-one-side": (T, "y = Clip(x, lo) z = Clip(x, , hi)", {"lo": np.float32(-0.3), "hi": np.float32(0.2)}),
    "pow-div": (T, "a = Exp(x) b = Pow(a, p) y = Div(b, a)", {"p": np.float32(1.5)}),
    "min-max": (T, "a = Min(x, c, d) y = Max(a, e)", {"c": rand(8), "d": rand(5, 1), "e": rand(1, seed=3)}),
    "channel-constant": (X, "a = Mul(x, c) y = Sub(d, a)", {"c": rand(C, 1, 1), "d": rand(1, C, 1, 8)}),
    "both-broadcast": ("float[5,1] x, float[1,7] w", "y = Add(x, w)", {}),
    "broadcast-computed": ("float[1,6,5,8] x, float[6,1,1] w", "y = Mul(x, w)", {}),
    "other-layout": ("float[1,6,5,8] x, float[8,5,6] w",
                     "a = Transpose<perm = [2,1,0]>(w) b = Unsqueeze(a, ax) y = Add(x, b)", {"ax": I64([0])}),
    "crossing-factors": ("float[1,12,5] x, float[1,5,12] w",
                         "a = Reshape(x, s) b = Transpose<perm = [0,2,1,3]>(a) c = Reshape(b, t)"
                         " d = Reshape(w, u) e = Transpose<perm = [0,3,2,1]>(d) f = Reshape(e, t) y = Add(c, f)",
                         {"s": I64([1, 3, 4, 5]), "t": I64([1, 12, 5]), "u": I64([1, 5, 4, 3])}),
    "linear": (T, "a = MatMul(x, w) b = Add(b0, a) c = Mul(b, s) y = Relu(c)",
               {"w": rand(8, 4), "b0": rand(4), "s": rand(4, seed=2)}),
    "linear-read-twice": (T, "a = MatMul(x, w) b = Add(a, b0) y = Mul(a, b)", {"w": rand(8, 4), "b0": rand(4)}),
    "linear-not-channel": (T, "a = MatMul(x, w) y = Add(a, b0)", {"w": rand(8, 5), "b0": rand(5, 1)}),
    "linear-on-map": (X, "a = Transpose<perm = [0,2,3,1]>(x) b = MatMul(a, w) y = Transpose<perm = [0,3,1,2]>(b)",
                      {"w": rand(6, 4)}),
    "linear-scaled-later": (T, "a = MatMul(x, w) b = Reshape(a, s) c = Transpose<perm = [0,2,1,3]>(b) y = Mul(c, k)",
                            {"w": rand(8, 6), "s": I64([2, 5, 3, 2]), "k": np.float32([0.3])}),
    "gemm": ("float[5,8] x", "y = Gemm<transB = 1>(x, w, b)", {"w": rand(4, 8), "b": rand(4)}),
    "attention": ("float[1,7,12] x, float[1,5,12] w",
                  "a = Reshape(x, s) q = Transpose<perm = [0,2,1,3]>(a) b = Reshape(w, t)"
                  " k = Transpose<perm = [0,2,3,1]>(b) v = Transpose<perm = [0,2,1,3]>(b) c = MatMul(q, k)"
                  " p = Softmax<axis = -1>(c) o = MatMul(p, v) m = Transpose<perm = [0,2,1,3]>(o) y = Reshape(m, u)",
                  {"s": I64([0, 7, 3, 4]), "t": I64([1, 5, 3, 4]), "u": I64([1, -1, 12])}),
    "windows": ("float[1,24,8] x",
                "a = Reshape(x, s) b = Transpose<perm = [0,2,1,3]>(a) c = Reshape(b, t)"
                " d = Transpose<perm = [0,2,1,3]>(c) e = Transpose<perm = [0,2,3,1]>(c) y = MatMul(d, e)",
                {"s": I64([2, 2, 2, 24]), "t": I64([4, 6, 2, 4])}),
    "constant-queries": ("float[2,4,9] x", "y = MatMul(q, x)", {"q": rand(2, 3, 4)}),
    "softmax-axis": (X, "y = Softmax<axis = 1>(x)", {}),
    "layer-norm": (T, "y = LayerNormalization<epsilon = 0.01>(x, g, b)", {"g": rand(8), "b": rand(8, seed=2)}),
    "instance-norm": (X, "y = InstanceNormalization(x, g, b)", {"g": rand(C), "b": rand(C, seed=2)}),
    "group-norm-one": (X, "a = Reshape(x, s) b = InstanceNormalization(a, g, o) c = Reshape(b, t) y = Mul(c, k)",
                       {"s": I64([1, 1, -1]), "t": I64([1, 6, 5, 8]), "g": np.ones(1, np.float32),
                        "o": np.zeros(1, np.float32), "k": rand(C, 1, 1)}),
    "group-norm": (X, "y = GroupNormalization<num_groups = 3>(x, g, b)", {"g": rand(3), "b": rand(3, seed=2)}),
    "batch-norm": (X, "y = BatchNormalization(x, g, b, m, v)",
                   {"g": rand(C), "b": rand(C, seed=2), "m": rand(C, seed=3), "v": rand(C) ** 2 + 0.1}),
    "reductions": (X, "y = ReduceMean<keepdims = 1>(x, a) z = ReduceSum<keepdims = 0>(x, b)",
                   {"a": I64([1]), "b": I64([-1, 1])}),
    "reduce-max-all": (T, "y = ReduceMax(x)", {}),
    "reduce-part-of-axis": (X, "a = Reshape(x, s) y = ReduceMean<keepdims = 0>(a, ax)",
                            {"s": I64([1, 2, 3, 5, 8]), "ax": I64([2])}),
    "global-pool": (X, "y = GlobalAveragePool(x)", {}),
    "conv-same": (X, "a = Conv<pads = [1,1,1,1]>(x, w, b) y = Relu(a)", {"w": rand(4, 6, 3, 3), "b": rand(4)}),
    "conv-strided-same": ("float[1,6,8,8] x", "a = Conv<pads = [0,0,1,1], strides = [2,2]>(x, w) y = Clip(a, lo, hi)",
                          {"w": rand(4, 6, 3, 3) * 9, "lo": np.float32(0), "hi": np.float32(6)}),
    "conv-other-pads": (X, "a = Conv<pads = [1,0,2,1], strides = [2,1]>(x, w) b = Mul(a, s) y = Add(b, o)",
                        {"w": rand(4, 6, 3, 3), "s": rand(4, 1, 1), "o": rand(1, 4, 1, 1)}),
    "conv-dilated": (X, "y = Conv<pads = [2,2,2,2], dilations = [2,2]>(x, w)", {"w": rand(4, 6, 3, 3)}),
    "conv-batch-norm": (X, "a = Conv(x, w) y = BatchNormalization(a, g, b, m, v)",
                        {"w": rand(4, 6, 1, 1), "g": rand(4), "b": rand(4), "m": rand(4), "v": rand(4) ** 2 + 0.1}),
    "depthwise": (X, "y = Conv<group = 6, pads = [1,1,1,1]>(x, w, b)", {"w": rand(12, 1, 3, 3), "b": rand(12)}),
    "conv-transpose": (X, "y = ConvTranspose<strides = [2,2]>(x, w, b)", {"w": rand(6, 4, 2, 2), "b": rand(4)}),
    "conv-transpose-cropped": (X, "y = ConvTranspose<strides = [2,2], pads = [1,0,1,2]>(x, w)",
                               {"w": rand(6, 4, 3, 3)}),
    "max-pool": (X, "y = MaxPool<kernel_shape = [3,3], strides = [2,2], pads = [1,1,1,1]>(x)", {}),
    "average-pool": (X, "y = AveragePool<kernel_shape = [2,3], strides = [2,2]>(x)", {}),
    "bilinear": (X, "y = Resize<mode = \"linear\">(x, , s) z = Resize<mode = \"linear\","
                    " coordinate_transformation_mode = \"pytorch_half_pixel\">(x, , , t)",
                 {"s": np.float32([1, 1, 2, 3]), "t": I64([1, 6, 7, 3])}),
    "bilinear-corners": (X, "y = Resize<mode = \"linear\", coordinate_transformation_mode = \"align_corners\">"
                            "(x, , , t)", {"t": I64([1, 6, 13, 11])}),
    "nearest": (X, "y = Resize<mode = \"nearest\", coordinate_transformation_mode = \"asymmetric\","
                   " nearest_mode = \"floor\">(x, , s) z = Resize(x, , s)", {"s": np.float32([1, 1, 2, 3])}),
    "depth-to-space": ("float[1,12,5,8] x", "y = DepthToSpace<blocksize = 2>(x)"
                       " z = DepthToSpace<blocksize = 2, mode = \"CRD\">(x)", {}),
    "reshape-crossing": (X, "a = Transpose<perm = [0,2,1,3]>(x) y = Reshape(a, s)", {"s": I64([4, 4, 15])}),
    "flatten-squeeze": (X, "a = Squeeze(x, ax) y = Flatten<axis = 2>(a)", {"ax": I64([0])}),
    "unsqueeze": (T, "a = Unsqueeze(x, ax) b = Neg(a) y = Squeeze(b)", {"ax": I64([1, -1])}),
    "slice": (X, "y = Slice(x, b, e, ax) z = Slice(x, b, e, ax, st)",
              {"b": I64([1, -6]), "e": I64([2**63 - 1, -1]), "ax": I64([1, 3]), "st": I64([2, 3])}),
    "slice-heads": (T, "a = Reshape(x, s) b = Transpose<perm = [0,2,1,3]>(a) y = Slice(b, lo, hi, ax)",
                    {"s": I64([2, 5, 4, 2]), "lo": I64([1]), "hi": I64([3]), "ax": I64([1])}),
    "split-uneven": (T, "y, z = Split<axis = 1>(x, n)", {"n": I64([2, 3])}),
    "split-by-count": (T, "y, z = Split<axis = 1, num_outputs = 2>(x)", {}),
    "gather-one": (T, "y = Gather<axis = 1>(x, i)", {"i": np.array(-2)}),
    "gather-some": (X, "y = Gather<axis = 1>(x, i)", {"i": I64([[3, 0], [5, 5]])}),
    "concat-channels": (X, "a = Relu(x) y = Concat<axis = 1>(x, c, a)", {"c": rand(1, 2, 5, 8)}),
    "concat-new-axis": ("float[1,1,5,8] x", "a = Relu(x) y = Concat<axis = 1>(x, a)", {}),
    "concat-layouts": ("float[1,6,5,8] x, float[1,3,40] w",
                       "a = Reshape(w, s) y = Concat<axis = 1>(a, x) b = Reshape(x, t) z = Concat<axis = 1>(b, w)",
                       {"s": I64([1, 3, 5, 8]), "t": I64([1, 6, 40])}),
    "expand": ("float[1,5,1] x", "y = Expand(x, s)", {"s": I64([2, 1, 8])}),
    "pad": (X, "y = Pad(x, p) z = Pad(x, q, v, ax)",
            {"p": I64([0, 1, 0, 2, 0, 0, 3, 1]), "q": I64([1, 2, 0, 1]), "v": np.float32(0.5), "ax": I64([-1, 1])}),
    "folded": (T, "s = Shape(c) a = Reshape(x, s) y = Add(a, c)", {"c": rand(2, 5, 4, 2)}),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_op(name: str, tmp_path: Path) -> None:
    inputs, body, weights = CASES[name]
    opset = 18 if name == "group-norm" else 20
    # XNNPACK's exp and GELU are polynomials: 2e-6; everything else is one or two roundings.
    assert compare(graph(tmp_path / "g.onnx", inputs, body, opset, **weights)) < 5e-6


def test_four_axes_are_enough(tmp_path: Path) -> None:
    """Windows and then heads are one transpose of six axes, which GPU delegates refuse: it is done by parts."""
    inputs, body, weights = CASES["windows"]
    path = graph(tmp_path / "g.onnx", inputs, body, **weights)
    assert compare(path) < 5e-6
    assert max(len(t.shape) for t in model(path.with_suffix(".tflite")).subgraphs[0].tensors) == 4


def test_computed_rows_of_a_table(tmp_path: Path) -> None:
    """Rows that are looked up by number, weighed and added up, as sampling is done."""
    body = "a = Relu(w) b = Floor(a) i = Cast<to = 6>(b) r = Gather(x, i) s = Softmax(v) y = MatMul(s, r)"
    path = graph(tmp_path / "g.onnx", "float[9,3] x, float[5,6] w, float[5,1,6] v", body)
    assert compare(path, scale=8) < 2e-6
    assert not {"BATCH_MATMUL", "EMBEDDING_LOOKUP", "GATHER_ND"} & set(operators(path.with_suffix(".tflite")))


def test_no_row_is_looked_up_by_a_constant_number(nano_hub: Path, tmp_path: Path) -> None:
    """LiteRT.js loads no file on WebGPU in which one is."""
    convert(nano_hub, tmp_path / "nano.tflite", precision="fp32", metadata={})
    loaded = model(tmp_path / "nano.tflite")
    numbers = [
        loaded.subgraphs[0].tensors[operator.inputs[1]]
        for operator, kind in zip(loaded.subgraphs[0].operators, operators(tmp_path / "nano.tflite"), strict=True)
        if kind == "GATHER"
    ]
    assert numbers and all(loaded.buffers[tensor.buffer].data is None for tensor in numbers)


def test_padding_is_done_in_four_axes(tmp_path: Path) -> None:
    """LiteRT's GPU delegate takes no other."""
    path = graph(tmp_path / "g.onnx", "float[5,3] x", "y = Pad(x, p)", p=np.array([0, 1, 2, 0], np.int64))
    assert compare(path) == 0
    assert axes_read(path.with_suffix(".tflite"), "PAD")[0] == 4


@pytest.mark.parametrize("shapes", [((5, 8), (5, 8)), ((4, 5, 8), (4, 1, 8))])
def test_a_constant_has_fewer_axes_than_what_it_is_added_to(
    tmp_path: Path, shapes: tuple[tuple[int, ...], ...]
) -> None:
    """Of as many, two or three, LiteRT's GPU delegate reads the first line alone."""
    path = graph(tmp_path / "g.onnx", f"float{list(shapes[0])} x", "y = Add(x, c)", c=rand(*shapes[1]))
    assert compare(path) == 0
    assert axes_read(path.with_suffix(".tflite"), "ADD") == [len(shapes[0]) + 1, len(shapes[0])]


def test_no_constant_is_left_for_the_product_to_transpose(tmp_path: Path) -> None:
    """LiteRT's GPU delegate does not."""
    path = graph(tmp_path / "g.onnx", "float[5,8] x", "y = MatMul(c, x)", c=rand(9, 5))
    assert compare(path) < 1e-6
    kinds = operators(path.with_suffix(".tflite"))
    operator = model(path.with_suffix(".tflite")).subgraphs[0].operators[kinds.index("BATCH_MATMUL")]
    assert not operator.builtinOptions.adjY


REFUSED = {
    "no lowering for ONNX op Sin at node 'y'": (T, "y = Sin(x)", {}),
    "no erf; export with opset 20": (T, "y = Erf(x)", {}),
    "[5, 8] → [7, 11] is not by whole factors": (
        X, "y = Resize<mode = \"nearest\">(x, , , s)", {"s": I64([1, 6, 7, 11])}),
    "does not repeat whole pixels": (
        X, "y = Resize<mode = \"nearest\", nearest_mode = \"ceil\">(x, , , s)", {"s": I64([1, 6, 10, 8])}),
    "neither nearest nor bilinear": (X, "y = Resize<mode = \"cubic\">(x, , , s)", {"s": I64([1, 6, 10, 8])}),
    "are not rows of a table": (T, "a = Floor(x) i = Cast<to = 6>(a) y = Gather(x, i)", {}),
    "runs backwards": (T, "y = Slice(x, b, e, a, s)", {"b": I64([-1]), "e": I64([0]), "a": I64([1]), "s": I64([-1])}),
    "neither a plain nor a depthwise": (X, "y = Conv<group = 2>(x, w)", {"w": rand(4, 3, 3, 3)}),
    "float32 throughout": (T, "y = Cast<to = 7>(x)", {}),
    "float32 inputs of fixed size": ("float[N,4] x", "y = Neg(x)", {}),
    "batch axes": ("float[2,3,4] x, float[1,4,5] w", "y = MatMul(x, w)", {}),
}  # fmt: skip


@pytest.mark.parametrize("reason", REFUSED)
def test_refused(reason: str, tmp_path: Path) -> None:
    inputs, body, weights = REFUSED[reason]
    path = graph(tmp_path / "g.onnx", inputs, body, **weights)
    with pytest.raises(WedepthError) as caught:
        convert(path, tmp_path / "g.tflite", precision="fp32", metadata={})
    assert reason in str(caught.value)
    assert not (tmp_path / "g.tflite").exists()


def test_precision(tmp_path: Path) -> None:
    with pytest.raises(WedepthError, match="fp32 or fp16, not 'int4'"):
        convert(tmp_path / "g.onnx", tmp_path / "g.tflite", precision="int4", metadata={})


def test_unreadable(tmp_path: Path) -> None:
    (tmp_path / "g.onnx").write_bytes(b"no graph")
    with pytest.raises(WedepthError, match="Cannot read"):
        convert(tmp_path / "g.onnx", tmp_path / "g.tflite", precision="fp32", metadata={})


def model(path: Path) -> schema.ModelT:
    return schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)


def operators(path: Path) -> list[str]:
    names = {v: k for k, v in vars(schema.BuiltinOperator).items() if k.isupper()}
    loaded = model(path)
    return [names[loaded.operatorCodes[o.opcodeIndex].builtinCode] for o in loaded.subgraphs[0].operators]


def axes_read(path: Path, kind: str) -> list[int]:
    """How many axes each input of the one operator of a kind has."""
    graph = model(path).subgraphs[0]
    operator = graph.operators[operators(path).index(kind)]
    return [len(graph.tensors[i].shape) for i in operator.inputs]


NETWORK = (
    "float[1,3,32,32] image",
    "a = Conv<pads = [1,1,1,1]>(image, w) b = Gelu(a) c = Reshape(b, s) d = Transpose<perm = [0,2,1]>(c)"
    " e = LayerNormalization(d, g, g) f = MatMul(e, l) h = Add(f, table) i = Transpose<perm = [0,2,1]>(h)"
    " j = Reshape(i, t) k = ConvTranspose<strides = [2,2]>(j, o) m = Exp(k) y = Clip(m, lo, hi)",
)
WEIGHTS = {
    "w": rand(64, 3, 3, 3) / 5, "s": I64([1, 64, -1]), "g": rand(64), "l": rand(64, 64) / 8, "table": rand(1024, 64),
    "t": I64([1, 64, 32, 32]), "o": rand(64, 1, 2, 2) / 8,
    "lo": np.float32(0.01), "hi": np.float32(90),
}  # fmt: skip


METADATA = {"description": "A depth network.", "unit": "metre", "a": "é"}


def network(folder: Path) -> Path:
    return graph(folder / "network.onnx", *NETWORK, **WEIGHTS)


def test_shapes_cost_nothing(tmp_path: Path) -> None:
    """From map to tokens and back without one operator that only moves elements."""
    assert compare(network(tmp_path)) < 1e-5
    moves = [o for o in operators(tmp_path / "network.tflite") if o == "TRANSPOSE"]
    assert not moves


def test_fp16_halves_the_file(tmp_path: Path) -> None:
    path = network(tmp_path)
    assert compare(path) < 1e-5
    whole = path.with_suffix(".tflite").stat().st_size
    assert 1e-6 < compare(path, "fp16") < 5e-3
    assert path.with_suffix(".tflite").stat().st_size < 0.56 * whole


def test_places_stay_float32_in_fp16(tmp_path: Path) -> None:
    """A table of 5000 row numbers is no table of weights: half precision would give the row beside."""
    weights = {"c": np.arange(5000, dtype=np.float32)}
    body = "a = Floor(w) b = Add(a, c) d = Relu(b) i = Cast<to = 6>(d) y = Gather(x, i)"
    path = graph(tmp_path / "g.onnx", "float[5001,4] x, float[5000] w", body, **weights)
    assert compare(path, "fp16") < 1e-6


@pytest.mark.parametrize("size", [1e6, 1e-6])
def test_what_float16_cannot_hold_is_not_halved(tmp_path: Path, size: float) -> None:
    path = graph(tmp_path / "g.onnx", T, "y = MatMul(x, w)", w=rand(8, 4) * np.float32(size))
    assert compare(path, "fp16") < 1e-6


def test_names_and_metadata(tmp_path: Path) -> None:
    path, out = network(tmp_path), tmp_path / "out.tflite"
    convert(path, out, precision="fp16", metadata=METADATA)
    loaded = model(out)
    assert loaded.description == b"A depth network."
    entry = loaded.metadata[0]
    assert entry.name == b"wedepth"
    assert json.loads(bytes(loaded.buffers[entry.buffer].data)) == METADATA
    interpreter = Interpreter(str(out))
    assert interpreter.get_signature_list() == {"serving_default": {"inputs": ["image"], "outputs": ["y"]}}
    assert [d["name"] for d in (*interpreter.get_input_details(), *interpreter.get_output_details())] == ["image", "y"]
    assert tuple(interpreter.get_output_details()[0]["shape"]) == (1, 64, 64, 1)
    names = [t.name for t in loaded.subgraphs[0].tensors]  # ai-edge-quantizer addresses tensors by name
    assert len(set(names)) == len(names)


def test_weights_are_aligned(tmp_path: Path) -> None:
    """Kernels map them from the file as vectors of 16 bytes."""
    path = network(tmp_path)
    compare(path)
    content = path.with_suffix(".tflite").read_bytes()
    root = schema.Model.GetRootAs(content, 0)
    for i in range(root.BuffersLength()):
        buffer = root.Buffers(i)
        if not buffer.DataIsNone() and buffer.DataLength() > 256:
            data = buffer.DataAsNumpy()
            assert (data.ctypes.data - np.frombuffer(content, np.uint8).ctypes.data) % 16 == 0


def test_external_data(tmp_path: Path) -> None:
    path = network(tmp_path)
    loaded = onnx.load(path)
    (tmp_path / "big").mkdir()
    big = tmp_path / "big" / "network.onnx"
    onnx.save_model(loaded, big, save_as_external_data=True, location="network.onnx.data", size_threshold=1024)
    assert compare(big) < 1e-5

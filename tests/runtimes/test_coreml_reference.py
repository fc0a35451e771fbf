"""The interpreter on packages that coremltools alone wrote: what it computes, what it refuses, what is damaged."""

import gc
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from runtimes.coreml_reference import CoreMLReference
from runtimes.mil_ops import OPS, Unknown
from runtimes.mil_program import import_coremltools, mil_name
from wedepth.errors import WedepthError

ct = import_coremltools()
from coremltools.converters.mil.mil import Builder as mb  # noqa: E402
from coremltools.converters.mil.mil import Function, Var  # noqa: E402

SHAPE = (1, 3, 4, 6)
IMAGE = np.random.default_rng(0).integers(0, 256, SHAPE).astype(np.float32)
WEIGHT = np.random.default_rng(1).standard_normal((8, 3, 3, 3)).astype(np.float32)


@pytest.fixture(scope="module", autouse=True)
def _quick_collections() -> Iterator[None]:
    """Spares each conversion's gc.collect() what torch and coremltools hold: 0.24 of 0.36 s."""
    gc.freeze()
    yield
    gc.unfreeze()


def saved(body: Callable[[Var], Var], path: Path, precision: str = "fp32") -> Path:
    """The package of a program from `image` to whatever `body` makes of it."""

    @mb.program(input_specs=[mb.TensorSpec(SHAPE)], opset_version=ct.target.iOS17)
    def program(image: Var) -> Var:
        return body(image)

    package = ct.convert(
        program,
        convert_to="mlprogram",
        minimum_deployment_target=ct.target.iOS17,
        compute_precision={"fp32": ct.precision.FLOAT32, "fp16": ct.precision.FLOAT16}[precision],
        inputs=[ct.ImageType(name="image", shape=SHAPE, color_layout=ct.colorlayout.RGB)],
        skip_model_load=True,
    )
    package.save(str(path))
    return path


def convolution(image: Var) -> Var:
    return mb.conv(x=image, weight=WEIGHT, bias=WEIGHT[:, 0, 0, 0], pad_type="valid", name="depth")


@pytest.fixture(scope="module")
def conv_package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(convolution, tmp_path_factory.mktemp("conv") / "conv.mlpackage")


@pytest.fixture
def broken(conv_package: Path, tmp_path: Path) -> Path:
    """A copy to break."""
    return shutil.copytree(conv_package, tmp_path / "broken.mlpackage")


def weights_of(package: Path) -> Path:
    return package / "Data/com.apple.CoreML/weights/weight.bin"


def expected_convolution(image: NDArray[np.float32]) -> NDArray[np.float64]:
    windows = np.lib.stride_tricks.sliding_window_view(image[0].astype(np.float64), (3, 3), (1, 2))
    return np.einsum("chwij,ocij->ohw", windows, WEIGHT)[None] + WEIGHT[:, 0, 0, 0].reshape(1, 8, 1, 1)


def test_it_runs_what_is_in_the_file(conv_package: Path) -> None:
    package = CoreMLReference(conv_package)
    assert (package.input_name, package.input_shape, package.output_name) == ("image", SHAPE, "depth")
    assert np.allclose(package.run(IMAGE), expected_convolution(IMAGE), rtol=1e-5, atol=1e-3)


def test_it_needs_the_file_no_more_once_it_is_open(broken: Path) -> None:
    package = CoreMLReference(broken)
    shutil.rmtree(broken)
    assert package.run(IMAGE).shape == (1, 8, 2, 4)


def test_the_image_has_eight_bits(conv_package: Path) -> None:
    package = CoreMLReference(conv_package)
    assert np.array_equal(package.run(IMAGE + 0.3), package.run(IMAGE))
    assert np.array_equal(package.run(2 * IMAGE - 99.0), package.run(np.clip(2 * IMAGE - 99, 0, 255)))


def test_an_image_of_another_size_is_refused(conv_package: Path) -> None:
    with pytest.raises(WedepthError, match=r"\(1, 3, 6, 4\); the package takes \(1, 3, 4, 6\)"):
        CoreMLReference(conv_package).run(IMAGE.transpose(0, 1, 3, 2))


def test_every_result_is_rounded_to_its_declared_type(tmp_path: Path) -> None:
    path = saved(lambda image: mb.mul(x=mb.add(x=image, y=2048.0), y=3.0), tmp_path / "a.mlpackage", "fp16")
    seen: dict[str, NDArray] = {}
    depth = CoreMLReference(path).run(IMAGE, lambda name, value: seen.update({name: value.copy()}))
    sums = (IMAGE + 2048).astype(np.float16)  # steps of 2 up here
    assert np.array_equal(depth, (sums.astype(np.float32) * 3).astype(np.float16))
    assert any(np.array_equal(value, sums) and value.dtype == np.float16 for value in seen.values())


def test_overflow_shows(tmp_path: Path) -> None:
    path = saved(lambda image: mb.mul(x=image, y=60000.0), tmp_path / "a.mlpackage", "fp16")
    assert np.isinf(CoreMLReference(path).run(IMAGE)).any()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            lambda x: mb.slice_by_index(
                x=x, begin=[0, 2, 3, 1], end=[1, 0, 0, -1], stride=[1, -1, -2, 2],
                begin_mask=[True, False, False, False], end_mask=[True, True, False, False],
            ),
            IMAGE[:, 2::-1, 3:0:-2, 1:-1:2],
        ),
        (
            lambda x: mb.slice_by_index(
                x=x, begin=[0, -1, 0, 0], end=[0, 0, 0, 0],
                end_mask=[True, False, True, True], squeeze_mask=[False, True, False, False],
            ),
            IMAGE[:, -1],
        ),
        (
            lambda x: mb.concat(values=[x, mb.mul(x=x, y=2.0)], axis=1, interleave=True),
            np.stack([IMAGE, 2 * IMAGE], 2).reshape(1, 6, 4, 6),
        ),
        (
            lambda x: mb.pad(x=x, pad=[1, 2, 3, 0], mode="replicate"),
            np.pad(IMAGE, [(0, 0), (0, 0), (1, 2), (3, 0)], "edge"),
        ),
        (lambda x: mb.pad(x=x, pad=[3, 2], mode="reflect"), np.pad(IMAGE, [(0, 0)] * 3 + [(3, 2)], "reflect")),
        (lambda x: mb.tile(x=x, reps=[1, 2, 1, 3]), np.tile(IMAGE, (1, 2, 1, 3))),
        (lambda x: mb.gather(x=x, indices=np.array([[3, 0]]), axis=2), IMAGE[:, :, [[3, 0]]]),
        (lambda x: mb.expand_dims(x=x, axes=[-3]), IMAGE[:, :, None]),
        (
            lambda x: mb.dequantize(
                input=mb.quantize(input=x, scale=np.float32(1.6), zero_point=np.int8(-128), output_dtype="int8"),
                scale=np.float32(1.6),
                zero_point=np.int8(-128),
            ),
            np.clip(np.rint(IMAGE / np.float32(1.6)), 0, 255) * 1.6,
        ),
    ],
    ids=["slice", "slice-squeeze", "interleave", "replicate", "reflect", "tile", "gather", "expand", "quantize"],
)  # fmt: skip
def test_ops_follow_apples_documentation(
    body: Callable[[Var], Var], expected: NDArray[np.float32], tmp_path: Path
) -> None:
    depth = CoreMLReference(saved(body, tmp_path / "a.mlpackage")).run(IMAGE)
    assert depth.shape == expected.shape
    assert np.allclose(depth, expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("dtype", "scale", "zero", "axis"),
    [
        ("int8", np.float32(1), np.int8(-3), None),
        ("uint8", np.float32(1.5), np.uint8(100), None),
        ("int8", np.float32(0.5), None, None),
        ("int8", np.array([1, 2, 0.25], np.float32), np.array([0, -7, 5], np.int8), 1),
    ],
    ids=["int8", "uint8", "no zero point", "channels"],
)
def test_rounding_is_that_of_coremltools(
    dtype: str, scale: NDArray[np.float32], zero: NDArray | None, axis: int | None, tmp_path: Path
) -> None:
    settings = {"scale": scale, "zero_point": zero, "axis": axis}

    def body(x: Var) -> Var:
        low = mb.sub(x=mb.mul(x=x, y=np.float32(1.5)), y=np.float32(60))  # with halves, and beyond 8 bits
        return mb.dequantize(input=mb.quantize(input=low, output_dtype=dtype, **settings), **settings)

    with Function({}, opset_version=ct.target.iOS17):
        folded = mb.quantize(input=IMAGE * np.float32(1.5) - 60, output_dtype=dtype, **settings).val
        expected = mb.dequantize(input=folded, **settings).op.materialized_val_inference()
    limits = np.iinfo(folded.dtype)
    assert (folded == limits.max).any()
    assert np.array_equal(CoreMLReference(saved(body, tmp_path / "a.mlpackage")).run(IMAGE), expected)


def test_int8_constants_are_those_of_coremltools(tmp_path: Path) -> None:
    settings = {
        "quantized_data": np.arange(-6, 6, dtype=np.int8).reshape(3, 4, 1),
        "scale": np.array([0.5, 1, 3, 0.1], np.float32),
        "zero_point": np.array([0, 2, -1, 4], np.int8),
        "axis": np.int32(1),
    }
    with Function({}, opset_version=ct.target.iOS17):
        table = mb.constexpr_affine_dequantize(**settings).op.materialized_val_inference()
    path = saved(lambda x: mb.mul(x=x, y=mb.constexpr_affine_dequantize(**settings)), tmp_path / "a.mlpackage")
    seen: list[str] = []
    depth = CoreMLReference(path).run(IMAGE, lambda name, _: seen.append(name))
    assert np.array_equal(depth, IMAGE * table)
    assert len(seen) == 1  # the constant is computed when the package is opened


@pytest.mark.parametrize(
    ("changed", "reason"),
    [({"output_dtype": "int4"}, "output_dtype 'int4'"), ({"scale": torch.ones(3)}, r"shape \(3,\) along axis None")],
)
def test_unknown_roundings_are_refused(changed: dict[str, Any], reason: str) -> None:
    with pytest.raises(Unknown, match=reason):
        OPS["quantize"](**{"input": torch.ones(1, 3), "scale": 1.0, "output_dtype": "int8"} | changed)


def test_int8_weights_are_read(conv_package: Path, tmp_path: Path) -> None:
    compress = ct.optimize.coreml
    config = compress.OptimizationConfig(compress.OpLinearQuantizerConfig(weight_threshold=0))
    package = ct.models.MLModel(str(conv_package), skip_model_load=True)
    compress.linear_quantize_weights(package, config).save(str(tmp_path / "int8.mlpackage"))
    depth, expected = CoreMLReference(tmp_path / "int8.mlpackage").run(IMAGE), expected_convolution(IMAGE)
    assert weights_of(tmp_path / "int8.mlpackage").stat().st_size < weights_of(conv_package).stat().st_size
    assert 0 < np.abs(depth - expected).mean() < 0.01 * np.abs(expected).mean()


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (lambda x: mb.cumsum(x=x, axis=3, name="total"), "'cumsum' that gives 'total'.*does not know this op"),
        (
            lambda x: mb.resize_bilinear(x=x, target_size_height=8, target_size_width=8, name="large"),
            "'resize_bilinear' that gives 'large'.*sampling_mode 'DEFAULT'",
        ),
        (
            lambda x: mb.upsample_nearest_neighbor(x=x, scale_factor_height=1.5, name="large"),
            "'large'.*not whole",
        ),
    ],
    ids=["op", "mode", "factor"],
)
def test_what_it_does_not_know_it_refuses(body: Callable[[Var], Var], reason: str, tmp_path: Path) -> None:
    with pytest.raises(WedepthError, match=reason):
        CoreMLReference(saved(body, tmp_path / "a.mlpackage")).run(IMAGE)


def test_a_missing_package_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(WedepthError, match="Cannot read the Core ML package"):
        CoreMLReference(tmp_path / "none.mlpackage")


def test_a_manifest_that_is_none(broken: Path) -> None:
    (broken / "Manifest.json").write_text('{"fileFormatVersion": "1.0.0"}')
    with pytest.raises(WedepthError, match=r"damaged: Manifest.json names no model. Export it again"):
        CoreMLReference(broken)


def test_a_model_cut_short(broken: Path) -> None:
    path = broken / "Data/com.apple.CoreML/model.mlmodel"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(WedepthError, match=r"damaged: model.mlmodel cannot be parsed"):
        CoreMLReference(broken)


def test_weights_cut_short(broken: Path) -> None:
    path = weights_of(broken)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(WedepthError, match=r"damaged: weight.bin ends before the weight at byte \d+"):
        CoreMLReference(broken)


def test_weights_overwritten(broken: Path) -> None:
    path = weights_of(broken)
    path.write_bytes(bytes(path.stat().st_size))
    with pytest.raises(WedepthError, match=r"damaged: there is no weight at byte \d+"):
        CoreMLReference(broken)


def test_weights_missing(broken: Path) -> None:
    weights_of(broken).unlink()
    with pytest.raises(WedepthError, match=r"damaged: it has no Data/com.apple.CoreML/weights/weight.bin"):
        CoreMLReference(broken)


def test_a_shape_declared_wrongly_is_found(broken: Path) -> None:
    specification = ct.models.utils.load_spec(str(broken))
    function = specification.mlProgram.functions["main"]
    operation = function.block_specializations[function.opset].operations[-1]
    operation.outputs[0].type.tensorType.dimensions[3].constant.size = 5
    (broken / "Data/com.apple.CoreML/model.mlmodel").write_bytes(specification.SerializeToString())
    with pytest.raises(WedepthError, match=r"'depth' .* gives shape \(1, 8, 2, 4\) and declares \(1, 8, 2, 5\)"):
        CoreMLReference(broken).run(IMAGE)


def test_a_type_declared_wrongly_is_found(broken: Path) -> None:
    specification = ct.models.utils.load_spec(str(broken))
    function = specification.mlProgram.functions["main"]
    operation = function.block_specializations[function.opset].operations[-1]
    operation.outputs[0].type.tensorType.dataType = 10
    (broken / "Data/com.apple.CoreML/model.mlmodel").write_bytes(specification.SerializeToString())
    with pytest.raises(WedepthError, match="reads float32 and declares float16"):
        CoreMLReference(broken)


def test_names_of_tensors_are_onnx_names_with_underscores() -> None:
    assert mil_name("vit.blocks.0/Split:1") == "vit_blocks_0_Split_1"
    assert mil_name("7/Add") == "var_7_Add"

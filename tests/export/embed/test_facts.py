import dataclasses
from pathlib import Path

import numpy as np
import pytest

from export.embed.facts import Facts, read_facts
from export.embed.golden import Golden
from export.embed.platforms import PLATFORMS
from export.embed.sizes import sizes_of
from runtimes.bundle import Bundle, open_bundle


def read(bundle: Bundle, golden: Golden, platform: str) -> Facts:
    return read_facts(bundle, PLATFORMS[platform], golden, sizes_of(bundle))


@pytest.mark.parametrize(
    ("name", "platform"), [("nano-onnx-fp32", "web"), ("nano-tflite-fp32", "android"), ("nano-coreml-fp16", "ios")]
)
def test_facts_are_the_manifests(exported: Path, golden_of, name: str, platform: str) -> None:
    bundle, golden = open_bundle(exported / name), golden_of(name)
    facts, manifest = read(bundle, golden, platform), bundle.manifest
    assert (facts.platform, facts.name, facts.target) == (platform, name, manifest.target)
    assert (facts.height, facts.width) == manifest.size == (64, 96)
    assert (bundle.folder / facts.model).exists() and facts.model_sha256 == manifest.artifact.sha256
    assert facts.files == manifest.artifact.files and facts.model_bytes == manifest.artifact.bytes
    for end, record in (("input", manifest.input), ("output", manifest.output)):
        values = {field: getattr(facts, f"{end}_{field}") for field in ("name", "layout", "shape", "dtype")}
        assert values == {field: getattr(record, field) for field in values}
        assert (getattr(facts, f"{end}_scale"), getattr(facts, f"{end}_zero_point")) == (None, None)
    assert (facts.input_low, facts.input_high) == (0, 255)
    assert facts.output_unit == "metre" and facts.output_log is False
    assert facts.trained is False and facts.weights in str(manifest.checkpoint)
    assert (facts.tolerance_max_rel, facts.tolerance_mean_rel) == dataclasses.astuple(golden.tolerance)
    assert facts.runtime == golden.runtime and facts.golden == PLATFORMS[platform].golden
    assert f"`{sorted(facts.files)[0]}`" in facts.size_table


def test_scales_of_an_int8_interface_are_the_files(
    exported: Path, golden_of, nano_hub, nano_plan, tmp_path: Path
) -> None:
    from export.tflite.int8 import convert
    from runtimes.tflite import TFLiteSession

    convert(nano_hub, tmp_path / "model.tflite", plan=nano_plan, metadata={}, interface="int8")
    manifest = open_bundle(exported / "nano-tflite-fp32").manifest
    narrow = dataclasses.replace(
        manifest,
        input=dataclasses.replace(manifest.input, dtype="int8"),
        output=dataclasses.replace(manifest.output, dtype="int8", name="log_depth", unit="ln(metre)"),
    )
    golden = golden_of("nano-tflite-fp32")
    facts = read(Bundle(tmp_path, narrow), golden, "android")
    assert facts.output_log and (facts.input_scale, facts.input_zero_point) == (1.0, -128)

    # Depth worked out with these numbers is what the runtime makes of the file.
    session = TFLiteSession(tmp_path / "model.tflite", "cpu", None)
    stored = np.clip(np.rint(golden.image / facts.input_scale) + facts.input_zero_point, -128, 127).astype(np.int8)
    given = session._runner(image=stored[None])["log_depth"].astype(np.float32)
    metres = np.exp((given - facts.output_zero_point) * facts.output_scale)
    np.testing.assert_allclose(metres, session.run(golden.image[None].astype(np.float32)), rtol=1e-6)

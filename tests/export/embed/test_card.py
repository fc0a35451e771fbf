import dataclasses
from pathlib import Path

import pytest

from export.embed.card import card
from runtimes.bundle import Int8Record, Manifest, open_bundle, read_manifest
from wedepth.checkpoint import shipped_file, training_record


@pytest.fixture(scope="module")
def manifest(exported: Path) -> Manifest:
    return open_bundle(exported / "nano-onnx-fp32").manifest


def trained(manifest: Manifest, source: str) -> Manifest:
    """As of weights that were trained."""
    checkpoint = dataclasses.replace(
        manifest.checkpoint,
        source=source,
        trained=True,
        weights="trained: 17064 images, val AbsRel 0.170",
        vfm="vit_small_patch14_dinov2.lvd142m (25e58787cd5f, from the hub)",
    )
    return dataclasses.replace(manifest, checkpoint=checkpoint)


def test_every_bundle_has_the_card_of_its_manifest(exported: Path) -> None:
    bundles = sorted(path.parent for path in exported.glob("*/manifest.json"))
    assert len(bundles) == 8
    for folder in bundles:
        assert (folder / "MODEL_CARD.md").read_text() == card(read_manifest(folder), None)


def test_untrained_weights_are_said_to_be(manifest: Manifest) -> None:
    text = card(manifest, None)
    assert "what it gives is no depth of anything" in text
    assert "## Training data\n\nNone.\n" in text and "not for products" not in text


def test_the_card_has_the_artifacts_own_numbers(manifest: Manifest) -> None:
    text, verified = card(manifest, None), manifest.verified
    assert f"SHA-256 `{manifest.artifact.sha256}`" in text
    assert (
        f"| onnxruntime | cpu | fp32 | 2: {verified.data} | {verified.max_rel:.1e} | {verified.mean_rel:.1e} |" in text
    )
    assert "`image`, float32 [1, 3, 64, 96] (NCHW), RGB, 8-bit scale, 0…255" in text


def test_the_trained_default_says_what_it_was_trained_on_and_how_good_it_is(manifest: Manifest) -> None:
    record = training_record(shipped_file("edge"))
    text = card(trained(manifest, "edge"), record)
    # As in docs/model-card.md, which has the same record.
    documented = (Path(__file__).parents[3] / "docs" / "model-card.md").read_text()
    rows = [line for line in documented.splitlines() if line.startswith(("| 1 |", "| `rooms:48`", "| `data@eval`"))]
    assert len(rows) == 7 and all(row in text for row in rows)
    assert "not for products" in text and "DINOv2 by Meta AI, Apache-2.0" in text
    assert "EfficientNet-Lite weights of timm, Apache-2.0" in text and "NYU Depth v2" in text
    assert "no depth of anything" not in text


def test_a_checkpoint_without_a_record_is_not_credited_with_anything(manifest: Manifest) -> None:
    text = card(trained(manifest, "their.pth"), None)
    assert "does not say what it was trained on" in text and "does not say how good" in text
    assert "| the training data | not known here |" in text and "rooms that the project draws" not in text


def test_int8_says_what_it_costs(manifest: Manifest) -> None:
    record = Int8Record(
        static=True, int8_share=0.987, weight_share=0.9, executed_share=None, float_modules=["heads.heads.0"],
        float_ops={}, calibration="rooms:64", samples=["a"] * 64, correction=1.0, evaluation="24 frames of rooms:24",
        budget="δ1 ≥ 0.99", cost={"delta1": 0.9981, "abs_rel": 1.0042, "bias": 0.0011}, errors={}, instruction_set="",
    )  # fmt: skip
    text = card(dataclasses.replace(manifest, int8=record), None)
    assert "δ1 is 0.9981 of fp32's, AbsRel 1.0042, |scale bias| +0.0011" in text
    assert "98.7 %" in text and "in float stay heads.heads.0" in text and "64 samples of rooms:64" in text


def test_what_interprets_core_ml_is_not_taken_for_apples(exported: Path) -> None:
    text = (exported / "nano-coreml-fp16" / "MODEL_CARD.md").read_text()
    assert "not Apple's GPU or Neural Engine" in text

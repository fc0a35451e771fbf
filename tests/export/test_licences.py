import importlib.metadata
from types import SimpleNamespace

import pytest

from export.licences import code_licence, licences

RECORD = {"source": "mine.safetensors", "trained": True, "vfm": "vit_small_patch14_dinov2.lvd142m (25e5, from the hub)"}


def training(encoder: str = "is random", before: dict | None = None, **frames: int) -> dict:
    return {"setup": {"encoder": f"encoder {encoder}", "data": frames}, "before": before}


def test_the_vfm_is_under_its_publishers_terms() -> None:
    assert licences(RECORD, None).vfm == "DINOv2 by Meta AI, Apache-2.0"
    assert licences(RECORD | {"vfm": "random, from seed 0"}, None).vfm == "random numbers"
    assert "whoever published" in licences(RECORD | {"vfm": "in the checkpoint"}, None).vfm


def test_untrained_weights_have_no_data() -> None:
    found = licences(RECORD | {"trained": False}, None)
    assert (found.weights, found.data) == ("random numbers", "none")


def test_data_of_every_stage_counts() -> None:
    drawn = training(**{"rooms:10-20": 10})
    assert licences(RECORD, drawn).data == "rooms that the project draws itself, on which nobody else has rights"
    mixed = licences(RECORD, training(before=training(mine=3), rooms=5)).data
    assert "rooms that" in mixed and "whoever gave them" in mixed
    assert licences(RECORD, training(mine=3)).data == "other frames are under the terms of whoever gave them"
    assert "NYU Depth v2" in licences(RECORD | {"source": "edge"}, training(mine=3)).data


def test_where_the_encoder_began_is_said_by_its_first_stage() -> None:
    first = training("starts from ImageNet weights of tf_efficientnet_lite0 (9ca4)", rooms=1)
    found = licences(RECORD, training("goes on from last.safetensors", before=first, rooms=1)).weights
    assert "EfficientNet-Lite weights of timm, Apache-2.0" in found
    assert "EfficientNet" not in licences(RECORD, training(rooms=1)).weights


@pytest.mark.parametrize(("said", "expected"), [("MIT", "wedepth, MIT"), (None, "none is stated")])
def test_the_code_is_under_what_its_package_says(
    monkeypatch: pytest.MonkeyPatch, said: str | None, expected: str
) -> None:
    told = SimpleNamespace(json={"license_expression": said} if said else {})
    monkeypatch.setattr(importlib.metadata, "metadata", lambda name: told)
    assert code_licence().startswith(expected)


def test_as_text_it_is_a_line_each_in_ascii() -> None:
    text = str(licences(RECORD | {"source": "edge"}, training(rooms=1, mine=2)))
    assert text.isascii() and [line.split(":")[0] for line in text.splitlines()] == [
        "Code", "VFM", "Other weights", "Data",
    ]  # fmt: skip

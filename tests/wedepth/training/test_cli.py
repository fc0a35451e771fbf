import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from wedepth.errors import WedepthError
from wedepth.training.cli import train

RUN = ["--preset", "nano", "--data", "rooms:100-102", "--epochs", "1", "--images", "2", "--batch", "2"]


def invoke(*words: object) -> tuple[int, str]:
    """The command's exit code and what it printed; an expected failure comes through as WedepthError."""
    result = CliRunner().invoke(train, [str(word) for word in words], standalone_mode=False)
    if result.exception:
        raise result.exception
    return result.return_value, result.stdout


def test_a_run_leaves_its_files_and_a_summary(tmp_path: Path) -> None:
    (tmp_path / "recipe.json").write_text('{"loss": {"l1": 0.0}, "lr": 1.0}')
    out = tmp_path / "run"
    recipe = ["--recipe", tmp_path / "recipe.json", "--lr", "1e-4"]
    code, printed = invoke(*RUN, *recipe, "--val", "rooms:1", "--size", "64x64", "-o", out, "--json")
    assert code == 0
    summary = json.loads(printed)
    assert summary["finished"] and summary["images"] == 2 and summary["best"]["epoch"] == 1
    training = summary["setup"]["training"]
    assert (training["lr"], training["loss"]["l1"], training["size"]) == (1e-4, 0.0, [64, 64])
    assert training["warmup_epochs"] == pytest.approx(0.15)  # 3 of 20, as long as nothing else is said
    made = {"best.safetensors", "last.safetensors", "log.jsonl", "state.pt"}
    made |= {"adapters.safetensors", "model-card.md", "frames.png"}
    assert {path.name for path in out.iterdir()} == made
    again, printed = invoke(*RUN, *recipe, "--val", "rooms:1", "--size", "64x64", "-o", out, "--json", "--resume")
    assert again == 0 and json.loads(printed)["steps"] == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--config", "none.json"], "Give --preset or --config, not both"),
        (["--recipe", "none.json"], "There is no file none.json"),
        (["--lr", "0"], "lr must be above 0"),
        (["--batch", "0"], "batch must be at least 1"),
        (["--size", "60x96"], "multiples of 32"),
        (["--data", "rooms:4=-1"], "must be above 0"),
        (["--data", "rooms:100-102=2"], "rooms:100-102 is named twice"),
        (["--data", "nowhere"], "There is no nowhere"),
        (["--val", "rooms:2=0.5"], "validation sources have no weight"),
        (["--device", "cuda"], "There is no CUDA device here"),
        (["--resume"], "There is no run to resume"),
        (["--accumulate", "3"], "does not divide into 1 processes × 3 parts"),
        (["--val", "rooms:100-101"], "room 100 of --val rooms:100-101 is also trained on"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(tmp_path: Path, words: list[str], said: str) -> None:
    if "cuda" in words and _has_cuda():
        pytest.skip("there is a CUDA device here")
    with pytest.raises(WedepthError, match=said):
        invoke(*RUN, "-o", tmp_path / "run", *words)


def _has_cuda() -> bool:
    import torch

    return torch.cuda.is_available()


def test_init_has_a_network_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "a.safetensors").write_text("")
    with pytest.raises(WedepthError, match="a checkpoint has its own config"):
        invoke(*RUN, "--init", tmp_path / "a.safetensors")
    with pytest.raises(WedepthError, match=r"There is no file none\.safetensors"):
        invoke("--data", "rooms:2", "--init", "none.safetensors")


def test_a_folder_with_a_run_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text("mine")
    with pytest.raises(WedepthError, match="already holds a run: add --resume"):
        invoke(*RUN, "-o", tmp_path)
    assert (tmp_path / "log.jsonl").read_text() == "mine"


def test_help_needs_no_torch() -> None:
    code = "import sys, wedepth.training.cli; sys.exit('torch' in sys.modules)"
    start = time.monotonic()
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert time.monotonic() - start < 5

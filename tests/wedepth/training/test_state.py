import json
import os
from pathlib import Path

import pytest
import torch

from wedepth.errors import WedepthError
from wedepth.training.state import Log, State, check_setup, load_state, open_folder, save_state


def test_a_state_comes_back(tmp_path: Path) -> None:
    state = State({"a": torch.ones(2)}, {"state": {0: {"step": torch.tensor(1.0)}}}, {"x": [1]}, 2, 30, 1.5, None)
    save_state(state, tmp_path / "state.pt")
    found = load_state(tmp_path / "state.pt")
    assert torch.equal(found.weights["a"], state.weights["a"])
    assert (found.setup, found.epoch, found.step, found.loss_sum) == ({"x": [1]}, 2, 30, 1.5)
    assert [path.name for path in tmp_path.iterdir()] == ["state.pt"]


def test_what_is_no_state_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(WedepthError, match="There is no run to resume"):
        load_state(tmp_path / "state.pt")
    (tmp_path / "state.pt").write_bytes(b"PK" + bytes(100))
    with pytest.raises(WedepthError, match="Cannot read the state"):
        load_state(tmp_path / "state.pt")
    torch.save({"schema": 99}, tmp_path / "state.pt")
    with pytest.raises(WedepthError, match="another version"):
        load_state(tmp_path / "state.pt")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full to stand for a full disk")
def test_a_full_disk_is_a_sentence_and_leaves_the_old_state(tmp_path: Path) -> None:
    state = State({"a": torch.ones(2)}, {}, {})
    save_state(state, tmp_path / "state.pt")
    (tmp_path / f".state.pt.{os.getpid()}.partial").symlink_to("/dev/full")
    with pytest.raises(WedepthError, match="Cannot write"):
        save_state(state, tmp_path / "state.pt")
    assert load_state(tmp_path / "state.pt").step == 0
    (tmp_path / "log.jsonl").symlink_to("/dev/full")
    with pytest.raises(WedepthError, match=r"Cannot write .*No space left"):
        Log(tmp_path / "log.jsonl").write(kind="step", step=1)


def test_the_log_is_cut_back_to_the_state(tmp_path: Path) -> None:
    log = Log(tmp_path / "log.jsonl")
    for step in range(1, 7):
        log.write(kind="step", step=step, epoch=(step + 1) // 2)
        if step % 2 == 0:
            log.write(kind="epoch", epoch=step // 2, step=step)
    with (tmp_path / "log.jsonl").open("a") as file:
        file.write('{"kind": "st')
    Log(tmp_path / "log.jsonl").cut(step=4, epoch=1)  # killed between the last step of epoch 2 and its end
    entries = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [(e["kind"], e["step"]) for e in entries] == [
        ("step", 1), ("step", 2), ("epoch", 2), ("step", 3), ("step", 4),
    ]  # fmt: skip


def test_a_setup_that_differs_is_named() -> None:
    check_setup({"a": {"b": 1}}, {"a": {"b": 1}})
    with pytest.raises(WedepthError, match=r"its training\.lr is 0\.1, what was asked for is 0\.2"):
        check_setup({"training": {"lr": 0.1}}, {"training": {"lr": 0.2}})


def test_folders_that_hold_a_run_or_cannot_be_written_are_refused(tmp_path: Path) -> None:
    open_folder(tmp_path / "new" / "run", resume=False)
    assert list((tmp_path / "new" / "run").iterdir()) == []
    (tmp_path / "new" / "run" / "log.jsonl").write_text("")
    with pytest.raises(WedepthError, match="already holds a run: add --resume"):
        open_folder(tmp_path / "new" / "run", resume=False)
    open_folder(tmp_path / "new" / "run", resume=True)
    (tmp_path / "file").write_text("")
    with pytest.raises(WedepthError, match="Cannot write to"):
        open_folder(tmp_path / "file" / "run", resume=False)

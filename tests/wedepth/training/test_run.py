import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

COMMAND = "--preset nano --data rooms:100-103 --val rooms:2 --epochs 1 --images 12 --batch 4 --device cpu"


def test_two_processes_compute_what_two_parts_do(tmp_path: Path) -> None:
    launch = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone", "-m", "wedepth.training.cli"]
    done = subprocess.run(
        [sys.executable, *launch, *COMMAND.split(), "-o", str(tmp_path / "two")],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    from wedepth.training.report import Report
    from wedepth.training.run import Request, train
    from wedepth.training.sources import Source

    settings = {"epochs": 1, "images": 12, "batch": 4}
    request = Request(
        (Source("rooms:100-103"),), (Source("rooms:2"),), tmp_path / "one", settings, "nano", accumulate=2, device="cpu"
    )
    train(request, Report(quiet=True))
    one, two = (_log(tmp_path / name) for name in ("one", "two"))
    assert [e["kind"] for e in two] == ["step"] * 3 + ["epoch"] == [e["kind"] for e in one]
    for name in ("loss", "silog", "l1", "gradient", "lr", "grad_norm"):
        assert [e[name] for e in two[:3]] == pytest.approx([e[name] for e in one[:3]], rel=1e-4)


def _log(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]

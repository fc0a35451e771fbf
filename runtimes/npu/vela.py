"""Arm's own compiler for Ethos-U as a stand-in for the NPU: which ops it places there, and what it estimates."""

import csv
import importlib.metadata
import importlib.util
import re
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from runtimes.errors import DeviceUnavailable
from runtimes.npu.graph import Graph, Op
from wedepth.errors import WedepthError

PACKAGE = "ethos-u-vela"
ACCELERATOR = "ethos-u85-256"
CONFIG, SYSTEM, MEMORY = "Arm/vela.ini", "Ethos_U85_SYS_DRAM_Mid", "Dedicated_Sram_384KB"
MISSING = f"{PACKAGE} is not installed (pip install 'wedepth[vela]')"
PROVES = "Vela's placement is what its NPU would run; its times are a model's estimate, nothing was run."
SECONDS = 1800.0
"""For Vela, which takes some ten of `edge` on one core."""
NPU_OP = "ethos-u"
# `Reason: Operation has tensor with unsupported DataType Float32 (its name)`
_REASON = re.compile(r"^Reason: ([^(\n]+?) *(?:\(|$)", re.MULTILINE)


class Refused(WedepthError):
    """Vela read the file, and takes it for no NPU."""


@dataclass(frozen=True, slots=True)
class Placement:
    """What Vela made of a TFLite file for one accelerator, system and memory mode.

    `share` is of the graph's multiply-accumulates, on the NPU. `npu_ops` of the file's ops went into `commands` streams
    for the NPU; those that stay are counted by kind in `cpu`, and in `reasons` by why; `cpu_nodes` names them.
    `estimate_ms` and `estimate_cycles` are Vela's own for the NPU's part, from its model of the chip and memory.
    """

    version: str
    accelerator: str
    system: str
    memory: str
    npu_ops: int
    npu_macs: int
    share: float | None
    commands: int
    cpu: dict[str, int]
    reasons: dict[str, int]
    cpu_nodes: list[str]
    estimate_ms: float | None
    estimate_cycles: float | None
    proves: str = PROVES


def place(artifact: Path, graph: Graph) -> Placement:
    """Compile a .tflite, whose graph is given, and read back what became of it.

    Raises DeviceUnavailable where Vela is not installed, Refused where it does not compile the file, and WedepthError
    where it gives no answer.
    """
    if importlib.util.find_spec("ethosu") is None:
        raise DeviceUnavailable(MISSING)
    with tempfile.TemporaryDirectory(prefix="wedepth-") as name:
        folder = Path(name)
        reasons = Counter(_REASON.findall(_compile(artifact, folder)))
        return _read_back(folder, graph, dict(reasons.most_common()))


def _compile(artifact: Path, folder: Path) -> str:
    """Vela's output in a folder, and what it said."""
    options = {"accelerator-config": ACCELERATOR, "config": CONFIG, "system-config": SYSTEM, "memory-mode": MEMORY}
    command = [sys.executable, "-m", "ethosu.vela", "--show-cpu-operations", f"--output-dir={folder}"]
    command += [f"--{option}={value}" for option, value in options.items()]
    try:
        ended = subprocess.run([*command, str(artifact)], capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        raise WedepthError(f"Vela gave no answer on {artifact.name} within {SECONDS:.0f} s.") from None
    if ended.returncode:
        said = (ended.stderr.strip() or ended.stdout.strip() or f"exit code {ended.returncode}").splitlines()[-1]
        raise Refused(f"Vela cannot compile {artifact.name}: {said.rstrip('.')}.")
    return ended.stdout + ended.stderr


def _read_back(folder: Path, graph: Graph, reasons: dict[str, int]) -> Placement:
    from runtimes.npu.read_tflite import read

    (made,) = folder.glob("*_vela.tflite")
    left = read(made)
    stayed = {(op.kind, op.name) for op in left if op.kind != NPU_OP}
    # Vela gives another name to a QUANTIZE whose result it needs in another shape; it stays, as all floats do.
    gone = [op for op in graph.ops if (op.kind, op.name) not in stayed and not _floats(op)]
    names = {op.name for op in gone}
    stays = [op for op in graph.ops if op.name not in names]
    macs = sum(op.macs for op in gone)
    summary = _summary(folder)
    return Placement(
        importlib.metadata.version(PACKAGE),
        ACCELERATOR,
        SYSTEM,
        MEMORY,
        len(gone),
        macs,
        macs / graph.macs if graph.macs else None,
        sum(op.kind == NPU_OP for op in left),
        dict(Counter(op.kind for op in stays).most_common()),
        reasons,
        [op.name for op in stays],
        1000 * summary["inference_time"] if "inference_time" in summary else None,
        summary.get("cycles_total"),
    )


def _floats(op: Op) -> bool:
    return any(tensor.dtype.startswith("float") for tensor in op.values)


def _summary(folder: Path) -> dict[str, float]:
    """The numbers of Vela's summary of the one network."""
    found = next(folder.glob("*_summary_*.csv"), None)
    if found is None:
        return {}
    with found.open() as stream:
        row = next(csv.DictReader(stream), {})
    numbers = {}
    for name, value in row.items():
        try:
            numbers[name] = float(value)
        except ValueError:
            continue
    return numbers

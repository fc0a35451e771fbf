"""Making artifacts, each once: in a process of its own, kept with a stamp that says what it was made of."""

import contextlib
import dataclasses
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from export.bench.contenders import ARTIFACTS, NETWORK, RANGES, Artifact
from export.bench.making import Job, write_job
from export.bench.results import Made
from runtimes.process import how_it_ended
from wedepth.errors import WedepthError

STAMP, LOG = "stamp.json", "making.log"
COUNTING = ("export/bench/count.py", "runtimes/npu/read_onnx.py", "runtimes/npu/macs.py")
ROOT = Path(__file__).parents[2]
# What decides what an artifact is, beside the weights: whose sources, and which packages' versions.
_NETWORK = ("wedepth/*.py",)
_OURS = (*_NETWORK, "export/*.py", "export/rewrites/**/*.py", "export/tflite/**/*.py", "export/coreml/**/*.py")
_OURS_INT8 = (*_OURS, "calib/*.py")
_PACKAGES = (
    "torch", "timm", "numpy", "onnx", "onnx-ir", "onnxscript", "onnxsim", "onnxruntime", "openvino", "coremltools",
    "litert-torch", "ai-edge-litert", "ai-edge-quantizer", "nncf", "transformers",
)  # fmt: skip
# The extra that brings a package, where it is not `all`.
EXTRAS = {"litert_torch": "bench", "transformers": "bench"}


@dataclass(slots=True)
class Workshop:
    """The work folder of one preset at one size, and what is in it."""

    preset: str
    vfm: str | None
    size: tuple[int, int]
    folder: Path
    limit: float
    """Seconds that the making of one artifact may take."""
    say: Callable[[str], None]
    weights: str = ""
    """SHA-256 of the network's tensors; `begin` finds it."""
    again: bool = False
    """Make everything again, whatever the stamps say."""
    made: dict[str, Made] = field(default_factory=dict)

    def path(self, name: str) -> Path:
        """Where an artifact lies, or will."""
        return self.folder / name / ARTIFACTS[name].file

    def ensure(self, name: str) -> Made:
        """The artifact, made now unless its stamp says that it is what would be made; `reason` where it cannot be."""
        if name not in self.made:
            self.made[name] = self._ensure(ARTIFACTS[name])
        return self.made[name]

    def seconds(self, name: str) -> float:
        """What making it took, with all that it is made of."""
        before = sum(self.seconds(other) for other in ARTIFACTS[name].after)
        return self.ensure(name).seconds + before

    def begin(self) -> Made:
        """What the network itself is, always found out anew: all stamps follow from its hash. Draws the room, too.

        Raises WedepthError where it cannot be loaded.
        """
        artifact = ARTIFACTS[NETWORK]
        made = self._make(artifact, self.folder / artifact.name)
        if made.reason:
            raise WedepthError(f"{self.preset} cannot be measured: {made.reason}.")
        self.weights = made.facts["sha256"]
        return made

    def _ensure(self, artifact: Artifact) -> Made:
        missing = next((p for p in artifact.needs if importlib.util.find_spec(p) is None), None)
        if missing:
            extra = EXTRAS.get(missing, "all")
            return Made(reason=f"{missing} is not installed here (pip install 'wedepth[{extra}]')")
        for other in artifact.after:
            if reason := self.ensure(other).reason:
                return Made(reason=f"what it is made of, {other}, was not made: {reason}")
        key = stamp_key(artifact, self.weights, self.preset, self.size)
        folder = self.folder / artifact.name
        if not self.again and (kept := read_stamp(folder, artifact, key)):
            return kept
        self.say(f"making {artifact.name}")
        made = self._make(artifact, folder)
        write_stamp(folder, key, made)
        return made

    def _make(self, artifact: Artifact, folder: Path) -> Made:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        job_file, result_file, log = folder / "job.json", folder / "result.json", folder / LOG
        write_job(Job(artifact.name, self.preset, self.vfm, self.size, str(self.folder)), job_file)
        start = time.perf_counter()
        arguments = ["export.bench.making", str(job_file), str(result_file)]
        reason = run_apart(arguments, log, self.limit)
        seconds = time.perf_counter() - start
        result: dict[str, Any] = {"facts": {}, "peak_bytes": 0}
        if not reason:
            result = json.loads(result_file.read_text())
            reason = result["reason"]
        if not reason and not self.path(artifact.name).exists():
            reason = "its converter reported no error and wrote no file"
        if reason:
            return Made(reason, seconds, result["peak_bytes"])
        # Whatever else its maker wrote is part of it: weights beside a graph.
        files = {p for p in folder.rglob("*") if p.is_file()} - {job_file, result_file, log}
        facts = result["facts"]
        return Made(
            "", seconds, result["peak_bytes"], sum(p.stat().st_size for p in files), facts.pop("ops", None), facts
        )


def run_apart(arguments: list[str], log: Path, limit: float) -> str:
    """Run a module in a process of its own, what it says into `log`; why it did not end well, or nothing."""
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": ""}
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
        try:
            code = process.wait(limit)
        except subprocess.TimeoutExpired:
            _kill(process)
            return f"it was not made within {limit:.0f} s"
        except BaseException:
            _kill(process)
            raise
    return how_it_ended(code, log) if code else ""


def _kill(process: "subprocess.Popen[bytes]") -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def stamp_key(artifact: Artifact, weights: str, preset: str, size: tuple[int, int]) -> str:
    """A hash of all that the artifact follows from: weights, size, sources, versions, and how it is made."""
    ours = artifact.maker.startswith("export.bench.ours")
    int8 = artifact.precision == "int8" or artifact.name == RANGES
    patterns = (_OURS_INT8 if int8 else _OURS) if ours else _NETWORK
    maker = artifact.maker.partition(":")[0].replace(".", "/") + ".py"
    content = {
        "artifact": dataclasses.asdict(artifact),
        "weights": weights,
        "preset": preset,
        "size": size,
        "sources": _sources((*patterns, maker, *COUNTING)),
        "versions": _versions(),
        "calibration": _calibration(preset) if int8 else "",
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def read_stamp(folder: Path, artifact: Artifact, key: str) -> Made | None:
    """What the stamp says of the artifact in a folder, if it is the one with this key."""
    try:
        data = json.loads((folder / STAMP).read_text())
        if data["key"] != key:
            return None
        made = Made(**data["made"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return made if made.reason or (folder / artifact.file).exists() else None


def write_stamp(folder: Path, key: str, made: Made) -> None:
    """Keep how an artifact was made, or why it could not be, which would take as long to find out again."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / STAMP).write_text(json.dumps({"key": key, "made": dataclasses.asdict(made)}, indent=1))


def _sources(patterns: tuple[str, ...]) -> str:
    found = sorted({path for pattern in patterns for path in ROOT.glob(pattern)})
    whole = hashlib.sha256()
    for path in found:
        whole.update(f"{path.relative_to(ROOT)}\n".encode() + path.read_bytes())
    return whole.hexdigest()


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[package] = importlib.metadata.version(package)
    return found


def _calibration(preset: str) -> str:
    """What is kept of a calibration, whose search decides what stays in float."""
    files = sorted(Path("exported").glob(f"{preset}*-calibration/*.json"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest() if files else ""

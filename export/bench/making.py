"""The child process in which one artifact is made, so that its time and memory are its own and its crash is a row.

`python -m export.bench.making JOB.json RESULT.json`.
"""

import dataclasses
import importlib
import json
import resource
import sys
import traceback
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from export.bench.contenders import ARTIFACTS, Artifact
from runtimes.memory import end_with_parent, peak_bytes

if TYPE_CHECKING:
    from wedepth.network import WEDepth

REASON_LENGTH = 240
# How OpenVINO's errors begin, and the line of them that tells.
_NOISE = ("Check '", "FrontEnd API failed", "Exception from")
_TELLING = "No conversion rule found"


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be made: an artifact of a preset at one size (height, width), in the work folder."""

    artifact: str
    preset: str
    vfm: str | None
    size: tuple[int, int]
    work: str

    @property
    def spec(self) -> Artifact:
        """The artifact as data."""
        return ARTIFACTS[self.artifact]

    @property
    def out(self) -> Path:
        """The file to write."""
        return self.path(self.artifact)

    def path(self, name: str) -> Path:
        """Where an artifact lies."""
        return Path(self.work) / name / ARTIFACTS[name].file

    def network(self) -> "WEDepth":
        """The network, its weights as in every other process of this run."""
        return load_network(self.preset, self.vfm)


def load_network(preset: str, vfm: str | None) -> "WEDepth":
    """The preset's network in eval mode."""
    from wedepth.checkpoint import load

    return load(preset, vfm=vfm)


def function(name: str) -> Any:
    """The function that `module:function` names."""
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)


def in_words(error: BaseException) -> str:
    """An exception as one line: its kind, and the line of what it says that tells most."""
    lines = [line.strip(" -") for line in str(error).splitlines() if line.strip(" -")]
    sentences = [line for line in lines if " " in line and not line.startswith(_NOISE)]
    words = next((line for line in lines if line.startswith(_TELLING)), (sentences or lines or [""])[0])
    text = f"{type(error).__name__}: {words}" if words else type(error).__name__
    return text if len(text) <= REASON_LENGTH else f"{text[: REASON_LENGTH - 1]}…"


def main(arguments: list[str]) -> int:
    """Make it; the result file says how that went."""
    end_with_parent()
    job_file, result_file = arguments
    data = json.loads(Path(job_file).read_text())
    job = Job(**{**data, "size": tuple(data["size"])})
    warnings.filterwarnings("ignore")
    try:
        facts = function(job.spec.maker)(job)
        result = {"facts": facts, "reason": ""}
    except Exception as error:
        traceback.print_exc()
        result = {"facts": {}, "reason": in_words(error)}
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    result["peak_bytes"] = max(peak_bytes(), children)
    Path(result_file).write_text(json.dumps(result))
    return 0


def write_job(job: Job, file: Path) -> None:
    """The job as the child reads it."""
    file.write_text(json.dumps(dataclasses.asdict(job)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

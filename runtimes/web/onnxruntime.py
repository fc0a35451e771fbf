"""ONNX artifacts in ONNX Runtime Web."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from runtimes.web.session import Engine, Placement, WebSession
from wedepth.errors import WedepthError

PROVIDERS = {"CPUExecutionProvider": "cpu", "WebGpuExecutionProvider": "gpu"}
COPIES = ("MemcpyToHost", "MemcpyFromHost")  # nodes that compute nothing, between one provider and another
_PLACED = re.compile(r"odes? placed on \[(\w+)\]\. Number of nodes: (\d+)|ode\(s\) placed on \[(\w+)\]")
_NODE = re.compile(r"VerifyEachNodeIsAssignedToAnEp\]\s+(\w+) \(")


def placement(log: Sequence[str], device: str, artifact: Path) -> Placement:
    """Which nodes each execution provider was given, from a session's verbose log; WedepthError where it says nothing.

    With one provider the log gives the number alone, with several each node's kind and name.
    """
    kinds: dict[str, Counter[str]] = {}
    provider = ""
    for line in log:
        if found := _PLACED.search(line):
            provider = found[1] or found[3]
            kinds[provider] = Counter({"": int(found[2])}) if found[1] else Counter()
        elif provider and (node := _NODE.search(line)):
            kinds[provider][node[1]] += node[1] not in COPIES
    if not kinds:
        raise WedepthError("ONNX Runtime Web does not tell which execution provider its nodes were given.")
    placed = {PROVIDERS.get(name, name): count.total() for name, count in kinds.items()}
    others = sum((count for name, count in kinds.items() if PROVIDERS.get(name) != device), Counter[str]())
    words = ", ".join(f"{count} {kind}" for kind, count in others.most_common() if kind)
    return Placement({name: count for name, count in placed.items() if count}, words or None)


NAMES = {"cpu": "onnxruntime-web", "gpu": "onnxruntime-webgpu"}
ENGINE = Engine("onnxruntime-web", "onnxruntime.js", 4 << 30, NAMES, placement)


def open_session(artifact: Path, *, device: str, threads: int | None) -> WebSession:
    """The session: on the CPU in WebAssembly, on the GPU by WebGPU; DeviceUnavailable where either is absent."""
    return WebSession(ENGINE, artifact, device, threads)

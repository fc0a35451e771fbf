"""The prepared graph, kept beside the bundles: it is traced once, and reused while nothing that it depends on changes.

Each export works on a copy of its own, which it hashes on the way: another one may replace what is kept at any moment,
and onnx refuses weights that are hard links. Copying a `paper` takes seconds, tracing it minutes.
"""

import hashlib
import importlib.metadata
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import export
import wedepth
from export import onnx as hub_export
from export.workspace import copy_hashed, replace
from wedepth.network import WEDepth

SCHEMA = 1
HUB = "hub.onnx"
RECORD = "hub.json"
# What the graph is made by.
PACKAGES = ("wedepth", "torch", "timm", "numpy", "onnx", "onnx_ir", "onnxscript")
SOURCES = {
    export: ("onnx.py", "fold.py", "names.py", "prepare.py", "rewrites/**/*.py"),
    wedepth: ("*.py",),
}


def prepared_hub(
    network: WEDepth, sha256: str, size: tuple[int, int], kept: Path, workspace: Path, step: Callable[[str], None]
) -> Path:
    """The hub of `network` (its weights' hash is `sha256`) for images of `size`, a file in `workspace`.

    It is that of the folder `kept`, if there is one of the same network, size, versions and sources, and undamaged;
    else it is traced, and the folder made anew.
    """
    identity = _identity(network, sha256, size)
    hub = workspace / HUB
    fault = _take(kept, workspace, identity)
    if fault is None:
        step(f"onnx: reusing the prepared graph in {kept.name}")
        return hub
    step(f"onnx: tracing and folding the graph that every target is made from{fault and f' ({kept.name} {fault})'}")
    hub_export.export_onnx(network, size, hub)
    _keep(hub, kept, identity)
    return hub


def _identity(network: WEDepth, sha256: str, size: tuple[int, int]) -> dict[str, Any]:
    """All that decides what the graph computes and how it looks. Two configs can have weights of one hash: heads of
    attention are no weight's shape."""
    return {
        "schema": SCHEMA,
        "checkpoint": sha256,
        "config": network.config.to_dict(),
        "size": list(size),
        "opset": hub_export.OPSET,
        "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
        "sources": _sources(),
    }


def _sources() -> str:
    """SHA-256 of the code that makes the graph: the network's and the preparation's."""
    digest = hashlib.sha256()
    for package, patterns in SOURCES.items():
        root = Path(package.__path__[0])
        for path in sorted({path for pattern in patterns for path in root.glob(pattern)}):
            content = path.read_bytes()
            digest.update(f"{root.name}/{path.relative_to(root).as_posix()} {len(content)}\n".encode())
            digest.update(content)
    return digest.hexdigest()


def _take(kept: Path, workspace: Path, identity: dict[str, Any]) -> str | None:
    """Copy what is kept into the workspace; else say why not: nothing ("") where there is none."""
    try:
        record = json.loads((kept / RECORD).read_text())
        files = dict(record.pop("files"))
        if changed := [name for name in identity if record.get(name) != json.loads(json.dumps(identity[name]))]:
            return f"is of another {' and '.join(changed)}"
        if HUB not in files or any(Path(name).name != name for name in files):
            return "is damaged"
        if all(copy_hashed(kept / name, workspace / name) == sha256 for name, sha256 in files.items()):
            return None
    except FileNotFoundError:
        return "lacks a file" if kept.exists() else ""
    except (NotADirectoryError, ValueError, KeyError, TypeError, AttributeError):
        pass
    for path in workspace.glob(f"{HUB}*"):
        path.unlink()
    return "is damaged"


def _keep(hub: Path, kept: Path, identity: dict[str, Any]) -> None:
    folder = hub.with_name(kept.name)
    folder.mkdir()
    files = {path.name: copy_hashed(path, folder / path.name) for path in sorted(hub.parent.glob(f"{HUB}*"))}
    (folder / RECORD).write_text(json.dumps({**identity, "files": files}, indent=1) + "\n")
    replace(folder, kept)

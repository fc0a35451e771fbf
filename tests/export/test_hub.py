"""What is kept of the hub is used again only while nothing that it depends on has changed."""

import json
import threading
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

import export.hub as hubs
import export.onnx as hub_export
from wedepth import load
from wedepth.checkpoint import network_hash
from wedepth.errors import WedepthError

SIZE = (64, 96)


class Traced(AssertionError):
    """The network was traced where it need not have been."""


@pytest.fixture(scope="module")
def nano():
    return load("nano")


@pytest.fixture
def traces(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The sizes that were traced; what is written is a file that says which, with weights beside it."""
    sizes: list[tuple[int, int]] = []

    def trace(network, size: tuple[int, int], path: Path) -> None:
        sizes.append(size)
        path.write_text(f"graph {size} {network_hash(network)}")
        path.with_name(f"{path.name}.data").write_text("weights")

    monkeypatch.setattr(hub_export, "export_onnx", trace)
    return sizes


def make(network, out: Path, size: tuple[int, int] = SIZE, said: list[str] | None = None) -> str:
    """The hub's content, got in a workspace of its own as an export does."""
    workspace = out / f".work-{threading.get_ident()}"
    workspace.mkdir(parents=True)
    step = (said if said is not None else []).append
    hub = hubs.prepared_hub(network, network_hash(network), size, out / "nano-hub", workspace, step)
    content = hub.read_text() + hub.with_name("hub.onnx.data").read_text()
    for path in sorted(workspace.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    workspace.rmdir()
    return content


def test_the_second_export_does_not_trace(nano, tmp_path: Path, traces) -> None:
    said: list[str] = []
    assert make(nano, tmp_path, said=said) == make(nano, tmp_path, said=said)
    assert traces == [SIZE]
    assert said == [
        "onnx: tracing and folding the graph that every target is made from",
        "onnx: reusing the prepared graph in nano-hub",
    ]
    assert [p.name for p in tmp_path.iterdir()] == ["nano-hub"]
    assert {p.name for p in (tmp_path / "nano-hub").iterdir()} == {"hub.onnx", "hub.onnx.data", "hub.json"}


def test_another_weight_traces_again(tmp_path: Path, traces) -> None:
    nano, said = load("nano"), []
    for part in (nano.prompted.vfm.patch_embed, nano.heads, nano.encoder):  # the VFM, and what is trained
        next(iter(part.parameters())).data.view(-1)[0] += 1
        make(nano, tmp_path, said=said)
    assert len(traces) == 3
    assert said[-1].endswith("(nano-hub is of another checkpoint)")


def test_another_size_traces_again(nano, tmp_path: Path, traces) -> None:
    make(nano, tmp_path)
    make(nano, tmp_path, (96, 64))
    assert traces == [SIZE, (96, 64)]


def test_another_config_of_the_same_weights_traces_again(nano, tmp_path: Path, traces, monkeypatch) -> None:
    make(nano, tmp_path)
    config = nano.config.to_dict()
    monkeypatch.setattr(type(nano.config), "to_dict", lambda self: {**config, "heads": 1})
    make(nano, tmp_path)
    assert len(traces) == 2


@pytest.mark.parametrize("package", hubs.PACKAGES)
def test_another_version_traces_again(package: str, nano, tmp_path: Path, traces, monkeypatch) -> None:
    make(nano, tmp_path)
    version = hubs.importlib.metadata.version
    monkeypatch.setattr(hubs.importlib.metadata, "version", lambda name: "0.0" if name == package else version(name))
    make(nano, tmp_path)
    assert len(traces) == 2


def test_another_line_of_the_preparation_traces_again(nano, tmp_path: Path, traces, monkeypatch) -> None:
    make(nano, tmp_path)
    read = Path.read_bytes
    changed = Path(hubs.export.__path__[0]) / "prepare.py"
    monkeypatch.setattr(Path, "read_bytes", lambda path: read(path) + (b"#" if path == changed else b""))
    make(nano, tmp_path)
    assert len(traces) == 2


def test_the_sources_are_those_that_make_the_graph() -> None:
    names = {
        path.name
        for package, patterns in hubs.SOURCES.items()
        for pattern in patterns
        for path in Path(package.__path__[0]).glob(pattern)
    }
    assert {"prepare.py", "onnx.py", "names.py", "fold.py", "network.py", "decoder.py", "swin.py", "heads.py"} <= names


def _truncate(folder: Path) -> None:
    file = folder / "hub.onnx.data"
    file.write_bytes(file.read_bytes()[:-1])


def _record(folder: Path, text: str) -> None:
    (folder / "hub.json").write_text(text)


DAMAGE = {
    "truncated weights": _truncate,
    "another graph": lambda folder: (folder / "hub.onnx").write_text("x"),
    "no weights": lambda folder: (folder / "hub.onnx.data").unlink(),
    "no record": lambda folder: (folder / "hub.json").unlink(),
    "half a record": lambda folder: _record(folder, (folder / "hub.json").read_text()[:-50]),
    "a record that is a list": lambda folder: _record(folder, "[]"),
    "a record without files": lambda folder: _record(
        folder, json.dumps({**json.loads((folder / "hub.json").read_text()), "files": {}})
    ),
    "a record of files elsewhere": lambda folder: _record(
        folder, json.dumps({**json.loads((folder / "hub.json").read_text()), "files": {"hub.onnx": "", "../x": ""}})
    ),
    "a record of a newer version": lambda folder: _record(folder, '{"schema": 99, "files": {}}'),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_hub_is_made_again(damage: str, nano, tmp_path: Path, traces) -> None:
    said: list[str] = []
    whole = make(nano, tmp_path)
    DAMAGE[damage](tmp_path / "nano-hub")
    assert make(nano, tmp_path, said=said) == whole
    assert len(traces) == 2 and "tracing" in said[0] and "(nano-hub " in said[0]
    assert make(nano, tmp_path) == whole and len(traces) == 2  # and is whole from then on
    assert [p.name for p in tmp_path.iterdir()] == ["nano-hub"]


def test_a_file_in_the_hubs_place_is_replaced(nano, tmp_path: Path, traces) -> None:
    (tmp_path / "nano-hub").write_text("x")
    make(nano, tmp_path)
    assert (tmp_path / "nano-hub" / "hub.json").is_file()


def test_a_trace_that_fails_keeps_nothing(nano, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(network, size, path: Path) -> None:
        path.write_text("half")
        raise WedepthError("no.")

    monkeypatch.setattr(hub_export, "export_onnx", broken)
    with pytest.raises(WedepthError):
        make(nano, tmp_path)
    assert not (tmp_path / "nano-hub").exists()


def test_exports_of_several_networks_at_once_get_their_own(tmp_path: Path, traces) -> None:
    """Each reads and replaces the same folder, over and over, with hubs that are not the other's."""
    networks = [load("nano") for _ in range(3)]
    for number, network in enumerate(networks):
        next(iter(network.heads.parameters())).data.fill_(number)
    faults: list[object] = []

    def work(network) -> None:
        try:
            expected = f"graph {SIZE} {network_hash(network)}weights"
            for _ in range(20):
                if make(network, tmp_path) != expected:
                    faults.append("the hub of another network")
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=work, args=(network,)) for network in networks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert [p.name for p in tmp_path.iterdir()] == ["nano-hub"]


def test_a_hub_that_was_kept_is_the_one_that_targets_are_made_from(exported: Path) -> None:
    paths = exported / "nano-hub" / "hub.onnx", exported / "nano-onnx-fp32" / "model.onnx"
    image = np.random.default_rng(0).uniform(0, 255, (1, 3, 64, 96)).astype(np.float32)
    kept, bundle = (onnxruntime.InferenceSession(str(path)).run(None, {"image": image})[0] for path in paths)
    assert np.abs(bundle / kept - 1).max() < 1e-6

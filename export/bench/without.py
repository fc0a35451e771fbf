"""What each rewrite gains by itself: the network with one of them left out, against the network with all."""

import dataclasses
import json
import random
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from export.bench.count import count
from export.bench.report import Table
from export.bench.rounds import Effort, Times, take_turns
from export.bench.worker import Values, timed
from wedepth.files import write_beside

if TYPE_CHECKING:
    from wedepth.network import WEDepth

ALL = "all of them"
# The form of sampling that lookups are made from.
FOR_LOOKUPS = "sample_points_major"
# What a target does beyond the rewrites of the network, by runtime.
OF_TARGETS = {"onnxruntime": ("lookups", "blocks"), "openvino": ("lookups",)}
FILES = {"onnxruntime": "model.onnx", "openvino": "model.xml"}
JSON, MARKDOWN = "without.json", "without.md"


@dataclass(frozen=True, slots=True)
class Without:
    """The network without one rewrite: its nodes and multiply-accumulates, and least CPU seconds by runtime."""

    name: str
    nodes: int
    macs: int
    seconds: dict[str, float]


def measure(
    network: "WEDepth",
    size: tuple[int, int],
    image: Values,
    folder: Path,
    threads: int,
    effort: Effort,
    say: Callable[[str], None],
) -> list[Without]:
    """Every variant of `network` at `size` (height, width) made in `folder`, then run on `image` in turns."""
    from export.prepare import REWRITES

    names = [ALL, *(rewrite.name for rewrite in REWRITES)]
    found = {}
    for name in names:
        say(f"making {name if name == ALL else f'all but {name}'}")
        kept = [rewrite for rewrite in REWRITES if rewrite.name != name]
        counted = _make(network, size, kept, folder / name)
        found[name] = Without(name, counted.nodes, counted.macs, {})
    for runtime, own in OF_TARGETS.items():
        for name in own:
            say(f"making all but {name}, {runtime}")
            _make_target(runtime, folder / ALL / "hub.onnx", folder / name / FILES[runtime], name)
            found.setdefault(name, dataclasses.replace(found[ALL], name=name, seconds={}))
    for runtime, file in FILES.items():
        made = [name for name in found if (folder / name / file).is_file()]
        say(f"running {len(made)} variants in {runtime}")
        runners = [_Runner(name, runtime, folder / name / file, image, threads) for name in made]
        times: dict[str, Times] = {}
        take_turns(runners, effort, times, random.Random(), lambda name: None)
        for name in made:
            found[name].seconds[runtime] = min(times[name].cpu)
    return list(found.values())


class _Runner:
    """A variant in this process, warm."""

    def __init__(self, name: str, runtime: str, file: Path, image: Values, threads: int) -> None:
        from runtimes.registry import RUNTIMES, open_session

        self.name, self._image = name, image
        self._session = open_session(RUNTIMES[runtime], file, "cpu", threads)
        self.run(1)

    def run(self, times: int) -> list[tuple[float, float]]:
        """Seconds of wall and CPU time of each run."""
        return [timed(lambda: self._session.run(self._image)) for _ in range(times)]


def _make(network: "WEDepth", size: tuple[int, int], rewrites: Sequence[Any], folder: Path) -> Any:
    from export.onnx import export_onnx

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    export_onnx(network, size, folder / "hub.onnx", rewrites=rewrites)
    without = "" if FOR_LOOKUPS in [rewrite.name for rewrite in rewrites] else "lookups"
    for runtime, file in FILES.items():
        _make_target(runtime, folder / "hub.onnx", folder / file, without)
    return count(folder / "hub.onnx")


def _make_target(runtime: str, hub: Path, out: Path, without: str) -> None:
    """One target in fp32, without one of its own rewrites if so named."""
    import onnx

    from export import onnx as onnx_target
    from export import openvino as openvino_target
    from export.blocks import block_tokens
    from export.lookup import looked_up
    from export.weights import read_hub

    out.parent.mkdir(parents=True, exist_ok=True)
    if runtime == "openvino" and without:
        import openvino

        openvino.save_model(openvino.convert_model(str(hub)), str(out), compress_to_fp16=False)
    elif runtime == "openvino":
        openvino_target.convert(hub, out, precision="fp32", metadata={})
    elif without == "lookups":
        model, constants = read_hub(hub)
        block_tokens(model, constants)
        onnx.save_model(model, out)
    elif without == "blocks":
        with looked_up(hub) as graph:
            onnx.save_model(read_hub(graph)[0], out)
    else:
        onnx_target.convert(hub, out, precision="fp32", metadata={})


def table(found: Sequence[Without]) -> Table:
    """A row for each rewrite: what is more without it."""
    whole = found[0]
    rows = [
        (one.name, f"{one.nodes - whole.nodes:+}", f"{(one.macs - whole.macs) / 1e6:+.0f}",
         *(f"{one.seconds[r] / whole.seconds[r] - 1:+.1%}" if r in one.seconds else "–" for r in FILES))
        for one in found[1:]
    ]  # fmt: skip
    named = [(f"{name}, and lookups" if name == FOR_LOOKUPS else name, *cells) for name, *cells in rows]
    return Table("Without one of them", ("rewrite", "nodes", "M MACs", *(f"CPU time, {r}" for r in FILES)), named)


def write(found: Sequence[Without], about: str, folder: Path) -> None:
    """without.json and without.md."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"about": about, "found": [dataclasses.asdict(one) for one in found]}, indent=1) + "\n"
    write_beside(folder / JSON, lambda beside: beside.write_text(text))
    whole = f"# What each rewrite gains\n\n{about}\n\n{table(found).markdown()}"
    write_beside(folder / MARKDOWN, lambda beside: beside.write_text(whole))

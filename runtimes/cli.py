"""wedepth-parity: what ships is what was trained, shown on frames."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runtimes.registry import DEVICES, RUNTIMES
from wedepth.commands import guarded
from wedepth.errors import WedepthError

if TYPE_CHECKING:
    from runtimes.bundle import Bundle
    from runtimes.parity import Run
    from wedepth.data import Dataset, Frame

DEFAULT_FOLDER = Path("exported")


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option("--bundle", type=click.Path(path_type=Path), help="A bundle, or a folder of them.  [default: exported]")
@click.option("--artifact", type=click.Path(path_type=Path), help="An artifact whose bundle is the folder it lies in.")
@click.option("--runtime", type=click.Choice(["all", "torch", *RUNTIMES]), default="all")
@click.option(
    "--device", type=click.Choice(DEVICES), default="cpu", help="Absent hardware is `not_run`, never the CPU."
)
@click.option("--data", "data", required=True, help="Frames: nyu_depth_v2_labeled.mat, a folder, or `rooms` (our own).")
@click.option("--split", help="Which of the data's frames, e.g. eval.")
@click.option("--checkpoint", help="The checkpoint that was exported.  [default: the one the bundle names]")
@click.option("--vfm", help="The frozen VFM's weights: a file, or `random`.  [default: as the bundle's]")
@click.option("--picture", type=click.Path(path_type=Path), help="Also draw depth and error of the first frame (PNG).")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of the table.")
def parity(
    bundle: Path | None,
    artifact: Path | None,
    runtime: str,
    device: str,
    data: str,
    split: str | None,
    checkpoint: str | None,
    vfm: str | None,
    picture: Path | None,
    as_json: bool,
) -> int:
    """Run exported bundles on frames and hold them against the network in torch.

    Depth is compared in unaligned metres. Limits: fp32 at most 1e-3 relative at any pixel, fp16 at most 0.007 on
    average. Exit code 0: all that ran passed; 1: something failed, or nothing was run; 2: a bug.
    """
    if bundle and artifact:
        raise WedepthError("Give --bundle or --artifact, not both.")
    from runtimes.bundle import find_bundles
    from wedepth.data import open_dataset

    bundles = find_bundles(artifact.parent if artifact else bundle or DEFAULT_FOLDER)
    if artifact and artifact.resolve() != bundles[0].artifact.resolve():
        raise WedepthError(f"{artifact} is not the artifact that the manifest beside it describes.")
    frames = open_dataset(data, split)
    from runtimes.parity import to_json, verdict
    from runtimes.table import print_table, progress

    with progress(len(frames), quiet=as_json) as step:
        runs = _run_all(bundles, runtime, device, frames, checkpoint, vfm, step)
    rows = [run.row for run in runs]
    label = f"{data}{f' ({split})' if split else ''}"
    if picture:
        _draw(picture, runs, frames[0])
    if as_json:
        click.echo(json.dumps(to_json(rows, label), indent=1))
    else:
        print_table(rows, f"{len(frames)} frames of {label}", bundles)
    return verdict(rows)


def _run_all(
    bundles: "list[Bundle]",
    runtime: str,
    device: str,
    frames: "Dataset",
    checkpoint: str | None,
    vfm: str | None,
    step: Callable[[str], None],
) -> "list[Run]":
    """Every run that was asked for; bundles of one network share one run of torch."""
    from runtimes.parity import Row, Run, run_bundle
    from runtimes.reference import References

    references = References(frames, checkpoint, vfm, device if runtime == "torch" else "cpu", step)
    runs = references.runs(bundles) if runtime in ("all", "torch") else []
    for name, info in RUNTIMES.items():
        if runtime not in ("all", name):
            continue
        own = [b for b in bundles if b.manifest.target == info.target]
        if not own:
            row = Row(name, info.target, device, "-", "not_run", f"no {info.target} bundle was given")
            runs.append(Run(row, None))
        runs += [run_bundle(info, b, device, frames, partial(references.depths, b), step) for b in own]
    return runs


def _draw(path: Path, runs: "list[Run]", frame: "Frame") -> None:
    """The first frame through the first network that was run."""
    from runtimes.picture import draw

    depths = [(f"{run.row.runtime} {run.row.precision}", run.depths[0]) for run in runs if run.depths]
    if not depths:
        raise WedepthError("There is nothing to draw: nothing was run.")
    depths = [(name, depth) for name, depth in depths if depth.shape == depths[0][1].shape]
    torch = [depth for name, depth in depths if name.startswith("torch")]
    others = [(name, depth) for name, depth in depths if not name.startswith("torch")]
    draw(path, frame.image, frame.depth if frame.valid.any() else None, torch[0] if torch else None, others or depths)


def main() -> None:
    """The console script."""
    guarded(parity)

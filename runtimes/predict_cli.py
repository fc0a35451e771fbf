"""wedepth-predict: metric depth of your own images."""

import dataclasses
import json
import math
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runtimes.cli import DEFAULT_FOLDER
from runtimes.registry import DEVICES, RUNTIMES
from wedepth.commands import guarded
from wedepth.errors import WedepthError

if TYPE_CHECKING:
    from runtimes.predict import Camera
    from runtimes.predictor import Predictor

SCHEMA = 1
FIELD_OF_VIEW = 63.0
GUESSED = (
    f"The point clouds assume a camera that sees {FIELD_OF_VIEW:g}° across, a guess: their width and height are right "
    "only with --fov or --intrinsics."
)
FILE = click.Path(path_type=Path)


class Numbers(click.ParamType):
    """Finite numbers with commas between them, as many as the name has."""

    def __init__(self, name: str) -> None:
        self.name = name

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, ...]:
        try:
            numbers = tuple(float(part) for part in str(value).split(","))
        except ValueError:
            numbers = ()
        if len(numbers) != len(self.name.split(",")) or not all(map(math.isfinite, numbers)):
            self.fail(f"{value!r} is not {self.name}, numbers with commas between them.", param, ctx)
        return numbers


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.argument("images", nargs=-1, required=True, type=FILE)
@click.option("--bundle", type=FILE, help="A bundle, or a folder with those of one network.  [default: exported]")
@click.option("--checkpoint", help="Instead of a bundle: a preset or checkpoint, run in torch.")
@click.option("--vfm", help="With --checkpoint: the frozen VFM's weights, a file or `random`.")
@click.option(
    "--runtime", type=click.Choice(list(RUNTIMES)), help="Of several bundles.  [default: the first that runs]"
)
@click.option("--device", type=click.Choice(DEVICES), default="cpu", help="Absent hardware is an error, never the CPU.")
@click.option("-o", "--output", "--out", "out", type=FILE, default=Path("predicted"), help="The folder of results.")
@click.option("--range", "colours", type=Numbers("MIN,MAX"), help="Metres of the colours.  [default: each image's own]")
@click.option("--ply", is_flag=True, help="Also write NAME.ply, a coloured point cloud.")
@click.option("--intrinsics", type=Numbers("FX,FY,CX,CY"), help="The cloud's camera, in pixels of the upright image.")
@click.option(
    "--fov",
    type=click.FloatRange(0, 180, min_open=True, max_open=True),
    help=f"The cloud's camera, by the degrees that it sees across.  [default: {FIELD_OF_VIEW:g}, a guess]",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of the table.")
def predict(
    images: tuple[Path, ...],
    bundle: Path | None,
    checkpoint: str | None,
    vfm: str | None,
    runtime: str | None,
    device: str,
    out: Path,
    colours: tuple[float, float] | None,
    ply: bool,
    intrinsics: tuple[float, float, float, float] | None,
    fov: float | None,
    as_json: bool,
) -> int:
    """Write the depth of IMAGES in metres, in their own size, upright as their EXIF data says.

    NAME_depth.png holds millimetres in 16 bits, 0 where nothing is known; NAME_colour.png shows them, blue near and red
    far, with a scale; --ply adds points in metres, x right, y down, z forward. An image that fails does not stop the
    others. Exit code 0: all were predicted; 1: something failed; 2: a bug.
    """
    if checkpoint and (bundle or runtime):
        raise WedepthError("Give --checkpoint, which torch runs, or --bundle and --runtime, not both.")
    if vfm and not checkpoint:
        raise WedepthError("--vfm goes with --checkpoint: a bundle holds its VFM.")
    if colours and not 0 <= colours[0] < colours[1]:
        raise WedepthError(f"--range goes from near to far, MIN,MAX, not from {colours[0]:g} to {colours[1]:g} m.")
    camera = _camera(ply, intrinsics, fov)
    from runtimes.photo import check_photos
    from runtimes.predict import Wanted, check_files, predict_file
    from runtimes.table import print_predictions, progress

    check_photos(images)
    wanted = Wanted(out, colours, camera)
    check_files(images, wanted)
    _try_folder(out)
    predictor = _open(bundle, checkpoint, vfm, runtime, device)
    made, failed = [], []
    with progress(len(images), quiet=as_json) as step:
        for image in images:
            try:
                made.append(predict_file(predictor, image, wanted))
            except WedepthError as error:
                failed.append(f"{image}: {error}" if str(image) not in str(error) else str(error))
            step(predictor.runtime, len(made) + len(failed))
    notes = [] if predictor.trained else [f"{predictor.weights} These depths say nothing of the scene, or of WEDepth."]
    if ply and not intrinsics and fov is None:
        notes.append(GUESSED)
    if as_json:
        click.echo(json.dumps(_report(predictor, made, notes), indent=1))
    elif made:
        print_predictions(made, f"{predictor.name} ({predictor.runtime}, {predictor.device}) → {out}", notes)
    for sentence in failed:
        click.echo(f"Error: {sentence}", err=True)
    return int(bool(failed))


def _camera(ply: bool, intrinsics: tuple[float, float, float, float] | None, fov: float | None) -> "Camera | None":
    if not ply:
        if intrinsics or fov is not None:
            raise WedepthError("--intrinsics and --fov are the point cloud's: add --ply.")
        return None
    if intrinsics and fov is not None:
        raise WedepthError("Give --intrinsics or --fov, not both.")
    if intrinsics and min(intrinsics[:2]) <= 0:
        raise WedepthError(f"Focal lengths are above 0 pixels, not {intrinsics[0]:g} and {intrinsics[1]:g}.")
    from runtimes.pointcloud import Intrinsics
    from runtimes.predict import Camera

    return Camera(Intrinsics(*intrinsics) if intrinsics else None, FIELD_OF_VIEW if fov is None else fov)


def _open(
    bundle: Path | None, checkpoint: str | None, vfm: str | None, runtime: str | None, device: str
) -> "Predictor":
    from runtimes.predictor import open_bundled, open_checkpoint

    if checkpoint:
        return open_checkpoint(checkpoint, vfm, device, lambda line: click.echo(line, err=True))
    return open_bundled(bundle or DEFAULT_FOLDER, runtime, device)


def _try_folder(folder: Path) -> None:
    """Make the folder where it is missing, and write in it before anything long begins."""
    if folder.exists() and not folder.is_dir():
        raise WedepthError(f"{folder} is a file; -o names a folder.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise WedepthError(f"Cannot write to {folder}: {error.strerror}.") from None


def _report(predictor: "Predictor", made: list[Any], notes: list[str]) -> dict[str, Any]:
    """The predictions as plain JSON types."""
    about = {name: getattr(predictor, name) for name in ("name", "runtime", "device", "trained", "weights")}
    return {"schema": SCHEMA, **about, "notes": notes, "images": [dataclasses.asdict(one) for one in made]}


def main() -> None:
    """The console script."""
    guarded(predict)

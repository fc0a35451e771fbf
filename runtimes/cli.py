"""wedepth-parity: what ships is what was trained, shown on frames."""

import dataclasses
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runtimes.registry import DEVICES, RUNTIMES, STAND_INS
from wedepth.commands import guarded
from wedepth.errors import WedepthError

if TYPE_CHECKING:
    from runtimes.bundle import Bundle
    from runtimes.results import Report, Run
    from wedepth.data import Frame

DEFAULT_FOLDER = Path("exported")
KEPT = "parity.json"
INTERRUPTED = 130
_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option(
    "--bundle", "folders", type=click.Path(path_type=Path), multiple=True,
    help="A bundle, or a folder of them; may be given several times.  [default: exported]",
)  # fmt: skip
@click.option("--artifact", type=click.Path(path_type=Path), help="An artifact whose bundle is the folder it lies in.")
@click.option("--runtime", type=click.Choice(["all", "torch", *RUNTIMES]), help="[default: those of the bundles]")
@click.option(
    "--device", "devices", type=click.Choice(DEVICES), multiple=True,
    help="May be given several times; absent hardware is `not_run`, never the CPU.  [default: cpu, or a stand-in's]",
)  # fmt: skip
@click.option(
    "--stand-in", "stand_ins", type=click.Choice(sorted({r.stand_in for r in STAND_INS.values()})), multiple=True,
    help="Run what stands in for hardware that is not here: numerics and coverage, never speed.",
)  # fmt: skip
@click.option("--list-devices", is_flag=True, help="Say which devices each runtime finds here, and why not others.")
@click.option(
    "--npu-report", is_flag=True,
    help="List what will keep a bundle or an --artifact off the NPUs that run its format, and who says so.",
)  # fmt: skip
@click.option("--data", help="Frames: nyu_depth_v2_labeled.mat, a folder, or `rooms` (our own).")
@click.option("--split", help="Which of the data's frames, e.g. eval.")
@click.option("--checkpoint", help="The checkpoint that was exported.  [default: the one the bundle names]")
@click.option("--vfm", help="The frozen VFM's weights: a file, or `random`.  [default: as the bundle's]")
@click.option("--threads", type=click.IntRange(1), help="Of CPU kernels.  [default: the runtime's own choice]")
@click.option("--full", is_flag=True, help="Time at least 1024 runs and 60 s of each.")
@click.option("--limits", "limits", type=_FILE, help="TOML: limits in place of those of runtimes/limits.toml.")
@click.option(
    "--allow-not-run", "allow", multiple=True, metavar="NAME",
    help="What may be missing: a runtime, RUNTIME:DEVICE, torch, or frames.",
)  # fmt: skip
@click.option("--explain", is_flag=True, help="Say which step and which module brings one bundle's error in.")
@click.option("--against", type=click.Path(path_type=Path), help="The fp32 ONNX bundle for --explain.")
@click.option("--junit", type=_FILE, help="Also write JUnit XML.")
@click.option("--markdown", type=_FILE, help="Also write a summary for a pull request.")
@click.option("--html", type=_FILE, help="Also write a page for people: verdict, table, pictures, plots, origins.")
@click.option("--picture", type=_FILE, help="Also draw depth and error of the first frame (PNG).")
@click.option(
    "--keep", type=_FILE,
    help="Where results are kept as JSON, row by row, while it runs.  [default: parity.json beside the bundles]",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of the table.")
def parity(
    folders: tuple[Path, ...],
    artifact: Path | None,
    runtime: str | None,
    devices: tuple[str, ...],
    stand_ins: tuple[str, ...],
    list_devices: bool,
    npu_report: bool,
    data: str | None,
    split: str | None,
    checkpoint: str | None,
    vfm: str | None,
    threads: int | None,
    full: bool,
    limits: Path | None,
    allow: tuple[str, ...],
    explain: bool,
    against: Path | None,
    junit: Path | None,
    markdown: Path | None,
    html: Path | None,
    picture: Path | None,
    keep: Path | None,
    as_json: bool,
) -> int:
    """Run exported bundles on frames and hold them against the network in torch.

    Depth is compared in unaligned metres, pixel by pixel, and AbsRel and δ1 by a paired bootstrap over the frames,
    whose whole 95 % interval has to be within the limits of the precision. Each runs in a process of its own.

    All files are written after every row: one that is killed leaves what it measured, the rest as `not_run`.

    Exit code 0: all passed; 1: something failed, is undecided (too few frames to tell), or was not run and is not named
    by --allow-not-run, or a file could not be written; 2: a bug. --npu-report runs nothing: it is 0 where the artifact
    could be read.
    """
    if list_devices:
        return _list_devices(as_json)
    if folders and artifact:
        raise WedepthError("Give --bundle or --artifact, not both.")
    if npu_report:
        return _npu_report(folders, artifact, as_json)
    if not data:
        raise WedepthError("Name the frames with --data, rooms:8 for instance.")
    from runtimes.bundle import find_bundles
    from runtimes.gate import allowed_names, refusals
    from runtimes.limits import DEFAULT, read_limits
    from runtimes.outputs import Outputs, Wanted
    from runtimes.parity import Frames, Harness
    from runtimes.plan import plan, run_all
    from runtimes.report import begin
    from runtimes.stopwatch import FULL, QUICK
    from runtimes.table import progress
    from wedepth.data import open_dataset

    allowed, bounds = allowed_names(allow), read_limits(limits or DEFAULT)
    bundles = find_bundles(*([artifact.parent] if artifact else folders or [DEFAULT_FOLDER]))
    if artifact and artifact.resolve() != bundles[0].artifact.resolve():
        raise WedepthError(f"{artifact} is not the artifact that the manifest beside it describes.")
    if explain:
        return _explain(bundles, against, open_dataset(data, split)[0], checkpoint, vfm, as_json)
    frames = Frames(open_dataset(data, split))
    wanted = Wanted(keep or bundles[0].folder.parent / KEPT, junit, markdown, html, picture)
    outputs = Outputs(wanted.forms(bundles, allowed, frames.dataset.__getitem__), _say)
    label = f"{len(frames)} frames of {data}{f' ({split})' if split else ''}"
    blank = begin(label, bundles, bounds, ["wedepth-parity", *sys.argv[1:]])

    def report_on(runs: "list[Run]", interrupted: bool) -> "Report":
        rows = [run.row for run in runs]
        return dataclasses.replace(blank, rows=rows, unread=frames.told(), interrupted=interrupted)

    with progress(len(frames), quiet=as_json) as step:
        harness = Harness(frames, step, bounds, FULL if full else QUICK, threads, checkpoint, vfm)
        tasks = plan(bundles, runtime, list(dict.fromkeys(devices)), stand_ins)
        runs = run_all(harness, tasks, lambda runs: outputs.write(report_on(runs, interrupted=True), runs))
    report = report_on(runs, harness.interrupted)
    outputs.write(report, runs)
    if picture and picture not in outputs.failed and not any(run.depths for run in runs):
        _say(f"{picture} was not drawn: nothing was run.")
    printed = _print(report, as_json)
    refused = refusals(report, allowed)
    for sentence in refused:
        click.echo(f"Not passed: {sentence}", err=True)
    return INTERRUPTED if report.interrupted else int(bool(refused or outputs.failed or not printed))


def _say(sentence: str) -> None:
    click.echo(f"Error: {sentence}", err=True)


def _print(report: "Report", as_json: bool) -> bool:
    """Print the table, or JSON; False, and a sentence, where that cannot be written: a file on a full disk."""
    from runtimes.table import print_table

    try:
        if as_json:
            click.echo(json.dumps(report.to_json(), indent=1))
        else:
            print_table(report)
        sys.stdout.flush()
    except OSError as error:
        # What is left in the buffer would be tried again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        _say(f"Cannot print the {'JSON' if as_json else 'table'}: {error.strerror}.")
        return False
    return True


def _list_devices(as_json: bool) -> int:
    from runtimes.devices import find_devices
    from runtimes.table import print_devices

    found = find_devices()
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(device) for device in found], indent=1))
    else:
        print_devices(found)
    return 0


def _npu_report(folders: tuple[Path, ...], artifact: Path | None, as_json: bool) -> int:
    """Judge one artifact, whether or not in a bundle, or those of all bundles that are found."""
    from runtimes.bundle import find_bundles
    from runtimes.npu.report import SCHEMA, report
    from runtimes.npu.table import print_reports

    if artifact:
        named = [(artifact, artifact.name)]
    else:
        named = [(found.artifact, found.folder.name) for found in find_bundles(*(folders or [DEFAULT_FOLDER]))]
    reports = [report(path, name) for path, name in named]
    if as_json:
        click.echo(json.dumps({"schema": SCHEMA, "reports": [dataclasses.asdict(r) for r in reports]}, indent=1))
    else:
        print_reports(reports)
    return 0


def _explain(
    bundles: "list[Bundle]",
    against: Path | None,
    frame: "Frame",
    checkpoint: str | None,
    vfm: str | None,
    as_json: bool,
) -> int:
    """The steps to the one bundle given, and its walk beside its reference, on one frame."""
    from runtimes.bundle import open_bundle
    from runtimes.explain import is_reference, reference_of, walk_bundles
    from runtimes.split import split_error
    from runtimes.table import print_split, print_walk, progress

    if len(bundles) != 1:
        raise WedepthError(f"--explain walks one bundle; name it with --bundle, of {len(bundles)} that were found.")
    (bundle,) = bundles
    given = open_bundle(against) if against else None
    reference = given or (None if is_reference(bundle) else reference_of(bundle))
    with progress(0, quiet=as_json) as step:
        found = walk_bundles(reference, bundle, frame.image, step) if reference else None
        stages = split_error(bundle, frame.image, step, against=given, checkpoint=checkpoint, vfm=vfm)
    if as_json:
        walked = dataclasses.asdict(found) if found else {"steps": None, "first": None, "missing": None}
        click.echo(json.dumps({**walked, "split": [dataclasses.asdict(stage) for stage in stages]}, indent=1))
        return 0
    print_split(stages, f"{bundle.manifest.name} on {frame.name}")
    if found and reference:
        print_walk(found, bundle.manifest.name, reference.manifest.name)
    else:
        click.echo("It is what other bundles are walked beside; --against names another fp32 ONNX bundle for it.")
    return 0


def main() -> None:
    """The console script."""
    guarded(parity)

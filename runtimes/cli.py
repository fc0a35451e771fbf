"""wedepth-parity: what ships is what was trained, shown on frames."""

import dataclasses
import datetime
import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runtimes.registry import DEVICES, RUNTIMES, STAND_INS
from wedepth.commands import guarded
from wedepth.errors import WedepthError
from wedepth.files import write_beside

if TYPE_CHECKING:
    from runtimes.bundle import Bundle
    from runtimes.parity import Harness
    from runtimes.results import Report, Run
    from wedepth.data import Frame

DEFAULT_FOLDER = Path("exported")
INTERRUPTED = 130
_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option("--bundle", type=click.Path(path_type=Path), help="A bundle, or a folder of them.  [default: exported]")
@click.option("--artifact", type=click.Path(path_type=Path), help="An artifact whose bundle is the folder it lies in.")
@click.option("--runtime", type=click.Choice(["all", "torch", *RUNTIMES]), help="[default: those of the bundles]")
@click.option(
    "--device", "devices", type=click.Choice(DEVICES), multiple=True, default=["cpu"],
    help="May be given several times. Absent hardware is `not_run`, never the CPU.",
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
@click.option("--limits", "limits", type=_FILE, help="A TOML file of limits.  [default: runtimes/limits.toml]")
@click.option(
    "--allow-not-run", "allow", multiple=True, metavar="NAME",
    help="What may be missing: a runtime, RUNTIME:DEVICE, torch, or frames.",
)  # fmt: skip
@click.option("--explain", is_flag=True, help="Walk one bundle and the fp32 ONNX one beside it, module by module.")
@click.option("--against", type=click.Path(path_type=Path), help="The fp32 ONNX bundle for --explain.")
@click.option("--junit", type=_FILE, help="Also write JUnit XML.")
@click.option("--markdown", type=_FILE, help="Also write a summary for a pull request.")
@click.option("--picture", type=_FILE, help="Also draw depth and error of the first frame (PNG).")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of the table.")
def parity(
    bundle: Path | None,
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
    picture: Path | None,
    as_json: bool,
) -> int:
    """Run exported bundles on frames and hold them against the network in torch.

    Depth is compared in unaligned metres, pixel by pixel, and AbsRel and δ1 by a paired bootstrap over the frames,
    whose whole 95 % interval has to be within the limits of the precision. Each runs in a process of its own.

    Exit code 0: all passed; 1: something failed, is undecided (too few frames to tell), or was not run and is not named
    by --allow-not-run; 2: a bug. --npu-report runs nothing: it is 0 where the artifact could be read.
    """
    if list_devices:
        return _list_devices(as_json)
    if bundle and artifact:
        raise WedepthError("Give --bundle or --artifact, not both.")
    if npu_report:
        return _npu_report(bundle, artifact, as_json)
    if not data:
        raise WedepthError("Name the frames with --data, rooms:8 for instance.")
    from runtimes.bundle import find_bundles
    from runtimes.gate import allowed_names, refusals
    from runtimes.limits import DEFAULT, read_limits
    from runtimes.parity import Frames, Harness
    from runtimes.stopwatch import FULL, QUICK
    from runtimes.table import print_table, progress
    from wedepth.data import open_dataset

    allowed, bounds = allowed_names(allow), read_limits(limits or DEFAULT)
    bundles = find_bundles(artifact.parent if artifact else bundle or DEFAULT_FOLDER)
    if artifact and artifact.resolve() != bundles[0].artifact.resolve():
        raise WedepthError(f"{artifact} is not the artifact that the manifest beside it describes.")
    if explain:
        return _explain(bundles, against, open_dataset(data, split)[0], as_json)
    frames = Frames(open_dataset(data, split))
    started = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    with progress(len(frames), quiet=as_json) as step:
        harness = Harness(frames, step, bounds, FULL if full else QUICK, threads, checkpoint, vfm)
        runs = _run_all(harness, bundles, runtime, list(dict.fromkeys(devices)), stand_ins)
    label = f"{len(frames)} frames of {data}{f' ({split})' if split else ''}"
    report = _report(label, started, runs, harness, bundles)
    if as_json:
        click.echo(json.dumps(report.to_json(), indent=1))
    else:
        print_table(report)
    _write(report, allowed, junit, markdown)
    if picture:
        _draw(picture, runs, frames.dataset[next(iter(frames))[0]])
    refused = refusals(report, allowed)
    for sentence in refused:
        click.echo(f"Not passed: {sentence}", err=True)
    return INTERRUPTED if report.interrupted else int(bool(refused))


def _list_devices(as_json: bool) -> int:
    from runtimes.devices import find_devices
    from runtimes.table import print_devices

    found = find_devices()
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(device) for device in found], indent=1))
    else:
        print_devices(found)
    return 0


def _npu_report(bundle: Path | None, artifact: Path | None, as_json: bool) -> int:
    """Judge one artifact, whether or not in a bundle, or those of all bundles that are found."""
    from runtimes.bundle import find_bundles
    from runtimes.npu.report import SCHEMA, report
    from runtimes.npu.table import print_reports

    if artifact:
        named = [(artifact, artifact.name)]
    else:
        named = [(found.artifact, found.folder.name) for found in find_bundles(bundle or DEFAULT_FOLDER)]
    reports = [report(path, name) for path, name in named]
    if as_json:
        click.echo(json.dumps({"schema": SCHEMA, "reports": [dataclasses.asdict(r) for r in reports]}, indent=1))
    else:
        print_reports(reports)
    return 0


def _explain(bundles: "list[Bundle]", against: Path | None, frame: "Frame", as_json: bool) -> int:
    """Walk the one bundle given and its reference on one frame."""
    from runtimes.bundle import open_bundle
    from runtimes.explain import reference_of, walk_bundles
    from runtimes.table import print_walk, progress

    if len(bundles) != 1:
        raise WedepthError(f"--explain walks one bundle; name it with --bundle, of {len(bundles)} that were found.")
    (bundle,) = bundles
    reference = open_bundle(against) if against else reference_of(bundle)
    with progress(0, quiet=as_json) as step:
        found = walk_bundles(reference, bundle, frame.image, step)
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(found), indent=1))
    else:
        print_walk(found, bundle.manifest.name, reference.manifest.name)
    return 0


def _run_all(
    harness: "Harness", bundles: "list[Bundle]", runtime: str | None, devices: list[str], stand_ins: tuple[str, ...]
) -> "list[Run]":
    """Every run that was asked for, torch's first; bundles of one network share one run of torch. Stand-ins run in the
    place of the runtimes that are here, unless one of these is named."""
    from runtimes.results import Row, Run

    targets = {bundle.manifest.target for bundle in bundles}
    wanted = [info for name, info in RUNTIMES.items() if runtime in ("all", name) or not (runtime or stand_ins)]
    wanted += [info for info in STAND_INS.values() if info.stand_in in stand_ins]
    references, runs = [], []
    for info in wanted if runtime != "torch" else ():
        name = info.name
        if info.target not in targets and runtime is None:
            continue
        for device in [info.device] if info.stand_in else devices:
            if info.target not in targets:
                reason = f"no {info.target} bundle was given"
                runs.append(Run(Row(name, info.target, device, "-", "not_run", reason)))
            runs += [harness.run(b, name, device) for b in bundles if b.manifest.target == info.target]
    if runtime in (None, "all", "torch"):
        for device in devices if runtime == "torch" else ["cpu"]:
            found = [harness.reference(bundle, device)[0] for bundle in bundles]
            references += list({id(run): run for run in found}.values())
    return references + runs


def _report(label: str, started: str, runs: "list[Run]", harness: "Harness", bundles: "list[Bundle]") -> "Report":
    from runtimes.machine import describe
    from runtimes.results import Report

    total = len(harness.frames)
    unread = {f"frame {index + 1} of {total}": reason for index, reason in sorted(harness.frames.unread.items())}
    records = [bundle.manifest.checkpoint for bundle in bundles]
    untrained = [
        f"{record} Its depth metrics say nothing of WEDepth; the differences from torch do."
        for record in records
        if not record.trained
    ]
    notes = list(dict.fromkeys(untrained))
    return Report(label, started, describe(), [run.row for run in runs], unread, notes, harness.interrupted)


def _write(report: "Report", allowed: frozenset[str], junit: Path | None, markdown: Path | None) -> None:
    from runtimes.formats import to_junit, to_markdown

    for path, form in ((junit, to_junit), (markdown, to_markdown)):
        if path:
            write_beside(path, partial(Path.write_text, data=form(report, allowed)))


def _draw(path: Path, runs: "list[Run]", frame: "Frame") -> None:
    """The first frame through the first network that was run."""
    from runtimes.picture import draw

    depths = [(f"{run.row.runtime} {run.row.precision}", next(iter(run.depths.values()))) for run in runs if run.depths]
    if not depths:
        raise WedepthError("There is nothing to draw: nothing was run.")
    depths = [(name, depth) for name, depth in depths if depth.shape == depths[0][1].shape]
    torch = [depth for name, depth in depths if name.startswith("torch")]
    others = [(name, depth) for name, depth in depths if not name.startswith("torch")]
    draw(path, frame.image, frame.depth if frame.valid.any() else None, torch[0] if torch else None, others or depths)


def main() -> None:
    """The console script."""
    guarded(parity)

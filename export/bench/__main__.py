"""python -m export.bench: the benchmark, how it grows, and what is left to compute."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from export.bench.artifacts import Workshop
from export.bench.contenders import CONTENDERS, chosen
from export.bench.results import Report
from export.bench.rounds import Effort
from wedepth.commands import Size, guarded
from wedepth.config import PRESETS, check_size

WORK, DOCS = Path("exported/bench"), Path("docs/bench")
# Presets whose VFM nobody can fetch by a pinned hash: the time is that of any weights.
RANDOM_VFM = ("base", "paper")
PAPER_RUNS = 5
INTERRUPTED = 130
Command = Callable[..., Any]


def common(command: Command) -> Command:
    """Options of every command."""
    for option in reversed((
        click.option("--vfm", help="The frozen VFM's weights: a file, or `random`."),
        click.option("--work", type=click.Path(path_type=Path), default=WORK, help="Where artifacts are made."),
        click.option("--docs", type=click.Path(path_type=Path), default=DOCS, help="Where tables and plots go."),
        click.option("--again", is_flag=True, help="Make every artifact again."),
        click.option("--limit", type=float, default=1800.0, help="Seconds that making one artifact may take."),
        click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables."),
    )):  # fmt: skip
        command = option(command)
    return command


def measured(command: Command) -> Command:
    """Options of the commands that measure."""
    for option in reversed((
        click.option("--runs", type=click.IntRange(1), default=20, help="Runs of each contender."),
        click.option("--seconds", type=click.FloatRange(0), default=30.0, help="Fewer, but 3, when they take so long."),
        click.option("--full", is_flag=True, help="60 runs, and 300 seconds for each contender."),
    )):  # fmt: skip
        command = option(command)
    return command


@click.group(
    invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"], "show_default": True}
)
@click.option("--preset", "presets", type=click.Choice(list(PRESETS)), multiple=True, default=["edge", "small"])
@click.option("--size", type=Size(), help="Input size.  [default: the preset's]")
@click.option("--threads", type=click.IntRange(1), multiple=True, default=[1, 2])
@click.option("--only", multiple=True, help="Contenders whose name begins so; nothing is written into the docs then.")
@measured
@common
@click.pass_context
def bench(
    context: click.Context,
    presets: tuple[str, ...],
    size: tuple[int, int] | None,
    threads: tuple[int, ...],
    only: tuple[str, ...],
    runs: int,
    seconds: float,
    full: bool,
    vfm: str | None,
    work: Path,
    docs: Path,
    again: bool,
    limit: float,
    as_json: bool,
) -> int:
    """Measure each target's documented road and ours beside torch, in turns, and say which ratios hold.

    Artifacts are made once, each in a process of its own. What cannot be made or run here is a line with its reason.
    """
    if context.invoked_subcommand:
        return 0
    from export.bench import plot
    from export.bench.progress import shown
    from export.bench.report import markdown, show
    from export.bench.run import Bench, run

    reports = []
    for preset in dict.fromkeys(presets):
        contenders = chosen(preset, only)
        with shown(quiet=as_json) as progress:
            shop = _workshop(preset, size, vfm, work, limit, progress.step, again)
            kept = shop.folder / "report.json"
            effort = _effort(runs, seconds, full, preset)

            def keep(report: Report, file: Path = kept) -> None:
                report.write(file)

            report = run(Bench(shop, contenders, threads, effort, progress, keep))
        reports.append(report)
        if not as_json:
            show(report, _wide())
        if report.interrupted:
            click.echo(f"Interrupted; what was measured is in {kept}.", err=True)
            return INTERRUPTED
        if not only:
            name = shop.folder.name if size else preset
            report.write(docs / f"{name}.json")
            (docs / f"{name}.md").write_text(markdown(report))
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(report) for report in reports], indent=1))
    if not only:
        kept_reports = [Report.read(docs / f"{p}.json") for p in PRESETS if (docs / f"{p}.json").is_file()]
        plot.latency(kept_reports, docs / "latency.png")
    return 0


@bench.command()
@click.option("--preset", "presets", type=click.Choice(list(PRESETS)), multiple=True, default=["edge", "small"])
@click.option("--size", type=Size(), help="Input size.  [default: the preset's]")
@click.option("--threads", type=click.IntRange(1), default=2)
@common
def count(
    presets: tuple[str, ...],
    size: tuple[int, int] | None,
    threads: int,
    vfm: str | None,
    work: Path,
    docs: Path,
    again: bool,
    limit: float,
    as_json: bool,
) -> int:
    """Count the naive ONNX graph and ours: nodes, multiply-accumulates by part and kind, time by kind."""
    from export.bench import counting
    from export.bench.progress import shown

    found = {}
    for preset in dict.fromkeys(presets):
        with shown(quiet=as_json) as progress:
            shop = _workshop(preset, size, vfm, work, limit, progress.step, again)
            progress.step("loading the network")
            shop.begin()
            found[preset] = counting.counted(shop, threads)
        if not as_json:
            for table in counting.tables(preset, found[preset]):
                _wide().print(table.rich())
    counting.write(found, docs)
    if as_json:
        click.echo((docs / "count.json").read_text(), nl=False)
    return 0


@bench.command()
@click.option("--preset", type=click.Choice(list(PRESETS)), default="edge")
@click.option("--size", type=Size(), help="Input size.  [default: the preset's]")
@click.option("--threads", type=click.IntRange(1), default=1)
@measured
@common
def without(
    preset: str,
    size: tuple[int, int] | None,
    threads: int,
    runs: int,
    seconds: float,
    full: bool,
    vfm: str | None,
    work: Path,
    docs: Path,
    again: bool,
    limit: float,
    as_json: bool,
) -> int:
    """Leave one rewrite out at a time, and measure what it gains by itself in ONNX Runtime and OpenVINO."""
    import numpy as np

    from export.bench import without as leaving_out
    from export.bench.contenders import CONTENDERS, NETWORK
    from export.bench.making import load_network
    from export.bench.progress import shown
    from export.bench.worker import input_of

    with shown(quiet=as_json) as progress:
        shop = _workshop(preset, size, vfm, work, limit, progress.step, again)
        shop.begin()
        image = input_of(CONTENDERS["onnxruntime-fp32"], np.load(shop.path(NETWORK)))
        network, folder = load_network(preset, shop.vfm), shop.folder / "without"
        effort = _effort(runs, seconds, full, preset)
        found = leaving_out.measure(network, shop.size, image, folder, threads, effort, progress.step)
    if not as_json:
        _wide().print(leaving_out.table(found).rich())
    leaving_out.write(found, f"`{preset}` at {shop.size[0]}×{shop.size[1]}, {threads} thread", docs)
    if as_json:
        click.echo((docs / leaving_out.JSON).read_text(), nl=False)
    return 0


@bench.command()
@click.option("--preset", type=click.Choice(list(PRESETS)), default="edge", help="What grows with its input.")
@click.option("--sizes", type=Size(), multiple=True, help="Input sizes.  [default: 192x256 to 480x640]")
@click.option("--models", type=click.Choice(list(PRESETS)), multiple=True, help="[default: edge, small, base]")
@click.option("--threads", type=click.IntRange(1), default=2)
@measured
@common
def grow(
    preset: str,
    sizes: tuple[tuple[int, int], ...],
    models: tuple[str, ...],
    threads: int,
    runs: int,
    seconds: float,
    full: bool,
    vfm: str | None,
    work: Path,
    docs: Path,
    again: bool,
    limit: float,
    as_json: bool,
) -> int:
    """Latency and peak memory against the input's size, and against the model's at 192x256, with the slopes."""
    from export.bench import grow as growth
    from export.bench.contenders import HUB
    from export.bench.machine import describe
    from export.bench.progress import shown
    from export.bench.run import Bench, run

    wanted = [(preset, size) for size in sizes or growth.SIZES]
    wanted += [(model, growth.COMMON) for model in models or growth.MODELS]
    machine, points, interrupted = describe(), [], False
    for name, size in dict.fromkeys(wanted):
        with shown(quiet=as_json) as progress:
            progress.say(f"{name} at {size[0]}x{size[1]}")
            shop = _workshop(name, size, vfm, work, limit, progress.step, again)
            contenders = [CONTENDERS[n] for n in growth.NAMES]
            report = run(Bench(shop, contenders, [threads], _effort(runs, seconds, full, name), progress))
        hub = shop.made.get(HUB)
        if hub and not hub.reason:
            points += growth.points_of(report, hub.facts["count"], str(threads))
        growth.write(points, machine, str(threads), docs)
        if report.interrupted:
            interrupted = True
            break
    if as_json:
        click.echo((docs / growth.JSON).read_text(), nl=False)
    else:
        for table in growth.tables(points):
            _wide().print(table.rich())
    return INTERRUPTED if interrupted else 0


def _wide() -> Console:
    """The terminal, or a page where it is narrower than the tables."""
    return Console(width=max(160, Console().width))


def _workshop(
    preset: str,
    size: tuple[int, int] | None,
    vfm: str | None,
    work: Path,
    limit: float,
    say: Callable[[str], None],
    again: bool,
) -> Workshop:
    height, width = size or check_size((PRESETS[preset].image_size[0], PRESETS[preset].image_size[1]))
    vfm = vfm or ("random" if preset in RANDOM_VFM else None)
    folder = work.resolve() / f"{preset}-{height}x{width}"
    return Workshop(preset, vfm, (height, width), folder, limit, say, again=again)


def _effort(runs: int, seconds: float, full: bool, preset: str) -> Effort:
    if full:
        runs, seconds = 60, 300.0
    return Effort(min(runs, PAPER_RUNS) if preset == "paper" else runs, seconds=seconds)


if __name__ == "__main__":
    guarded(bench)

"""How long a page takes to its first depth, in headless Chromium on this machine.

`python -m export.embed.first_frame SITE` measures each model of a page that `export.embed.site` built.
"""

import dataclasses
import gzip
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from export.embed.sizes import GZIP_LEVEL
from runtimes.bundle import Bundle, open_bundle
from runtimes.errors import DeviceUnavailable
from runtimes.web.browser import FLAGS, Browser
from runtimes.web.server import Server
from wedepth.commands import guarded
from wedepth.errors import WedepthError

SCHEMA = 1
DEVICES = {"wasm": "cpu", "webgpu": "gpu"}
PATIENCE = 900
POLL = 0.25
_TOLD = """() => {
  const value = (id) => document.getElementById(id).dataset.value ?? "";
  const shown = (id) => document.getElementById(id).hidden ? "" : document.getElementById(id).innerText;
  return {
    pictures: Number(document.getElementById("figures").dataset.pictures),
    ready: value("ready"), first: value("first"), next: value("next"), verdict: shown("verdict"),
    where: document.getElementById("ran").innerText, problem: shown("problem").split("\\n")[0],
  };
}"""


@dataclass(frozen=True, slots=True)
class FirstFrame:
    """One model in one backend: bytes of its file, as they are and with gzip; milliseconds to when it is ready (loaded
    from this machine, checked, opened), for the first picture, and for each later one (median); what its self-test says
    there. `problem` is why there is nothing of these."""

    bundle: str
    backend: str
    bytes: int
    gzip: int
    where: str | None = None
    ready_ms: float | None = None
    first_ms: float | None = None
    next_ms: float | None = None
    self_test: str | None = None
    problem: str | None = None


def measure(site: Path, backends: Sequence[str], pictures: int) -> list[FirstFrame]:
    """Open the page for each of its bundles in each backend ("wasm", "webgpu"), in a browser that was never there, and
    look at the sample once and `pictures` times more. WedepthError where there is no page, or no browser."""
    try:
        names = json.loads((site / "bundles.json").read_text())
    except OSError as error:
        raise WedepthError(f"There is no page in {site}: {error.strerror}.") from None
    bundles = [open_bundle((site / name).resolve()) for name in names]
    return [_measure(site, bundle, backend, pictures) for bundle in bundles for backend in backends]


def _measure(site: Path, bundle: Bundle, backend: str, pictures: int) -> FirstFrame:
    content = bundle.artifact.read_bytes()
    sizes = len(content), len(gzip.compress(content, GZIP_LEVEL))
    found = FirstFrame(bundle.manifest.name, backend, *sizes)
    try:
        with (
            Server({"/": site / "dist"}) as server,
            Browser(f"{server.address}/?model={found.bundle}&run={backend}", FLAGS[DEVICES[backend]]) as browser,
        ):
            told = _after(browser, 1)
            if told["problem"]:
                return dataclasses.replace(found, problem=told["problem"])
            for done in range(pictures):
                browser.call("() => document.getElementById('sample').click()")
                told = _after(browser, done + 2)
            browser.call("() => document.getElementById('check').click()")
            return _read(found, told, _verdict(browser))
    except TimeoutError as error:
        return dataclasses.replace(found, problem=str(error))
    except DeviceUnavailable as error:
        raise WedepthError(f"{error}.") from None


def _read(found: FirstFrame, told: dict[str, Any], verdict: str) -> FirstFrame:
    ready, first, following = (float(told[name]) if told[name] else None for name in ("ready", "first", "next"))
    return dataclasses.replace(
        found, where=told["where"], self_test=verdict, ready_ms=ready, first_ms=first, next_ms=following
    )


def _after(browser: Browser, pictures: int) -> dict[str, Any]:
    return _poll(browser, lambda told: told["pictures"] >= pictures or told["problem"])


def _verdict(browser: Browser) -> str:
    return str(_poll(browser, lambda told: told["verdict"] not in ("", "Running…"))["verdict"])


def _poll(browser: Browser, done: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        told: dict[str, Any] = browser.call(_TOLD)
        if done(told):
            return told
        time.sleep(POLL)
    raise TimeoutError(f"no end after {PATIENCE // 60} minutes")


def to_markdown(rows: Sequence[FirstFrame]) -> str:
    """The table of the README."""
    lines = ["| bundle | in | MB (gzip) | ready, s | first picture, s | next, s |", "|---|---|---:|---:|---:|---:|"]
    for row in rows:
        sizes = f"{row.bytes / 1e6:.1f} ({row.gzip / 1e6:.1f})"
        times = " | ".join(_seconds(value) for value in (row.ready_ms, row.first_ms, row.next_ms))
        lines.append(f"| {row.bundle} | {row.where or row.problem} | {sizes} | {times} |")
    return "\n".join(lines)


def print_table(rows: Sequence[FirstFrame]) -> None:
    """The table, for a terminal."""
    table = Table()
    table.add_column("Bundle", no_wrap=True)
    table.add_column("Ran in")
    for name in ("MB", "gzip", "Ready, s", "First, s", "Next, s"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("Self-test")
    for row in rows:
        times = (_seconds(value) for value in (row.ready_ms, row.first_ms, row.next_ms))
        words = row.self_test or row.problem or ""
        where = (row.where or row.backend).partition(":")[0]
        table.add_row(row.bundle, where, _mb(row.bytes), _mb(row.gzip), *times, words.partition(".")[0])
    Console(width=max(120, Console().width)).print(table)


def _mb(count: int) -> str:
    return f"{count / 1e6:.1f}"


def _seconds(milliseconds: float | None) -> str:
    return "–" if milliseconds is None else f"{milliseconds / 1000:.2f}"


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.argument("site", type=click.Path(path_type=Path))
@click.option("--run", "backends", type=click.Choice(list(DEVICES)), multiple=True, default=["wasm"])
@click.option("--pictures", type=click.IntRange(min=1), default=10, help="How many after the first.")
@click.option("--json", "form", flag_value="json", help="Print JSON instead of the table.")
@click.option("--markdown", "form", flag_value="markdown", help="Print Markdown instead of the table.")
def _first_frame(site: Path, backends: tuple[str, ...], pictures: int, form: str | None) -> None:
    """Measure the page that was built in SITE, cold, in headless Chromium. WebGPU is SwiftShader's, in software."""
    rows = measure(site, backends, pictures)
    if form == "json":
        click.echo(json.dumps({"schema": SCHEMA, "rows": [dataclasses.asdict(row) for row in rows]}, indent=1))
    elif form == "markdown":
        click.echo(to_markdown(rows))
    else:
        print_table(rows)


if __name__ == "__main__":
    guarded(_first_frame)

"""A page that offers several bundles: one project of theirs for the web, built by Vite, to be served anywhere.

`python -m export.embed.site BUNDLE…` builds it and serves it on this machine.
"""

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click

from export.embed.embed import embed
from export.embed.platforms import PLATFORMS
from export.embed.render import TEMPLATES
from export.workspace import replace
from runtimes.cli import DEFAULT_FOLDER
from runtimes.web.packages import install
from wedepth.commands import guarded
from wedepth.errors import WedepthError

PLATFORM = PLATFORMS["web"]
LISTS = TEMPLATES / PLATFORM.name
SETUP = f"python -m runtimes.web.packages {LISTS}"
NODE = ((20, 19), (22, 12))
"""The oldest versions of Node.js that Vite runs on: of 20, and of 22 and later."""


def build(bundles: Sequence[Path], out: Path) -> Path:
    """Embed the bundles for the web, where that is not done, and build one page of all of them in the folder `out`: the
    first bundle's project with `bundles.json` naming all. Returns `out`; the page is in its `dist`.

    The npm packages are installed first, once. WedepthError where npm or Node.js will not do, or a bundle.
    """
    check_node()
    modules = install(LISTS)
    for bundle in bundles:
        if not (bundle / PLATFORM.name).is_dir():
            embed(bundle, PLATFORM.name)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as folder:
            project = Path(folder) / out.name
            _assemble(bundles, project, modules)
            _run(project, "build")
            replace(project, out)
    except (OSError, shutil.Error) as error:
        raise WedepthError(f"Cannot write {out}: {getattr(error, 'strerror', None) or error}.") from None
    return out


def check_node() -> None:
    """WedepthError where Node.js is absent, or too old."""
    if shutil.which("node") is None:
        raise WedepthError("The page is built by Node.js, which is not here; Vite takes 20.19, 22.12 or later.")
    told = subprocess.run(["node", "--version"], capture_output=True, text=True).stdout.strip()
    found = tuple(int(number) for number in re.findall(r"\d+", told)[:2])
    if found < NODE[0] or (NODE[0][0] < found[0] and found < NODE[1]):
        raise WedepthError(f"The page is built by Vite, which takes Node.js 20.19, 22.12 or later; {told} is here.")


def command_of(*command: str) -> list[str]:
    """What runs a command of Vite's in a project's folder."""
    return ["node", "node_modules/vite/bin/vite.js", *command]


def serve(site: Path) -> None:
    """Serve the page on this machine, isolated so that WebAssembly has threads, until it is interrupted."""
    subprocess.run(command_of("preview"), cwd=site, check=False)


def _assemble(bundles: Sequence[Path], project: Path, modules: Path) -> None:
    source = bundles[0] / PLATFORM.name
    shutil.copytree(source, project, ignore=shutil.ignore_patterns("node_modules", "dist"))
    # Absolute: the project is not yet where it will be.
    names = [str(bundle.resolve()) for bundle in bundles]
    (project / "bundles.json").write_text(json.dumps(names, indent=1) + "\n")
    (project / "node_modules").symlink_to(modules, target_is_directory=True)


def _run(project: Path, command: str) -> None:
    done = subprocess.run(command_of(command), cwd=project, capture_output=True, text=True)
    if done.returncode:
        lines = [line for line in (done.stderr + done.stdout).splitlines() if "rror" in line]
        why = re.sub(r"\x1b\[[0-9;]*m", "", next(iter(lines), "it does not say why")).rstrip(".")
        raise WedepthError(f"Vite cannot {command} the page: {why}.")


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.argument("bundles", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option(
    "-o", "--output", "out", type=click.Path(path_type=Path), default=os.path.join(DEFAULT_FOLDER, "site"),
    help="The page's project; the page itself is in its dist.",
)  # fmt: skip
@click.option("--serve", "then", flag_value="serve", help="Serve it on this machine, and print its address.")
def _site(bundles: tuple[Path, ...], out: Path, then: str | None) -> None:
    """Build one page that offers BUNDLES, the first of them first."""
    click.echo(f"{build(bundles, out) / 'dist'}")
    if then == "serve":
        serve(out)


if __name__ == "__main__":
    guarded(_site)

"""From a bundle to a project that has it embedded, in a folder of the bundle."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from export.embed.facts import read_facts
from export.embed.golden import Golden, run_golden
from export.embed.platforms import Platform, platforms_of
from export.embed.render import render
from export.embed.sizes import Size, sizes_of
from export.workspace import replace
from runtimes.bundle import Bundle, open_bundle, read_manifest
from wedepth.errors import WedepthError


@dataclass(frozen=True, slots=True)
class Embedded:
    """What was embedded: the bundle's name and target, the platform and its project's folder, the artifact's sizes, the
    tolerance of the self-test, and how long the reference runtime took to load and for its first depth, in seconds."""

    bundle: str
    platform: str
    path: str
    sizes: list[Size]
    tolerance: float
    load_seconds: float
    first_seconds: float


@dataclass(frozen=True, slots=True)
class Measured:
    """A bundle and what had to be run for it, the same for every platform."""

    bundle: Bundle
    golden: Golden
    sizes: list[Size]

    @staticmethod
    def of(folder: Path) -> "Measured":
        """Open the bundle in a folder and run it. Raises as `embed` does."""
        bundle = open_bundle(folder)
        return Measured(bundle, run_golden(bundle), sizes_of(bundle))


def embed(bundle: Path, platform: str) -> Path:
    """Write the project of a platform's name for the bundle in a folder into `<bundle>/<platform>/`, in the place of an
    older one; returns that folder.

    The artifact is run in its reference runtime for the golden sample. WedepthError where the bundle is not whole, the
    platform does not run its target, the runtime is not here, or the artifact does not tell mistakes apart.
    """
    (chosen,) = platforms_of([platform], [read_manifest(bundle).target])
    return _write(Measured.of(bundle), chosen)


def embed_all(
    bundles: Sequence[Path], platforms: Sequence[str], step: Callable[[str], None]
) -> tuple[list[Embedded], list[str]]:
    """Embed each bundle in those of the platforms (names, or "all") that run it: what was made, and a sentence for each
    bundle that was refused. WedepthError where a platform runs none of them."""
    targets = {bundle: read_manifest(bundle).target for bundle in bundles}
    wanted = platforms_of(platforms, list(targets.values()))
    made, failed = [], []
    for bundle, target in targets.items():
        fitting = [platform for platform in wanted if target in platform.targets]
        if not fitting:
            continue
        step(f"embedding {bundle.name}: {', '.join(platform.name for platform in fitting)}")
        try:
            measured = Measured.of(bundle)
            made += [_told(measured, platform, _write(measured, platform)) for platform in fitting]
        except WedepthError as error:
            failed.append(f"{bundle.name} is not embedded: {error}")
    return made, failed


def _write(measured: Measured, platform: Platform) -> Path:
    folder = measured.bundle.folder
    final = folder / platform.name
    try:
        with tempfile.TemporaryDirectory(dir=folder, prefix=f".{platform.name}-") as beside:
            project = Path(beside) / platform.name
            render(platform, read_facts(measured.bundle, platform, measured.golden, measured.sizes), project)
            measured.golden.write(project / platform.golden)
            replace(project, final)
    except OSError as error:
        raise WedepthError(f"Cannot write {final}: {error.strerror or error}.") from None
    return final


def _told(measured: Measured, platform: Platform, path: Path) -> Embedded:
    golden = measured.golden
    return Embedded(
        measured.bundle.manifest.name,
        platform.name,
        str(path),
        measured.sizes,
        golden.tolerance.mean_rel,
        golden.load_seconds,
        golden.first_seconds,
    )

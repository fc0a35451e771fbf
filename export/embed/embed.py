"""From a bundle to a project that has it embedded, in a folder of the bundle."""

import shutil
import tempfile
from pathlib import Path

from export.embed.facts import read_facts
from export.embed.golden import run_golden
from export.embed.platforms import PLATFORMS, Platform
from export.embed.render import render
from export.workspace import replace
from runtimes.bundle import Manifest, open_bundle
from wedepth.errors import WedepthError


def embed(bundle: Path, platform: str) -> Path:
    """Write the project of a platform's name for the bundle in a folder into `<bundle>/<platform>/`, in the place of an
    older one; returns that folder.

    The artifact is run in its reference runtime for the golden sample. WedepthError where the bundle is not whole, the
    platform does not run its target, the runtime is not here, or the artifact does not tell mistakes apart.
    """
    opened, chosen = open_bundle(bundle), PLATFORMS[platform]
    require_target(chosen, opened.manifest)
    golden = run_golden(opened)
    facts = read_facts(opened, chosen, golden)
    try:
        with tempfile.TemporaryDirectory(dir=bundle, prefix=f".{platform}-") as folder:
            project = Path(folder) / platform
            render(chosen, facts, project)
            golden.write(project / chosen.golden)
            replace(project, bundle / platform)
    except (OSError, shutil.Error) as error:
        raise WedepthError(f"Cannot write {bundle / platform}: {getattr(error, 'strerror', None) or error}.") from None
    return bundle / platform


def require_target(platform: Platform, manifest: Manifest) -> None:
    """Refuse a bundle of a target that the platform does not embed."""
    if manifest.target not in platform.targets:
        raise WedepthError(
            f"{platform.name} embeds {' or '.join(platform.targets)}, and {manifest.name} is {manifest.target}."
        )

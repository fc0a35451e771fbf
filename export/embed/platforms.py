"""The platforms as data: which artifacts each one runs, and where its project keeps what. Imports nothing heavy."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from export.embed.web import check_page
from runtimes.bundle import Bundle
from wedepth.errors import WedepthError

ALL = "all"


def takes_all(bundle: Bundle) -> None:
    """Refuse no bundle."""


@dataclass(frozen=True, slots=True)
class Platform:
    """A platform: its name, which is also that of its folders here and in a bundle, the targets that it embeds, the
    folder of its project in which its tests find the golden sample, and what refuses a bundle that it cannot run
    for other reasons, with a WedepthError."""

    name: str
    targets: tuple[str, ...]
    golden: str
    check: Callable[[Bundle], None] = takes_all


PLATFORMS = {
    platform.name: platform
    for platform in (
        Platform("ios", ("coreml",), "WEDepthKit/Sources/WEDepthSelfTest/golden"),
        Platform("android", ("tflite",), "wedepth/src/sharedTest/resources/golden"),
        Platform("web", ("onnx", "tflite"), "golden", check_page),
    )
}


def platforms_of(names: Collection[str], targets: Collection[str]) -> list[Platform]:
    """The platforms of these names, or for "all" those that run something of the targets.

    WedepthError where one that is named runs none of them, or all of them do not.
    """
    fitting = [platform for platform in PLATFORMS.values() if set(platform.targets) & set(targets)]
    chosen = fitting if ALL in names else [PLATFORMS[name] for name in PLATFORMS if name in names]
    idle = [platform for platform in chosen or PLATFORMS.values() if platform not in fitting]
    if idle:
        needed = "; ".join(f"{platform.name} embeds {' or '.join(platform.targets)}" for platform in idle)
        raise WedepthError(f"There is nothing to embed: {needed}, and this is {', '.join(dict.fromkeys(targets))}.")
    return chosen

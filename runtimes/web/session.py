"""An artifact in a page: opened, run, and what was read back of where it ran."""

import atexit
import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runtimes.errors import DeviceUnavailable
from runtimes.web.browser import FLAGS, Browser, PageError, find_chromium
from runtimes.web.packages import find_modules, version_of
from runtimes.web.server import Server
from wedepth.errors import WedepthError

BACKENDS = {"cpu": "wasm", "gpu": "webgpu"}
SHARE = 4  # of a page's memory an artifact may take a fourth: weights packed from it and all tensors are in there, too
_PAGE = Path(__file__).with_name("page")
_OPEN = "([script, options]) => import(script).then((it) => (globalThis.runtime = it).open(options))"
_RUN = "(options) => globalThis.runtime.run(options)"


@dataclass(frozen=True, slots=True)
class Placement:
    """How many ops ran on each device, None where the runtime does not tell, and which kinds were left elsewhere."""

    placed: dict[str, int] | None
    elsewhere: str | None = None


@dataclass(frozen=True, slots=True)
class Engine:
    """A runtime of pages: its npm package, our script for it, the most memory that its WebAssembly has, in bytes, and
    its name here by device."""

    package: str
    script: str
    memory: int
    names: dict[str, str]
    placement: Callable[[Sequence[str], str, Path], Placement]
    """From the log, for a device and an artifact."""
    failure: Callable[[Sequence[str]], str | None] = lambda log: None
    """What the log says went wrong, where it says more than what the page throws."""


class WebSession:
    """One model in one page. `details` says in which browser, by what, with how many threads, on which adapter."""

    def __init__(
        self, engine: Engine, artifact: Path, device: str, threads: int | None, flags: Sequence[str] | None = None
    ) -> None:
        """`flags` are Chromium's, by default those of the device.

        DeviceUnavailable where the browser, its packages or WebGPU is absent; WedepthError for an artifact that the
        runtime cannot load, or that ran on another device than the one asked for.
        """
        check_size(artifact, engine)
        find_chromium()
        self.runtime, self.device = engine.names[device], device
        self._artifact, self._backend = artifact, BACKENDS[device]
        places = {"/npm/": find_modules(), "/page/": _PAGE, "/artifact": artifact, "/": _PAGE}
        with ExitStack() as stack:
            self._server = stack.enter_context(Server(places))
            self._browser = stack.enter_context(Browser(self._server.address, tuple(flags or FLAGS[device])))
            self._placement = self._open(engine, threads or os.cpu_count() or 1)
            self._stack = stack.pop_all()
        atexit.register(self.close)

    def run(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """The artifact's output for an input in its own layout, values 0…255."""
        self._server.input, self._server.output = np.ascontiguousarray(image, np.float32).tobytes(), b""
        try:
            shape = self._browser.call(_RUN, {"shape": list(image.shape)})
        except PageError as error:
            raise WedepthError(f"{self.runtime} failed in the page: {error}.") from None
        return np.frombuffer(self._server.output, np.float32).reshape(shape)

    def placed(self, image: NDArray[np.float32]) -> dict[str, int] | None:
        """Ops by device, as the runtime's log tells it."""
        return self._placement.placed

    def close(self) -> None:
        """End the browser and what it is served by."""
        atexit.unregister(self.close)
        self._stack.close()

    def _open(self, engine: Engine, threads: int) -> Placement:
        if not self._browser.call("() => crossOriginIsolated"):
            raise WedepthError("The page is not isolated from others, so that WebAssembly would have no threads.")
        options = {"backend": self._backend, "threads": threads}
        try:
            told = self._browser.call(_OPEN, [f"/page/{engine.script}", options])
        except PageError as error:
            words = engine.failure(self._browser.log) or error
            raise WedepthError(f"{self.runtime} cannot load {self._artifact.name}: {words}.") from None
        if told.get("adapter", "") is None:
            raise DeviceUnavailable(f"{self._browser.name} has no WebGPU adapter here")
        if (used := told.pop("backend", self._backend)) != self._backend:
            raise DeviceUnavailable(f"{engine.package} fell back from {self._backend} to {used}")
        placement = engine.placement(self._browser.log, self.device, self._artifact)
        self._browser.listen_no_more()
        if placement.placed is not None and not placement.placed.get(self.device):
            raise DeviceUnavailable(f"{engine.package} ran none of the ops on the {self.device.upper()}")
        self.details = _details(engine, self._browser, told, placement)
        return placement


def check_size(artifact: Path, engine: Engine) -> None:
    """WedepthError where a page cannot hold the artifact, or not find all of it."""
    largest = engine.memory // SHARE
    if artifact.stat().st_size > largest or artifact.with_name(f"{artifact.name}.data").exists():
        raise WedepthError(
            f"{artifact.name} does not fit into a page: {engine.package} has {engine.memory >> 30} GB of memory for "
            f"the file, its weights and all that is computed, and so takes one file of at most {largest >> 20} MB."
        )


def _details(engine: Engine, browser: Browser, told: dict[str, Any], placement: Placement) -> dict[str, Any]:
    known = {"browser": browser.name, "package": f"{engine.package} {version_of(engine.package)}"} | told
    known["elsewhere"] = placement.elsewhere
    return {name: value for name, value in known.items() if value is not None}

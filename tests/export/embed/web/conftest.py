"""A page of nano's bundles, built once, and a browser to open it in."""

import functools
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from export.embed.site import LISTS, SETUP, build, check_node
from runtimes.errors import DeviceUnavailable
from runtimes.web.browser import FLAGS, find_chromium
from runtimes.web.packages import find_modules
from runtimes.web.server import Server
from wedepth.errors import WedepthError

BUNDLES = ("nano-onnx-fp32", "nano-onnx-fp16", "nano-tflite-fp32")
SECONDS = 120


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """The npm packages, which are never fetched by a test."""
    try:
        check_node()
        return find_modules(LISTS, SETUP)
    except (DeviceUnavailable, WedepthError) as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def bundles(exported: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Bundles of nano, as they are exported."""
    folder = tmp_path_factory.mktemp("bundles")
    return [Path(shutil.copytree(exported / name, folder / name)) for name in BUNDLES]


@pytest.fixture(scope="session")
def site(bundles: list[Path], node_modules: Path) -> Path:
    """The project of a page that offers them; the page is in its `dist`."""
    return build(bundles, bundles[0].parent / "site")


class Page:
    """The page in a browser of its own, with what a person does and sees."""

    def __init__(self, view: Any, address: str) -> None:
        self.view, self.address = view, address
        view.goto(address)

    def text(self, part: str) -> str:
        """The words of a part of the page."""
        return self.view.locator(part).inner_text()

    def wait(self, part: str) -> None:
        """Until a part is there to be seen."""
        self.view.locator(part).first.wait_for(timeout=1000 * SECONDS)

    def wait_for_depth(self) -> "Page":
        """Until depth of the first picture is there."""
        self.wait("#first[data-value]:not([data-value=''])")
        return self

    def choose(self, name: str) -> None:
        """Another model, and wait for its depth."""
        before = self.text("#about")
        if before.startswith(f"{name}:"):
            return
        option = self.view.locator("#bundle option", has_text=f"{name},")
        self.view.select_option("#bundle", option.get_attribute("value"))
        self.wait(f"#offline:has-text('{name} is kept')")
        self.wait_for_depth()

    def problem(self) -> str:
        """The sentence that the page comes to show."""
        self.wait("#problem")
        return self.text("#sentence")

    def take(self, file: Path) -> None:
        """Choose a picture, and wait for its depth."""
        self._wait_for_another_depth(lambda: self.view.set_input_files("#file", file))

    def fit(self, how: str) -> None:
        """Choose how a picture of other proportions is fitted, and wait for the depth of the one that is shown."""
        self._wait_for_another_depth(lambda: self.view.select_option("#fit", how))

    def _wait_for_another_depth(self, act: Callable[[], object]) -> None:
        self.view.locator("#where").evaluate("it => { it.textContent = '' }")
        act()
        self.wait("#where:not(:empty)")

    def depth(self) -> NDArray[np.float32]:
        """Depth as it is saved, [H,W] in metres."""
        with self.view.expect_download() as download:
            self.view.click("#save")
        width, height = download.value.suggested_filename.removeprefix("depth-").removesuffix(".f32").split("x")
        return np.fromfile(download.value.path(), "<f4").reshape(int(height), int(width))


@pytest.fixture(scope="module")
def launch() -> Iterator[Callable[..., Any]]:
    """Starts a browser with some flags, the same one for the same flags. Playwright runs once at a time in a process,
    and other tests need it, too."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    try:
        chromium = find_chromium()
    except DeviceUnavailable as error:
        pytest.skip(str(error))
    with playwright.sync_playwright() as driver, ExitStack() as stack:

        @functools.cache
        def launched(*flags: str) -> Any:
            arguments = flags if flags == FLAGS["gpu"] else (*FLAGS["cpu"], *flags)
            browser = driver.chromium.launch(executable_path=chromium, args=list(arguments))
            stack.callback(browser.close)
            return browser

        yield launched


@pytest.fixture(scope="session")
def page_at() -> type[Page]:
    """Makes a page of a view and an address."""
    return Page


@pytest.fixture
def open_page(site: Path, launch: Callable[..., Any]) -> Iterator[Callable[..., Page]]:
    """Opens the page, or what is in another folder or at another address, in a browser with these flags and settings
    that was never there."""
    with ExitStack() as stack:

        def opened(
            query: str = "",
            *,
            folder: Path | None = None,
            address: str | None = None,
            flags: tuple[str, ...] = (),
            **settings: Any,
        ) -> Page:
            served = address or stack.enter_context(Server({"/": folder or site / "dist"})).address
            context = launch(*flags).new_context(**settings)
            stack.callback(context.close)
            return Page(context.new_page(), f"{served}/{query}")

        yield opened


@pytest.fixture(scope="module")
def page(site: Path, launch: Callable[..., Any]) -> Iterator[Page]:
    """The page, open all along, with its first model."""
    with Server({"/": site / "dist"}) as server:
        context = launch().new_context()
        yield Page(context.new_page(), server.address).wait_for_depth()
        context.close()

"""A headless Chromium with one page in it."""

import re
import shutil
from types import TracebackType
from typing import Any

from runtimes.errors import DeviceUnavailable
from wedepth.errors import WedepthError

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
QUIET = ("--disable-quic",)  # Playwright has the others that keep a browser from calling home
FLAGS = {
    "cpu": (*QUIET, "--disable-gpu"),
    "gpu": (*QUIET, "--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"),
}
START_SECONDS = 60


class PageError(WedepthError):
    """What went wrong in the page, in its own words."""


class Browser:
    """Chromium with a page of an address. A context manager, with a profile of its own that is gone when closed.

    `log` is what the page has written to its console, line by line, until `listen_no_more`.
    """

    def __init__(self, address: str, flags: tuple[str, ...]) -> None:
        from playwright.sync_api import Error, sync_playwright

        self._failure = Error
        self.log: list[str] = []
        self._driver = sync_playwright().start()
        try:
            self._browser = self._driver.chromium.launch(
                executable_path=find_chromium(), args=list(flags), timeout=1000 * START_SECONDS
            )
            self._page = self._browser.new_page()
            self._page.on("console", self._hear)
            self._page.goto(address, timeout=1000 * START_SECONDS)
        except Error as error:
            self._driver.stop()
            raise DeviceUnavailable(f"Chromium does not start here: {reason(error)}") from None
        except BaseException:
            self._driver.stop()
            raise

    @property
    def name(self) -> str:
        """Chromium and its version."""
        return f"Chromium {self._browser.version}"

    def call(self, function: str, argument: object = None) -> Any:
        """What a JavaScript function, awaited, gives for one argument (plain JSON types); PageError where it throws."""
        try:
            return self._page.evaluate(function, argument)
        except self._failure as error:
            raise PageError(reason(error)) from None

    def listen_no_more(self) -> None:
        """Forget the log, and keep none: runtimes that tell where ops ran go on to tell of each run of each."""
        self._page.remove_listener("console", self._hear)
        self.log.clear()

    def _hear(self, message: Any) -> None:
        self.log.extend(message.text.splitlines())

    def close(self) -> None:
        """End the browser."""
        self._browser.close()
        self._driver.stop()

    def __enter__(self) -> "Browser":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def find_chromium() -> str:
    """The browser's command; DeviceUnavailable where there is none."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        raise DeviceUnavailable("Chromium is not installed here (on Debian, as root: apt-get install chromium)")
    return found


def reason(error: Exception) -> str:
    """An error of the page in one line: without its kind, its stack, and what Playwright was doing."""
    text = str(error).strip()
    if "crashed" in text or "has been closed" in text:
        return "the page crashed, most likely for want of memory"
    line = next(iter(text.splitlines()), type(error).__name__)
    line = re.sub(r"^(?:[A-Za-z]+\.[a-z_]+: )?(?:Uncaught )?(?:\w*Error: )*", "", line)
    return line.rstrip(".") or type(error).__name__

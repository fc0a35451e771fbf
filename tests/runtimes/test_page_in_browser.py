"""The page in Chromium, on a phone and on a desk: nothing sticks out, nothing is fetched, every picture is there."""

import itertools
import json
import os
import select
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

from runtimes.page import to_html
from runtimes.panels import Panels
from runtimes.results import Report

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--remote-debugging-pipe",
)  # fmt: skip
SECONDS = 120
MEASURE = """(() => {
  document.querySelectorAll('details').forEach(one => one.open = true);
  const width = document.documentElement.clientWidth;
  const outside = [...document.body.querySelectorAll('*')]
    .filter(one => one.getBoundingClientRect().right > width + 1 && !one.closest('thead, svg'));
  return {
    width, scroll: document.documentElement.scrollWidth,
    outside: outside.map(one => one.outerHTML.slice(0, 80)),
    broken: [...document.images].filter(one => !one.complete || !one.naturalWidth).map(one => one.alt),
    pictures: document.images.length,
    verdict: document.querySelector('.verdict').innerText,
    ground: getComputedStyle(document.body).backgroundColor,
  };
})()"""


class Browser:
    """Chromium, driven over its debugging pipe (Chrome DevTools Protocol): no driver or library is needed."""

    def __init__(self, profile: Path) -> None:
        to_browser, self._send = os.pipe()
        self._receive, from_browser = os.pipe()
        command = [str(CHROMIUM), *OPTIONS, f"--user-data-dir={profile}"]
        self._process = subprocess.Popen(
            # The browser reads what it is asked on descriptor 3, and answers on 4.
            ["sh", "-c", f'exec "$@" 3<&{to_browser} 4>&{from_browser}', "sh", *command],
            pass_fds=(to_browser, from_browser), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(to_browser)
        os.close(from_browser)
        self._numbers, self._rest, self._session = itertools.count(1), b"", ""
        self.events: list[dict[str, Any]] = []
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Log", "Runtime"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **parameters: object) -> dict[str, Any]:
        """The result of a method; events that come before it are in `events`."""
        number = next(self._numbers)
        question: dict[str, object] = {"id": number, "method": method, "params": parameters}
        if self._session:
            question["sessionId"] = self._session
        os.write(self._send, json.dumps(question).encode() + b"\0")
        while (said := self._next()).get("id") != number:
            self.events.append(said)
        assert "error" not in said, said
        return said["result"]

    def show(self, page: Path, width: int, scheme: str = "light") -> dict[str, Any]:
        """Open a page, `width` CSS pixels wide, and measure it."""
        phone = {"height": 800, "deviceScaleFactor": 2 if width < 600 else 1, "mobile": width < 600}
        self.ask("Emulation.setDeviceMetricsOverride", width=width, **phone)
        self.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.events.clear()
        self.ask("Page.navigate", url=page.as_uri())
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self._next())
        return self.ask("Runtime.evaluate", expression=MEASURE, returnByValue=True)["result"]["value"]

    def requested(self) -> list[str]:
        """The addresses that were asked for since the last `show`."""
        return [e["params"]["request"]["url"] for e in self.events if e.get("method") == "Network.requestWillBeSent"]

    def complaints(self) -> list[str]:
        """What the browser wrote to its console."""
        methods = ("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown")
        return [json.dumps(event["params"]) for event in self.events if event.get("method") in methods]

    def __enter__(self) -> "Browser":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._send)
        os.close(self._receive)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            assert select.select([self._receive], [], [], SECONDS)[0], "Chromium does not answer"
            read = os.read(self._receive, 1 << 20)
            assert read, "Chromium ended"
            self._rest += read
        said, _, self._rest = self._rest.partition(b"\0")
        return json.loads(said)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed here (apt-get install chromium)")
    with Browser(tmp_path_factory.mktemp("profile")) as found:
        yield found


@pytest.fixture(scope="module")
def page(full_report: Report, full_panels: Panels, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(to_html(full_report, ["tflite:gpu"], full_panels))
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_it_is_read_without_scrolling_sideways(browser: Browser, page: Path, width: int, scheme: str) -> None:
    found = browser.show(page, width, scheme)
    assert found["width"] == width and found["scroll"] <= width and found["outside"] == []
    assert found["broken"] == [] and found["pictures"] > 20
    assert found["verdict"].startswith("✗ Not passed")
    assert found["ground"] == {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 23, 27)"}[scheme]
    assert browser.complaints() == []
    assert [address for address in browser.requested() if not address.startswith("data:")] == [page.as_uri()]


def test_the_page_of_a_run(browser: Browser, exported: Path, tmp_path: Path) -> None:
    page, command = tmp_path / "report.html", Path(sys.executable).with_name("wedepth-parity")
    done = subprocess.run(
        [command, "--bundle", exported / "nano-openvino-fp16", "--data", "rooms:2", "--html", page, "--json"],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = browser.show(page, 360)
    assert found["scroll"] <= 360 and found["outside"] == found["broken"] == [] and found["pictures"] >= 7
    assert found["verdict"].startswith("✓ Passed") and browser.complaints() == []
    assert page.stat().st_size < 5e6

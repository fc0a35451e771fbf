"""The page in Chromium, on a phone and on a desk: nothing sticks out, nothing is fetched, every picture is there."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runtimes.page import to_html
from runtimes.panels import Panels
from runtimes.results import Report

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
# A page is loaded for its tests alone: all that is folded is opened, and what lies in a hidden heading counts for none.
MEASURE = """() => {
  document.querySelectorAll('details').forEach(one => one.open = true);
  const width = document.documentElement.clientWidth;
  const outside = [...document.body.querySelectorAll('*')]
    .filter(one => one.getBoundingClientRect().right > width + 1 && !one.closest('thead'));
  return {
    width, scroll: document.documentElement.scrollWidth,
    outside: outside.map(one => one.outerHTML.slice(0, 80)),
    broken: [...document.images].filter(one => !one.complete || !one.naturalWidth).map(one => one.alt),
    pictures: document.images.length,
    verdict: document.querySelector('.verdict').innerText,
    ground: getComputedStyle(document.body).backgroundColor,
  };
}"""


class Shown:
    """A page in the browser: what was measured of it, what it asked for, and what stands in the console."""

    def __init__(self, browser: Any, page: Path, width: int, scheme: str = "light") -> None:
        self.requests: list[str] = []
        self.console: list[str] = []
        view = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
        view.on("request", lambda request: self.requests.append(request.url))
        view.on("console", lambda message: self.console.append(message.text))
        view.on("pageerror", lambda error: self.console.append(str(error)))
        view.goto(page.as_uri())
        self.measured = view.evaluate(MEASURE)
        view.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed here (on Debian, as root: apt-get install chromium)")
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="playwright, which drives Chromium, is not installed"
    )
    with playwright.sync_playwright() as driver:
        found = driver.chromium.launch(executable_path=CHROMIUM, args=["--disable-quic", "--disable-gpu"])
        yield found
        found.close()


@pytest.fixture(scope="module")
def page(full_report: Report, full_panels: Panels, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(to_html(full_report, ["tflite:gpu"], full_panels))
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_it_is_read_without_scrolling_sideways(browser: Any, page: Path, width: int, scheme: str) -> None:
    shown = Shown(browser, page, width, scheme)
    found = shown.measured
    assert found["width"] == width and found["scroll"] <= width and found["outside"] == []
    assert found["broken"] == [] and found["pictures"] > 20
    assert found["verdict"].startswith("✗ Not passed")
    assert found["ground"] == {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 23, 27)"}[scheme]
    assert shown.console == []
    assert [address for address in shown.requests if not address.startswith("data:")] == [page.as_uri()]


def test_the_page_of_a_run(browser: Any, exported: Path, tmp_path: Path) -> None:
    page, command = tmp_path / "report.html", Path(sys.executable).with_name("wedepth-parity")
    done = subprocess.run(
        [command, "--bundle", exported / "nano-openvino-fp16", "--data", "rooms:2", "--html", page, "--json"],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    shown = Shown(browser, page, 360)
    found = shown.measured
    assert found["scroll"] <= 360 and found["outside"] == found["broken"] == [] and found["pictures"] >= 7
    assert found["verdict"].startswith("✓ Passed") and shown.console == []
    assert page.stat().st_size < 5e6

"""Finding Chromium, and what of a page's errors is told."""

import pytest

from runtimes.errors import DeviceUnavailable
from runtimes.web.browser import find_chromium, reason


def test_absent_chromium_is_said_with_the_way_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(DeviceUnavailable, match="on Debian, as root: apt-get install chromium"):
        find_chromium()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "Page.evaluate: Error: Can't create a session.\n    at f (http://127.0.0.1/x.js:1:2)",
            "Can't create a session",
        ),
        ("Page.evaluate: TypeError: x is not a function", "x is not a function"),
        ("Page.evaluate: Target crashed", "the page crashed, most likely for want of memory"),
        ("", "Exception"),
    ],
)
def test_an_error_is_one_line_without_its_stack(text: str, told: str) -> None:
    assert reason(Exception(text)) == told

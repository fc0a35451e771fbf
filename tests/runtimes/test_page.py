"""The page as text: what it has to say, and that it asks for nothing from anywhere."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files

import pytest

from runtimes.page import to_html
from runtimes.panels import Panels
from runtimes.results import Report

ALLOWED = ("tflite:gpu",)
ADDRESSES = ("src", "href", "srcset", "poster", "data", "action", "background", "xlink:href")


class Reader(HTMLParser):
    """Text and attributes of a page, and whether its tags are closed as they were opened."""

    VOID = ("meta", "link", "img", "br")

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag, tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.texts.append(data)

    @property
    def text(self) -> str:
        """All text, its white space made one."""
        return " ".join(" ".join(self.texts).split())


@pytest.fixture(scope="module")
def page(full_report: Report, full_panels: Panels) -> str:
    return to_html(full_report, ALLOWED, full_panels)


@pytest.fixture(scope="module")
def text(page: str) -> str:
    return Reader(page).text


def test_the_verdict_comes_first_with_every_reason(text: str) -> None:
    head = text[: text.index("Rows Pictures")]
    for words in (
        "✗ Not passed", "Of 9 rows: 5 passed, 1 failed, 1 undecided, 2 not run.",
        "openvino fp16 on cpu: the mean relative difference ≤ 0.007 is not met", "4 frames do not tell",
        "openvino fp16 on npu was not run: OpenVINO finds no NPU here", "frame 3 of 4 was not read",
        "let through by --allow-not-run tflite fp16 on gpu: LiteRT finds no GPU here", "small: untrained",
    ):  # fmt: skip
        assert words in head


def test_what_passes_says_so(full_report: Report) -> None:
    passed = replace(full_report, rows=full_report.rows[:2], unread={})
    text = Reader(to_html(passed, [])).text
    assert "✓ Passed" in text and "Not passed" not in text and "let through" not in text
    assert "✗ Not passed" in Reader(to_html(replace(passed, interrupted=True), [])).text


def test_rows_have_their_numbers(text: str) -> None:
    for words in (
        "✓ pass onnxruntime fp32 on cpu edge-onnxruntime-fp32 4 0.1712 0.7514 +0.0001 % -0.0001 to +0.0003 %",
        "9.0e-06 1.0e-06 180.0 234.0 412", "Ops by device, as the runtime tells it: 812 on cpu.",
        "– not run, let through tflite fp16 on gpu", "+0.04 % no interval: one frame",
    ):  # fmt: skip
        assert words in text


def test_stand_ins_and_untrained_weights_are_marked(text: str) -> None:
    assert "arm-tflite fp32 on cpu stand-in" in text and "Kernels of phones, emulated: never speed." in text
    assert "coreml-reference fp16 on cpu stand-in" in text and "not Apple's GPU or Neural Engine" in text
    assert "onnxruntime int8 on cpu untrained" in text


def test_origins_limits_and_environment_are_there(text: str) -> None:
    for words in (
        "309cc719de411612e2e7e77aa1c2584cc76d50c2ddbb5199624cca3f1059496c", "model.onnx, 139.8 MB",
        "wedepth-parity --data frames --device cpu --device npu --html report.html", "openvino 2026.4.1",
        "2026-11-26T18:31:27+00:00", "max relative difference ≤ 0.001; AbsRel ≤ 1.001 of torch's; δ1 ≥ 0.999",
        "x86_64: avx512_vnni, avx2", "each runtime's own choice",
    ):  # fmt: skip
        assert words in text


def test_words_from_outside_are_no_markup(page: str) -> None:
    assert "&lt;b&gt;not bold&lt;/b&gt;" in page and "<b>not bold" not in page


def test_tags_are_closed_and_ids_are_found(page: str) -> None:
    reader = Reader(page)
    assert not reader.open
    ids = [value for _, name, value in reader.attributes if name == "id"]
    links = [value[1:] for _, name, value in reader.attributes if name == "href" and value.startswith("#")]
    assert len(ids) == len(set(ids)) and set(links) <= set(ids) and len(links) == 5


def test_nothing_is_fetched_and_nothing_is_run(page: str) -> None:
    reader = Reader(page)
    asked = [
        value for _, name, value in reader.attributes if name in ADDRESSES and not value.startswith(("data:", "#"))
    ]
    assert not asked and not re.search(r"url\(|@import|https?://", page)
    assert "<script" not in page and not [name for _, name, _ in reader.attributes if name.startswith("on")]


def test_every_picture_has_words_and_a_size(page: str) -> None:
    reader = Reader(page)
    images = [value for tag, name, value in reader.attributes if (tag, name) == ("img", "src")]
    words = [value for tag, name, value in reader.attributes if (tag, name) == ("img", "alt")]
    assert len(images) == len(words) > 20 and all(words)
    assert len([1 for tag, name, _ in reader.attributes if (tag, name) == ("img", "width")]) == len(images)


def test_a_report_of_nothing_is_a_page_too(full_report: Report) -> None:
    empty = replace(full_report, rows=[], unread={}, origins=[], limits={}, notes=[], interrupted=True)
    text = Reader(to_html(empty, [])).text
    assert "✗ Not passed" in text and "the run did not come to its end" in text


def _colours(css: str) -> list[dict[str, str]]:
    """The colours by name, in light and in dark."""
    light, dark = (dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", part)) for part in css.split("@media", 2)[:2])
    return [light, dark]


def _luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


PAIRS = [
    *((text, ground) for text in ("text", "quiet", "link") for ground in ("page", "card")),
    *((kind, f"{kind}-back") for kind in ("good", "bad", "open", "none")),
    *(("text", f"{kind}-back") for kind in ("good", "bad", "open")),
]


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_text_has_the_contrast_of_wcag_aa(scheme: int, text: str, ground: str) -> None:
    colours = _colours((files("runtimes") / "templates" / "report.css").read_text())[scheme]
    darker, lighter = sorted((_luminance(colours[text]), _luminance(colours[ground])))
    assert (lighter + 0.05) / (darker + 0.05) >= 4.5

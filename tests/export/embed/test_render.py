from pathlib import Path

import pytest
from jinja2 import UndefinedError

from export.embed import render as rendering
from export.embed.facts import Facts, read_facts
from export.embed.platforms import PLATFORMS, Platform
from export.embed.render import render
from export.embed.sizes import sizes_of
from runtimes.bundle import open_bundle

HERE = Platform("here", ("onnx",), "golden")


@pytest.fixture(scope="module")
def facts(exported: Path, golden_of) -> Facts:
    bundle = open_bundle(exported / "nano-onnx-fp32")
    return read_facts(bundle, PLATFORMS["web"], golden_of("nano-onnx-fp32"), sizes_of(bundle))


@pytest.fixture
def templates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of templates for a platform called `here`."""
    monkeypatch.setattr(rendering, "TEMPLATES", tmp_path)
    (tmp_path / "here").mkdir()
    return tmp_path / "here"


def test_templates_are_rendered_and_all_else_is_copied_with_its_mode(templates, facts, tmp_path: Path) -> None:
    (templates / "src").mkdir()
    (templates / "src" / "size.ts.jinja").write_text(
        "{% if facts.trained %}\nno\n{% endif %}\n{{ facts.height }} × {}\n"
    )
    (templates / ".hidden").write_text("{{ facts.height }}")
    (templates / "gradlew").write_bytes(b"\x00\xff")
    (templates / "gradlew").chmod(0o755)
    render(HERE, facts, tmp_path / "out")
    assert (tmp_path / "out" / "src" / "size.ts").read_text() == "64 × {}\n"
    assert (tmp_path / "out" / ".hidden").read_text() == "{{ facts.height }}"
    assert (tmp_path / "out" / "gradlew").read_bytes() == b"\x00\xff"
    assert (tmp_path / "out" / "gradlew").stat().st_mode & 0o111
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [".hidden", "gradlew", "src"]


def test_what_tools_leave_among_templates_is_not_copied(templates, facts, tmp_path: Path) -> None:
    for name in ("node_modules/a/index.js", "src/dist/b.js", "c.txt"):
        (templates / name).parent.mkdir(parents=True, exist_ok=True)
        (templates / name).write_text("x")
    render(HERE, facts, tmp_path / "out")
    assert [p.name for p in (tmp_path / "out").rglob("*")] == ["c.txt"]


def test_a_name_that_facts_do_not_have_is_a_bug_that_names_the_template(templates, facts, tmp_path: Path) -> None:
    (templates / "a.txt.jinja").write_text("{{ facts.colour }}")
    with pytest.raises(UndefinedError, match="colour") as raised:
        render(HERE, facts, tmp_path / "out")
    assert raised.value.__notes__ == ["in the template a.txt.jinja"]


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("a.ts", '"say \\"5 \\\\ $x <b>\\""'),
        ("a.kt", '"say \\"5 \\\\ \\$x <b>\\""'),
        ("a.html", "&#34;say \\&#34;5 \\\\ $x &lt;b&gt;\\&#34;&#34;"),
    ],
)
def test_strings_are_quoted_as_the_language_has_them(templates, facts, tmp_path: Path, template, expected) -> None:
    quote = "kotlin" if template.endswith("kt") else "quoted"
    (templates / f"{template}.jinja").write_text("{{ 'say \"5 \\\\ $x <b>\"' | " + quote + " }}")
    render(HERE, facts, tmp_path / "out")
    assert (tmp_path / "out" / template).read_text() == expected


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_platforms_own_templates_know_only_what_facts_have(facts, tmp_path: Path, platform: str) -> None:
    render(PLATFORMS[platform], facts, tmp_path / "out")
    assert not list((tmp_path / "out").rglob("*.jinja"))

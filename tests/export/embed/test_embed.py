import json
import shutil
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from export.cli import export
from export.embed import embed, embed_all
from export.embed.golden import Golden
from export.embed.platforms import PLATFORMS, platforms_of
from wedepth.errors import WedepthError


def silent(_: str) -> None:
    pass


def test_a_project_is_written_into_the_bundle_and_an_older_one_goes(bundle: Path) -> None:
    (bundle / "web").mkdir()
    (bundle / "web" / "stale").write_text("x")
    before = {path.name: path.read_bytes() for path in bundle.iterdir() if path.is_file()}
    folder = embed(bundle, "web")
    assert folder == bundle / "web" and not (folder / "stale").exists()
    golden = json.loads((folder / PLATFORMS["web"].golden / "golden.json").read_text())
    assert (golden["height"], golden["width"]) == (64, 96)
    assert {path.name: path.read_bytes() for path in bundle.iterdir() if path.is_file()} == before
    assert [path.name for path in bundle.iterdir() if path.is_dir()] == ["web"]


def test_a_project_that_cannot_be_written_leaves_the_older_one(bundle: Path, monkeypatch) -> None:
    (bundle / "web").mkdir()
    (bundle / "web" / "old").write_text("x")

    def full(self: Golden, folder: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Golden, "write", full)
    with pytest.raises(WedepthError, match=r"Cannot write .*/web: No space left on device\."):
        embed(bundle, "web")
    assert [path.name for path in bundle.iterdir() if path.is_dir()] == ["web"]
    assert (bundle / "web" / "old").is_file()


def test_a_platform_that_does_not_run_the_target_is_a_sentence(bundle: Path) -> None:
    with pytest.raises(WedepthError, match=r"ios embeds coreml, and this is onnx\."):
        embed(bundle, "ios")
    assert not (bundle / "ios").exists()


def test_a_bundle_whose_model_was_swapped_is_refused(bundle: Path, exported: Path) -> None:
    shutil.copy(exported / "nano-onnx-fp16" / "model.onnx", bundle / "model.onnx")
    with pytest.raises(WedepthError, match=r"model.onnx in the bundle .* is not the file its manifest describes"):
        embed(bundle, "web")
    made, failed = embed_all([bundle], ["web"], silent)
    assert made == [] and len(failed) == 1 and "is not embedded: model.onnx in the bundle" in failed[0]
    assert not (bundle / "web").exists()


def test_all_embeds_each_bundle_where_it_runs(exported: Path, tmp_path: Path, monkeypatch) -> None:
    names = ("nano-onnx-fp32", "nano-openvino-fp32", "nano-tflite-fp32")
    bundles = [Path(shutil.copytree(exported / name, tmp_path / name)) for name in names]
    runs, module = [], sys.modules[embed.__module__]
    run_golden = module.run_golden
    monkeypatch.setattr(module, "run_golden", lambda bundle: runs.append(bundle) or run_golden(bundle))
    made, failed = embed_all(bundles, ["all"], silent)
    assert failed == []
    assert [(item.bundle, item.platform) for item in made] == [
        ("nano-onnx-fp32", "web"), ("nano-tflite-fp32", "android"), ("nano-tflite-fp32", "web"),
    ]  # fmt: skip
    assert len(runs) == 2  # once for each bundle, however many platforms it is for
    assert all(Path(item.path).is_dir() and item.tolerance == 0.002 for item in made)


@pytest.mark.parametrize(
    ("names", "targets", "said"),
    [
        (["ios"], ["onnx", "openvino"], "ios embeds coreml, and this is onnx, openvino"),
        (["ios", "web"], ["onnx"], "ios embeds coreml, and this is onnx"),
        (
            ["all"],
            ["openvino"],
            "ios embeds coreml; android embeds tflite; web embeds onnx or tflite, and this is openvino",
        ),
    ],
)
def test_a_platform_with_nothing_to_run_is_refused(names: list[str], targets: list[str], said: str) -> None:
    with pytest.raises(WedepthError, match=said):
        platforms_of(names, targets)


def test_all_leaves_out_what_runs_nothing_here() -> None:
    assert [platform.name for platform in platforms_of(["all"], ["tflite"])] == ["android", "web"]


# --- the command ---


def run(*args: object) -> tuple[int, str]:
    """Exit code and output, or the sentence of a refusal."""
    done = CliRunner().invoke(export, list(map(str, args)), standalone_mode=False)
    if isinstance(done.exception, WedepthError):
        return 1, str(done.exception)
    assert done.exception is None, done.exception
    return done.return_value, done.output


def test_a_bundle_is_embedded_without_exporting_it_again(bundle: Path) -> None:
    code, output = run("--bundle", bundle, "--embed", "web", "--json")
    report = json.loads(output)
    assert code == 0 and report["artifacts"] == []
    (item,) = report["embedded"]
    assert (item["bundle"], item["platform"]) == ("nano-onnx-fp32", "web") and Path(item["path"]).is_dir()
    assert item["sizes"][0]["bytes"] == (bundle / "model.onnx").stat().st_size


def test_people_see_a_table(bundle: Path) -> None:
    code, output = run("--bundle", bundle, "--embed", "web")
    assert code == 0 and "gzip" in output and "nano-onnx-fp32" in output


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--embed", "web", "--preset", "nano"], "--preset is of an export"),
        ([], "Say with --embed for which platform: ios, android, web, or all"),
        (["--embed", "ios"], "ios embeds coreml, and this is onnx"),
    ],
)
def test_what_does_not_fit_a_bundle_is_a_sentence(bundle: Path, args: list[str], said: str) -> None:
    code, output = run("--bundle", bundle, *args)
    assert code == 1 and said in output


def test_a_bundle_that_is_refused_is_exit_code_1(bundle: Path) -> None:
    (bundle / "model.onnx").write_bytes(b"another")
    code, output = run("--bundle", bundle, "--embed", "web")
    assert code == 1 and "is not the file its manifest describes" in output


def test_nothing_is_loaded_for_a_platform_that_fits_no_target(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wedepth.checkpoint.load", lambda *_, **__: pytest.fail("the network was loaded"))
    code, output = run("--preset", "nano", "--target", "onnx", "--embed", "ios")
    assert code == 1 and "ios embeds coreml, and this is onnx" in output

import pytest

from wedepth.metrics import NAMES
from wedepth.training.report import Report, duration


def test_the_table_fits_a_terminal_and_has_the_floors_in_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    metrics = {"../frames@eval": dict.fromkeys(NAMES, 0.12345)}
    floor = {"../frames@eval": dict.fromkeys(NAMES, 0.54321)}
    Report().epoch("epoch 1/2", metrics, {"constant_metres": 2.5, "constant": floor, "mean": floor})
    shown = capsys.readouterr().err
    assert "…" not in shown and "0.1235" in shown and "0.5432" in shown
    assert "always 2.50 m" in shown and "mean depth map" in shown


def test_without_a_terminal_there_are_lines(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wedepth.training.report.LINE_SECONDS", 0.0)
    with Report().bar("epoch 1/2", 10, done=4) as advance:
        advance("loss 0.5")
    assert capsys.readouterr().err == "epoch 1/2: 5 of 10  loss 0.5\n"


def test_durations() -> None:
    assert [duration(s) for s in (45, 720, 12240)] == ["45 s", "12 min", "3.4 h"]

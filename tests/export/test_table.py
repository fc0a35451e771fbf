import io
import sys

import pytest

from export.table import steps


def test_a_log_has_a_line_a_step_as_it_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    log = io.StringIO()
    monkeypatch.setattr(sys, "stderr", log)
    with steps(quiet=False) as step:
        step("onnx: tracing")
        assert log.getvalue() == "0:00 onnx: tracing\n"
        step("int8: 1 of 3 samples")
        step("int8: 2 of 3 samples")  # the same step, further on: no line of its own
        step("tflite: converting")
    assert log.getvalue() == "0:00 onnx: tracing\n0:00 int8: 1 of 3 samples\n0:00 tflite: converting\n"


def test_quiet_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    log = io.StringIO()
    monkeypatch.setattr(sys, "stderr", log)
    with steps(quiet=True) as step:
        step("onnx: tracing")
    assert log.getvalue() == ""

"""A status is what limit and interval say; an exit code is what all rows say."""

from dataclasses import replace

import pytest

from runtimes.change import Change, Interval
from runtimes.gate import allowed_names, judge, ran_elsewhere, refusals
from runtimes.limits import Limit
from runtimes.results import Report, Row, Status
from wedepth.errors import WedepthError

LIMIT = Limit(mean_rel=0.01, abs_rel=1.01, delta1=0.99)
FINE = (0.5, 0.005)
SAME = Interval(1.0, 1.0, 1.0)


def changed(abs_rel: Interval = SAME, delta1: Interval = SAME, frames: int = 10) -> Change:
    return Change(frames, abs_rel, delta1)


def row(status: Status, runtime: str = "openvino", device: str = "cpu", reason: str | None = None) -> Row:
    return Row(runtime, "openvino", device, "fp32", status, reason)


def report(*rows: Row, unread: dict[str, str] | None = None) -> Report:
    return Report("frames", "2026-01-01", {}, list(rows), unread or {}, [])


def test_within_all_limits_is_a_pass() -> None:
    assert judge(LIMIT, FINE, changed(Interval(1.005, 1.001, 1.009), Interval(0.995, 0.991, 1.0))) == ("pass", None)
    assert judge(LIMIT, FINE, None) == ("pass", None)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (changed(abs_rel=Interval(1.03, 1.02, 1.04)), "AbsRel is 1.0300 of torch's"),
        (changed(delta1=Interval(0.97, 0.96, 0.98)), "δ1 is 0.9700 of torch's"),
    ],
)
def test_wholly_outside_is_a_failure(found: Change, words: str) -> None:
    status, reason = judge(LIMIT, FINE, found)
    assert status == "fail"
    assert words in str(reason)


def test_frames_that_do_not_tell_neither_pass_nor_fail() -> None:
    status, reason = judge(LIMIT, FINE, changed(Interval(1.005, 0.995, 1.015)))
    assert status == "undecided"
    assert "10 frames do not tell, about 40 frames like these would" in str(reason)
    # A mean that is over the limit does not fail by luck either.
    assert judge(LIMIT, FINE, changed(Interval(1.012, 1.005, 1.019)))[0] == "undecided"


def test_a_failure_is_not_hidden_by_what_is_undecided() -> None:
    found = changed(Interval(1.005, 0.995, 1.015), Interval(0.9, 0.88, 0.92))
    assert judge(LIMIT, FINE, found)[0] == "fail"
    found = changed(Interval(1.05, 1.04, 1.06), Interval(0.99, 0.98, 1.0))
    assert judge(LIMIT, FINE, found)[0] == "fail"


def test_ops_on_another_device_than_the_one_asked_for() -> None:
    words = "10.0% of 100 ops ran elsewhere than on the npu (10 on cpu); "
    assert ran_elsewhere(LIMIT, "npu", {"npu": 90, "cpu": 10}) == (True, f"{words}0.0% may")
    assert ran_elsewhere(Limit(elsewhere=0.1), "npu", {"npu": 90, "cpu": 10}) == (False, f"{words}10.0% may")
    assert ran_elsewhere(LIMIT, "cpu", {"cpu": 3}) == (False, None)
    assert ran_elsewhere(LIMIT, "cpu", None) == (False, None)
    assert ran_elsewhere(LIMIT, "gpu", None) == (True, "the runtime does not tell whether its ops ran on the gpu")


def test_one_frame_does_not_tell() -> None:
    status, reason = judge(LIMIT, FINE, changed(Interval(1.0, float("-inf"), float("inf")), frames=1))
    assert status == "undecided"
    assert "one frame" in str(reason)


def test_what_has_no_limit_is_not_judged() -> None:
    nothing = Interval(1.0, float("-inf"), float("inf"))
    assert judge(Limit(), FINE, changed(nothing, nothing, frames=1)) == ("pass", None)


def test_pixels_that_differ_fail_whatever_the_metrics_say() -> None:
    status, reason = judge(LIMIT, (0.5, 0.02), changed())
    assert status == "fail"
    assert "mean relative difference ≤ 0.01 is not met: 5.0e-01 at most, 2.0e-02 on average" in str(reason)
    assert judge(LIMIT, (float("nan"), float("nan")), changed())[0] == "fail"


@pytest.mark.parametrize(
    ("statuses", "refused"),
    [
        (["pass"], 0),
        (["pass", "fail"], 1),
        (["pass", "undecided"], 1),
        (["pass", "not_run"], 1),
        (["not_run"], 2),
        ([], 1),
    ],
)
def test_all_that_is_no_pass_is_refused(statuses: list[Status], refused: int) -> None:
    assert len(refusals(report(*(row(status) for status in statuses)))) == refused


def test_what_may_be_missing_has_to_be_named() -> None:
    rows = report(row("pass"), row("not_run", device="npu", reason="there is none"))
    assert refusals(rows) == ["openvino fp32 on npu was not run: there is none"]
    assert refusals(rows, allowed_names(["openvino:npu"])) == []
    assert refusals(rows, allowed_names(["openvino"])) == []
    assert len(refusals(rows, allowed_names(["openvino:gpu", "tflite"]))) == 1
    # What was named and ran all the same has to pass.
    assert len(refusals(report(row("pass"), row("fail", device="npu")), allowed_names(["openvino:npu"]))) == 1


def test_the_reference_interpreter_is_core_ml() -> None:
    rows = report(row("pass"), row("not_run", runtime="coreml-reference", device="gpu"))
    assert refusals(rows, allowed_names(["coreml:gpu"])) == []


def test_frames_that_were_not_read_are_refused() -> None:
    rows = report(row("pass"), unread={"frame 2 of 3": "Cannot read it."})
    assert refusals(rows) == ["frame 2 of 3 was not read: Cannot read it."]
    assert refusals(rows, allowed_names(["frames"])) == []


def test_the_reference_alone_proves_nothing_about_what_was_not_run() -> None:
    assert refusals(report(row("pass", "torch"), row("not_run")), allowed_names(["openvino"])) == [
        "no artifact was run"
    ]
    assert refusals(report(row("pass", "torch"))) == []


def test_what_did_not_come_to_its_end_is_no_pass() -> None:
    rows = replace(report(row("pass"), row("not_run", "tflite")), interrupted=True)
    assert refusals(rows, allowed_names(["tflite"])) == ["the run did not come to its end"]


def test_a_name_that_nothing_has_is_refused() -> None:
    with pytest.raises(WedepthError, match="openvino:tpu names nothing"):
        allowed_names(["openvino:tpu"])

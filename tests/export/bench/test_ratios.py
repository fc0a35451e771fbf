"""Ratios, from medians that are made up."""

from collections.abc import Callable

import pytest

from export.bench.ratios import MET, NOT_MEASURED, NOT_MET, judge, ratio, share_of_peak
from export.bench.results import Report, Row, Timing


def _verdicts(found: Report) -> dict[str, tuple[str, float | None, str]]:
    return {must["must"]: (must["verdict"], must["figure"], must["why"]) for must in judge(found)}


def test_each_limit_is_met_or_not_with_its_figure(make_report: Callable[..., Report]) -> None:
    found = _verdicts(
        make_report(
            torch_eager=1.0, onnxruntime_naive=0.75, onnxruntime_fp32=0.5, tflite_naive=6.0, tflite_fp32=0.5,
            onnxruntime_dav2=0.4,
        )
    )  # fmt: skip
    assert found["ONNX Runtime, naive ÷ ours"] == (MET, 1.5, "")
    assert found["TFLite, naive ÷ ours"] == (NOT_MET, 12.0, "")
    assert found["torch eager ÷ TFLite"][:2] == (MET, 2.0)
    assert found["TFLite ÷ ONNX Runtime"][:2] == (MET, 1.0)
    assert found["edge ÷ Depth Anything V2-Small, ONNX Runtime"] == (NOT_MET, 1.25, "")
    assert found["OpenVINO, naive ÷ ours"] == (NOT_MEASURED, None, "openvino-naive was not asked for")


def test_a_naive_road_that_refuses_is_replaced_by_the_least_that_works_and_that_is_said(
    make_report: Callable[..., Report],
) -> None:
    found = make_report(tflite_naive_folded=9.0, tflite_fp32=0.5)
    found.rows.append(Row("tflite-naive", "tflite", "naive", "fp32", "wedepth", reason="complex64"))
    verdict, figure, why = _verdicts(found)["TFLite, naive ÷ ours"]
    assert (verdict, figure) == (MET, 18.0)
    assert "tflite-naive-folded" in why


def test_a_contender_that_did_not_run_gives_its_reason(make_report: Callable[..., Report]) -> None:
    found = make_report(openvino_fp32=0.5)
    found.rows.append(Row("openvino-naive", "openvino", "naive", "fp32", "wedepth", reason="tracing failed"))
    assert ratio(found, "openvino-naive", "openvino-fp32", "2") == (None, "openvino-naive: tracing failed")


def test_remarks_of_another_group_and_of_a_wrong_depth(
    make_report: Callable[..., Report], make_timing: Callable[..., Timing]
) -> None:
    found = make_report(onnxruntime_naive=2.0, onnxruntime_fp32=1.0)
    naive, ours = found.rows
    naive.timings["2"] = make_timing(2.0, group=2)
    ours.agrees = False
    figure, why = ratio(found, "onnxruntime-naive", "onnxruntime-fp32", "2")
    assert figure == 2.0
    assert "not in turns" in why
    assert "onnxruntime-fp32 does not agree" in why


def test_a_fast_wrong_answer_meets_nothing(make_report: Callable[..., Report]) -> None:
    found = make_report(onnxruntime_naive=2.0, onnxruntime_fp32=1.0)
    found.rows[1].agrees = False
    assert _verdicts(found)["ONNX Runtime, naive ÷ ours"][0] == NOT_MET


def test_share_of_peak(make_report: Callable[..., Report]) -> None:
    found = make_report("small", openvino_fp32=0.4, onnxruntime_fp32=0.2)
    found.peak["2"] = {"flops": 100e9, "by": "matmul-openvino-1024"}
    assert share_of_peak(found, found.rows[0], "2") == pytest.approx(0.5)
    must = next(m for m in judge(found) if "peak" in m["must"])
    assert (must["verdict"], must["figure"], must["unit"]) == (MET, 0.5, "share")

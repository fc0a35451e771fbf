"""Limits as a file."""

from dataclasses import replace
from pathlib import Path

import pytest

from runtimes.limits import DEFAULT, Limit, limit_for, read_limits
from wedepth.errors import WedepthError


def test_the_defaults() -> None:
    assert read_limits(DEFAULT).keys() == {"fp32", "fp16", "int8"}
    assert limit_for("fp32").holds(1e-3, 1e-4) and not limit_for("fp32").holds(2e-3, 1e-4)
    assert limit_for("fp16").holds(0.5, 0.007) and not limit_for("fp16").holds(0.5, 0.008)
    assert not limit_for("fp32").holds(float("nan"), 0.0)
    with pytest.raises(WedepthError, match="no limit for precision 'int3'"):
        limit_for("int3")


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    file = tmp_path / "limits.toml"
    file.write_text("[int4]\nmean_rel = 0.1\n")
    assert limit_for("int4", read_limits(file)) == Limit(mean_rel=0.1)
    assert limit_for("fp32", read_limits(file)) == limit_for("fp32")


def test_what_a_file_leaves_out_is_the_defaults() -> None:
    own, default = read_limits(DEFAULT.parent / "web" / "limits.toml"), limit_for("int8")
    assert 0 == default.elsewhere < own["int8"].elsewhere < 0.3
    assert replace(own["int8"], elsewhere=0.0) == default


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[fp32]\nmaximum = 1", "'maximum' is no limit"),
        ("[fp32]\nmax_rel = -1", "at least 0, not -1"),
        ("[fp32]\nmax_rel = nan", "at least 0, not nan"),
        ("[fp32]\nmax_rel = true", "at least 0, not True"),
        ("fp32 = 1", "is no limit"),
        ("", "holds no limits"),
        ("[fp32", "Cannot read the limits"),
    ],
)
def test_what_is_no_limit_is_refused(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "limits.toml"
    file.write_text(text)
    with pytest.raises(WedepthError, match=words):
        read_limits(file)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(WedepthError, match="There is no file of limits"):
        read_limits(tmp_path / "limits.toml")

"""What counts as the same depth: how far from torch an artifact may be, by precision (`limits.toml`)."""

import functools
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from wedepth.errors import WedepthError

DEFAULT = Path(__file__).with_name("limits.toml")


@dataclass(frozen=True, slots=True)
class Limit:
    """Upper bounds on the relative difference from torch (at any pixel, and its mean), on AbsRel as a multiple of
    torch's, and on the share of ops that ran on another device than the one asked for; a lower one on δ1's multiple."""

    max_rel: float = math.inf
    mean_rel: float = math.inf
    abs_rel: float = math.inf
    delta1: float = -math.inf
    elsewhere: float = 0.0

    def holds(self, max_rel: float, mean_rel: float) -> bool:
        """Whether both differences stay within it; a NaN does not."""
        return max_rel <= self.max_rel and mean_rel <= self.mean_rel

    def __str__(self) -> str:
        parts = (("max", self.max_rel), ("mean", self.mean_rel))
        return " and ".join(f"{name} relative difference ≤ {bound:g}" for name, bound in parts if bound < math.inf)


def limit_for(precision: str, limits: Mapping[str, Limit] | None = None) -> Limit:
    """The limit of a precision's name, of the defaults where no others are given."""
    limits = limits if limits is not None else read_limits(DEFAULT)
    if precision not in limits:
        raise WedepthError(f"There is no limit for precision {precision!r}; known are {', '.join(limits)}.")
    return limits[precision]


@functools.cache
def read_limits(file: Path) -> Mapping[str, Limit]:
    """Limits by precision: the defaults, and in their place what a TOML file has; WedepthError where that is unknown,
    or no number."""
    try:
        data = tomllib.loads(file.read_text())
    except FileNotFoundError:
        raise WedepthError(f"There is no file of limits {file}.") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise WedepthError(f"Cannot read the limits in {file}: {error}.") from None
    if not data:
        raise WedepthError(f"{file} holds no limits; write a table for each precision, as in [fp16].")
    known = read_limits(DEFAULT) if file != DEFAULT else {}
    own = {name: _limit(values, known.get(name, Limit()), f"{file}, [{name}]") for name, values in data.items()}
    return {**known, **own}


def _limit(values: Any, base: Limit, where: str) -> Limit:
    names = [field.name for field in fields(Limit)]
    if not isinstance(values, dict) or (unknown := sorted(values.keys() - set(names))):
        wrong = unknown[0] if isinstance(values, dict) else where
        raise WedepthError(f"{where}: {wrong!r} is no limit; there are {', '.join(names)}.")
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
            raise WedepthError(f"{where}: {name} must be a number of at least 0, not {value!r}.")
    return replace(base, **{name: float(value) for name, value in values.items()})

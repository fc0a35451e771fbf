"""Whether what ran may ship: a row's status from its limit, and the exit code from all rows."""

from collections.abc import Collection, Sequence

from runtimes.change import Change, Interval, frames_needed
from runtimes.limits import Limit
from runtimes.registry import DEVICES, RUNTIMES, STAND_INS, TORCH
from runtimes.results import Report, Row, Status
from wedepth.errors import WedepthError

FRAMES = "frames"


def judge(
    limit: Limit, differences: tuple[float, float], changed: Change | None, base: str = TORCH
) -> tuple[Status, str | None]:
    """The status of what ran, and why it is no pass.

    `differences` are the largest and the mean relative difference from torch. AbsRel and δ1 pass where the whole 95 %
    interval of their change from `base` is within the limit, fail where all of it is outside; between the two the
    frames do not tell, which is neither.
    """
    if not limit.holds(*differences):
        return "fail", f"the {limit} is not met: {differences[0]:.1e} at most, {differences[1]:.1e} on average"
    if changed is None:
        return "pass", None
    status: Status = "pass"
    reasons = []
    for name, interval, bound, sign in (
        ("AbsRel", changed.abs_rel, limit.abs_rel, 1),
        ("δ1", changed.delta1, limit.delta1, -1),
    ):
        best, worst = sorted((interval.low * sign, interval.high * sign))
        if worst <= bound * sign:
            continue
        outside = best > bound * sign
        if outside or status == "pass":
            status = "fail" if outside else "undecided"
        reasons.append(
            _reason(f"{name} is {interval.value:.4f} of {base}'s", interval, bound, sign, outside, changed.frames)
        )
    return status, "; ".join(reasons) or None


def ran_elsewhere(limit: Limit, device: str, placed: dict[str, int] | None) -> tuple[bool, str | None]:
    """Whether ops on another device than the one asked for are too many, and how many they are, where there are any.

    A runtime that does not tell is believed of the CPU alone, which is what others fall back to.
    """
    whole = sum(placed.values()) if placed else 0
    if not placed or not whole:
        told = device == "cpu"
        return not told, None if told else f"the runtime does not tell whether its ops ran on the {device}"
    others = {name: count for name, count in placed.items() if name != device}
    share = sum(others.values()) / whole
    if not share:
        return False, None
    where = ", ".join(f"{count} on {name}" for name, count in others.items())
    words = f"{share:.1%} of {whole} ops ran elsewhere than on the {device} ({where}); {limit.elsewhere:.1%} may"
    return share > limit.elsewhere, words


def _reason(found: str, interval: Interval, bound: float, sign: int, outside: bool, frames: int) -> str:
    limit = f"{'at most' if sign > 0 else 'at least'} {bound:g} is the limit"
    if frames < 2:
        return f"{found} on one frame, which says nothing of others: give more"
    found += f", 95 % interval {interval.low:.4f} to {interval.high:.4f}"
    if outside:
        return f"{found}; {limit}"
    needed = frames_needed(frames, interval, bound)
    more = f"about {needed} frames like these would tell" if needed and needed > frames else "more frames would tell"
    return f"{found}; {limit}: {frames} frames do not tell, {more}"


def allowed_names(names: Sequence[str]) -> frozenset[str]:
    """What may be missing: a runtime, `runtime:device`, `torch`, or `frames`; any other name is refused."""
    runtimes = TORCH, *RUNTIMES, *STAND_INS
    known = {FRAMES, *runtimes, *(f"{runtime}:{device}" for runtime in runtimes for device in DEVICES)}
    for name in names:
        if name not in known:
            raise WedepthError(
                f"--allow-not-run {name} names nothing that can be missing: a runtime ({', '.join(RUNTIMES)}, torch), "
                "perhaps with a device (openvino:npu), or `frames`."
            )
    return frozenset(names)


def is_allowed(row: Row, allowed: Collection[str]) -> bool:
    """Whether a row that was not run may be missing."""
    runtime = "coreml" if row.runtime.startswith("coreml") else row.runtime
    return runtime in allowed or f"{runtime}:{row.device}" in allowed


def refusals(report: Report, allowed: Collection[str] = ()) -> list[str]:
    """A sentence for each thing because of which the exit code is 1; none where it is 0."""
    found = [f"{row.name}: {row.reason}" for row in report.rows if row.status in ("fail", "undecided")]
    found += [
        f"{row.name} was not run: {row.reason}"
        for row in report.rows
        if row.status == "not_run" and not is_allowed(row, allowed)
    ]
    if FRAMES not in allowed:
        found += [f"{name} was not read: {reason}" for name, reason in report.unread.items()]
    if report.interrupted:
        found.append("the run did not come to its end")
    ran = [row for row in report.rows if row.status != "not_run"]
    # The reference alone proves nothing, unless it is all that was asked for.
    if not [row for row in ran if row.runtime != TORCH] and not (ran and len(ran) == len(report.rows)):
        found.append("no artifact was run")
    return found

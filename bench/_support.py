"""What the benchmarks share: medians, percentiles and ratios, printed alike."""

import statistics
from collections.abc import Sequence


def percentile(samples: Sequence[float], share: float) -> float:
    """The sample that ``share`` (0..1) of the samples do not exceed."""
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]


def show(name: str, samples_seconds: Sequence[float]) -> None:
    """One line: median, p95 and count of durations given in seconds."""
    median, p95 = statistics.median(samples_seconds), percentile(samples_seconds, 0.95)
    print(f"{name:<44} median {_time(median):>10}   p95 {_time(p95):>10}   n {len(samples_seconds)}")


def ratio(name: str, ours: Sequence[float], reference: Sequence[float], target: float | None = None) -> float:
    """Print and return the ratio of the medians, against a target that it should not exceed."""
    value = statistics.median(ours) / statistics.median(reference)
    verdict = "" if target is None else f"   target <= {target:g}: {'holds' if value <= target else 'MISSED'}"
    print(f"{name:<44} ratio {value:>10.3f}{verdict}")
    return value


def _time(seconds: float) -> str:
    if seconds < 1e-3:
        return f"{seconds * 1e6:.1f} us"
    return f"{seconds * 1e3:.2f} ms" if seconds < 1 else f"{seconds:.2f} s"

"""Housekeeping takes little time from others while there is room, and the time in which they only wait."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from .post import Post


@pytest.mark.parametrize(
    ("busy", "fullness", "least", "most"),
    [
        (1.0, 0.0, 0.01, 0.03),
        (0.5, 0.0, 0.15, 0.3),
        (0.0, 0.0, 0.3, 0.5),
        (1.0, 0.5, 0.06, 0.09),
        (1.0, 0.8, 0.35, 0.42),
        (1.0, 1.0, 0.85, 0.95),
    ],
)
def test_its_share_of_the_time(
    busy: float, fullness: float, least: float, most: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others are `busy` for a part of the time in which it does not work; never do they wait for long."""
    housekeeping = Post(tmp_path).store._housekeeping
    clock = SimpleNamespace(now=0.0)
    clock.monotonic = lambda: clock.now
    slices: list[float] = []

    def work(seconds: float, steps: int) -> None:
        slices.append(seconds)
        clock.now += seconds

    monkeypatch.setattr("storage.housekeeping.time", clock)
    monkeypatch.setattr(housekeeping, "work", work)
    monkeypatch.setattr(housekeeping, "_measured", lambda: fullness)
    housekeeping._ended = housekeeping._saved = 0.0
    for _ in range(20_000):
        clock.now += 0.0002
        housekeeping.tidy(is_idle=False, waited=0.0002 * (1 - busy))
    assert least < sum(slices) / clock.now < most
    assert max(slices) < 0.006, "nor do others wait for it"

"""The tally: the figures of all processes, added up from their snapshots.

What grows goes on growing when a process ends and another one takes its place: what the one before had counted last is added
to a base. Gauges count only while their process is heard. Knows nothing about what the figures mean.
"""

import json
import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from ..snapshots import Snapshot

GONE = 5.0
"""Seconds without a snapshot after which a process's gauges do not count."""

Labels = tuple[str, ...]
Figures = dict[str, dict[Labels, float]]
"""By their names, then by their labels."""


class _Source(NamedTuple):
    """A process, with what it has counted since it began, and its gauges."""

    pid: int
    began: float
    at: float
    grown: Figures
    gauges: Figures


class Tally:
    """The figures of numbered processes. `clock` is the one of their snapshots."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._sources: dict[int, _Source] = {}
        self._bases: dict[int, Figures] = {}

    def take(self, snapshot: Snapshot) -> None:
        """Takes a snapshot, or a part of one. One of an earlier process is left out: its last figures are in the base."""
        number, pid, began, at, rows = snapshot
        source = self._sources.get(number)
        if source and began < source.began:
            return
        if source is None or began > source.began:
            if source:
                _add(self._bases.setdefault(number, {}), source.grown)
            source = _Source(pid, began, at, {}, {})
        for name, labels, value, is_gauge in rows:
            (source.gauges if is_gauge else source.grown).setdefault(name, {})[labels] = value
        self._sources[number] = source._replace(at=max(at, source.at))

    # Reading

    def totals(self, name: str) -> dict[Labels, float]:
        """What has grown under this name, by its labels, of all processes that there are or were."""
        found: dict[Labels, float] = {}
        for figures in self._all_grown():
            _add_to(found, figures.get(name, {}))
        return found

    def total(self, name: str) -> float:
        """The sum of all that has grown under this name."""
        return sum(self.totals(name).values())

    def of_each(self, name: str) -> dict[int, float]:
        """The same for each process, by their numbers."""
        own = {number: self._of(number) for number in self._sources}
        return {number: sum(sum(part.get(name, {}).values()) for part in parts) for number, parts in own.items()}

    def gauges(self, name: str) -> dict[int, dict[Labels, float]]:
        """The gauges of this name, by the numbers of processes that are heard, and by labels."""
        heard = {number: source for number, source in self._sources.items() if self._is_heard(source)}
        return {number: source.gauges[name] for number, source in heard.items() if name in source.gauges}

    @property
    def silences(self) -> dict[int, float]:
        """For how many seconds each process was not heard."""
        return {number: max(0.0, self._clock() - source.at) for number, source in self._sources.items()}

    @property
    def pids(self) -> dict[int, int]:
        """The process ids of those that are heard."""
        return {number: source.pid for number, source in self._sources.items() if self._is_heard(source)}

    @property
    def age(self) -> float:
        """For how many seconds the oldest process that is known has been counting."""
        now = self._clock()
        return now - min((source.began for source in self._sources.values()), default=now)

    def _is_heard(self, source: _Source) -> bool:
        return self._clock() - source.at <= GONE

    def _of(self, number: int) -> list[Figures]:
        return [self._sources[number].grown, self._bases.get(number, {})]

    def _all_grown(self) -> Iterable[Figures]:
        return [*(source.grown for source in self._sources.values()), *self._bases.values()]

    # Outliving a process

    def packed(self) -> bytes:
        """All of it, for `unpack`."""
        sources = {
            number: [source.pid, source.began, source.at, _rows(source.grown), _rows(source.gauges)]
            for number, source in self._sources.items()
        }
        bases = {number: _rows(base) for number, base in self._bases.items()}
        return json.dumps([sources, bases], separators=(",", ":")).encode()

    def unpack(self, packed: bytes) -> None:
        """Goes on from there. Raises ValueError and TypeError if it is nothing that was packed."""
        sources, bases = json.loads(packed)
        self._sources = {
            int(number): _Source(pid, began, at, _figures(grown), _figures(gauges))
            for number, (pid, began, at, grown, gauges) in sources.items()
        }
        self._bases = {int(number): _figures(base) for number, base in bases.items()}


def _add(base: Figures, grown: Figures) -> None:
    for name, values in grown.items():
        _add_to(base.setdefault(name, {}), values)


def _add_to(base: dict[Labels, float], values: dict[Labels, float]) -> None:
    for labels, value in values.items():
        base[labels] = base.get(labels, 0) + value


def _rows(figures: Figures) -> list[tuple[str, Labels, float]]:
    return [(name, labels, value) for name, values in figures.items() for labels, value in values.items()]


def _figures(rows: list[Any]) -> Figures:
    figures: Figures = {}
    for name, labels, value in rows:
        figures.setdefault(name, {})[tuple(labels)] = value
    return figures

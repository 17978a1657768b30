"""What an earlier run left in the journal: which frames count, and what is torn or damaged between them.

It does not know where segments are kept, nor what a record is for. A group that was written to the last frame was perhaps
acknowledged, and one before the last certainly; the last of each run may be torn, since its sync may not have ended.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from . import format
from .format import START, Frame, scan
from .records import Void, decode, is_void

GROUPS_A_RUN = 1 << 32
"""Groups are numbered from 1 in each run of the server, added to the number of the run so many times."""


class Source(NamedTuple):
    """A segment to be read: its sequence number, its salt, and what gives its octets."""

    sequence: int
    salt: bytes
    data: Callable[[], bytes]


class Damage(NamedTuple):
    """Octets that are no whole frame. Torn ones were not acknowledged; others may have been."""

    offset: int
    end: int
    is_torn: bool


class _Survey:
    """What one must know of all groups before judging any: the last one of each run, and those that were refused."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self.last_of: dict[int, int] = {}
        self.refused: set[int] = set()
        self._void_from: dict[int, int] = {}
        for source in sources:
            for frame in scan(source.data(), source.salt):
                run = frame.group // GROUPS_A_RUN
                self.last_of[run] = max(frame.group, self.last_of.get(run, 0))
                if is_void(frame.payload):
                    self._note(decode(frame.payload))

    def _note(self, void: object) -> None:
        if isinstance(void, Void):
            self.refused.add(void.group)
            self._void_from[void.sequence] = min(void.group, self._void_from.get(void.sequence, void.group))

    def is_void(self, source: Source, frame: Frame) -> bool:
        return frame.group >= self._void_from.get(source.sequence, frame.group + 1)

    def follows(self, before: Frame, frame: Frame) -> bool:
        """Whether nothing was written between two frames, but what was refused."""
        if frame.group == before.group:
            return frame.number == before.number + 1
        return _is_last(before) and frame.number == 0 and self._is_next(before, frame)

    def _is_next(self, before: Frame, frame: Frame) -> bool:
        """Whether all groups between those of two frames were refused; an earlier run wrote nothing after its last."""
        run = frame.group // GROUPS_A_RUN
        first = before.group + 1 if run == before.group // GROUPS_A_RUN else run * GROUPS_A_RUN + 1
        between = range(first, frame.group)
        return len(between) <= len(self.refused) and self.refused.issuperset(between)

    def may_be_torn(self, before: Frame | None, frame: Frame | None) -> bool:
        """Whether all that is missing between two frames can be of the last group of a run."""
        if before and self._ends_a_run(before) and (frame is None or (frame.number == 0 and self._is_next(before, frame))):
            return True
        is_of_the_last = frame is None or self._ends_a_run(frame)
        return is_of_the_last and (
            before is None
            or frame is None
            or before.group == frame.group
            or (_is_last(before) and self._is_next(before, frame))
        )

    def _ends_a_run(self, frame: Frame) -> bool:
        return frame.group == self.last_of[frame.group // GROUPS_A_RUN]


def _is_last(frame: Frame) -> bool:
    return frame.number + 1 == frame.of


def replay(sources: Sequence[Source]) -> tuple[int, Iterator[tuple[int, Frame | Damage]]]:
    """The number before the next run's first group; and in order each frame that counts and each damage, with its source.

    What was refused, and says so in a later record, does not count.
    """
    survey = _Survey(sources)
    return (max(survey.last_of, default=0) + 1) * GROUPS_A_RUN, _walk(sources, survey)


def _walk(sources: Sequence[Source], survey: _Survey) -> Iterator[tuple[int, Frame | Damage]]:
    before: Frame | None = None
    at, end = 0, START
    is_cut = False
    for number, source in enumerate(sources):
        data = source.data()
        offset = START
        for frame in scan(data, source.salt):
            if survey.is_void(source, frame):
                continue
            if frame.offset != offset:
                yield number, Damage(offset, frame.offset, survey.may_be_torn(before, frame))
            elif before and not survey.follows(before, frame):
                yield at, Damage(end, format.SIZE if at != number else offset, survey.may_be_torn(before, frame))
            yield number, frame
            before, at, end, offset = frame, number, frame.end, frame.end
        if at == number or before is None:
            at, end = number, offset
            is_cut = data.startswith(source.salt, offset) if source.salt else False
    if before and (before.number + 1 < before.of or is_cut):
        yield at, Damage(end, format.SIZE, survey.may_be_torn(before, None))

"""What an earlier run left in the journal: which frames count, and where octets are torn or damaged.

Knows nothing about how segments are stored, nor what records are for.

The theory. The journal writes a group of frames with one write, syncs, and only then answers the group's messages. It begins
the next group only when that sync has returned. So at a crash every group of the run is on disk as a whole, except perhaps
the last, which may be torn. A run numbers its groups without gaps, so a missing group shows. Anything missing before a run's
last group was on disk once, and was damaged later; its messages may have been acknowledged. What is missing from a last
group was most likely not yet written when the server died. (It may also have rotted later. That looks alike.)

A write or sync that fails is the exception. The journal refuses the group's messages and never writes to that segment again,
but the frames may be on disk all the same. So the next group, in another segment, begins with a `Void`: nothing in the old
segment counts from the refused group on. A void stands behind what it voids, and refused groups leave gaps in the numbers,
so nothing can be judged before everything was seen. Hence two passes:

- `_Survey` reads all segments once. It notes the last group of each run, and all voids.
- `_walk` reads them again, in order, and yields each frame that counts. Such frames must follow each other without a gap:
  in offsets within a segment, in numbers everywhere. A gap is a `Damage`. It is torn if everything that is missing can
  belong to the last group of a run.

A frame of an earlier life of its segment has another salt, so `scan` does not see it.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from . import format
from .format import START, Frame, scan
from .records import Void, decode, is_void

GROUPS_A_RUN = 1 << 32
"""A group's number is its run's number times this, plus its number within the run, from 1."""


class Source(NamedTuple):
    """A segment to be read: its sequence number, its salt, and a function that returns its octets."""

    sequence: int
    salt: bytes
    data: Callable[[], bytes]


class Damage(NamedTuple):
    """Octets that are no whole frame. Torn ones were most likely being written when the server died, and so not
    acknowledged; others may have been.
    """

    offset: int
    end: int
    is_torn: bool


class _Survey:
    """What must be known of all groups before any is judged: each run's last group, and the refused groups."""

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
        """Whether nothing is missing between two frames except groups that were refused."""
        if frame.group == before.group:
            return frame.number == before.number + 1
        return _is_last(before) and frame.number == 0 and self._is_next(before, frame)

    def _is_next(self, before: Frame, frame: Frame) -> bool:
        """Whether all groups between those of two frames were refused. Assumes that `before` is its run's last if the run
        differs.
        """
        run = frame.group // GROUPS_A_RUN
        first = before.group + 1 if run == before.group // GROUPS_A_RUN else run * GROUPS_A_RUN + 1
        between = range(first, frame.group)
        return len(between) <= len(self.refused) and self.refused.issuperset(between)

    def may_be_torn(self, before: Frame | None, frame: Frame | None) -> bool:
        """Whether everything that is missing between two frames can belong to the last group of a run.

        `before` is None at the beginning of the journal, `frame` at its end.
        """
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
    """The number before the next run's first group; and, in order, each frame that counts and each damage, with the index of
    its source.

    Refused groups do not count if a later record voids them.
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

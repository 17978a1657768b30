"""Compares what servers have answered with what is there: the verdict on a run.

Knows nothing about how mail is sent or read.

The promise that is counted: a message that was answered 250 is there, once, whole, in each of its mailboxes. One that was
refused, or whose end was never sent, is nowhere. One whose answer was lost may be there or not, but not in part and not
twice (RFC 1047 says why nobody can know more).
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from .history import Attempt, Run

KINDS = {
    "lost": "acknowledged, and in none of its mailboxes",
    "half": "in some of its mailboxes only",
    "twice": "more than once in a mailbox",
    "damaged": "its octets are not those that were sent",
    "astray": "in a mailbox that it was not for",
    "refused but found": "refused, or never sent to its end, and there all the same",
    "unknown": "there, with a token of this run that was never sent",
}
"""Each kind of fault, and what it is."""


class Found(NamedTuple):
    """A message that is there: in which mailbox, with which token, and the digest of its octets."""

    mailbox: str
    token: str
    digest: str


class Fault(NamedTuple):
    """A fault: its kind, a key of KINDS, and the message that it is about."""

    kind: str
    words: str


class Verdict(NamedTuple):
    """What was counted. `silence` is the longest time without an acknowledgement, in seconds, and when it began."""

    acknowledged: int
    refused: int
    unanswered: int
    unanswered_but_found: int
    others: int
    silence: tuple[float, float]
    faults: list[Fault]

    def number(self, kind: str) -> int:
        """How many faults are of a kind."""
        return sum(fault.kind == kind for fault in self.faults)


def is_acknowledged(attempt: Attempt) -> bool:
    """Whether the server has said that it has the message."""
    return attempt.is_complete and attempt.code is not None and 200 <= attempt.code < 300


def is_refused(attempt: Attempt) -> bool:
    """Whether the server must not have the message."""
    return not attempt.is_complete or (attempt.code is not None and attempt.code >= 300)


def count(runs: Sequence[Run], found: Iterable[Found]) -> Verdict:
    """The verdict on these runs. What was found may have messages of other runs."""
    attempts = {attempt.token: attempt for run in runs for attempt in run.attempts}
    names = {run.name for run in runs}
    copies: dict[str, list[Found]] = {token: [] for token in attempts}
    others, faults = 0, []
    for one in found:
        if one.token in copies:
            copies[one.token].append(one)
        elif one.token.partition("-")[0] in names:
            faults.append(Fault("unknown", f"{one.token} in {one.mailbox}"))
        else:
            others += 1
    for token, attempt in attempts.items():
        faults += [Fault(kind, _words(attempt, copies[token])) for kind in _kinds(attempt, copies[token])]
    unanswered = [each for each in attempts.values() if not is_acknowledged(each) and not is_refused(each)]
    return Verdict(
        acknowledged=sum(map(is_acknowledged, attempts.values())),
        refused=sum(map(is_refused, attempts.values())),
        unanswered=len(unanswered),
        unanswered_but_found=sum(bool(copies[each.token]) for each in unanswered),
        others=others,
        silence=max((silence(run) for run in runs), default=(0.0, 0.0)),
        faults=faults,
    )


def _kinds(attempt: Attempt, copies: Sequence[Found]) -> list[str]:
    """What is wrong with a message that was sent; often nothing."""
    if is_refused(attempt):
        return ["refused but found"] if copies else []
    places = Counter(copy.mailbox for copy in copies)
    there = [mailbox for mailbox in attempt.mailboxes if places[mailbox]]
    wrong = {
        "lost": is_acknowledged(attempt) and not there,
        "half": 0 < len(there) < len(attempt.mailboxes),
        "twice": any(number > 1 for number in places.values()),
        "damaged": any(copy.digest != attempt.digest for copy in copies),
        "astray": bool(places.keys() - set(attempt.mailboxes)),
    }
    return [kind for kind, is_so in wrong.items() if is_so]


def _words(attempt: Attempt, copies: Sequence[Found]) -> str:
    answer = "no answer" if attempt.code is None else str(attempt.code)
    when = f" at {attempt.answered:.3f} s" if attempt.answered is not None else ""
    places = ", ".join(f"{name} ({number})" for name, number in Counter(copy.mailbox for copy in copies).items())
    return (
        f"{attempt.token} for {', '.join(attempt.mailboxes)}: sent to {attempt.server} at {attempt.sent:.3f} s, "
        f"{answer}{when}, found in {places or 'no mailbox'}"
    )


def silence(run: Run) -> tuple[float, float]:
    """The longest time without an acknowledgement until a run stopped, and when that time began, in seconds."""
    heard = sorted(attempt.answered for attempt in run.attempts if is_acknowledged(attempt) and attempt.answered is not None)
    moments = [0.0, *(moment for moment in heard if moment < run.stopped)]
    moments.append(next((moment for moment in heard if moment >= run.stopped), run.stopped))
    return max((end - start, start) for start, end in pairwise(moments))

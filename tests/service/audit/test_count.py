"""The count finds each kind of fault, and finds none where there is none."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.audit.count import KINDS, Found, count, silence
from service.audit.history import Attempt, Run

BOXES = ("a", "b")


def attempt(token: str, code: int | None = 250, is_complete: bool = True, at: float = 1.0) -> Attempt:
    return Attempt(token, "mx:25", BOXES, f"digest of {token}", at - 0.1, code, None if code is None else at, is_complete)


def copy(token: str, mailbox: str, digest: str = "") -> Found:
    return Found(mailbox, token, digest or f"digest of {token}")


def whole(token: str) -> list[Found]:
    return [copy(token, mailbox) for mailbox in BOXES]


GOOD = attempt("r-1")
REFUSED = attempt("r-2", 451)
REFUSED_EARLY = attempt("r-3", 452, is_complete=False)
CUT = attempt("r-4", None, is_complete=False)
UNANSWERED = attempt("r-5", None)
OTHERS = [copy("q-1", "a"), Found("a", "", "")]


def kinds(attempts: list[Attempt], found: list[Found]) -> list[str]:
    return [fault.kind for fault in count([Run("r", attempts, 2.0)], found).faults]


def test_what_was_promised_is_no_fault() -> None:
    run = Run("r", [GOOD, REFUSED, REFUSED_EARLY, CUT, UNANSWERED], 2.0)
    for there in ([], whole("r-5")):
        counted = count([run], [*whole("r-1"), *OTHERS, *there])
        assert not counted.faults
        assert counted[:5] == (1, 3, 1, bool(there), 2)


PLANTED = [
    ("lost", GOOD, []),
    ("half", GOOD, [copy("r-1", "a")]),
    ("half", UNANSWERED, [copy("r-5", "b")]),
    ("twice", GOOD, [*whole("r-1"), copy("r-1", "b")]),
    ("twice", UNANSWERED, [*whole("r-5"), copy("r-5", "a")]),
    ("damaged", GOOD, [copy("r-1", "a"), copy("r-1", "b", "other")]),
    ("damaged", UNANSWERED, [copy("r-5", "a", "other"), copy("r-5", "b")]),
    ("astray", GOOD, [*whole("r-1"), copy("r-1", "c")]),
    ("refused but found", REFUSED, whole("r-2")),
    ("refused but found", REFUSED, [copy("r-2", "a")]),
    ("refused but found", REFUSED_EARLY, [copy("r-3", "a")]),
    ("refused but found", CUT, whole("r-4")),
    ("unknown", GOOD, [*whole("r-1"), copy("r-99", "a")]),
]


@pytest.mark.parametrize(("kind", "sent", "found"), PLANTED)
def test_each_kind_of_fault_is_found_and_named(kind: str, sent: Attempt, found: list[Found]) -> None:
    assert kinds([sent], found) == [kind]
    others = [attempt(f"r-{number}") for number in range(10, 30)]
    there = [one for each in others for one in whole(each.token)]
    (fault,) = count([Run("r", [*others, sent], 2.0)], [*there, *found, *OTHERS]).faults
    assert fault.kind == kind and (kind == "unknown" or fault.words.startswith(f"{sent.token} for a, b: sent to mx:25 at "))


def test_all_kinds_are_planted() -> None:
    assert {kind for kind, *_ in PLANTED} == set(KINDS)


def may_be(sent: Attempt) -> Iterator[tuple[int, int]]:
    """How often a message may be in the two mailboxes: the promise, written a second time."""
    if sent.is_complete and sent.code in (None, 250):
        yield 1, 1
    if sent.code != 250 or not sent.is_complete:
        yield 0, 0


@given(
    code=st.sampled_from([250, 451, 554, None]),
    is_complete=st.booleans(),
    copies=st.tuples(st.integers(0, 2), st.integers(0, 2)),
)
def test_a_fault_is_what_the_promise_does_not_allow(code: int | None, is_complete: bool, copies: tuple[int, int]) -> None:
    sent = attempt("r-1", code, is_complete)
    found = [copy("r-1", mailbox) for mailbox, number in zip(BOXES, copies, strict=True) for _ in range(number)]
    if is_complete or code != 250:  # nothing is accepted before its end
        assert bool(kinds([sent], found)) == (copies not in may_be(sent))


@pytest.mark.parametrize(
    ("moments", "longest"),
    [
        ([], (10.0, 0.0)),
        ([1.0, 2.0, 9.5], (7.5, 2.0)),
        ([6.0, 7.0, 8.0], (6.0, 0.0)),
        ([1.0, 2.0], (8.0, 2.0)),
        ([1.0, 2.0, 14.0], (12.0, 2.0)),
        ([5.0, 9.9, 11.0, 30.0], (5.0, 0.0)),
    ],
)
def test_silence_is_the_longest_time_without_an_acknowledgement(moments: list[float], longest: tuple[float, float]) -> None:
    heard = [attempt(f"r-{number}", at=moment) for number, moment in enumerate(moments)]
    noise = [attempt("r-98", 451, at=5.0), attempt("r-99", None)]
    assert silence(Run("r", [*heard[::-1], *noise], 10.0)) == longest


def test_several_runs_are_counted_together() -> None:
    runs = [Run("r", [GOOD], 2.0), Run("s", [attempt("s-1")], 2.0)]
    counted = count(runs, [*whole("r-1"), *whole("s-1")])
    assert (counted.acknowledged, counted.faults) == (2, [])
    assert count(runs, whole("r-1")).number("lost") == 1

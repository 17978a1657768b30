"""Answers that come later, and jobs one after another."""

import logging
from collections.abc import Callable
from typing import Any

import pytest

from web.answering import Job, carefully, found, in_turn
from web.contract import Away, Mistake
from web.request import RequestError
from web.response import Response, Stream, text


class Place:
    """Where an answer goes."""

    def __init__(self) -> None:
        self.heard: list[Response] = []

    def respond(self, response: Response) -> None:
        self.heard.append(response)

    def stream(self, type: str, gone: Callable[[], None], fields: tuple[tuple[str, str], ...] = ()) -> Stream:
        raise AssertionError

    def left(self, gone: Callable[[], None]) -> None:
        raise AssertionError


def answered(value: Any, go_on: Callable[[Any], None] | None = None, missing: int = 404) -> tuple[int, str]:
    place = Place()
    found(place, go_on or (lambda value: place.respond(text(value))), missing)(value)
    (heard,) = place.heard
    return heard.status, heard.body.decode()


def test_what_is_found_goes_on() -> None:
    assert answered("x") == (200, "x")
    assert answered(None) == (404, "404 page not found\n")
    assert answered(None, missing=503)[0] == 503
    assert answered(Mistake("before:soon is no date", 3)) == (400, "400 Bad Request: before:soon is no date\n")


@pytest.mark.parametrize(
    ("value", "words"),
    [(Away(True), "the database is away: try again"), (Away(False), "the mail cannot be read now: try again"), (None, "")],
)
def test_what_cannot_be_told_now_is_asked_for_again_later(value: Away | None, words: str) -> None:
    place = Place()
    found(place, lambda _: None, 503)(value)
    (heard,) = place.heard
    assert heard.status == 503 and ("Retry-After", "2") in heard.fields
    assert heard.body.decode().startswith(f"503 Service Unavailable: {words}") and heard.body.count(b"\n") == 1


def test_an_error_is_the_answer(caplog: pytest.LogCaptureFixture) -> None:
    def wrong(_: object) -> None:
        raise RequestError(404, "not here")

    def broken(_: object) -> None:
        raise ZeroDivisionError

    assert answered("x", wrong) == (404, "404 Not Found: not here\n") and not caplog.records
    assert answered("x", broken) == (500, "500 Internal Server Error\n")
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


def test_care_is_taken_of_calls() -> None:
    place = Place()
    carefully(place, lambda: None)
    assert not place.heard


@pytest.mark.parametrize("is_late", [False, True])
def test_jobs_are_done_one_after_another(is_late: bool) -> None:
    """10,000 that are done at once make no deep recursion."""
    made: list[int] = []
    late: list[Callable[[], None]] = []

    def job(number: int) -> Job:
        def do(done: Callable[[], None]) -> None:
            made.append(number)
            late.append(done) if is_late else done()

        return do

    ends: list[int] = []
    in_turn(map(job, range(10_000)), lambda: ends.append(len(made)))
    while late:
        assert len(late) == 1
        late.pop()()
    assert made == list(range(10_000)) and ends == [10_000]


def test_no_jobs_are_done_at_once() -> None:
    ends: list[bool] = []
    in_turn(iter(()), lambda: ends.append(True))
    assert ends == [True]

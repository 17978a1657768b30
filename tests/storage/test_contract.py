"""Answers are handed out to many at once: what is wrong with one of them is logged, and the others hear theirs."""

from collections.abc import Callable
from pathlib import Path

import pytest

from protocol.classic.table import CLASSIC
from protocol.engine.environment import Site
from protocol.engine.session import Session
from storage.mailboxes.mbox import MboxMailboxes
from storage.stores.discard import DiscardStore
from storage.stores.journalled import JournalledStore

from ..kit.support import MESSAGE, find_user, once

Stored = JournalledStore | DiscardStore


@pytest.fixture(params=["a store", "a store that keeps nothing"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Stored:
    return JournalledStore(tmp_path, MboxMailboxes) if request.param == "a store" else DiscardStore()


def commit(store: Stored, answer: Callable[[object], None]) -> None:
    message = store.begin(b"a@b", [("johndoe", b"johndoe")])
    message.write(b"\nx\r\n")
    message.commit(once(answer))


def test_the_others_are_answered(store: Stored, caplog: pytest.LogCaptureFixture) -> None:
    answers: list[object] = []

    def fail(fault: object) -> None:
        raise ZeroDivisionError("a bug of that one")

    for number in range(9):
        commit(store, fail if number % 3 == 0 else answers.append)
    assert not store.settle()
    assert answers == [None] * 6
    assert caplog.text.count("ZeroDivisionError: a bug of that one") == 3 and "could not be told" in caplog.text
    commit(store, answers.append)
    store.settle()
    assert answers == [None] * 7, "and it goes on"
    store.close()


def test_each_recipient_is_answered_once_though_one_answer_fails(store: Stored) -> None:
    message = store.begin(b"a@b", [("johndoe", b"j"), ("babydoe", b"b"), ("johndoe", b"j2")])
    message.write(b"\nx\r\n")
    answers: list[tuple[int, object]] = []

    def answer(recipient: int, fault: object) -> None:
        answers.append((recipient, fault))
        if recipient == 1:
            raise ZeroDivisionError("a bug")

    message.commit(answer)
    store.settle()
    assert sorted(answers) == [(0, None), (1, None), (2, None)]
    store.close()


def test_a_session_whose_log_fails_is_answered_nevertheless(store: Stored, caplog: pytest.LogCaptureFixture) -> None:
    def report(words: str, *values: object) -> None:
        if "message" in words:
            raise ZeroDivisionError("no log")

    site = Site(CLASSIC, b"mx.test", find_user, store, lambda: 0.0, 1000)
    sessions = [Session(site, "192.0.2.1", report, lambda: None) for _ in range(3)]
    for session in sessions:
        session.receive("".join(f"{line}\r\n" for line in MESSAGE).encode())
        session.outgoing.clear()
    store.settle()
    for session in sessions:
        session.resume()
        assert session.outgoing.startswith(b"250 Message accepted")
    assert caplog.text.count("ZeroDivisionError: no log") == 3
    store.close()

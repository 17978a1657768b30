"""A history says what happened, also when it ends in the middle."""

from itertools import count
from pathlib import Path

import pytest

from service.audit.history import Attempt, History, read
from service.audit.letters import letter


def write(path: Path) -> History:
    """A history with a letter for each outcome; the clock ticks once a line."""
    history = History(path, "ab12", ["mx:25"], count().__next__)
    for nth in range(1, 6):
        history.begin(letter(f"ab12-{nth}", [("johndoe@a", "johndoe")], 100), "mx:25")
    history.answer("ab12-1", 250, "2.0.0 Ok", True)
    history.answer("ab12-2", 451, "later", False)
    history.give_up("ab12-3", "lost", True)
    history.give_up("ab12-4", "lost", False)
    history.stop()
    return history


def test_what_was_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "history"
    history = write(path)
    history.miss("mx:25", "Connection refused")
    history.end()
    run = read(path)
    assert (run.name, run.stopped) == ("ab12", 11)
    digest = letter("ab12-1", [("johndoe@a", "johndoe")], 100).digest
    assert run.attempts[0] == Attempt("ab12-1", "mx:25", ("johndoe",), digest, 2, 250, 7, True)
    outcomes = [(attempt.code, attempt.answered, attempt.is_complete) for attempt in run.attempts[1:]]
    assert outcomes == [(451, 8, False), (None, 9, True), (None, 10, False), (None, None, True)]
    assert (history.sent, history.acknowledged, history.refused, history.unanswered) == (5, 1, 1, 2)


def test_each_line_is_there_at_once_and_half_a_line_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "history"
    write(path)
    assert len(read(path).attempts) == 5
    whole = path.read_bytes()
    for end in range(len(whole)):
        path.write_bytes(whole[:end])
        if whole[:end].count(b"\n"):
            assert len(read(path).attempts) <= 5
        else:
            with pytest.raises(ValueError, match="its first line is missing"):
                read(path)


def test_without_a_line_that_says_so_a_run_stopped_with_its_last_line(tmp_path: Path) -> None:
    path = tmp_path / "history"
    write(path)
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    assert read(path).stopped == 10


def test_no_history_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "history").write_text("precious")
    with pytest.raises(FileExistsError):
        write(tmp_path / "history")
    assert (tmp_path / "history").read_text() == "precious"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("nonsense", "2: this is no line of a history"),
        ('{"event": "sent", "at": 1}', "'token' is missing"),
        ('{"event": "answered", "at": 1, "token": "ab12-9", "code": 250, "is_complete": true}', "'ab12-9' is missing"),
        ('{"event": "begun", "at": 1, "run": "x", "version": 2}', "version 2"),
        ("[]", "2: this is no line"),
    ],
)
def test_a_line_that_is_none_is_named(tmp_path: Path, line: str, why: str) -> None:
    path = tmp_path / "history"
    write(path)
    first = path.read_text().splitlines()[0]
    path.write_text(f"{first}\n{line}\n")
    with pytest.raises(ValueError, match=why):
        read(path)

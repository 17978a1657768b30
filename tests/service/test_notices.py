"""Notices arrive when somebody is there to take them, and cost nothing when not."""

import json
import time
from pathlib import Path

from service.notices import LONGEST, PLACE, Notices, listening
from storage.accounts.users import MAX_NAME
from storage.delivery.mover import OPENED


def test_a_notice_arrives(tmp_path: Path) -> None:
    (tmp_path / PLACE).mkdir()
    notices = Notices(tmp_path)
    with listening(tmp_path) as sock:
        notices.moved({"johndoe": 123})
        assert json.loads(sock.recv(LONGEST)) == {"mailboxes": {"johndoe": 123}}
    notices.close()


def test_all_mailboxes_of_a_round_of_moves_fit_in_one_notice(tmp_path: Path) -> None:
    (tmp_path / PLACE).mkdir()
    notices = Notices(tmp_path)
    names = {f"{number:02}" + "\u00e9" * ((MAX_NAME - 2) // 2): 1 << 50 for number in range(OPENED)}
    with listening(tmp_path) as sock:
        notices.moved(names)
        assert json.loads(sock.recv(LONGEST)) == {"mailboxes": names}
    notices.close()


def test_the_path_may_be_long(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 100) / ("y" * 100)
    (deep / PLACE).mkdir(parents=True)
    notices = Notices(deep)
    with listening(deep) as sock:
        notices.moved({"johndoe": None})
        assert json.loads(sock.recv(LONGEST))["mailboxes"] == {"johndoe": None}
    notices.close()


def test_without_anybody_there_they_are_dropped_and_counted(tmp_path: Path) -> None:
    notices = Notices(tmp_path)
    notices.moved({"johndoe": 1})  # no directory
    (tmp_path / PLACE).mkdir()
    notices.moved({"johndoe": 2})  # no socket
    listening(tmp_path).close()
    notices.moved({"johndoe": 3})  # nobody listens
    assert notices.dropped == 3
    with listening(tmp_path) as sock:
        notices.moved({"johndoe": 4})
        assert json.loads(sock.recv(LONGEST))["mailboxes"] == {"johndoe": 4}
    notices.close()


def test_one_who_does_not_take_them_holds_nobody_up(tmp_path: Path) -> None:
    (tmp_path / PLACE).mkdir()
    notices = Notices(tmp_path)
    with listening(tmp_path):
        began = time.monotonic()
        for number in range(20_000):
            notices.moved({"johndoe": number})
        assert notices.dropped > 0 and time.monotonic() - began < 10
    notices.close()

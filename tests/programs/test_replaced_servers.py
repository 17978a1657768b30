"""Somebody removes the mail directory of a server, or of one with workers, or moves it away, or replaces it."""

import re
import time
from collections.abc import Callable
from pathlib import Path

from ..kit.fleet import begun, mail, of_worker, workers
from ..kit.removals import EACH_WAY, remove, remove_a_segment, remove_the_spool
from ..kit.server import Server
from ..kit.support import read_mailbox, wait_until


@EACH_WAY
def test_a_server_notices_within_seconds_and_goes_on(tmp_path: Path, way: Callable[[Path], None]) -> None:
    with Server(tmp_path) as server:
        with server.connect() as client:
            client.say("helo me")
            assert client.mail(b"\n0\r\n")[:3] == b"250"
        server.rest()
        way(server.mail_dir)
        wait_until(lambda: "taken up again" in server.log or "is put in others" in server.log, 5)
        with server.connect() as client:
            client.say("helo me")
            assert client.mail(b"\nafter\r\n")[:3] == b"250"
        assert [kept.content for kept in server.mailbox("johndoe")][-1] == b"\nafter\n"
        assert "Traceback" not in server.log and server.stop() == 0


@EACH_WAY
def test_so_do_workers(tmp_path: Path, way: Callable[[Path], None]) -> None:
    with Server(tmp_path, "--workers", "2") as server:
        for pid in begun(server, 2):
            of_worker(server, pid).close()  # it has begun
        way(server.mail_dir)
        told = "(?:put in others|taken up again, )"
        those = 1 if way in (remove_the_spool, remove_a_segment) else 3  # one process has it
        wait_until(lambda: len(set(re.findall(rf"ERROR (.*)mail directory .*{told}", server.log))) >= those, 10)
        for number, pid in enumerate(workers(server)):
            with of_worker(server, pid) as client:
                mail(client, number)
        assert server.stop() == 0
        assert len(read_mailbox(server.mail_dir / "johndoe.txt")) == 2
        assert "Traceback" not in server.log


@EACH_WAY
def test_nothing_acknowledged_is_lost_under_load(tmp_path: Path, way: Callable[[Path], None]) -> None:
    """Small messages, whose content the journal has; what was in a mailbox that was removed is not ours to keep."""
    with Server(tmp_path) as server:
        stored: list[int] = []
        refused = 0
        with server.connect() as client:
            client.say("helo me")
            end = time.monotonic() + 60
            while len(stored) < 1500 and time.monotonic() < end:
                number = len(stored) + refused
                if number == 500:
                    way(server.mail_dir)
                if client.mail(b"Subject: %d\r\n\r\nx\r\n" % number)[:3] == b"250":
                    stored.append(number)
                else:
                    refused += 1
        assert server.stop() == 0
        assert len(stored) == 1500
        boxes = [tmp_path / name / "johndoe.txt" for name in ("mailboxes", "old")]
        found = [int(kept.content.split()[1]) for box in boxes for kept in read_mailbox(box)]
        assert len(found) == len(set(found))
        lost = set(stored) - set(found)
        assert lost <= (set(range(501)) if way is remove else set())

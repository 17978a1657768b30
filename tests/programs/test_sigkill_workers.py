"""Workers, their parent, or all of them are killed while many deliver: what was acknowledged is found, once each."""

import os
import random
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from ..kit.fleet import is_alive, workers
from ..kit.server import Server, Telnet
from .test_sigkill import LARGE, found

ROUNDS = 4
SENDERS = 12
KILLS = 4
"""Workers that are killed in a round before it ends."""


class Senders:
    """Threads that send messages, most of them to one mailbox, until the server is gone for good."""

    def __init__(self) -> None:
        self.accepted: list[str] = []
        self.is_over = False

    def run(self, port: int, round_number: int) -> list[threading.Thread]:
        self.is_over = False
        threads = [threading.Thread(target=self._send, args=(port, f"{round_number}-{number}")) for number in range(SENDERS)]
        for thread in threads:
            thread.start()
        return threads

    def _send(self, port: int, name: str) -> None:
        chance = random.Random(name)
        number = 0
        while not self.is_over:
            with suppress(OSError, AssertionError), Telnet(port) as client:  # its worker may be killed, and it comes again
                client.socket.settimeout(2)
                client.hear()
                client.say("helo me")
                while not self.is_over:
                    id, number = f"{name}-{number}", number + 1
                    content = f"\r\n<{id}>\r\n".encode() + (
                        LARGE * 4000 if chance.random() < 0.02 else LARGE * chance.randrange(20)
                    )
                    to = "johndoe" if chance.random() < 0.8 else "babydoe"
                    if client.mail(content, to=to).startswith(b"250"):
                        self.accepted.append(id)
            time.sleep(0.01)


@pytest.mark.parametrize("store", ["mbox", "maildir"])
def test_what_was_acknowledged_is_found_once_whoever_was_killed(tmp_path: Path, store: str) -> None:
    senders = Senders()
    chance = random.Random(store)
    for user in ("johndoe", "jhaneroe", "babydoe"):
        if store == "mbox":
            (tmp_path / "mailboxes").mkdir(exist_ok=True)
            (tmp_path / "mailboxes" / f"{user}.txt").touch()
        else:
            (tmp_path / "mailboxes" / user / "new").mkdir(parents=True)
    for round_number in range(ROUNDS):
        with Server(tmp_path, "--quiet", "--store", store, "--workers", str(2 + round_number % 2)) as server:
            threads = senders.run(server.port, round_number)
            pids: set[int] = set()
            for _ in range(KILLS):
                time.sleep(chance.uniform(0.05, 0.3))
                pids |= {*workers(server)}
                os.kill(chance.choice(workers(server)), signal.SIGKILL)
            pids |= {*workers(server)}
            end(server, chance.choice(["parent", "all", "terminate"]))
            senders.is_over = True
            for thread in threads:
                thread.join(20)
                assert not thread.is_alive()
            while any(is_alive(pid) for pid in pids):
                time.sleep(0.01)
    with Server(tmp_path, "--quiet", "--store", store, "--workers", chance.choice("12")) as server:
        assert server.stop() == 0
    ids = found(server, store)
    assert len(senders.accepted) > ROUNDS * 10
    assert not [id for id in senders.accepted if ids[id] != 1], "lost, or there twice"
    assert max(ids.values()) == 1
    assert "Traceback" not in server.log


def end(server: Server, how: str) -> None:
    """Kills the parent, or all, or has the server end in order."""
    if how == "all":
        os.kill(server.process.pid, signal.SIGSTOP)  # else it starts some again
        for pid in workers(server):
            os.kill(pid, signal.SIGKILL)
    server.stop(signal.SIGTERM if how == "terminate" else signal.SIGKILL, 30)

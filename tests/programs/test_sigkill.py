"""The server is killed while many deliver, and started again: what was acknowledged is found, once each."""

import random
import re
import signal
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from ..kit.server import Server, Telnet
from ..kit.support import USERS

ROUNDS = 20
SENDERS = 50
LARGE = b"x" * 70 + b"\r\n"


class Senders:
    """Threads that send messages until the server is gone; `accepted` are the numbers of those that were acknowledged."""

    def __init__(self) -> None:
        self.accepted: list[str] = []
        self.sent = 0

    def run(self, port: int, round_number: int) -> list[threading.Thread]:
        threads = [threading.Thread(target=self._send, args=(port, f"{round_number}-{number}")) for number in range(SENDERS)]
        for thread in threads:
            thread.start()
        return threads

    def _send(self, port: int, name: str) -> None:
        chance = random.Random(name)
        try:
            with Telnet(port) as client:
                client.hear()
                client.say("helo me")
                for number in range(10_000):
                    id = f"{name}-{number}"
                    self.sent += 1
                    content = f"\r\n<{id}>\r\n".encode() + (
                        LARGE * 4000 if chance.random() < 0.01 else LARGE * chance.randrange(20)
                    )
                    if client.mail(content, to=chance.choice(USERS)).startswith(b"250"):
                        self.accepted.append(id)
        except (OSError, AssertionError):  # the server is gone
            pass


def found(server: Server, store: str) -> Counter[str]:
    """How often each message is in the mailboxes; each is whole."""
    ids: Counter[str] = Counter()
    for user in USERS:
        if store == "mbox":
            texts = re.split(rb"(?m)^From a@b .*\n", (server.mail_dir / f"{user}.txt").read_bytes())
            assert texts.pop(0) == b""
        else:
            texts = [path.read_bytes() + b"\n" for path in (server.mail_dir / user / "new").iterdir()]
        for text in texts:
            match = re.fullmatch(rb"Return-Path: <a@b>\nDelivered-To: .*\nReceived: (?:.*\n){3}\n<(.*)>\n(x{70}\n)*\n", text)
            assert match, text[:500]
            ids[match[1].decode()] += 1
    return ids


@pytest.mark.parametrize("store", ["mbox", "maildir"])
def test_what_was_acknowledged_is_found_once_after_it_was_killed(tmp_path: Path, store: str) -> None:
    senders = Senders()
    chance = random.Random(store)
    for round_number in range(ROUNDS):
        with Server(tmp_path, "--quiet", "--store", store) as server:
            threads = senders.run(server.port, round_number)
            time.sleep(chance.uniform(0.05, 0.5))
            server.stop(signal.SIGKILL)
            for thread in threads:
                thread.join(20)
                assert not thread.is_alive()
    with Server(tmp_path, "--quiet", "--store", store) as server:
        assert server.stop() == 0
    ids = found(server, store)
    assert len(senders.accepted) > ROUNDS * 10
    assert not [id for id in senders.accepted if ids[id] != 1], "lost, or there twice"
    assert max(ids.values()) == 1
    assert len(ids) <= senders.sent
    assert "Traceback" not in server.log
    assert "another program" not in server.log

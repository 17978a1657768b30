"""The page and its processes may be killed at any time: no mail is lost, comes twice, or late; the page comes back.

PAGE_KILLS says how often each is killed (3 without it).
"""

import json
import os
import random
import signal
import smtplib
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from ..kit.page import pids, url_of
from ..kit.server import Server

pytest.importorskip("h11")

KILLS = int(os.environ.get("PAGE_KILLS", "3"))
PROCESSES = ("page", "clerk", "opening")
PATIENCE = 30.0


def total(url: str) -> int:
    """How many messages the page shows."""
    with urllib.request.urlopen(f"{url}api/v1/messages?limit=1", timeout=PATIENCE) as answer:
        return int(json.load(answer)["total"])


@contextmanager
def sending(server: Server, sent: list[int], waits: list[float]) -> Iterator[None]:
    """A client sends messages all the time, and notes how long each took."""
    is_over = threading.Event()

    def send() -> None:
        with smtplib.SMTP("127.0.0.1", server.port, timeout=PATIENCE) as client:
            while not is_over.is_set():
                began = time.monotonic()
                client.sendmail("a@b.example", ["johndoe@b.example"], f"Subject: n{len(sent)}\r\n\r\nhello\r\n")
                waits.append(time.monotonic() - began)
                sent.append(len(sent))
                time.sleep(0.005)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join(PATIENCE)
        assert not thread.is_alive()


def test_every_process_of_the_page_may_be_killed(tmp_path: Path) -> None:
    chance = random.Random(1)
    sent: list[int] = []
    waits: list[float] = []
    killed = dict.fromkeys(PROCESSES, 0)
    with Server(tmp_path, "--web", "127.0.0.1:0", "--dialect", "esmtp", quiet=True) as server:
        url = url_of(server.process)
        with sending(server, sent, waits):
            end = time.monotonic() + PATIENCE + 5 * KILLS * len(PROCESSES)  # one that ends often is started again later
            while min(killed.values()) < KILLS and time.monotonic() < end:
                with suppress(OSError, ValueError, IndexError):
                    rows = json.load(urllib.request.urlopen(f"{url}api/v1/messages?limit=5", timeout=5))["messages"]
                    urllib.request.urlopen(f"{url}api/v1/message/{chance.choice(rows)['ID']}", timeout=5).read()
                name = min(PROCESSES, key=killed.__getitem__)
                for pid in pids(server.mail_dir, name):
                    os.kill(pid, signal.SIGKILL)
                    killed[name] += 1
                time.sleep(chance.random() * 0.2)
        assert min(killed.values()) >= KILLS, killed
        deadline = time.monotonic() + PATIENCE
        while total(url) < len(sent):
            assert time.monotonic() < deadline, "the page catches up"
            time.sleep(0.1)
        assert total(url) == len(sent)
        assert server.stop() == 0
        assert pids(server.mail_dir, "page") == pids(server.mail_dir, "clerk") == pids(server.mail_dir, "opening") == []
    octets = (server.mail_dir / "johndoe.txt").read_bytes()
    assert [octets.count(b"\nSubject: n%d\n" % number) for number in sent] == [1] * len(sent)
    assert len(sent) > 20 and sorted(waits)[len(waits) // 2] < 1.0
    print(f"killed {killed}, {len(sent)} messages, waits {sorted(waits)[len(waits) // 2]:.3f} s, at most {max(waits):.3f} s")


def test_without_the_server_they_end(tmp_path: Path) -> None:
    with Server(tmp_path, "--web", "127.0.0.1:0", quiet=True) as server:
        assert total(url_of(server.process)) == 0
        assert pids(server.mail_dir, "page") and pids(server.mail_dir, "clerk")
        server.process.kill()
        end = time.monotonic() + PATIENCE
        while pids(server.mail_dir, "page") or pids(server.mail_dir, "clerk"):
            assert time.monotonic() < end
            time.sleep(0.05)

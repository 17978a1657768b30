#!/usr/bin/env python3
"""Clients that are not measured themselves, in a process of their own: many idle ones, slow ones, one that never pauses.

The kinds: idle, gradual (idle, but not all connect at once), slow, commands, messages, large. The process ends when its
standard input ends.
"""

import os
import resource
import selectors
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.load import FORWARD_PATH, HOST, REVERSE_PATH, LoadError, body

GREETING_LIMIT = 60.0
"""Seconds within which all clients must be greeted."""

SLOW_PAUSE = 3.0
"""Seconds between the octets of a slow client."""

LARGE = (25 << 20) - 4096
"""Octets of a large message's body: a little less than a server with a limit of 25 MiB accepts."""

PARTS = 300
"""The slow clients are divided into this many groups, which send one after the other."""

GRADUAL = 500
"""This many gradual clients connect at a time, after the previous ones were greeted; all other kinds connect at once."""

ADDRESSES = 8
"""Clients use this many loopback addresses, since each has only about 28,000 ports."""

IP_BIND_ADDRESS_NO_PORT = 24


@contextmanager
def visiting(kind: str, port: int, number: int) -> Iterator[float]:
    """Runs visitors in another process for the length of the block; yields the seconds until all were greeted."""
    command = [sys.executable, __file__, kind, str(port), str(number)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdin and process.stdout and process.stderr
        line = process.stdout.readline()
        try:
            if not line:
                raise LoadError(f"visitors: {(process.stderr.read().strip().splitlines() or ['left'])[-1]}")
            yield float(line)
            if process.poll() is not None:
                raise LoadError(f"visitors left early: {process.stderr.read().strip()}")
        finally:
            process.kill()


def allow_descriptors(number: int) -> None:
    """Raises the soft limit on open files to `number`. Raises LoadError if the hard limit is lower."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < number:
        if hard != resource.RLIM_INFINITY and hard < number:
            raise LoadError(f"{number} open files are needed, {hard} are allowed")
        resource.setrlimit(resource.RLIMIT_NOFILE, (number, hard))


def main() -> None:
    kind, port, number = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    allow_descriptors(number + 100)
    threading.Thread(target=_leave_at_the_end_of_input, daemon=True).start()
    began = time.monotonic()
    portion = GRADUAL if kind == "gradual" else number
    clients = [client for begin in range(0, number, portion) for client in greeted(port, min(portion, number - begin))]
    seconds = time.monotonic() - began
    for client in clients:
        _say(client, b"HELO me\r\n")
    print(seconds, flush=True)
    if kind == "slow":
        send_slowly(clients)
    elif kind not in ("idle", "gradual"):
        send_without_end(clients[0], kind)
    threading.Event().wait()


def _leave_at_the_end_of_input() -> None:
    sys.stdin.read()
    os._exit(0)


def greeted(port: int, number: int) -> list[socket.socket]:
    """Opens this many connections at once; returns them when all are greeted."""
    selector = selectors.DefaultSelector()
    clients = []
    for each in range(number):
        client = socket.socket()
        client.setblocking(False)
        client.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
        client.bind((f"127.0.0.{2 + each % ADDRESSES}", 0))
        client.connect_ex((HOST, port))
        selector.register(client, selectors.EVENT_READ, client.recv)
        clients.append(client)
    deadline = time.monotonic() + GREETING_LIMIT
    left = number
    while left:
        if time.monotonic() > deadline:
            raise LoadError(f"{left} of {number} were not greeted in {GREETING_LIMIT:g} s")
        for key, _ in selector.select(1.0):
            if not key.data(1000).startswith(b"220"):
                raise LoadError("a client was turned away")
            selector.unregister(key.fileobj)
            left -= 1
    return clients


def _say(client: socket.socket, line: bytes) -> None:
    client.setblocking(True)
    client.settimeout(GREETING_LIMIT)
    client.sendall(line)
    if not client.recv(1000).startswith(b"250"):
        raise LoadError("HELO was refused")


def send_slowly(clients: list[socket.socket]) -> None:
    """Sends an octet of an endless command from each client every SLOW_PAUSE seconds; the clients take turns."""
    turns = cycle(clients)
    at_once = -(-len(clients) // PARTS)
    while True:
        for _ in range(at_once):
            next(turns).send(b"N")
        time.sleep(SLOW_PAUSE * at_once / len(clients))


def send_without_end(client: socket.socket, kind: str) -> None:
    """Sends as much as the server accepts; a thread reads the replies and discards them."""
    envelope = f"MAIL FROM:<{REVERSE_PATH}>\r\nRCPT TO:<{FORWARD_PATH}>\r\nDATA\r\n".encode()
    size = LARGE if kind == "large" else 1024
    times = {"commands": 0, "messages": 100, "large": 1}[kind]
    block = (envelope + b"Subject: load\r\n\r\n" + body(size) + b".\r\n") * times or b"NOOP\r\n" * 10_000
    client.setblocking(True)
    client.settimeout(None)

    def forget() -> None:
        while client.recv(1 << 16):
            pass

    threading.Thread(target=forget, daemon=True).start()
    while True:
        client.sendall(block)


if __name__ == "__main__":
    try:
        main()
    except (LoadError, OSError) as error:
        sys.exit(str(error))

#!/usr/bin/env python3
"""Measures what a polite client notices while others do their worst, and how long a turn of the loop takes then.

Each attack is a row: the longest turn in CPU time of the loop, the most syncs that it waited for in one turn, and how long
the polite client waited at most for the answer to a NOOP. `--check` fails when a turn is longer than BOUND: wide, and in CPU
time, so that it says the same on a busy machine. Everything goes to a server of its own on loopback.
"""

import argparse
import json
import os
import re
import selectors
import smtplib
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import certificate, peers
from bench.load import HOST, LoadError
from bench.peers import Peer, PeerError, Running
from bench.tally import resident_kib
from bench.visitors import allow_descriptors

TURNS = Path(__file__).resolve().parent / "turns.py"
NEW_KEYS = Path(__file__).resolve().parent / "new_keys.py"
KEY_UPDATES = 3000
"""In a burst of one client: 81 KB."""

BOUND = 0.25
"""Seconds of CPU time that a turn may take for `--check`; the promise is 0.05."""

USERS = 40
SPARE = 500
"""Descriptors that a server may have open in addition to those of its clients."""


class Site(NamedTuple):
    """The target of an attack."""

    port: int
    mail: Path
    clients: int
    seconds: float


class Attack(NamedTuple):
    """An attack: what it does, and the flags of the server. On the command line, the beginning of its name chooses it."""

    name: str
    begin: Callable[[Site], None]
    flags: Sequence[str] = ()
    sync: float = 0.0
    """Milliseconds by which each sync is delayed."""

    needs: str = ""
    """A module of Python's without which there is no such attack."""


# The attacks


def connected(site: Site, count: int) -> list[socket.socket]:
    """Connects this many clients."""
    return [socket.create_connection((HOST, site.port), 30) for _ in range(count)]


def hello(site: Site) -> bytes:
    """Makes a ClientHello."""
    outgoing = ssl.MemoryBIO()
    tls = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost")
    with suppress(ssl.SSLWantReadError):
        tls.do_handshake()
    return outgoing.read()


def say_hello_and_leave(site: Site) -> None:
    """All clients send a ClientHello at once, leave, and come again."""
    said, end = hello(site), time.monotonic() + site.seconds
    while time.monotonic() < end:
        clients = connected(site, site.clients)
        for client in clients:
            client.send(said)
        time.sleep(0.5)
        for client in clients:
            client.close()


def stall_in_hello(site: Site) -> None:
    """Each client sends the beginning of a very long ClientHello, and never the rest."""
    record = b"\x16\x03\x01\x3f\x00\x01\x00\xff\xff" + bytes(12_000)
    clients = connected(site, site.clients)
    for client in clients:
        client.send(record)
    time.sleep(site.seconds)
    for client in clients:
        client.close()


def pipeline(line: bytes, reads: bool) -> Callable[[Site], None]:
    """All clients send one command without end; `reads`: they read the replies."""

    def flood(site: Site) -> None:
        selector = selectors.DefaultSelector()
        for client in connected(site, site.clients):
            client.setblocking(False)
            client.send(b"EHLO me\r\n")
            selector.register(client, selectors.EVENT_READ * reads | selectors.EVENT_WRITE)
        lines, end = line * (32_768 // len(line)), time.monotonic() + site.seconds
        while time.monotonic() < end:
            for key, events in selector.select(1):
                assert isinstance(key.fileobj, socket.socket)
                with suppress(BlockingIOError):
                    if events & selectors.EVENT_READ:
                        key.fileobj.recv(65_536)
                    if events & selectors.EVENT_WRITE:
                        key.fileobj.send(lines)

    return flood


def ask_for_new_keys(site: Site) -> None:
    """Four clients of TLS 1.3 send KeyUpdates, and ask for as many, in bursts of thousands."""
    command = [sys.executable, str(NEW_KEYS), str(site.port), str(KEY_UPDATES)]
    clients = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    end = time.monotonic() + site.seconds
    while time.monotonic() < end:
        for client in clients:
            assert client.stdout
            client.stdout.readline()  # all have made theirs
        for client in clients:
            assert client.stdin
            client.stdin.write("go\n")
            client.stdin.flush()
    for client in clients:
        client.kill()
        client.wait()


def send_large(site: Site) -> None:
    """A quarter of the clients send large messages in step, a MiB each at a time."""
    clients = connected(site, site.clients // 4)
    for client in clients:
        client.sendall(b"EHLO me\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<user1@b.example>\r\nDATA\r\n")
    part, end = (b"x" * 998 + b"\r\n") * 1049, time.monotonic() + site.seconds
    while time.monotonic() < end:
        for client in clients:
            client.settimeout(5)
            with suppress(OSError):
                client.sendall(part)


def lock_a_mailbox(site: Site) -> None:
    """Locks one mailbox, as mail programs do, and sends much mail to it and to another one."""
    lock = site.mail / "user1.txt.lock"
    body = ("x" * 998 + "\r\n") * 200
    end = time.monotonic() + site.seconds
    (site.mail).mkdir(exist_ok=True)
    lock.touch()
    with smtplib.SMTP(HOST, site.port, timeout=60) as client:
        while time.monotonic() < end:
            os.utime(lock)
            for name in ("user1", "user2"):
                with suppress(smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused):
                    client.sendmail("a@b.example", [f"{name}@b.example"], f"Subject: {name}\r\n\r\n{body}")
    lock.unlink()


def send_to_many(site: Site) -> None:
    """Sends one message to 32 users that have no mailbox yet."""
    with smtplib.SMTP(HOST, site.port, timeout=60) as client:
        client.sendmail("a@b.example", [f"user{number}@b.example" for number in range(1, 33)], "Subject: x\r\n\r\nx\r\n")
    time.sleep(site.seconds)


TLS = ("--listen-tls", f"{HOST}:0")
ATTACKS = (
    Attack("nobody", lambda site: time.sleep(site.seconds)),
    Attack("hello: ClientHellos at once, RSA 4096, senders leave", say_hello_and_leave, TLS),
    Attack("stall: ClientHellos that never end", stall_in_hello, TLS),
    Attack("noop: NOOP pipelined, replies read", pipeline(b"NOOP\r\n", reads=True)),
    Attack("help: HELP pipelined, replies never read", pipeline(b"HELP\r\n", reads=False)),
    Attack("keys: 4 clients of TLS 1.3 send KeyUpdates in bursts", ask_for_new_keys, TLS, needs="tlslite"),
    Attack("large: large messages in step, 2 ms a sync", send_large, sync=2.0),
    Attack("locked: a locked mailbox and much mail for it", lock_a_mailbox),
    Attack("maildirs: 32 new Maildirs, 10 ms a sync", send_to_many, ("--store", "maildir"), sync=10.0),
)


# Measuring


class Seen(NamedTuple):
    """A row of the table."""

    cpu: float
    syncs: int
    waited: float
    memory: int
    """Peak memory in MiB."""
    left: int
    """Memory in MiB after the clients have left."""


@contextmanager
def serving(attack: Attack, clients: int, seconds: float) -> Iterator[tuple[Running, Site]]:
    """Runs a server for one attack; yields it and the target."""
    with tempfile.TemporaryDirectory(prefix="attacks-") as directory:
        flags = [*attack.flags]
        if "--listen-tls" in flags:
            pem = certificate.make_pem(Path(directory), certificate.RSA)
            flags += ["--tls-cert", str(pem.cert), "--tls-key", str(pem.key)]
        options = ["--dialect", "esmtp", "--quiet", *flags]
        command = peers.carteiro(*options, users=USERS, before=[str(TURNS), str(attack.sync)])
        with peers.running(Peer(attack.name, command), Path(directory) / "server") as server:
            port = tls_port(server) if "--listen-tls" in flags else server.port
            yield server, Site(port, server.directory / "mail", clients, seconds)


def tls_port(server: Running) -> int:
    """The port on which the server listens for TLS; it announces it after the other port."""
    while not (found := re.search(r"listening on \S+:(\d+) \(TLS\)", server.log.read_text())):
        time.sleep(0.01)
    return int(found[1])


def measured(attack: Attack, clients: int, seconds: float) -> Seen:
    """Runs an attack with a polite client beside it, and measures both."""
    with serving(attack, clients, seconds) as (server, site):
        waits: list[float] = []
        is_over = threading.Event()
        polite = threading.Thread(target=be_polite, args=(server.port, waits, is_over))
        polite.start()
        where = json.dumps([site.port, str(site.mail), clients, seconds])
        subprocess.run(["nice", sys.executable, __file__, "--only", attack.name, "--at", where], check=True)
        memory = resident_kib(server.pid, "VmHWM")
        time.sleep(1)
        left = resident_kib(server.pid)
        is_over.set()
        polite.join()
        server.stop()
        turns = json.loads(server.log.read_text().splitlines()[-1])
        return Seen(turns["cpu"], turns["syncs"], max(waits), memory >> 10, left >> 10)


def be_polite(port: int, waits: list[float], is_over: threading.Event) -> None:
    """Sends a NOOP every 20 ms and records how long each reply takes."""
    with socket.create_connection((HOST, port), 120) as client:
        client.recv(1000)
        while not is_over.is_set():
            began = time.monotonic()
            client.sendall(b"NOOP\r\n")
            client.recv(1000)
            waits.append(time.monotonic() - began)
            time.sleep(0.02)


def main() -> None:
    """Measures all attacks, or those named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="how the names of attacks begin; all, if none is given")
    parser.add_argument("--clients", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--check", action="store_true", help=f"fails when a turn takes more than {BOUND} s of CPU")
    parser.add_argument("--only", help=argparse.SUPPRESS)
    parser.add_argument("--at", help=argparse.SUPPRESS)
    options = parser.parse_args()
    allow_descriptors(options.clients + SPARE)
    if options.only:
        port, mail, clients, seconds = json.loads(options.at)
        (attack,) = [attack for attack in ATTACKS if attack.name == options.only]
        attack.begin(Site(port, Path(mail), clients, seconds))
        return
    print(f"{'attack':55} | longest turn, ms of CPU | syncs in a turn | a polite client waited, ms | memory, MiB | after")
    too_long = []
    for attack in ATTACKS:
        if options.names and not any(attack.name.startswith(name) for name in options.names):
            continue
        if attack.needs and find_spec(attack.needs) is None:
            print(f"{attack.name}: left out, since {attack.needs} is not installed", file=sys.stderr)
            continue
        seen = measured(attack, options.clients, options.seconds)
        times = f"{seen.cpu * 1000:23.0f} | {seen.syncs:15} | {seen.waited * 1000:26.0f}"
        print(f"{attack.name:55} | {times} | {seen.memory:11} | {seen.left:5}", flush=True)
        too_long += [attack.name] * (seen.cpu > BOUND)
    if options.check and too_long:
        sys.exit(f"a turn took more than {BOUND * 1000:.0f} ms of CPU: {', '.join(too_long)}")


if __name__ == "__main__":
    try:
        main()
    except (LoadError, PeerError) as error:
        sys.exit(f"attacks: {error}")

"""Measures extremes: start-up and memory with very many users, with a huge mailbox, and amid many large messages."""

import socket
import statistics
from contextlib import ExitStack

from bench import flat, peers
from bench.load import FORWARD_PATH, HOST, KIB, REVERSE_PATH, body
from bench.measuring import Setting, in_turns, running
from bench.outcome import Outcome
from bench.peers import Peer, Running
from bench.tally import resident_kib
from bench.visitors import allow_descriptors

USERS = 10_000, 1_000_000
MAILBOX_SIZE = 10 << 30
SESSIONS = 500
SENT = 4 << 20
"""Octets of an unfinished message that each session has sent."""

OPEN_FILES = 2000
HEADING = "server | start-up, s | resident, MiB"
NOTE = "the mailbox of 10 GiB is a sparse file; memory amid large messages is the most at any time"


def extremes(setting: Setting) -> Outcome:
    """Makes a table. There is no goal."""
    allow_descriptors(OPEN_FILES)
    few, many = USERS[0], USERS[1] // setting.divisor
    sessions = SESSIONS // setting.divisor
    amid = f"{sessions} sessions amid a message, {SENT >> 20} MiB sent by each"
    servers = [
        Peer(f"{few:,} users", flat.command(few)),
        Peer(f"{many:,} users", flat.command(many)),
        Peer("a mailbox of 10 GiB", flat.command(few, MAILBOX_SIZE)),
        peers.ours(amid, "mbox"),
    ]
    found: dict[str, list[tuple[float, float]]] = {server.name: [] for server in servers}
    for number in range(setting.rounds):
        for server in in_turns(setting, "extremes", servers, number):
            with running(setting, server) as listening:
                if server.name == amid:
                    _send_parts(listening, sessions)
                found[server.name].append((listening.started, resident_kib(listening.pid, "VmHWM") / KIB))
    return Outcome([], HEADING, [_cells(name, each) for name, each in found.items()], [NOTE])


def _send_parts(server: Running, sessions: int) -> None:
    """Brings all sessions into the middle of a message, then disconnects them."""
    opening = f"HELO me\r\nMAIL FROM:<{REVERSE_PATH}>\r\nRCPT TO:<{FORWARD_PATH}>\r\nDATA\r\n".encode()
    block = body(256 * KIB)
    with ExitStack() as stack:
        clients = [stack.enter_context(socket.create_connection((HOST, server.port))) for _ in range(sessions)]
        for client in clients:
            for line in opening.splitlines(keepends=True):
                client.recv(1000)
                client.sendall(line)
            client.recv(1000)
        for _ in range(SENT // len(block)):
            for client in clients:
                client.sendall(block)


def _cells(name: str, found: list[tuple[float, float]]) -> list[str]:
    started, resident = (statistics.median(values) for values in zip(*found, strict=True))
    return [name, f"{started:.2f}", f"{resident:.0f}"]

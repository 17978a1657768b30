#!/usr/bin/env python3
"""Measures what mails cost that are made to take long: until each is shown, and what others wait for meanwhile.

Each goes into a mailbox file, is listed, and is opened over the API and as a page. Meanwhile another client lists a mailbox
every 5 ms. The largest memory is that of the processes that open mail.
"""

import argparse
import http.client
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import frame, peers
from bench.load import HOST
from bench.shown import Client, ours_alone, send, until
from bench.tally import processes
from tests.kit.bombs import BOMBS

PAUSE = 0.005
OTHER = f"/mailbox/{peers.MAILBOX}/api/v1/messages?limit=50"
MOST_SECONDS, MOST_WAIT, MOST_MEMORY = 12.0, 0.050, 600
HEADING = "mail | listed after, s | opened in, s: API; page; again | slowest of others, ms | memory, MiB"


@contextmanager
def others(port: int, waits: list[float]) -> Iterator[None]:
    """Another client lists a mailbox all the time."""
    is_over = threading.Event()

    def ask() -> None:
        client = Client(port)
        while not is_over.wait(PAUSE):
            began = time.perf_counter()
            client.get(OTHER)
            waits.append(time.perf_counter() - began)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def timed(port: int, path: str) -> float:
    """Seconds until a page is there, whole."""
    began = time.perf_counter()
    connection = http.client.HTTPConnection(HOST, port, timeout=120)
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return time.perf_counter() - began if answer.status == http.HTTPStatus.OK else float("inf")


def peak(pid: int) -> int:
    """MiB of the largest process that opens mail."""
    sizes = [0]
    for each in processes(pid):
        words = Path(f"/proc/{each}/cmdline").read_bytes()
        if b"service.web.opening import" in words or b"service.web.clerk import" in words:
            (line,) = [line for line in Path(f"/proc/{each}/status").read_text().splitlines() if line.startswith("VmHWM:")]
            sizes.append(int(line.split()[1]) >> 10)
    return max(sizes)


def measure(name: str, directory: Path) -> list[str]:
    """The row of a mail, on a server of its own."""
    with ours_alone(directory) as (running, port):
        send(running.port, range(50))
        mailboxes = directory / "mail"
        client, waits = Client(port), list[float]()
        until(lambda: len(client.get(OTHER)) == 50, 30)
        began = time.perf_counter()
        with others(port, waits):
            (mailboxes / "bomb.txt").write_bytes(b"From a@b Thu Nov 26 09:00:00 2026\n" + BOMBS[name]() + b"\n\n")
            while not client.get("/mailbox/bomb/api/v1/messages"):
                time.sleep(0.05)
            listed = time.perf_counter() - began
            (row,) = client.get("/mailbox/bomb/api/v1/messages")
            paths = (f"/api/v1/message/{row['ID']}", f"/view/{row['ID']}", f"/api/v1/message/{row['ID']}")
            took = [timed(port, path) for path in paths]
        memory = peak(running.pid)
    worst = max(waits)
    marks = [
        "" if max(took) <= MOST_SECONDS else " !",
        "" if worst <= MOST_WAIT else " !",
        "" if memory <= MOST_MEMORY else " !",
    ]
    opened = "; ".join(f"{each:.2f}" for each in took)
    return [name, f"{listed:.1f}", opened + marks[0], f"{1000 * worst:.0f}{marks[1]} of {len(waits)}", f"{memory}{marks[2]}"]


def report(options: argparse.Namespace, directory: Path) -> None:
    frame.print_list(
        [
            *frame.surroundings(directory),
            f"goals: {MOST_SECONDS:g} s, {1000 * MOST_WAIT:g} ms, {MOST_MEMORY} MiB; ! is worse",
        ]
    )
    rows = [measure(name, directory / str(number)) for number, name in enumerate(options.names or BOMBS)]
    print("", *frame.table(HEADING, rows), sep="\n", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description="Measures what mails cost that are made to take long.")
    parser.add_argument("--dir", metavar="DIR", type=Path, help="where the mail goes meanwhile (default: as tempfile says)")
    parser.add_argument("names", metavar="NAME", nargs="*", help=f"of {', '.join(BOMBS)} (default: all)")
    options = parser.parse_args()
    return frame.run("bombs", options.dir, partial(report, options))


if __name__ == "__main__":
    sys.exit(main())

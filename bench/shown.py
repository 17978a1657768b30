#!/usr/bin/env python3
"""Measures how fast mail is shown, beside Mailpit and MailDev where they are installed, and a mailbox of a million messages.

All servers get the same mails over SMTP and answer the same questions over their APIs, a round each in turns: `visible` is
from the answer 250 until the mail is in the list; `list` is 50 of all messages; `search` is a word that one message of a
thousand has; `field` is a subject that one has; `open` is one message. With --large N, an mbox file with N messages is there
already, and ours alone makes its index.
"""

import argparse
import http.client
import json
import random
import shutil
import smtplib
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import frame, peers
from bench.load import HOST, find_program
from bench.outcome import figure
from bench.peers import Peer, PeerError, Running
from bench.tally import processes, resident_kib

SENDERS = 4
WORDS = ("invoice", "order", "ship", "letter", "report", "meeting", "garden", "river", "paper", "market", "engine", "coffee")
RARE = "needle"
EACH_RARE = 1000
LISTED = 50
VISIBLE, LIST, SEARCH, FIELD, OPEN = "visible", "list", "search", "field", "open"
TASKS = (VISIBLE, LIST, SEARCH, FIELD, OPEN)
OURS = "ours"
PATIENCE = 900.0
"""Seconds that a server may take until it shows all mails."""


class Shower(NamedTuple):
    """A server that shows mail: how it is started, and the paths of its API. Lists of messages are JSON."""

    name: str
    command: Callable[[Path, int, int], list[str] | None]
    """For a directory, a port for SMTP and one for HTTP; None: it is not installed."""
    newest: Callable[[int], str]
    """The path that lists the newest message, or nothing, when so many older ones are known."""
    list: str
    search: str
    field: Callable[[str], str]
    """The path that finds a subject."""
    open: str
    """The path of a message, with an id to be put in."""


def mail(number: int) -> bytes:
    """A mail of about 1 KiB, text and HTML."""
    chance = random.Random(number)
    text = " ".join(chance.choice(WORDS) for _ in range(60)) + (f" {RARE}" if number % EACH_RARE == 0 else "")
    return (
        f"From: Sender {number % 97} <sender{number % 97}@example.org>\r\nTo: {peers.MAILBOX}@example.com\r\n"
        f"Subject: number {number} end\r\nMessage-ID: <{number}@example.org>\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/alternative; boundary="b"\r\n\r\n'
        f"--b\r\nContent-Type: text/plain\r\n\r\n{text}\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>{text}</p>\r\n--b--\r\n"
    ).encode()


def _ours(directory: Path, smtp: int, http_port: int) -> list[str]:
    make = peers.carteiro("--quiet", "--store", "mbox", "--web", f"{HOST}:{http_port}", users=1)
    return make(directory, smtp)


def _mailpit(directory: Path, smtp: int, http_port: int) -> list[str] | None:
    program = find_program("mailpit")
    places = ["--smtp", f"{HOST}:{smtp}", "--listen", f"{HOST}:{http_port}", "--database", str(directory / "mailpit.db")]
    return [program, *places, "--max", "0", "--quiet", "--disable-version-check"] if program else None


def _maildev(directory: Path, smtp: int, http_port: int) -> list[str] | None:
    program = find_program("maildev")
    places = ["--smtp", str(smtp), "--ip", HOST, "--web", str(http_port), "--web-ip", HOST]
    return [program, *places, "--mail-directory", str(directory / "mails"), "--silent"] if program else None


def _quoted(subject: str) -> str:
    return "%22" + subject.replace(" ", "%20") + "%22"


_with_mailpits_api = partial(
    Shower,
    newest=lambda known: "/api/v1/messages?limit=1",
    list=f"/api/v1/messages?limit={LISTED}",
    search=f"/api/v1/search?query={RARE}&limit={LISTED}",
    field=lambda subject: f"/api/v1/search?query=subject:{_quoted(subject)}&limit={LISTED}",
    open="/api/v1/message/{}",
)
SHOWERS = (
    _with_mailpits_api(OURS, _ours),
    _with_mailpits_api("Mailpit", _mailpit),
    Shower(
        "MailDev",
        _maildev,
        lambda known: f"/api/email?skip={known}&limit=1",
        f"/api/email?limit={LISTED}",
        "",  # it searches fields only
        lambda subject: f"/api/email?subject={subject.replace(' ', '%20')}&limit={LISTED}",
        "/api/email/{}",
    ),
)


class Client:
    """Asks an API over one connection."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection(HOST, port, timeout=PATIENCE)

    def get(self, path: str) -> list[dict[str, Any]]:
        """A list of messages; one message is a list of one."""
        self._connection.request("GET", path)
        answer = self._connection.getresponse()
        data = json.loads(answer.read())
        if answer.status != http.HTTPStatus.OK:
            raise PeerError(f"{path}: {answer.status} {data}")
        found = data.get("messages", [data]) if isinstance(data, dict) else data
        return list(found)


def send(port: int, numbers: Iterable[int]) -> None:
    """Sends mails over one connection."""
    with smtplib.SMTP(HOST, port, timeout=60) as client:
        for number in numbers:
            client.sendmail("sender@example.org", [f"{peers.MAILBOX}@example.com"], mail(number))


def fill(port: int, count: int) -> float:
    """Sends so many mails; returns how many a second."""
    began = time.monotonic()
    threads = [threading.Thread(target=send, args=(port, range(first, count, SENDERS))) for first in range(SENDERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return count / (time.monotonic() - began)


def until(is_so: Callable[[], object], patience: float = PATIENCE) -> float:
    """Waits until something is so; returns the seconds."""
    began = time.monotonic()
    while not is_so():
        if time.monotonic() - began > patience:
            raise PeerError("a server did not show its mail in time")
    return time.monotonic() - began


class Asked:
    """A server that is full of mail, to be asked."""

    def __init__(self, shower: Shower, running: Running, port: int, count: int, options: argparse.Namespace) -> None:
        self.shower, self.running, self.client, self.count = shower, running, Client(port), count
        self.repeats: int = options.repeats
        self.filled = fill(running.port, count)
        self.behind = until(lambda: self._shows(count))
        self._sent = count
        self._chance = random.Random(1)

    def _shows(self, count: int) -> bool:
        """Whether all are there: the API tells how many, or the last one is there."""
        path = self.shower.newest(count - 1)
        self.client._connection.request("GET", path)
        data = json.loads(self.client._connection.getresponse().read())
        return bool(data) if isinstance(data, list) else data["total"] >= count

    def seconds(self, task: str) -> list[float]:
        """How long the task took, each time."""
        if task == SEARCH and not self.shower.search:
            return []
        return [self._timed(task) for _ in range(self.repeats)]

    def _timed(self, task: str) -> float:
        if task == VISIBLE:
            return self._visible()
        subject = f"number {self._chance.randrange(self._sent)} end"
        path = {LIST: self.shower.list, SEARCH: self.shower.search, FIELD: self.shower.field(subject)}.get(task)
        if path is None:
            rows = self.client.get(self.shower.field(subject))
            path = self.shower.open.format(rows[0].get("ID") or rows[0].get("id"))
        began = time.perf_counter()
        found = self.client.get(path)
        took = time.perf_counter() - began
        if task != OPEN and len(found) != {LIST: min(LISTED, self.count), FIELD: 1}.get(task, self._rare):
            raise PeerError(f"{self.shower.name}: {len(found)} messages for {path}")
        return took

    @property
    def _rare(self) -> int:
        return min(LISTED, -(-self.count // EACH_RARE))

    def _visible(self) -> float:
        number = 10_000_000 + self.count
        subject = f"number {number} end"
        with smtplib.SMTP(HOST, self.running.port, timeout=60) as client:
            client.sendmail("sender@example.org", [f"{peers.MAILBOX}@example.com"], mail(number))
            began = time.perf_counter()
            newest = self.shower.newest(self.count)
            while not any(subject in (row.get("Subject"), row.get("subject")) for row in self.client.get(newest)):
                pass
            took = time.perf_counter() - began
        self.count += 1
        return took


@contextmanager
def started(shower: Shower, directory: Path) -> Iterator[tuple[Running, int]]:
    """Runs a server; gives its port for HTTP, too."""
    port = peers.free_port()

    def command(place: Path, smtp: int) -> list[str]:
        words = shower.command(place, smtp, port)
        assert words
        return words

    with peers.running(Peer(shower.name, command), directory) as running:
        until(lambda: _listens(port), 30)
        yield running, port


def ours_alone(directory: Path) -> AbstractContextManager[tuple[Running, int]]:
    """Our server."""
    return started(SHOWERS[0], directory)


def _listens(port: int) -> bool:
    try:
        connection = http.client.HTTPConnection(HOST, port, timeout=5)
        connection.connect()
        connection.close()
    except OSError:
        time.sleep(0.05)
        return False
    return True


def compare(showers: list[Shower], options: argparse.Namespace, directory: Path) -> None:
    """The tables: the times of each, and what they take."""
    found: dict[str, dict[str, list[list[float]]]] = {each.name: {task: [] for task in TASKS} for each in showers}
    takes = []
    # One after the other, since two that run share the cores; the times of a round are close together all the same.
    for number in range(options.rounds):
        for shower in showers if number % 2 == 0 else reversed(showers):
            with started(shower, directory / f"{shower.name}-{number}") as (running, port):
                asked = Asked(shower, running, port, options.messages, options)
                for task in TASKS:
                    found[shower.name][task].append(asked.seconds(task))
                memory = f"{resident_kib(running.pid) / 1024:.0f}"
                takes.append([shower.name, figure(asked.filled), f"{asked.behind:.1f}", memory])
            shutil.rmtree(directory / f"{shower.name}-{number}")
    heading = f"{options.messages:,} messages | ours, ms | " + " | ".join(
        f"{each.name}, ms | ours ÷ {each.name}" for each in showers[1:]
    )
    rows = [_row(task, found, [each.name for each in showers[1:]]) for task in TASKS]
    print("", *frame.table(heading, rows), sep="\n", flush=True)
    print("", *frame.table("server | messages/s taken | seconds behind | MiB, all processes", takes), sep="\n", flush=True)


def _row(task: str, found: dict[str, dict[str, list[list[float]]]], others: list[str]) -> list[str]:
    cells = [task, _ms([each for part in found[OURS][task] for each in part])]
    for name in others:
        theirs = found[name][task]
        if not all(theirs):
            cells += ["it cannot", ""]
            continue
        ratios = [statistics.median(a) / statistics.median(b) for a, b in zip(found[OURS][task], theirs, strict=True)]
        cells += [f"{1000 * statistics.median(map(statistics.median, theirs)):.2f}", f"{statistics.median(ratios):.2f}"]
    return cells


def large(options: argparse.Namespace, directory: Path) -> None:
    """A mailbox with many messages and no index: when its newest are shown, and what it takes when all are there."""
    place, count = directory / "large", options.large
    (place / "mail").mkdir(parents=True)
    with (place / "mail" / f"{peers.MAILBOX}.txt").open("wb") as file:
        for number in range(count):
            entry = mail(number).replace(b"\r\n", b"\n")
            stamp = time.strftime("%a %b %d %H:%M:%S %Y", time.gmtime(1_700_000_000 + number))
            file.write(f"From a@b {stamp}\n".encode() + entry + b"\n")
    with ours_alone(place) as (running, port):
        began, client = time.monotonic(), Client(port)
        newest = f"number {count - 1} end"
        path = f"/api/v1/messages?limit={LISTED}&start={min(1000, count) - LISTED}"
        until(lambda: len(client.get(path)) == min(LISTED, count), 120)
        shown = time.monotonic() - began
        assert client.get("/api/v1/messages?limit=1")[0]["Subject"] == newest
        while client.get(f"/api/v1/messages?limit=1&start={count - 1}") == []:
            time.sleep(0.5)
        whole = time.monotonic() - began
        time.sleep(5)
        lists = [_once(client, f"/api/v1/messages?limit={LISTED}") for _ in range(options.repeats)]
        deep = [_once(client, f"/api/v1/messages?limit={LISTED}&start={count // 2}") for _ in range(20)]
        field = [_once(client, SHOWERS[0].field(f"number {each} end")) for each in range(7, count, count // 20)]
        memory = ", ".join(f"{name} {resident / 1024:.0f}" for name, resident in _memory(running.pid))
    frame.print_list(
        [
            f"{count:,} messages, index deleted: the newest 1,000 shown after {shown:.2f} s, all after {whole:.0f} s",
            f"list of {LISTED}, ms: newest {_ms(lists)}, in the middle {_ms(deep)}; a subject {_ms(field)}",
            f"memory, MiB: {memory}",
        ]
    )


def _ms(seconds: list[float]) -> str:
    """Median and p95, in milliseconds."""
    ordered = sorted(1000 * each for each in seconds)
    return f"{statistics.median(ordered):.2f}, p95 {ordered[int(len(ordered) * 0.95)]:.2f}"


def _once(client: Client, path: str) -> float:
    began = time.perf_counter()
    client.get(path)
    return time.perf_counter() - began


def _memory(pid: int) -> Iterator[tuple[str, int]]:
    """The processes of a server by what they are, and KiB that each has."""
    for each in processes(pid):
        words = Path(f"/proc/{each}/cmdline").read_bytes().decode(errors="replace")
        names = [name for name in ("page", "clerk", "opener", "monitor") if f"service.web.{name} import" in words]
        status = Path(f"/proc/{each}/status").read_text()
        (line,) = [line for line in status.splitlines() if line.startswith("VmRSS:")]
        yield (names or ["smtpd"])[0], int(line.split()[1])


def report(options: argparse.Namespace, directory: Path) -> None:
    frame.print_list(frame.surroundings(directory))
    showers = []
    for shower in SHOWERS:
        if shower.command(directory, 0, 0) if shower.name != OURS else True:
            showers.append(shower)
        else:
            print(f"- without {shower.name}: to have it compared, put {shower.name.lower()} on the path", flush=True)
    if options.messages:
        compare(showers, options, directory)
    if options.large:
        large(options, directory)


def main() -> int:
    parser = argparse.ArgumentParser(description="Measures how fast mail is shown.")
    frame.add_options(parser)
    parser.set_defaults(rounds=3)
    parser.add_argument("--messages", metavar="N", type=int, default=10_000, help="of each server (default %(default)s)")
    parser.add_argument("--repeats", metavar="N", type=int, default=100, help="of each question (default %(default)s)")
    parser.add_argument("--large", metavar="N", type=int, default=0, help="messages of a mailbox without an index")
    options = parser.parse_args()
    return frame.run("shown", options.dir, partial(report, options))


if __name__ == "__main__":
    sys.exit(main())

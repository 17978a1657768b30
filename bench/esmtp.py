#!/usr/bin/env python3
"""Measures what RFC 5321's dialect costs beside the classic one, what pipelining saves, and TLS, beside other servers.

It does not know how the servers are started, nor how the load is made: see `peers` and `client`.
"""

import argparse
import ssl
import statistics
import subprocess
import sys
import time
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import client, frame, peers
from bench.client import Manner
from bench.frame import KIB
from bench.load import Load, find_program
from bench.peers import Peer, PeerError, Running

GOAL = 0.9
"""The ESMTP dialect's messages/s, divided by the classic one's, that is to be reached."""

QUICK = 40
"""With --quick, messages are fewer by this factor."""

WARM_UP = 100
SETTLING = 0.05
"""Seconds in which a server closes what its clients have left, before its CPU time is read."""

SHARE = 1 / 6
"""Messages that a slow server gets for each of ours."""

CLASSIC, ESMTP = "carteiro, classic", "carteiro, esmtp"
STORES = {"discard": "kept nowhere", "mbox": "durable"}
CLIENT = (
    "one client in Python makes all load; where it uses 90 % of a core, the server's CPU says more than messages/s",
    "a TLS handshake is a full one, and the certificate is not verified",
)
HEADING = (
    "load | server | messages/s | server CPU, µs/message | client CPU | carteiro, esmtp ÷ this, messages/s | "
    "carteiro, esmtp ÷ this, CPU"
)


class Pem(NamedTuple):
    """The files of a certificate and its key."""

    cert: Path
    key: Path


class Case(NamedTuple):
    """A load that several servers get."""

    name: str
    work: Load
    manner: Manner
    messages: int
    store: str


class Figures(NamedTuple):
    """What one measurement gave; CPU of the server in seconds a message, of the client as a part of one core."""

    rate: float
    cpu: float
    load_cpu_share: float


Results = dict[tuple[Case, str], list[Figures]]
"""One measurement a round."""


def cases() -> list[Case]:
    secure = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    secure.check_hostname, secure.verify_mode = False, ssl.CERT_NONE  # it is the server that is measured
    many, large, one = Load(100, KIB, True), Load(100, 50 * KIB, True), Load(100, KIB, False)
    loads = [
        (many.name, many, Manner(b"EHLO"), 16_000),
        (f"{many.name}, pipelined", many, Manner(b"EHLO", pipelines=True), 24_000),
        (f"{one.name}, TLS", one, Manner(b"EHLO", tls=secure), 2400),
        (f"{large.name}, TLS", large, Manner(b"EHLO", tls=secure), 4800),
    ]
    return [Case(f"{load[0]}, {STORES[store]}", *load[1:], store) for store in STORES for load in loads]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Compares the ESMTP dialect, pipelined and not, and over TLS, with the classic dialect and with other "
        "servers. All rounds together take about 3 minutes and 1 GB of disk; nothing else may run meanwhile."
    )
    frame.add_options(parser)
    parser.add_argument("--quick", action="store_true", help="one round with few messages: shows that all works, no more")
    parser.add_argument("--case", metavar="WORDS", default="", help="only the loads with these words in their names")
    options = parser.parse_args()
    options.cases = [each for each in cases() if options.case in each.name]
    if not options.cases:
        parser.error(f"no load is named so, there are: {'; '.join(each.name for each in cases())}")
    return options


def servers_for(case: Case, pem: Pem) -> list[Peer]:
    """Those that can take it, ours first."""
    keeps, has_tls = case.store == "mbox", case.manner.tls is not None
    basic = ["--quiet", "--store", case.store]
    secure = ["--tls-cert", str(pem.cert), "--tls-key", str(pem.key)] if has_tls else []
    stored = peers.in_mbox if keeps else None
    found = [Peer(ESMTP, peers.carteiro(*basic, "--dialect", "esmtp", *secure), stored)]
    if not has_tls and not case.manner.pipelines:
        found.append(Peer(CLASSIC, peers.carteiro(*basic, "--dialect", "classic"), stored))
    if peers.has_aiosmtpd():
        found.append(peers.aiosmtpd(keeps, *(pem if has_tls else ()))._replace(share=SHARE))
    if not keeps and not has_tls and find_program("smtp-sink"):
        found.append(peers.SMTP_SINK)
    return found


def make_pem(directory: Path) -> Pem:
    """A certificate that signs itself, with an EC key on the curve P-256."""
    pem = Pem(directory / "cert.pem", directory / "key.pem")
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", str(pem.key)]
    command = ["openssl", "req", "-x509", *key, "-subj", "/CN=localhost", "-days", "2", "-out", str(pem.cert)]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=60)
    except (OSError, subprocess.SubprocessError) as error:
        raise PeerError(f"no certificate could be made with openssl: {error}") from error
    return pem


def measure(server: Running, case: Case, messages: int) -> Figures:
    manner = case.manner._replace(greeting=b"HELO") if server.peer.name == CLASSIC else case.manner
    client.send(server.port, case.work, WARM_UP, manner)
    server.check_stored(WARM_UP)
    used = server.cpu_seconds()
    effort, _ = client.send(server.port, case.work, messages, manner)
    time.sleep(SETTLING)
    server.check_stored(WARM_UP + messages)
    used = server.cpu_seconds() - used
    return Figures(messages / effort.seconds, used / messages, effort.cpu_share)


class Bench:
    """The measurements so far, and which servers have to be pipelined to without having offered it."""

    def __init__(self, directory: Path, divisor: int) -> None:
        self.results: Results = {}
        self.unasked: set[str] = set()
        self._directory = directory
        self._divisor = divisor
        self._pem = make_pem(directory)

    def round(self, number: int, cases: list[Case]) -> None:
        """The servers in turns, each fresh and with an empty mailbox; each second round begins with the last of them."""
        for case in cases:
            servers = servers_for(case, self._pem)
            for server in servers:
                self.results.setdefault((case, server.name), [])
            for server in reversed(servers) if number % 2 else servers:
                print(f"round {number + 1}: {case.name}: {server.name}", file=sys.stderr)
                self._measure(server, case, self._directory / f"{number}-{cases.index(case)}-{servers.index(server)}")

    def _measure(self, server: Peer, case: Case, place: Path) -> None:
        messages = int(case.messages * server.share) // self._divisor
        with peers.running(server, place) as listening:
            if case.manner.pipelines and "PIPELINING" not in client.offered(listening.port):
                self.unasked.add(server.name)
            self.results[case, server.name].append(measure(listening, case, messages))


def rows(results: Results) -> list[list[str]]:
    lines = []
    for (case, name), figures in results.items():
        ratios = ["", ""]
        if name != ESMTP:
            ratios = [f"{frame.ratio(results[case, ESMTP], figures, of):.2f}" for of in (rate_of, cpu_of)]
        median = Figures(*map(statistics.median, zip(*figures, strict=True)))
        cells = [f"{median.rate:,.0f}", f"{1e6 * median.cpu:.0f}", f"{median.load_cpu_share:.0%}"]
        lines.append([case.name, name, *cells, *ratios])
    return lines


def rate_of(figures: Figures) -> float:
    return figures.rate


def cpu_of(figures: Figures) -> float:
    return figures.cpu


def goals(results: Results) -> list[str]:
    return [
        frame.verdict(f"{GOAL:g} x {name} at {case.name}", frame.ratio(results[case, ESMTP], theirs, rate_of), GOAL)
        for (case, name), theirs in results.items()
        if name == CLASSIC
    ]


def savings(results: Results) -> list[str]:
    """What our pipelined messages/s are, divided by those of the case before, which is the same without."""
    ours = [(case, figures) for (case, name), figures in results.items() if name == ESMTP]
    return [
        f"- {ESMTP}, {STORES[case.store]}: {frame.ratio(figures, plain, rate_of):.2f} x the messages/s"
        for (before, plain), (case, figures) in pairwise(ours)
        if case.manner.pipelines and before.store == case.store
    ]


def report(options: argparse.Namespace, directory: Path) -> None:
    frame.print_list([*frame.surroundings(directory), f"TLS: {ssl.OPENSSL_VERSION}, EC P-256", *peers.available()[1]])
    rounds, divisor = (1, QUICK) if options.quick else (options.rounds, 1)
    bench = Bench(directory, divisor)
    for number in range(rounds):
        bench.round(number, options.cases)
    unasked = [f"{name} does not offer PIPELINING, and gets it all the same" for name in sorted(bench.unasked)]
    frame.print_list([frame.method(rounds), *CLIENT, *unasked])
    results = bench.results
    print("", *frame.table(HEADING, rows(results)), sep="\n")
    for title, lines in (("To reach, in messages/s:", goals(results)), ("What pipelining saves:", savings(results))):
        if lines:
            print("", title, *lines, sep="\n")


def main() -> int:
    options = arguments()
    return frame.run("esmtp", options.dir, partial(report, options))


if __name__ == "__main__":
    sys.exit(main())

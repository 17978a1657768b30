"""smtpcheck as a program: checks each server, prints and writes the reports, and says by its exit code what was found.

Knows nothing about what is right, or about how a report looks.
"""

import argparse
import ipaddress
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from email.utils import formatdate
from pathlib import Path
from typing import NamedTuple, NoReturn

from conformance import baseline
from conformance.checking import Check, Selection, Server
from conformance.looking import Untestable
from conformance.openings import Unreached
from conformance.probes.known import PROBES
from conformance.reports.interchange import as_junit, as_sarif
from conformance.reports.page import as_html
from conformance.reports.picture import as_badge, as_svg
from conformance.reports.report import Report, discreet, is_grave
from conformance.reports.structured import as_json
from conformance.reports.text import text
from conformance.rules.known import selected
from conformance.rules.rule import Harm, Level
from conformance.scripts import probe, read
from conformance.target import Target, Tls
from conformance.trial import Probe
from conformance.wire import NotReached
from reactor.loop import Reactor
from reactor.stream import addresses

from ..output import say
from .options import AT_ONCE, AT_ONCE_AWAY, parser
from .tasks import Tasks
from .visits import Busy, Visits

DIALOGUES = Path(__file__).resolve().parents[2] / "conformance" / "dialogues"

FORMATS: dict[str, Callable[[Sequence[Report]], str]] = {
    "json": as_json,
    "junit": as_junit,
    "sarif": as_sarif,
    "html": as_html,
    "svg": as_svg,
    "badge": as_badge,
}

CONNECTIONS, MESSAGES = 900, 120
"""What the cells cost, with all extensions. On servers that bear few refusals it is three times as many connections."""


class Stopped(Exception):  # noqa: N818
    """The program ends now, with this exit code; the text says why."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code = code


class Place(NamedTuple):
    """Where a server is."""

    name: str
    family: socket.AddressFamily
    address: tuple[object, ...]

    @property
    def is_here(self) -> bool:
        """Whether it is on this machine."""
        return ipaddress.ip_address(str(self.address[0]).partition("%")[0]).is_loopback


def main() -> int:
    """Runs the checks; returns the exit code."""
    signal.signal(signal.SIGINT, leave_once)
    options = parser().parse_args()
    try:
        return checked_all(options)
    except Stopped as end:
        print(f"smtpcheck: {end}", file=sys.stderr)
        return end.code
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return 130


def leave_once(signum: int, _: object) -> NoReturn:
    """Leaves on Ctrl-C, and ignores further ones, so that they do not print a traceback."""
    signal.signal(signum, signal.SIG_IGN)
    raise KeyboardInterrupt


def checked_all(options: argparse.Namespace) -> int:
    """Checks each server, one after the other. Raises Stopped."""
    known = known_from(options.baseline)
    probes = all_probes()
    places = [found(*server) for server in options.servers]
    for path in [getattr(options, name) for name in FORMATS] + [options.write_baseline]:
        if path:
            try_out(path)
    ask_first(options, places, probes)
    reports = [report_of(place, options, probes, known) for place in places]
    shown = frozenset(finding.key for report in reports for finding in report.outcome.findings)
    reports = [report._replace(elsewhere=shown) for report in reports]
    for report in reports:
        say("smtpcheck", report.summary if options.quiet else text(report))
    for name, made in FORMATS.items():
        if path := getattr(options, name):
            write(path, made(reports))
    if options.write_baseline:
        everything = [finding for report in reports for finding in report.findings]
        write(
            options.write_baseline,
            baseline.written(everything, f"{', '.join(r.server for r in reports)}, {reports[0].date}"),
        )
    is_stale = options.strict_baseline and any(report.gone for report in reports)
    return int(is_stale or any(report.new for report in reports))


def found(name: str, host: str, port: int) -> Place:
    """Where a server is, by its name. Raises Stopped."""
    try:
        family, address = addresses.look_up(host, port)
    except (OSError, UnicodeError) as error:
        raise Stopped(3, f"{host}: {getattr(error, 'strerror', None) or error}: is the name right?") from error
    return Place(name or addresses.name(host, port), family, address)


def ask_first(options: argparse.Namespace, places: Sequence[Place], probes: Sequence[Probe]) -> None:
    """Says, of servers beyond this machine, what it will do, and asks. Raises Stopped."""
    away = [place for place in places if not place.is_here]
    if not away or options.yes:
        return
    if not options.to:
        raise Stopped(2, f"{away[0].name} is not on this machine: name the mailbox that is to get the messages (--to)")
    held = [probe for probe in probes if options.intrusive or not probe.is_intrusive]
    messages = MESSAGES + sum(probe.messages for probe in held)
    words = (
        f"about {CONNECTIONS + 2 * len(held)} connections to each of {', '.join(place.name for place in away)}, and up to "
    )
    print(f"smtpcheck: this will make {words}{messages} messages to {options.to}", file=sys.stderr)
    if not sys.stdin or not sys.stdin.isatty():
        raise Stopped(2, "nobody is here to be asked: say --yes if that is all right")
    print("Is the server yours to test, and is that all right? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise Stopped(2, "nothing was done")


def report_of(place: Place, options: argparse.Namespace, probes: Sequence[Probe], known: frozenset[str]) -> Report:
    """The report on one server. Raises Stopped."""
    reactor = Reactor()
    at_once = options.at_once or (AT_ONCE if place.is_here else AT_ONCE_AWAY)
    tasks = Tasks(reactor, at_once, progress(place.name))
    target = aim(options, place)
    visits = Visits(reactor, (place.family, place.address), tasks, target.tls is Tls.WIRE, NotReached)
    selection = Selection(frozenset(selected(tuple(options.only))), options.intrusive, options.idle)
    began = time.monotonic()
    try:
        outcome = Check(Server(visits.open, target, tasks.together, visits.patience), selection).run(probes)
    except (NotReached, Untestable, Unreached) as fault:
        raise Stopped(3, f"{place.name}: {fault}") from fault
    except Busy as fault:
        raise Stopped(3, f"{place.name}: it has said 421 three times, so no more was tried: {fault}") from fault
    finally:
        clear_progress()
        reactor.close()
    level, harm = Level[options.level.upper()], Harm[options.harm.upper()]
    told = tuple(f for f in outcome.findings if f.level.rank <= level.rank and f.harm.rank <= harm.rank)
    kept = tuple(f for f in told if not (options.discreet and is_grave(f)))
    return Report(
        place.name, outcome if not options.discreet else discreet(outcome), kept, time.strftime("%Y-%m-%d"),
        time.monotonic() - began, visits.made, known, left_out=len(told) - len(kept), how=manner(options),
    )  # fmt: skip


def aim(options: argparse.Namespace, place: Place) -> Target:
    """How the server is to be spoken to."""
    to = options.to or "postmaster"
    unknown = options.unknown or "smtpcheck-nobody" + "".join(to.rpartition("@")[1:] if "@" in to else "")
    auth = (options.auth, password(options)) if options.auth else None
    tls = {"wire": Tls.WIRE, "first": Tls.FIRST}.get(options.tls, Tls.NONE)
    return Target(to, unknown, date=formatdate(localtime=True), auth=auth, tls=tls, is_lmtp=options.lmtp)


def password(options: argparse.Namespace) -> str:
    """The password for --auth. Raises Stopped."""
    if not options.password_file:
        raise Stopped(2, "--auth needs a --password-file")
    try:
        return str(options.password_file.read_text().partition("\n")[0])
    except (OSError, UnicodeError) as error:
        raise Stopped(2, f"{options.password_file}: {getattr(error, 'strerror', None) or error}") from error


def manner(options: argparse.Namespace) -> str:
    """The flags that change what is tested, in words."""
    words = [f"--tls {options.tls}"] if options.tls else []
    words += [flag for flag, is_set in (("--lmtp", options.lmtp), ("--auth", options.auth)) if is_set]
    words += [flag for flag, is_set in (("--intrusive", options.intrusive), ("--discreet", options.discreet)) if is_set]
    return " ".join(words + [f"--only {only}" for only in options.only])


def all_probes() -> list[Probe]:
    """Those that are code, and the dialogue files."""
    files = [probe(read(path.name, path.read_text())) for path in sorted(DIALOGUES.glob("*.txt"))]
    return [*PROBES, *files]


def known_from(path: Path | None) -> frozenset[str]:
    """The keys of a baseline file. Raises Stopped."""
    if path is None:
        return frozenset()
    try:
        return baseline.read(str(path), path.read_text())
    except (OSError, UnicodeError) as error:
        raise Stopped(2, f"{path}: {getattr(error, 'strerror', None) or error}") from error
    except ValueError as error:
        raise Stopped(2, str(error)) from error


def try_out(path: Path) -> None:
    """Finds out before the tests whether a file can be written; leaves it as it is. Raises Stopped."""
    is_there = path.exists()
    try:
        path.open("a").close()
        if not is_there:
            path.unlink()
    except OSError as error:
        raise Stopped(2, f"{path}: {error.strerror}") from error


def write(path: Path, content: str) -> None:
    """Writes a file. Raises Stopped."""
    try:
        path.write_text(content)
    except OSError as error:
        raise Stopped(2, f"{path}: {error.strerror}") from error


def progress(name: str) -> Callable[[int, int], None]:
    """What shows on a terminal how far it is."""

    def show(number: int, total: int) -> None:
        if sys.stderr.isatty() and (number % 10 == 0 or number == total):
            print(f"\r{name}: {number} of {total} dialogues ", end="", file=sys.stderr, flush=True)

    return show


def clear_progress() -> None:
    """Takes the line of progress away."""
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)

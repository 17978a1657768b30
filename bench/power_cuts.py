#!/usr/bin/env python3
"""Cuts the power of a real ext4 under a real server: is each acknowledged message in its mailbox, whole and once?

The file system is on a loop device on top of a disk that logs each write and flush (`recording_disk`). Senders deliver mail.
Then the disk is rebuilt as it was at some moment, with a random part of the unflushed writes, and a server is started on it.
Needs root, /dev/fuse, mkfs.ext4, libfuse and mfusepy.
"""

import argparse
import os
import random
import re
import shutil
import smtplib
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ctypes.util import find_library
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import peers
from bench.load import HOST
from bench.peers import Peer
from bench.recording_disk import NAME, cut, entries

SIZE = 192 << 20
SENDERS = 12
USERS = ("user0", "user1", "user2")
LINE = "x" * 70 + "\r\n"
PATIENCE = 10.0
"""Seconds that a sender waits for a reply."""

_ENTRY = re.compile(rb"Return-Path: <a@b>\nDelivered-To: .*\nReceived: (?:.*\n){3}\n<(.*)>\n(?:x{70}\n)*\n")


class Sent(NamedTuple):
    """The messages that were sent, and the acknowledged ones, each with the length of the disk's log at that moment."""

    tried: list[str]
    accepted: list[tuple[str, int]]


class Outcome(NamedTuple):
    """The result of one power cut: numbers of messages, and the unflushed octets that were lost."""

    acknowledged: int
    lost: int
    doubled: int
    damaged: int
    octets_lost: int


def send(port: int, name: str, sent: Sent, log: Path, until: float) -> None:
    """Runs one client until the time `until`, or until the server is gone."""
    chance = random.Random(name)
    with suppress(OSError, smtplib.SMTPException), smtplib.SMTP(HOST, port, timeout=PATIENCE) as client:
        client.helo("me")
        for number in range(100_000):
            if time.monotonic() > until:
                return
            id = f"{name}-{number}"
            lines = 6000 if chance.random() < 0.01 else chance.randrange(60)
            sent.tried.append(id)
            with suppress(smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused):
                client.sendmail("a@b", [chance.choice(USERS)], f"\r\n<{id}>\r\n{LINE * lines}")
                sent.accepted.append((id, log.stat().st_size))


def server(options: list[str]) -> Peer:
    """The server whose disk loses power."""
    return Peer("carteiro", peers.carteiro("--quiet", *options, users=len(USERS) + 1))


@contextmanager
def mounted(image: Path, place: Path) -> Iterator[Path]:
    """Mounts the ext4 of an image on a directory."""
    device = subprocess.run(
        ["losetup", "--find", "--show", image], check=True, capture_output=True, text=True
    ).stdout.strip()
    try:
        subprocess.run(["mount", "-t", "ext4", device, place], check=True)
        try:
            yield place
        finally:
            subprocess.run(["umount", place], check=True)
    finally:
        subprocess.run(["losetup", "--detach", device], check=True)


@contextmanager
def recorded(here: Path) -> Iterator[tuple[Path, Path]]:
    """Provides a disk that logs, and its log."""
    place, log = here / "fuse", here / "log"
    place.mkdir()
    log.touch()
    script = Path(__file__).resolve().parent / "recording_disk.py"
    disk = subprocess.Popen([sys.executable, script, place, log, str(SIZE)])
    try:
        for _ in range(100):
            if (place / NAME).exists():
                break
            time.sleep(0.05)
        yield place / NAME, log
    finally:
        subprocess.run(["umount", "--lazy", place], check=False)
        disk.wait(10)


def deliver(here: Path, options: list[str], seconds: float) -> tuple[bytes, int, Sent]:
    """Delivers mail. Returns the disk's log, its length before the first message, and the messages sent."""
    sent = Sent([], [])
    place = here / "mounted"
    place.mkdir()
    with recorded(here) as (disk, log):
        subprocess.run(["mkfs.ext4", "-q", "-F", disk], check=True)
        with mounted(disk, place), peers.running(server(options), place) as running:
            ready = log.stat().st_size
            until = time.monotonic() + seconds
            threads = [
                threading.Thread(target=send, args=(running.port, f"{number}", sent, log, until))
                for number in range(SENDERS)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            end = log.stat().st_size
        return log.read_bytes()[:end], ready, sent


def moments(log: bytes, ready: int, count: int, chance: random.Random) -> list[int]:
    """Random moments for the cuts while the server ran, about half of them just before a flush, when most is at stake."""
    flushes = [at - 1 for at, entry in entries(log) if entry is None and at > ready]
    anywhere = range(ready, len(log) + 1)  # if nothing was flushed, the log may be as long as it was
    return sorted(chance.choice(chance.choice((flushes or anywhere, anywhere))) for _ in range(count))


def look(here: Path, log: bytes, end: int, sent: Sent, options: list[str], chance: random.Random) -> Outcome:
    """Starts a server on the disk that a power cut left, and counts what it finds."""
    left = cut(log, SIZE, end, chance)
    image, place = here / "image", here / "again"
    image.write_bytes(left.image)
    place.mkdir(exist_ok=True)
    with mounted(image, place):
        with peers.running(server(options), place) as running:
            running.stop()
        found, damaged = messages(place / "mail")
        damaged += "Traceback" in running.log.read_text()
    expected = {id for id, at in sent.accepted if at <= end}
    lost = sum(found[id] == 0 for id in expected)
    doubled = sum(number > 1 for number in found.values()) + len(set(found) - set(sent.tried))
    return Outcome(len(expected), lost, doubled, damaged, left.lost)


def messages(mail: Path) -> tuple[Counter[str], int]:
    """Counts each message in the mailboxes, and the entries that are not a whole message."""
    found: Counter[str] = Counter()
    damaged = 0
    for user in USERS:
        if (mail / user).is_dir():
            texts = [path.read_bytes() + b"\n" for path in (mail / user / "new").iterdir()]
        elif (mail / f"{user}.txt").exists():
            texts = re.split(rb"(?m)^From a@b .*\n", (mail / f"{user}.txt").read_bytes())[1:]
        else:
            continue
        for text in texts:
            match = _ENTRY.fullmatch(text)
            if match:
                found[match[1].decode()] += 1
            else:
                damaged += 1
    return found, damaged


def arguments() -> argparse.Namespace:
    """Parses the command line."""
    parser = argparse.ArgumentParser(description="Cuts the power of a real ext4 under a real server.")
    parser.add_argument("--cuts", type=int, default=50, help="for each kind of mailbox (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=5, help="of delivering before (default: %(default)s)")
    parser.add_argument("--no-sync", action="store_true", help="the server syncs nothing: shows that loss is noticed")
    parser.add_argument("--seed", type=int, default=random.getrandbits(32), help="of all random choices")
    return parser.parse_args()


def check_that_it_can() -> None:
    """Exits with a line that says what is missing, if something is."""
    missing = [name for name in ("mkfs.ext4", "losetup", "mount", "umount") if not shutil.which(name)]
    missing += [] if find_spec("mfusepy") else ["mfusepy (pip)"]
    missing += [] if find_library("fuse3") or find_library("fuse") else ["libfuse (Debian: libfuse2)"]
    missing += [] if os.geteuid() == 0 and Path("/dev/fuse").exists() else ["root and /dev/fuse"]
    if missing:
        sys.exit(f"power_cuts: missing: {', '.join(missing)}")


def main() -> None:
    """Makes the cuts and prints the results."""
    options = arguments()
    check_that_it_can()
    if options.no_sync:
        os.environ["PYTHONPATH"] = str(Path(__file__).resolve().parent / "no_sync")
    print(f"seed {options.seed}\nmailboxes | cuts | acknowledged before, median | MiB unflushed and lost, in all | "
          "lost | doubled | damaged")  # fmt: skip
    bad = 0
    for kind in ("mbox", "maildir"):
        chance = random.Random(options.seed)
        with tempfile.TemporaryDirectory() as directory:
            flags = ["--store", kind]
            log, ready, sent = deliver(Path(directory), flags, options.seconds)
            ends = moments(log, ready, options.cuts, chance)
            outcomes = [look(Path(directory), log, end, sent, flags, chance) for end in ends]
        acknowledged = statistics.median(outcome.acknowledged for outcome in outcomes)
        octets = sum(outcome.octets_lost for outcome in outcomes)
        faults = [sum(figures) for figures in zip(*(outcome[1:4] for outcome in outcomes), strict=True)]
        cells = (kind, len(outcomes), int(acknowledged), f"{octets / (1 << 20):.2f}", *faults)
        print(" | ".join(map(str, cells)), flush=True)
        bad += sum(faults) + (not acknowledged) + (not octets)
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()

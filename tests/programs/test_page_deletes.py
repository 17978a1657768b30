"""Deleting over the API, while mail arrives, another program rewrites the mailbox, and the deleting process is killed."""

import mailbox
import os
import signal
import smtplib
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import pytest

from ..kit.page import Page, dev, pids

pytest.importorskip("h11")

MESSAGES = 200
KILLS = 5

PROGRAM = """
import mailbox, os, sys, time
path = sys.argv[1]
while not os.path.exists(path + ".end"):
    try:
        os.close(os.open(path + ".lock", os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        time.sleep(0.005)
        continue
    box = mailbox.mbox(path, create=False)
    for key in box.keys()[:20]:
        message = box[key]
        message.set_flags("RO")
        box[key] = message
    try:
        box.flush()
    except mailbox.ExternalClashError:
        pass
    box.close()
    os.unlink(path + ".lock")
    time.sleep(0.05)
"""
"""It marks the first messages as read. It has the dot lock before it opens the file, which may be replaced until then."""


def send(page: Page, sent: list[int], may_end: threading.Event) -> None:
    """Sends the messages; the last one when it may."""
    with smtplib.SMTP("127.0.0.1", page.port, timeout=30) as client:
        for number in range(MESSAGES):
            if number == MESSAGES - 1:
                may_end.wait(60)
            client.sendmail("a@b.example", ["ana@b.example"], f"Subject: n{number}.\r\n\r\nhello\r\n")
            sent.append(number)
            time.sleep(0.01)


def delete_even_ones(page: Page) -> int:
    """Deletes those with even numbers that the page shows; returns how many that were."""
    rows = page.get("api/v1/messages?limit=500")["messages"]
    even = [row["ID"] for row in rows if int(row["Subject"].strip("n.")) % 2 == 0]
    if even:
        body = ('{"IDs": ["' + '","'.join(even) + '"]}').encode()
        request = urllib.request.Request(f"{page.url}api/v1/messages", body, method="DELETE")
        urllib.request.urlopen(request, timeout=30).read()
    return len(even)


@pytest.mark.parametrize("has_another", [False, True], ids=["alone", "beside another program"])
def test_exactly_what_was_deleted_is_gone(has_another: bool, tmp_path: Path) -> None:
    sent: list[int] = []
    with dev(tmp_path, "--quiet") as page:
        path = page.mail_dir / "ana.txt"
        with smtplib.SMTP("127.0.0.1", page.port, timeout=30) as client:
            client.sendmail("a@b.example", ["ana@b.example"], "Subject: n1000.\r\n\r\nhello\r\n")
        page.see(1)
        others = [subprocess.Popen([sys.executable, "-c", PROGRAM, str(path)])] if has_another else []
        were_killed = threading.Event()
        sender = threading.Thread(target=send, args=(page, sent, were_killed))
        sender.start()
        killed = deleted = 0
        while sender.is_alive():
            deleted += delete_even_ones(page)
            if killed < KILLS:
                for pid in pids(page.mail_dir, "clerk"):
                    os.kill(pid, signal.SIGKILL)
                    killed += 1
            else:
                were_killed.set()
            time.sleep(0.15)
        sender.join()
        (tmp_path / "mailboxes" / "ana.txt.end").touch()
        for other in others:
            other.wait(30)
        kept = sorted(f"n{number}." for number in range(1, MESSAGES, 2))

        def is_done() -> bool:
            delete_even_ones(page)
            return _subjects(path) == kept

        page.until(is_done)
        assert killed >= KILLS and len(sent) == MESSAGES
        page.see(len(kept))
    assert _subjects(path) == kept


def _subjects(path: Path) -> list[str]:
    octets = path.read_bytes()
    found = [line[9:].decode() for line in octets.split(b"\n") if line.startswith(b"Subject: ")]
    box = mailbox.mbox(path, create=False)
    assert len(box) == len(found), "each message is whole"
    box.close()
    return sorted(found)

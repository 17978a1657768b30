"""The page beside a server as operators run it: several workers, users with passwords, mails that are made to hurt."""

import base64
import json
import os
import signal
import smtplib
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ..kit.bombs import BOMBS
from ..kit.fleet import mail, of_worker, workers
from ..kit.page import Page, dev, pids, url_of
from ..kit.server import Server
from ..kit.support import wait_until

pytest.importorskip("h11")

WORST = ("encoded words", "1,000 levels", "100,000 parts", "nested divs", "empty lines")
WEB = ("--web", "127.0.0.1:0", "--dialect", "esmtp")


def get(url: str, name: str = "", word: str = "sesame") -> Any:
    """The JSON at a URL, asked for by a user."""
    token = base64.b64encode(f"{name}:{word}".encode()).decode()
    request = urllib.request.Request(url, headers={"Authorization": f"Basic {token}"} if name else {})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def status(url: str, name: str = "", word: str = "sesame") -> int:
    """The status of an answer."""
    try:
        get(url, name, word)
    except urllib.error.HTTPError as error:
        return error.code
    return 200


def subjects(url: str, name: str = "") -> list[str]:
    return sorted(row["Subject"] for row in get(f"{url}api/v1/messages", name)["messages"])


def serving(server: Server) -> list[int]:
    """The workers, without the page."""
    return [pid for pid in workers(server) if pid not in pids(server.mail_dir, "page")]


def test_it_shows_what_all_workers_take_and_goes_on_when_one_dies(tmp_path: Path) -> None:
    with Server(tmp_path, *WEB, "--workers", "2") as server:
        url = url_of(server.process)
        wait_until(lambda: len(serving(server)) == 2)
        first, second = serving(server)
        for number, pid in enumerate((first, second, first, second)):
            mail(of_worker(server, pid), number)
        wait_until(lambda: get(f"{url}api/v1/messages")["total"] == 4)
        os.kill(first, signal.SIGKILL)
        for number in (4, 5):
            mail(server.connect(), number)
        wait_until(lambda: get(f"{url}api/v1/messages")["total"] == 6)
        assert server.stop() == 0
        assert pids(server.mail_dir, "page") == []


def test_each_user_sees_his_own_mail_and_who_looks_after_all_sees_all(tmp_path: Path) -> None:
    pytest.importorskip("argon2")
    secrets = tmp_path / "secrets"
    make = "import argon2; print(argon2.PasswordHasher(1, 8, 1).hash('sesame'))"
    hashed = subprocess.run([sys.executable, "-c", make], capture_output=True, text=True, check=True).stdout
    secrets.write_text("".join(f"{name}:{hashed}" for name in "abr"))
    flags = ("--web-auth-file", str(secrets), "--web-admin", "r")
    with Server(tmp_path, *WEB, *flags, users=["a", "b"]) as server:
        url = url_of(server.process)
        with smtplib.SMTP("127.0.0.1", server.port, timeout=20) as client:
            for to in (["a"], ["b"], ["a", "b"]):
                client.sendmail(
                    "x@y.example", [f"{name}@b.example" for name in to], f"Subject: to {'+'.join(to)}\r\n\r\nx\r\n"
                )
        assert status(f"{url}api/v1/messages") == status(f"{url}api/v1/messages", "a", "wrong") == 401
        wait_until(lambda: subjects(url, "r") == ["to a", "to a+b", "to b"])
        assert subjects(url, "a") == ["to a", "to a+b"] and subjects(url, "b") == ["to a+b", "to b"]
        of_b = next(row["ID"] for row in get(f"{url}api/v1/messages", "b")["messages"] if row["Subject"] == "to b")
        for path in (f"api/v1/message/{of_b}", f"mailbox/b/api/v1/message/{of_b}", f"api/v1/message/{of_b}/raw"):
            assert status(url + path, "a") in (401, 404), path
        assert status(f"{url}api/v1/message/{of_b}", "b") == status(f"{url}api/v1/message/{of_b}", "r") == 200
        deleting = urllib.request.Request(f"{url}api/v1/messages", method="DELETE")
        deleting.add_header("Authorization", "Basic " + base64.b64encode(b"a:sesame").decode())
        urllib.request.urlopen(deleting, timeout=30).close()
        assert subjects(url, "a") == [] and subjects(url, "b") == ["to a+b", "to b"]
        secrets.write_text("".join(f"{name}:{hashed}" for name in "bc"))
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: status(f"{url}api/v1/messages", "a") == 401)
        assert status(f"{url}api/v1/messages", "c") == status(f"{url}api/v1/messages", "b") == 200
        secrets.write_text("nonsense")
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "what was read before stays" in server.log)
        assert status(f"{url}api/v1/messages", "c") == 200
        assert server.stop() == 0


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with dev(tmp_path_factory.mktemp("bombs")) as page:
        yield page


@pytest.mark.parametrize("name", WORST)
def test_a_bomb_is_shown_and_its_source_is_there(name: str, page: Page) -> None:
    lines = BOMBS[name]()[: 12 << 20]  # a line feed becomes two octets, and the server takes 25 MiB
    octets = b"X-Bomb: yes\n" + lines
    before = page.get("api/v1/messages?limit=1")["total"]
    with smtplib.SMTP("127.0.0.1", page.port, timeout=60) as client:
        client.sendmail("x@y.example", ["bob@b.example"], octets.replace(b"\n", b"\r\n"))
    page.see(before + 1)
    (row,) = page.get("api/v1/messages?limit=1")["messages"]
    for path in (f"api/v1/message/{row['ID']}", f"view/{row['ID']}", f"api/v1/message/{row['ID']}/raw"):
        with urllib.request.urlopen(page.url + path, timeout=60) as answer:
            shown = answer.read()
        assert b"could not be read" not in shown, path
    assert octets in shown and shown.startswith(b"Return-Path: <x@y.example>\n")

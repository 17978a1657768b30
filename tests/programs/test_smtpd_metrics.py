"""--metrics over real sockets: what is told is what happened, whatever is killed; and nothing of it stops mail."""

import os
import re
import signal
import smtplib
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from functools import partial
from pathlib import Path

import pytest

pytest.importorskip("h11")
pytest.importorskip("prometheus_client")

from ..kit.figures import Figures, fetched
from ..kit.fleet import begun, of_worker, workers
from ..kit.server import Server
from ..kit.support import ROOT, wait_until
from ..kit.tls import Pem

SILENCE = 5.0
LOOPBACK = ("--metrics", "127.0.0.1:0", "--dialect", "esmtp")


def url_of(server: Server) -> str:
    """Where the figures are, as the server says it."""
    assert server.process.stdout
    line = server.process.stdout.readline()
    if line.startswith("showing mail on"):
        line = server.process.stdout.readline()
    match = re.fullmatch(r"telling figures on (http://127\.0\.0\.1:\d+)/metrics\n", line)
    assert match, line
    return match[1]


def figures(url: str) -> Figures:
    return fetched(f"{url}/metrics")


def sessions(found: Figures) -> dict[str, float]:
    """The sessions that are open, by their state."""
    return {labels[0]: value for (name, labels), value in found.items() if name == "carteiro_sessions" and value}


def heard(url: str, name: str, labels: tuple[str, ...] = ()) -> float:
    """A figure, or -1 if it is not told now."""
    try:
        return figures(url).get((name, labels), -1)
    except OSError:
        return -1


def told(url: str, name: str, labels: tuple[str, ...], value: float) -> bool:
    return heard(url, name, labels) == value


def status_of(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def ready(url: str) -> bool:
    try:
        return status_of(f"{url}/readyz")[0] == 200
    except OSError:
        return False


def monitors(server: Server) -> list[int]:
    """The processes that tell figures."""
    found = []
    for line in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = line.read_bytes()
        except OSError:
            continue
        if str(server.mail_dir).encode() in words and re.search(rb"service\.web\.(monitor|page) import", words):
            found.append(int(line.parent.name))
    return found


def send(server: Server, count: int = 1) -> None:
    with smtplib.SMTP("127.0.0.1", server.port, timeout=10) as client:
        for number in range(count):
            client.sendmail("a@b.example", "johndoe", f"Subject: {number}\r\n\r\nhello\r\n")


def test_what_is_told_is_what_happened(tmp_path: Path, pem: Pem) -> None:
    flags = ("--tls-cert", str(pem.cert), "--tls-key", str(pem.key), "--auth-accept-any", "--max-connections", "3")
    with Server(tmp_path, *LOOPBACK, *flags) as server:
        url = url_of(server)
        wait_until(lambda: ready(url))
        assert status_of(f"{url}/livez") == status_of(f"{url}/readyz") == (200, "ok\n")
        assert status_of(f"{url}/api/v1/messages")[0] == status_of(f"{url}/")[0] == 404
        send(server, 3)
        with smtplib.SMTP("127.0.0.1", server.port, timeout=10) as client:
            client.starttls(context=ssl._create_unverified_context())
            client.login("ana", "any")
            with pytest.raises(smtplib.SMTPRecipientsRefused):
                client.sendmail("a@b.example", "nobody", "x")
            assert client.docmd("data")[0] == 503
        with server.connect() as one, server.connect(), server.connect():
            one.say("ehlo me", "mail from:<a@b>")
            with pytest.raises(smtplib.SMTPConnectError):
                smtplib.SMTP("127.0.0.1", server.port, timeout=10)
            wait_until(lambda: heard(url, "carteiro_connections_refused_total") == 1)
            assert sessions(figures(url)) == {"REVERSE": 1, "START": 2}
        wait_until(lambda: not sessions(figures(url)))
        found = figures(url)
        assert found["carteiro_connections_accepted_total", ()] == 5
        assert found["carteiro_messages_accepted_total", ()] == 3
        assert found["carteiro_messages_accepted_bytes_total", ()] == 3 * len("Subject: 0\r\n\r\nhello\r\n")
        assert found["carteiro_tls_handshakes_total", ("success",)] == 1
        assert found["carteiro_authentications_total", ("success",)] == 1
        assert found["carteiro_refusals_total", ("550",)] == found["carteiro_refusals_total", ("503",)] == 1
        assert found["carteiro_transitions_total", ("250", "STORED", "STORING", "CLIENT")] == 3
        assert found["carteiro_session_ends_total", ("QUIT",)] == 2
        assert found["carteiro_journal_sync_seconds_count", ()] >= 3 <= found["carteiro_moving_seconds_count", ()] + 3
        assert found["carteiro_journal_sync_seconds_sum", ()] > 0 < found["carteiro_moving_seconds_sum", ()]
        assert 0 < found["carteiro_journal_fullness_ratio", ("1",)] < 1
        assert found["carteiro_page_requests_total", ("404",)] == 2
        assert len(server.mailbox("johndoe")) == 3
        assert server.stop() == 0
        wait_until(lambda: not monitors(server))


def test_what_waits_is_told_when_a_mailbox_cannot_be_written_to(tmp_path: Path) -> None:
    with Server(tmp_path, *LOOPBACK) as server:
        url = url_of(server)
        send(server)
        wait_until(lambda: heard(url, "carteiro_messages_accepted_total") == 1)
        lock = server.mail_dir / "johndoe.txt.lock"
        lock.touch()
        send(server, 2)
        wait_until(lambda: heard(url, "carteiro_messages_waiting", ("1",)) == 2)
        wait_until(lambda: heard(url, "carteiro_mailboxes_postponed", ("1",)) == 1)
        lock.unlink()
        wait_until(lambda: heard(url, "carteiro_messages_waiting", ("1",)) == 0)
        assert ready(url) and server.stop() == 0


def test_sums_survive_a_worker_and_gauges_do_not(tmp_path: Path) -> None:
    with Server(tmp_path, *LOOPBACK, "--workers", "2") as server:
        url = url_of(server)
        wait_until(lambda: ready(url))
        (first, second) = (pid for pid in begun(server, 3) if pid not in monitors(server))
        for pid in (first, second):
            with of_worker(server, pid) as client:
                client.say("helo me")
                assert client.mail(b"\r\nx\r\n", sender="<a@b>", to="<johndoe>")[:3] == b"250"
        wait_until(lambda: heard(url, "carteiro_messages_accepted_total") == 2)
        before = figures(url)
        with of_worker(server, second) as client:
            client.say("helo me")
            os.kill(first, signal.SIGKILL)
            wait_until(lambda: heard(url, "carteiro_restarts_total", ("worker",)) == 1, 20)
            after = figures(url)
            assert client.mail(b"\r\nx\r\n", sender="<a@b>", to="<johndoe>")[:3] == b"250"
        grown = [key for key in before if key[0].endswith(("_total", "_count", "_sum"))]
        assert len(grown) > 20 and all(after[key] >= before[key] for key in grown)
        wait_until(lambda: heard(url, "carteiro_messages_accepted_total") == 3)
        (third,) = (pid for pid in workers(server) if pid not in (second, *monitors(server)))
        os.kill(third, signal.SIGSTOP)
        wait_until(lambda: ("carteiro_messages_waiting", ("1",)) not in figures(url), 2 * SILENCE)
        assert figures(url)["carteiro_worker_silence_seconds", ("1",)] > SILENCE and ready(url)
        os.kill(third, signal.SIGCONT)
        wait_until(lambda: heard(url, "carteiro_messages_waiting", ("1",)) == 0)
        assert server.stop() == 0


def test_sums_survive_whoever_tells_them_and_mail_goes_on(tmp_path: Path) -> None:
    with Server(tmp_path, *LOOPBACK) as server:
        url = url_of(server)
        send(server, 2)
        wait_until(lambda: heard(url, "carteiro_messages_accepted_total") == 2)
        for kill in range(1, 3):
            (monitor,) = monitors(server)
            os.kill(monitor, signal.SIGKILL)
            send(server, 2)
            wait_until(partial(told, url, "carteiro_messages_accepted_total", (), 2 + 2 * kill), 20)
            wait_until(partial(told, url, "carteiro_restarts_total", ("monitor",), kill), 20)
        (monitor,) = monitors(server)
        os.kill(monitor, signal.SIGSTOP)
        began = time.monotonic()
        send(server, 50)
        assert time.monotonic() - began < 5, "nobody waits for it"
        os.kill(monitor, signal.SIGCONT)
        wait_until(lambda: heard(url, "carteiro_messages_accepted_total") == 56, 20)
        assert len(server.mailbox("johndoe")) == 56 and server.stop() == 0


def test_it_is_not_ready_when_the_smtp_side_is_silent(tmp_path: Path) -> None:
    with Server(tmp_path, *LOOPBACK) as server:
        url = url_of(server)
        wait_until(lambda: ready(url))
        server.process.send_signal(signal.SIGSTOP)
        wait_until(lambda: not ready(url), 2 * SILENCE)
        status, text = status_of(f"{url}/readyz")
        assert status == 503 and re.fullmatch(r"503 Service Unavailable: the SMTP side was not heard for \d+ s\n", text)
        assert status_of(f"{url}/livez") == (200, "ok\n")
        server.process.send_signal(signal.SIGCONT)
        wait_until(lambda: ready(url))


def test_beside_the_page_it_tells_of_the_index_and_asks_for_no_name(tmp_path: Path) -> None:
    pytest.importorskip("argon2")
    secrets = tmp_path / "secrets"
    make = "import argon2; print('ana:' + argon2.PasswordHasher(1, 8, 1).hash('sesame'))"
    secrets.write_text(subprocess.run([sys.executable, "-c", make], capture_output=True, text=True, check=True).stdout)
    with Server(tmp_path, *LOOPBACK, "--web", "127.0.0.1:0", "--web-auth-file", str(secrets)) as server:
        assert server.process.stdout
        page = server.process.stdout.readline().split()[-1]
        url = url_of(server)
        send(server, 2)
        wait_until(lambda: heard(url, "carteiro_index_messages") == 2)
        wait_until(lambda: ready(url))
        found = figures(url)
        assert found["carteiro_index_messages_unread", ()] == 2 and found["carteiro_index_lag_seconds", ()] < 5
        assert found["carteiro_index_size_bytes", ()] > 0 == found["carteiro_restarts_total", ("index",)]
        assert status_of(f"{page}metrics")[0] == 401 and status_of(f"{page}readyz")[0] == status_of(f"{page}livez")[0] == 200
        asking = urllib.request.Request(f"{page}metrics", headers={"Authorization": "Basic YW5hOnNlc2FtZQ=="})
        with urllib.request.urlopen(asking, timeout=10) as answer:
            assert b"carteiro_messages_accepted_total 2.0" in answer.read()
        assert server.stop() == 0


def test_a_server_without_a_mail_directory_tells_figures_too(tmp_path: Path) -> None:
    with Server(tmp_path, *LOOPBACK, "--store", "discard") as server:
        url = url_of(server)
        send(server)
        wait_until(lambda: heard(url, "carteiro_messages_accepted_total") == 1)
        assert ready(url) and not server.mail_dir.exists()
        assert server.stop() == 0


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        (["--metrics", "0.0.0.0:0"], "others than this machine would see the figures: give --metrics-public"),
        (["--metrics-public"], "--metrics-public: only with --metrics"),
    ],
)
def test_others_see_nothing_unless_it_is_said(tmp_path: Path, flags: list[str], why: str) -> None:
    command = [sys.executable, str(ROOT / "bin" / "smtpd"), *flags, str(tmp_path / "users.txt")]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert ran.returncode == 2 and why in ran.stderr


def test_what_is_missing_is_said_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "users.txt").write_text("johndoe\n")
    program = (
        "import importlib.util, runpy, sys\n"
        "find, missing = importlib.util.find_spec, ('prometheus_client', 'jinja2')\n"
        "importlib.util.find_spec = lambda name, *more: None if name in missing else find(name, *more)\n"
        f"sys.argv = ['smtpd', '--metrics', '127.0.0.1:0', {str(tmp_path / 'users.txt')!r}]\n"
        f"runpy.run_path({str(ROOT / 'bin' / 'smtpd')!r}, run_name='__main__')\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30)
    how = "pip install prometheus_client"
    assert ran.returncode == 2
    assert ran.stderr == f"smtpd: --metrics: prometheus_client not installed: {how} (see smtpd --help)\n"


def test_the_monitor_needs_neither_the_packages_of_the_page_nor_an_index() -> None:
    program = "import sys; import service.web.monitor; print(sorted({'jinja2', 'nh3', 'sqlite3'} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=30, check=True)
    assert ran.stdout == "[]\n"

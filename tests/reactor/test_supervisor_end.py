"""The real server with several workers: how it ends, whoever is told or killed, and what the next one finds."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ..kit.fleet import begun, is_alive, mail, numbers, of_worker, workers
from ..kit.server import Server, Telnet
from ..kit.support import ROOT, wait_until

DATA = ("helo me", "mail from: a@b", "rcpt to: johndoe", "data")


def test_a_signal_drains_all_and_the_mailboxes_are_complete(tmp_path: Path) -> None:
    with Server(tmp_path, "--workers", "2") as server:
        begun(server, 2)
        busy = [of_worker(server, pid) for pid in workers(server)]
        idle = [of_worker(server, pid) for pid in workers(server)]
        for client in busy:
            client.say(*DATA)
        server.process.send_signal(signal.SIGTERM)
        assert all(client.hear()[:3] == b"421" for client in idle)
        wait_until(lambda: not can_connect(server.port))
        for number, client in enumerate(busy):
            client.send(b"\r\n%d\r\n.\r\n" % number)
            assert client.hear()[:3] == b"250"
            client.close()
        assert server.process.wait(5) == 0
        assert numbers(server) == [0, 1]
        assert "all workers ended" in server.log and "started again" not in server.log


def can_connect(port: int) -> bool:
    try:
        Telnet(port).close()
    except OSError:
        return False
    return True


def test_a_second_signal_stops_all_at_once(tmp_path: Path) -> None:
    with Server(tmp_path, "--workers", "2") as server:
        begun(server, 2)
        busy = [of_worker(server, pid) for pid in workers(server)]
        for client in busy:
            client.say(*DATA)
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: server.log.count("stopping: messages on the way may end") == 2)
        assert server.stop(signal.SIGTERM, 5) == 0


@pytest.mark.parametrize("pause", [0.0, 0.003, 0.02])
def test_signals_at_any_time_end_it_in_order(tmp_path: Path, pause: float) -> None:
    with Server(tmp_path, "--workers", "2") as server:
        for signum in (signal.SIGHUP, signal.SIGTERM, signal.SIGTERM, signal.SIGINT):
            server.process.send_signal(signum)
            time.sleep(pause)
        assert server.process.wait(8) == 0
        assert "Traceback" not in server.log and "killed by" not in server.log


def test_one_signal_while_workers_begin_is_told_to_each_once(tmp_path: Path) -> None:
    for pause in (0.0, 0.002, 0.005, 0.01, 0.05):
        with Server(tmp_path, "--workers", "3") as server:
            server.log_file.write_text("")
            time.sleep(pause)
            assert server.stop(signal.SIGTERM, 8) == 0
            assert server.log.count("stopping: messages on the way may end") == 3
            assert "stopping at once" not in server.log and "Traceback" not in server.log


def test_what_a_dead_worker_left_is_moved_when_the_server_stops(
    tmp_path: Path, lock: Callable[[Path], subprocess.Popen[bytes]]
) -> None:
    (tmp_path / "mailboxes").mkdir()
    (tmp_path / "mailboxes" / "johndoe.txt").touch()
    holder = lock(tmp_path / "mailboxes" / "johndoe.txt")
    with Server(tmp_path, "--workers", "2") as server:
        pids = begun(server, 2)
        clients = [of_worker(server, pid) for pid in pids]
        for number, client in enumerate(clients):
            mail(client, number)
        os.kill(server.process.pid, signal.SIGSTOP)
        os.kill(pids[0], signal.SIGKILL)
        server.process.send_signal(signal.SIGTERM)
        holder.kill()
        holder.wait()
        os.kill(server.process.pid, signal.SIGCONT)
        for client in clients:
            client.close()
        assert server.process.wait(15) == 0
        assert numbers(server) == [0, 1]


def test_workers_whose_parent_is_killed_drain_and_a_new_server_can_start(tmp_path: Path) -> None:
    with Server(tmp_path, "--workers", "2") as server:
        pids = begun(server, 2)
        busy = [of_worker(server, pid) for pid in pids]
        for client in busy:
            client.say(*DATA)
        server.stop(signal.SIGKILL)
        second = start_another(server)
        assert second.returncode == 1 and second.stderr.count("\n") == 1 and "another server uses it" in second.stderr
        for number, client in enumerate(busy):
            client.send(b"\r\n%d\r\n.\r\n" % number)
            assert client.hear()[:3] == b"250"
            client.close()
        wait_until(lambda: not any(is_alive(pid) for pid in pids))
        with Server(tmp_path, "--workers", "1") as after:
            assert after.stop() == 0
        assert numbers(server) == [0, 1]


def start_another(server: Server, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "bin" / "smtpd"), "--mail-dir", str(server.mail_dir), "--listen", "127.0.0.1:0"]
    return subprocess.run([*command, *arguments, str(server.users)], capture_output=True, text=True, timeout=20, check=False)


@pytest.mark.parametrize("first", ["1", "2"])
@pytest.mark.parametrize("second", ["1", "2"])
def test_a_second_server_on_the_mail_directory_is_refused_with_one_line(tmp_path: Path, first: str, second: str) -> None:
    with Server(tmp_path, "--workers", first) as server:
        refused = start_another(server, "--workers", second)
        assert refused.returncode == 1 and refused.stdout == ""
        assert (
            refused.stderr.count("\n") == 1
            and f"another server uses it (process {server.process.pid}): stop that one" in refused.stderr
        )


def test_a_port_that_another_server_shares_among_its_workers_is_taken(tmp_path: Path) -> None:
    with Server(tmp_path, "--workers", "2") as server:
        command = [sys.executable, str(ROOT / "bin" / "smtpd"), "--mail-dir", str(tmp_path / "other"), "--workers", "2"]
        command += ["--listen", f"127.0.0.1:{server.port}", str(server.users)]
        refused = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
        assert refused.returncode == 1 and "Address already in use" in refused.stderr


@pytest.mark.parametrize("after", ["1", "2", "4"])
def test_what_waited_in_journals_of_workers_that_are_no_more_is_moved(
    tmp_path: Path, lock: Callable[[Path], subprocess.Popen[bytes]], after: str
) -> None:
    """Also when the mailbox is still locked at the start, and given back later."""
    (tmp_path / "mailboxes").mkdir()
    (tmp_path / "mailboxes" / "johndoe.txt").touch()
    holder = lock(tmp_path / "mailboxes" / "johndoe.txt")
    with Server(tmp_path, "--workers", "3") as server:
        begun(server, 3)
        for number, pid in enumerate(workers(server)):
            with of_worker(server, pid) as client:
                mail(client, number)
                mail(client, number, to="babydoe")
        assert server.stop() == 0
        assert numbers(server) == [] and numbers(server, "babydoe") == [0, 1, 2]
    with Server(tmp_path, "--workers", after) as server:
        with server.connect() as client:
            mail(client, 3)
        holder.kill()
        holder.wait()
        wait_until(lambda: len(numbers(server)) == 4)
        assert server.stop() == 0
        assert numbers(server) == [0, 1, 2, 3] and numbers(server, "babydoe") == [0, 1, 2]

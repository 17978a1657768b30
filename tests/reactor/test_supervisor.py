"""The real server with several workers: they share clients and mailboxes, and are started again when they die."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ..kit.fleet import begun, mail, numbers, of_worker, workers
from ..kit.server import Server, Telnet
from ..kit.support import ROOT, descriptors, read_mailbox, wait_until
from ..kit.tls import Pem, trusting

DATA = ("helo me", "mail from: a@b", "rcpt to: johndoe", "data")


@pytest.mark.parametrize("address", ["127.0.0.1:0", "[::1]:0"])
def test_workers_share_clients_and_a_mailbox(tmp_path: Path, address: str) -> None:
    with Server(tmp_path, "--workers", "2", "--listen", address) as server:
        begun(server, 2)
        host = address.rpartition(":")[0].strip("[]")
        for number in range(20):
            with Telnet(server.port, host) as client:
                client.hear()
                mail(client, number)
        assert server.stop() == 0
        assert numbers(server) == list(range(20))
        served = re.findall(r"INFO worker (\d+): .* stored", server.log)
        assert len(served) == 20 and set(served) == {"1", "2"}, "each has some of them"
        assert not list((server.mail_dir / ".journal").glob("*/damaged*")) and "Traceback" not in server.log


def test_each_worker_accepts(tmp_path: Path) -> None:
    with Server(tmp_path, "--workers", "3") as server:
        begun(server, 3)
        for number, pid in enumerate(workers(server)):
            with of_worker(server, pid) as client:
                mail(client, number)
        assert server.stop() == 0
        assert numbers(server) == [0, 1, 2]


def test_a_worker_that_is_killed_is_started_again_and_its_waiting_clients_are_served(tmp_path: Path) -> None:
    with Server(tmp_path, "--workers", "2") as server:
        first, second = begun(server, 2)
        with of_worker(server, second) as other:
            os.kill(first, signal.SIGKILL)
            clients = [Telnet(server.port) for _ in range(10)]  # some of them wait for the worker that is dead
            assert {client.hear()[:3] for client in clients} == {b"220"}
            mail(other, 1)
            for number, client in enumerate(clients, 2):
                mail(client, number)
                client.close()
        assert f"worker 1 (process {first}) was killed by signal 9: started again in 0.1 s" in server.log
        assert len(workers(server)) == 2 and second in workers(server)
        assert server.stop() == 0
        assert numbers(server) == list(range(1, 12))


def test_all_workers_killed_at_once_are_started_again_and_leave_no_zombies(tmp_path: Path) -> None:
    """SIGCHLD may come once for many."""
    with Server(tmp_path, "--workers", "4") as server:
        begun(server, 4)
        opened = descriptors(server.process.pid)
        for _ in range(2):
            killed = workers(server)
            for pid in killed:
                os.kill(pid, signal.SIGKILL)
            wait_until(lambda killed=killed: len(set(workers(server)) - set(killed)) == 4)  # type: ignore[misc]
        children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
        assert len(children) == 4 and descriptors(server.process.pid) == opened
        wait_until(lambda: len({descriptors(pid) for pid in workers(server)}) == 1)
        assert "started again in 0.2 s" in server.log and server.stop() == 0


def test_a_worker_that_cannot_begin_is_tried_less_and_less_often_and_says_why(tmp_path: Path) -> None:
    with Server(tmp_path, "--workers", "2") as server:
        pid = begun(server, 2)[0]
        with of_worker(server, pid) as client:  # it has begun
            client.say("noop")
        segment = next((server.mail_dir / ".journal" / "worker-1").glob("segment-*"))
        with segment.open("r+b") as file:
            file.write(b"carteiro\0\x63")
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: "worker 1 " in server.log and "started again in 0.4 s" in server.log)
        assert re.search(
            r"ERROR worker 1: .*segment-\d+ .*: nothing was changed; start the version that wrote it", server.log
        )
        assert re.search(r"worker 1 \(process \d+\) ended with 1: started again in 0.2 s", server.log)
        assert "Traceback" not in server.log
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(15) == 1, "what is in that journal cannot be moved"
        assert "smtpd: " in server.log and "Traceback" not in server.log


def test_a_worker_that_is_started_again_has_what_sighup_read(tmp_path: Path) -> None:
    with Server(tmp_path, "--workers", "2") as server:
        begun(server, 2)
        of_worker(server, workers(server)[0]).close()
        server.users.write_text("maria\n")
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: server.log.count("users file read again: 1 name") == 3)
        killed = workers(server)[0]
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: len(workers(server)) == 2 and killed not in workers(server))
        for pid in workers(server):
            with of_worker(server, pid) as client:
                assert client.say("helo me", "mail from: a", "rcpt to: johndoe")[:3] == b"550"
                assert client.say("rcpt to: maria")[:3] in (b"250", b"500")
        assert server.stop() == 0


@pytest.mark.parametrize("store", ["maildir", "discard"])
def test_other_stores_have_workers_too(tmp_path: Path, store: str) -> None:
    with Server(tmp_path, "--workers", "2", "--store", store) as server:
        begun(server, 2)
        for number, pid in enumerate(workers(server)):
            with of_worker(server, pid) as client:
                mail(client, number)
        assert server.stop() == 0
        assert "Traceback" not in server.log and "File exists" not in server.log
        assert len(list(server.mail_dir.glob("johndoe/new/*"))) == (2 if store == "maildir" else 0)


def test_where_the_kernel_does_not_share_a_port_workers_share_a_socket(tmp_path: Path) -> None:
    code = "import runpy, socket, sys; del socket.SO_REUSEPORT, sys.argv[0]; runpy.run_path(sys.argv[0], None, '__main__')"
    users = tmp_path / "users.txt"
    users.write_text("johndoe\n")
    command = [sys.executable, "-c", code, str(ROOT / "bin" / "smtpd"), "--workers", "2", "--listen", "127.0.0.1:0"]
    with subprocess.Popen(
        [*command, "--mail-dir", str(tmp_path / "mail"), str(users)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        port = int(process.stdout.readline().rpartition(":")[2])
        for number in range(10):
            with Telnet(port) as client:
                assert client.hear()[:3] == b"220"
                mail(client, number)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert len(read_mailbox(tmp_path / "mail" / "johndoe.txt")) == 10


def test_workers_listen_with_tls_too(tmp_path: Path, pem: Pem) -> None:
    arguments = ("--dialect", "esmtp", "--tls-cert", str(pem.cert), "--tls-key", str(pem.key))
    with Server(tmp_path, "--workers", "2", *arguments, "--listen-tls", "127.0.0.1:0") as server:
        for _ in range(6):
            client = Telnet(server.tls_port)
            client.socket = trusting(pem).wrap_socket(client.socket, server_hostname="localhost")
            client._file = client.socket.makefile("rb")
            assert client.hear()[:3] == b"220"
            client.close()
        assert server.stop() == 0

"""A worker that stands still is noticed, said, and killed, and its clients go to others; two signals end the server."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from ..kit.fleet import begun, mail, of_worker, workers
from ..kit.server import Server
from ..kit.support import ROOT, wait_until

SHORT = f"""
import runpy, sys
sys.path.insert(0, {str(ROOT)!r})
import reactor.supervisor as workers
workers.BEAT, workers.QUIET, workers.STILL = 0.1, 0.5, 1.5
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], None, "__main__")
"""
"""The server with less patience."""


class Impatient(Server):
    """A server whose workers say ten times a second that they are at work, and are killed after a second and a half."""

    def __init__(self, directory: Path, *arguments: str) -> None:
        real = subprocess.Popen

        def popen(command: list[object], **others: object) -> object:
            return real([sys.executable, "-c", SHORT, *map(str, command[1:])], **others)  # type: ignore[call-overload]

        subprocess.Popen = popen  # type: ignore[misc, assignment]
        try:
            super().__init__(directory, *arguments)
        finally:
            subprocess.Popen = real  # type: ignore[misc]


def test_a_worker_that_stands_still_is_killed_and_its_clients_go_to_others(tmp_path: Path) -> None:
    with Impatient(tmp_path, "--workers", "2") as server:
        first, second = begun(server, 2)
        of_worker(server, second).close()
        client = of_worker(server, first)
        mail(client, 1)
        os.kill(first, signal.SIGSTOP)
        wait_until(lambda: f"worker 1 (process {first}) stands still" in server.log, 5)
        with suppress(ConnectionResetError):
            assert client.say("noop") == b"", "the connection ends, and the client comes again"
        assert f"worker 1 (process {first}) has stood still for too long: killed" in server.log
        wait_until(lambda: first not in workers(server) and len(workers(server)) == 2)
        for number, pid in enumerate(workers(server), 2):
            with of_worker(server, pid) as other:
                mail(other, number)
        assert "worker 2" not in "".join(line for line in server.log.splitlines() if "still" in line)
        assert server.stop() == 0


def test_a_worker_that_goes_on_in_time_is_left_alone(tmp_path: Path) -> None:
    with Impatient(tmp_path, "--workers", "2") as server:
        first, _ = begun(server, 2)
        with of_worker(server, first) as client:
            mail(client, 1)
            os.kill(first, signal.SIGSTOP)
            wait_until(lambda: "stands still" in server.log, 5)
            os.kill(first, signal.SIGCONT)
            wait_until(lambda: "worker 1 is at work again" in server.log, 5)
            time.sleep(2)
            assert first in workers(server)
            mail_again = client.say("mail from: a", "rcpt to: johndoe", "data")
            assert mail_again[:3] == b"354"
        assert server.stop() == 0


def test_when_all_have_stood_still_nobody_is_killed_for_it(tmp_path: Path) -> None:
    """As when a machine or a container is frozen for a while."""
    with Impatient(tmp_path, "--workers", "2") as server:
        pids = begun(server, 2)
        for pid in pids:
            of_worker(server, pid).close()
        for pid in (server.process.pid, *pids):
            os.kill(pid, signal.SIGSTOP)
        time.sleep(3)
        for pid in (server.process.pid, *pids):
            os.kill(pid, signal.SIGCONT)
        time.sleep(1.5)
        assert workers(server) == pids and "killed" not in server.log
        assert server.stop() == 0


def test_two_signals_end_a_server_of_which_a_worker_stands_still(tmp_path: Path) -> None:
    with Server(tmp_path, "--workers", "2") as server:
        first, _ = begun(server, 2)
        of_worker(server, first).close()
        os.kill(first, signal.SIGSTOP)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(3)
        assert server.process.poll() is None
        assert server.stop() == 0
        assert not Path(f"/proc/{first}").exists()

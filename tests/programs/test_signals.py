"""The real server and signals: it drains, it stops at once, it reads its users again."""

import signal
import time
from pathlib import Path

import pytest

from ..kit.server import Server, Telnet
from ..kit.support import wait_until

DATA = ("helo me", "mail from: a@b", "rcpt to: johndoe", "data")
GOODBYE = "closing connection, the server is shutting down"


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_and_exits_with_0(tmp_path: Path, signum: int) -> None:
    with Server(tmp_path) as server:
        idle, busy = server.connect(), server.connect()
        busy.say(*DATA)
        server.process.send_signal(signum)
        assert idle.hear().endswith(GOODBYE.encode()) and idle.hear() == b""
        with pytest.raises(ConnectionRefusedError):
            Telnet(server.port)
        busy.send(b"text\r\n.\r\n")
        assert busy.hear() == b"250 Message accepted for delivery"
        assert busy.hear().endswith(GOODBYE.encode())
        busy.close()
        idle.close()
        assert server.process.wait(5) == 0
        assert len(server.mailbox("johndoe")) == 1


def test_a_second_signal_stops_at_once(tmp_path: Path) -> None:
    with Server(tmp_path) as server, server.connect() as busy:
        busy.say(*DATA)
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: "stopping: messages on the way may end" in server.log)
        assert server.process.poll() is None
        assert server.stop(signal.SIGTERM, 3) == 0
        assert busy.hear().endswith(GOODBYE.encode())
        assert server.mailbox("johndoe") == []


@pytest.mark.parametrize("pause", [0.0, 0.001, 0.003, 0.01])
def test_signals_at_any_time_end_it_in_order(tmp_path: Path, pause: float) -> None:
    with Server(tmp_path) as server:
        for signum in (signal.SIGHUP, signal.SIGTERM, signal.SIGTERM, signal.SIGINT):
            server.process.send_signal(signum)
            time.sleep(pause)
        assert server.process.wait(5) == 0
        assert "Traceback" not in server.log


def test_sighup_reads_the_users_again_and_keeps_the_old_ones_when_they_are_bad(tmp_path: Path) -> None:
    with Server(tmp_path) as server, server.connect() as client:
        server.users.write_text("maria\n")
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "users file read again: 1 name" in server.log)
        assert client.say("helo me", "mail from: a", "rcpt to: johndoe")[:3] == b"550"
        server.users.write_text("maria\n../x\n")
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "users.txt:2: b'../x' has a slash" in server.log)
        assert client.say("mail from: a", "rcpt to: maria")[:3] == b"250"
        assert "what was read before stays" in server.log

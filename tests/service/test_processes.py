"""Workers are begun, share the clients, read their files again, and end together."""

import os
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest

from reactor.supervisor import Parent
from service.listeners import Listener, open_listeners
from service.processes import Workers, count_of
from service.serving import Service
from service.smtp import smtp
from service.sources import read
from service.wiring import STORES, dialect_of

from ..kit.server import Telnet
from ..kit.support import read_mailbox, wait_until
from ..kit.threads import meanwhile
from .world import options_of, port_of


def test_workers_serve_until_a_signal_and_none_is_left(tmp_path: Path) -> None:
    options = options_of(tmp_path)
    stores = STORES["mbox"](options.mail_dir, 2)
    listeners = open_listeners(options, smtp(dialect_of(options)), 2)
    sources = read(options)
    pids = tmp_path / "pids"

    def work(number: int, own: Sequence[Listener], parent: Parent) -> None:
        assert len(own[0].sockets) == 1
        with pids.open("a") as file:
            file.write(f"{os.getpid()}\n")
        Service(options, sources, stores.of_worker(number), own).run(parent=parent)

    def client() -> None:
        wait_until(lambda: pids.exists() and len(pids.read_text().split()) == 2)
        with Telnet(port_of(listeners[0])) as telnet:
            telnet.hear()
            telnet.say("helo me")
            assert telnet.mail(b"\r\ntext\r\n")[:3] == b"250"
            options.users_file.write_text("maria\n")
            os.kill(os.getpid(), signal.SIGHUP)
            wait_until(lambda: telnet.say("mail from: a", "rcpt to: maria")[:3] == b"250")
        os.kill(os.getpid(), signal.SIGTERM)

    workers = Workers(2, work, stores.first, listeners, sources)
    with meanwhile(client):
        workers.run()
    assert len(read_mailbox(options.mail_dir / "johndoe.txt")) == 1
    assert not [pid for pid in pids.read_text().split() if Path(f"/proc/{pid}").exists()]


@pytest.mark.parametrize(("asked", "cores", "count", "is_warned"), [(0, 3, 3, False), (12, 3, 12, False), (13, 3, 13, True)])
def test_as_many_as_asked_for_with_a_word_when_that_is_no_help(
    asked: int,
    cores: int,
    count: int,
    is_warned: bool,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    assert count_of(asked) == count
    assert bool(caplog.messages) == is_warned

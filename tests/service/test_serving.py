"""A whole service in this process: it serves, rereads, drains, and leaves the mail in its mailbox."""

import os
import signal
from pathlib import Path

import pytest

from reactor.stream.conversation import Completed
from service.listeners import Speech, keep_only, open_listeners
from service.serving import Service
from service.smtp import smtp
from service.sources import read
from service.wiring import STORES, dialect_of
from storage.stores.journalled import JournalledStore

from ..kit.http import Page
from ..kit.server import Telnet
from ..kit.support import read_mailbox, wait_until
from ..kit.threads import meanwhile
from ..kit.tls import Pem
from .world import options_of, port_of, service_of

DATA = ("helo me", "mail from: a@b", "rcpt to: johndoe", "data")


def test_it_serves_until_a_signal_and_the_mail_is_in_its_mailbox(tmp_path: Path) -> None:
    options = options_of(tmp_path)
    service, (listener,) = service_of(options)
    announced = []

    def client() -> None:
        with Telnet(port_of(listener)) as busy:
            assert busy.hear() == b"220 carteiro.example carteiro SMTP at your service"
            busy.say(*DATA)
            os.kill(os.getpid(), signal.SIGTERM)
            wait_until(lambda: listener.sockets[0].fileno() < 0)
            busy.send(b"text\r\n.\r\n")
            assert busy.hear() == b"250 Message accepted for delivery"
            assert busy.hear()[:3] == b"421"

    with meanwhile(client):
        service.run(lambda: announced.append(str(listener)))
    assert announced == [f"127.0.0.1:{announced[0].rpartition(':')[2]}"]
    (kept,) = read_mailbox(options.mail_dir / "johndoe.txt")
    assert kept.content.endswith(b"text\n")
    assert not list((options.mail_dir / ".journal").glob("*.segment"))


def test_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    service, (listener,) = service_of(options_of(tmp_path))

    def client() -> None:
        with Telnet(port_of(listener)) as busy:
            busy.hear()
            busy.say(*DATA)
            os.kill(os.getpid(), signal.SIGINT)
            wait_until(lambda: listener.sockets[0].fileno() < 0)
            os.kill(os.getpid(), signal.SIGTERM)
            assert busy.hear()[:3] == b"421"

    with meanwhile(client):
        service.run()


def test_users_are_read_again(tmp_path: Path) -> None:
    options = options_of(tmp_path)
    service, (listener,) = service_of(options)

    def client() -> None:
        with Telnet(port_of(listener)) as telnet:
            telnet.hear()
            assert telnet.say("helo me", "mail from: a", "rcpt to: maria")[:3] == b"550"
            options.users_file.write_text("maria\n")
            os.kill(os.getpid(), signal.SIGHUP)
            wait_until(lambda: telnet.say("mail from: a", "rcpt to: maria")[:3] == b"250")
        os.kill(os.getpid(), signal.SIGTERM)

    with meanwhile(client):
        service.run()


def test_who_expects_tls_at_once_is_not_refused_in_plain(tmp_path: Path, pem: Pem) -> None:
    flags = ("--dialect", "esmtp", "--tls-cert", str(pem.cert), "--tls-key", str(pem.key), "--max-connections", "1")
    options = options_of(tmp_path, *flags, "--listen", "127.0.0.1:0", "--listen-tls", "127.0.0.1:0")
    service, (plain, encrypted) = service_of(options)
    assert (plain.is_encrypted, encrypted.is_encrypted) == (False, True) and str(encrypted).endswith(" (TLS)")

    def client() -> None:
        with Telnet(port_of(plain)) as first, Telnet(port_of(plain)) as second, Telnet(port_of(encrypted)) as third:
            assert (first.hear()[:3], second.hear()[:3], third.hear()) == (b"220", b"421", b"")
        os.kill(os.getpid(), signal.SIGTERM)

    with meanwhile(client):
        service.run()


def test_each_process_keeps_its_own_sockets(tmp_path: Path) -> None:
    options = options_of(tmp_path)
    options.listen = [("127.0.0.1", 0), ("127.0.0.1", 0)]
    listeners = open_listeners(options, smtp(dialect_of(options)), 3)
    own = keep_only(listeners, 2)
    assert [listener.sockets for listener in own] == [[listener.sockets[1]] for listener in listeners]
    assert [sock.fileno() >= 0 for listener in listeners for sock in listener.sockets] == 2 * [False, True, False]
    for listener in own:
        listener.close()
    assert not any(sock.fileno() >= 0 for listener in listeners for sock in listener.sockets)


def test_a_store_that_fails_to_close_is_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    service, (listener,) = service_of(options_of(tmp_path))
    monkeypatch.setattr(JournalledStore, "close", lambda _: 1 / 0)

    def client() -> None:
        with Telnet(port_of(listener)) as telnet:
            telnet.hear()
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(ZeroDivisionError), meanwhile(client):
        service.run()


def test_another_protocol_is_spoken_beside_smtp_in_the_same_process(tmp_path: Path) -> None:
    options = options_of(tmp_path)
    smtp_listeners = open_listeners(options, smtp(dialect_of(options)), 1)
    page = Speech(lambda peer, wake: Completed(Page()), b"HTTP/1.0 503 Busy\r\n\r\n")
    http_listeners = open_listeners(options, lambda is_encrypted: lambda resources: page, 1)
    store = STORES["mbox"](options.mail_dir, 1).first
    service = Service(options, read(options), store, [*smtp_listeners, *http_listeners])

    def client() -> None:
        with Telnet(port_of(smtp_listeners[0])) as telnet:
            assert telnet.hear()[:3] == b"220"
            with Telnet(port_of(http_listeners[0])) as browser:
                browser.send(b"GET /page HTTP/1.0\r\n\r\n")
                assert browser.hear() == b"HTTP/1.0 200 OK"
            telnet.say("helo me")
            assert telnet.mail(b"\r\nx\r\n")[:3] == b"250"
        os.kill(os.getpid(), signal.SIGTERM)

    with meanwhile(client):
        service.run()

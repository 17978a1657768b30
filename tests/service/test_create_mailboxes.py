"""Without a users file, whoever gets mail gets a mailbox: as many as may be, kept over restarts and signals."""

import os
import signal
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

import pytest

from service.options import arguments
from storage.mailboxes.mbox import MboxMailboxes

from ..kit.post import Post
from ..kit.server import Telnet
from ..kit.support import read_mailbox, wait_until
from ..kit.threads import meanwhile
from .world import port_of, service_of


def options_of(directory: Path, *flags: str) -> Namespace:
    """As of a command line without a users file."""
    options = arguments(["--listen", "127.0.0.1:0", "--mail-dir", str(directory / "mailboxes"), *flags])
    options.hostname = b"carteiro.example"
    return options


def served(options: Namespace, client: Callable[[Telnet], None]) -> None:
    """Runs a service while a client talks to it, then ends it."""
    service, (listener,) = service_of(options)

    def talk() -> None:
        try:
            with Telnet(port_of(listener)) as telnet:
                assert telnet.hear()[:3] == b"220"
                client(telnet)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    with meanwhile(talk):
        service.run()


@pytest.mark.parametrize("store", ["mbox", "maildir", "discard"])
def test_whoever_gets_mail_gets_a_mailbox_in_either_dialect(tmp_path: Path, store: str) -> None:
    def classic(telnet: Telnet) -> None:
        telnet.say("helo me")
        for name in ("Ana", "ana+tag@example.org"):
            assert telnet.mail(b"\r\nx\r\n", to=name)[:3] == b"250"

    def esmtp(telnet: Telnet) -> None:
        telnet.say("EHLO me")
        assert telnet.mail(b"\r\nx\r\n", "<a@b>", "<ANA@example.org>")[:3] == b"250"
        assert telnet.say("MAIL FROM:<a@b> SMTPUTF8", "RCPT TO:<josé@example.org>", "DATA")[:3] == b"354"
        telnet.send(b"\r\nx\r\n.\r\n")
        assert telnet.hear()[:3] == b"250"

    served(options_of(tmp_path, "--create-mailboxes", "--store", store), classic)
    served(options_of(tmp_path, "--create-mailboxes", "--store", store, "--dialect", "esmtp"), esmtp)
    there = sorted(path.name for path in (tmp_path / "mailboxes").glob("[!.]*"))
    if store == "mbox":
        assert there == ["ana+tag.txt", "ana.txt", "josé.txt"]
        assert len(read_mailbox(tmp_path / "mailboxes" / "ana.txt")) == 2
    elif store == "maildir":
        assert there == ["ana", "ana+tag", "josé"]
        assert len(list((tmp_path / "mailboxes" / "ana" / "new").iterdir())) == 2
    else:
        assert there == []


@pytest.mark.parametrize("flags", [(), ("--dialect", "esmtp")])
def test_a_name_that_is_not_fit_for_a_file_has_no_mailbox(tmp_path: Path, flags: tuple[str, ...]) -> None:
    def client(telnet: Telnet) -> None:
        telnet.say("EHLO me" if flags else "helo me")
        for name in (
            "..",
            "../x",
            ".journal",
            "a/b",
            "x.lock",
            "x.txt",
            "y" * 65,
            "z" * 300,
            *(['"a b"', '".."'] * bool(flags)),
        ):
            assert telnet.say("mail from:<a@b>", f"rcpt to:<{name}@example.org>")[:3] == b"550", name
            telnet.say("rset")
        telnet.say("mail from:<a@b>")
        telnet.send(b"rcpt to:<\xff@example.org>\r\n")
        assert telnet.hear()[:1] == b"5"

    served(options_of(tmp_path, "--create-mailboxes", *flags), client)
    assert [path.name for path in (tmp_path / "mailboxes").iterdir()] == [".journal"]


@pytest.mark.parametrize("flags", [(), ("--dialect", "esmtp")])
def test_one_name_too_many_is_told_to_try_again_and_the_log_says_why_once(
    tmp_path: Path, flags: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    def rcpt(telnet: Telnet, name: str) -> bytes:
        answer = telnet.say("mail from:<a@b>", f"rcpt to:<{name}@example.org>")
        if answer[:3] == b"250":
            assert telnet.say("data")[:3] == b"354"
            telnet.send(b"\r\nx\r\n.\r\n")
            assert telnet.hear()[:3] == b"250"
        telnet.say("rset")
        return answer

    def client(telnet: Telnet) -> None:
        telnet.say("EHLO me" if flags else "helo me")
        assert [rcpt(telnet, name)[:3] for name in ("a", "b", "a", "c", "d")] == [b"250", b"250", b"250", b"452", b"452"]
        os.kill(os.getpid(), signal.SIGHUP)
        wait_until(lambda: rcpt(telnet, "a")[:3] == b"250")
        assert rcpt(telnet, "c").endswith(b"Too many mailboxes, the limit is 2")

    def after_a_restart(telnet: Telnet) -> None:
        telnet.say("EHLO me" if flags else "helo me")
        assert [rcpt(telnet, name)[:3] for name in ("c", "b")] == [b"452", b"250"], "who is there counts, and gets mail"

    served(options_of(tmp_path, "--create-mailboxes", "2", *flags), client)
    assert len([text for text in caplog.messages if text.startswith("there are 2 mailboxes, and no more are made")]) == 1
    served(options_of(tmp_path, "--create-mailboxes", "2", *flags), after_a_restart)


def test_names_of_a_users_file_have_their_mailboxes_beside(tmp_path: Path) -> None:
    users = tmp_path / "users.txt"
    users.write_text("maria\nx.lock\n")

    def client(telnet: Telnet) -> None:
        telnet.say("EHLO me")
        for name, mailbox in (("new", "new"), ("x.lock", "x.lock"), ("postmaster", "maria")):
            assert telnet.mail(b"\r\nx\r\n", "<a@b>", f"<{name}@example.org>")[:3] == b"250"
            wait_until(lambda mailbox=mailbox: (tmp_path / "mailboxes" / f"{mailbox}.txt").exists())  # type: ignore[misc]
        users.write_text("maria\n")
        os.kill(os.getpid(), signal.SIGHUP)
        telnet.say("MAIL FROM:<a@b>")
        wait_until(lambda: telnet.say("RCPT TO:<x.lock@example.org>")[:3] == b"550")

    flags = ("--create-mailboxes", "--dialect", "esmtp", "--postmaster", "maria", str(users))
    served(options_of(tmp_path, *flags), client)


def test_mail_that_waits_for_a_made_mailbox_comes_after_a_crash(tmp_path: Path) -> None:
    """Recovery asks nobody whether a name is known: the journal's word is enough."""
    post = Post(tmp_path / "mailboxes", MboxMailboxes)
    post.commit(b"\r\nx\r\n", "nobody-knows-me")
    post.store.settle()
    assert post.answers.pop()[1] is None
    post.store.give_up()  # as a kill does, before anything is moved
    assert not (tmp_path / "mailboxes" / "nobody-knows-me.txt").exists()

    def client(telnet: Telnet) -> None:
        telnet.say("helo me")
        assert telnet.say("mail from: a", "rcpt to: other")[:3] == b"452", "it counts"

    served(options_of(tmp_path, "--create-mailboxes", "1"), client)
    assert len(read_mailbox(tmp_path / "mailboxes" / "nobody-knows-me.txt")) == 1


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ("", "USERS_FILE is missing: give a text file with one user name a line, or --create-mailboxes"),
        ("--create-mailboxes --catch-all a users.txt", "with the second one no name is unknown"),
        ("--create-mailboxes --catch-all a", "with the second one no name is unknown"),
        ("--create-mailboxes --dialect esmtp --vrfy", "--vrfy: with --create-mailboxes it has nothing to tell"),
        ("--create-mailboxes --dialect esmtp --postmaster a", "--postmaster: give a USERS_FILE with that name"),
        ("--create-mailboxes 0", "'0' is not a whole number from 1 on"),
        ("--create-mailboxes users.txt", "'users.txt' is not a whole number from 1 on"),
    ],
)
def test_flags_that_do_not_go_with_it_are_one_line(flags: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        arguments(flags.split())
    assert caught.value.code == 2
    said = capsys.readouterr().err
    assert words in said and said.count("\n") == 1

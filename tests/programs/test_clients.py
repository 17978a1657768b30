"""Programs that were not written for this server talk to it, and read what it has written."""

import imaplib
import mailbox
import os
import pwd
import re
import shlex
import shutil
import smtplib
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from ..kit.server import Server
from ..kit.support import program, wait_until

CONTENT = "Subject: from a program\n\nHow are you?\n.\n..dots\nFrom me to you\n"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path) as server:
        yield server


def bodies(server: Server) -> list[bytes]:
    return [kept.content.split(b"\n\n", 1)[1] for kept in server.mailbox("johndoe")]


def test_smtplib_falls_back_to_helo(server: Server) -> None:
    with smtplib.SMTP("127.0.0.1", server.port) as client:
        for number in range(3):
            refused = client.sendmail("Me@Example", ["JohnDoe@example"], CONTENT.replace("you?", f"you {number}?"))
            assert refused == {}
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            client.sendmail("me@example", ["nobody@example"], CONTENT)
    assert [kept.reverse_path for kept in server.mailbox("johndoe")] == [b"me@example"] * 3
    assert bodies(server) == [CONTENT.replace("you?", f"you {n}?").split("\n\n", 1)[1].encode() for n in range(3)]


def test_curl(server: Server, tmp_path: Path) -> None:
    (tmp_path / "mail.txt").write_bytes(CONTENT.replace("\n", "\r\n").encode())
    command = [program("curl"), "-sS", f"smtp://127.0.0.1:{server.port}/me", "--mail-from", "me@example"]
    subprocess.run([*command, "--mail-rcpt", "johndoe@example", "-T", str(tmp_path / "mail.txt")], check=True, timeout=20)
    assert bodies(server) == [CONTENT.split("\n\n", 1)[1].encode()]


def test_swaks(server: Server) -> None:
    command = [program("swaks"), "--server", f"127.0.0.1:{server.port}", "--from", "me@example", "--to", "johndoe@example"]
    subprocess.run([*command, "--body", "How are you?", "--silent", "2"], check=True, timeout=20)
    assert bodies(server)[0].startswith(b"How are you?")


def test_msmtp(server: Server) -> None:
    command = [program("msmtp"), "--host=127.0.0.1", f"--port={server.port}", "--from=me@example", "--auth=off", "--tls=off"]
    subprocess.run([*command, "johndoe@example"], input=CONTENT.encode(), check=True, timeout=20)
    assert bodies(server) == [CONTENT.split("\n\n", 1)[1].encode()]


DIALOGUE = ["helo me", "mail from: a@b", "rcpt to: johndoe", "data", "Subject: x", "", "hello", ".", "quit"]


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_nc_may_say_everything_at_once(server: Server, line_end: str) -> None:
    text = "".join(line + line_end for line in DIALOGUE)
    command = [program("nc"), "-N", "127.0.0.1", str(server.port)]
    result = subprocess.run(command, input=text.encode(), capture_output=True, check=True, timeout=20)
    assert [line[:3] for line in result.stdout.splitlines()] == [b"220", b"250", b"250", b"250", b"354", b"250", b"221"]
    assert bodies(server) == [b"hello\n"]


def test_telnet_holds_a_conversation(server: Server) -> None:
    command = [program("telnet"), "127.0.0.1", str(server.port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as telnet:
        assert telnet.stdin and telnet.stdout
        seen: list[bytes] = []

        def wait_for(code: bytes) -> None:
            while not seen or not seen[-1].startswith(code):
                line = telnet.stdout.readline()  # type: ignore[union-attr]
                assert line, seen
                seen.append(line)

        wait_for(b"220 ")
        for line, code in zip(DIALOGUE, [b"250", b"250", b"250", b"354", b"", b"", b"", b"250", b"221"], strict=True):
            telnet.stdin.write(line.encode() + b"\n")
            telnet.stdin.flush()
            if code:
                wait_for(code)
        assert b"closed by foreign host" in telnet.stdout.read()
    assert bodies(server) == [b"hello\n"]


# Programs that read mail


def deliver(server: Server, *contents: bytes) -> None:
    with server.connect() as client:
        client.say("helo me")
        for number, content in enumerate(contents):
            assert client.mail(content, f"sender{number}@example")[:3] == b"250"
    server.rest()


def test_pythons_mailbox_reads_appends_and_deletes_while_we_deliver(server: Server) -> None:
    deliver(server, b"Subject: 0\r\n\r\nzero\r\n", b"Subject: 1\r\n\r\nFrom one\r\n")
    path = server.mail_dir / "johndoe.txt"
    box = mailbox.mbox(path, create=False)
    box.lock()
    assert [message["Subject"] for message in box] == ["0", "1"]
    assert [message.get_from().split()[0] for message in box] == ["sender0@example", "sender1@example"]
    box.remove(0)  # type: ignore[arg-type]
    with server.connect() as client:
        client.say("helo me", "mail from: a", "rcpt to: johndoe", "data")
        client.send(b"Subject: 2\r\n\r\ntwo\r\n.\r\n")
        assert client.hear()[:3] == b"250"
        box.flush()
        box.unlock()
    box.close()
    wait_until(lambda: len(server.mailbox("johndoe")) == 2)
    box = mailbox.mbox(path, create=False)
    assert [message["Subject"] for message in box] == ["1", "2"]
    box.close()
    assert bodies(server) == [b"From one\n", b"two\n"]


MUTT_SETTINGS = ("move=no", "delete=yes", "confirmappend=no", "confirmcreate=no", "wait_key=no")


def mutt(box: Path, keys: str) -> None:
    """Opens the mailbox in mutt on a terminal of its own, and presses keys."""
    mutt_at(str(box), box.parent.parent / "home", keys)


def mutt_at(folder: str, home: Path, keys: str, *more: str) -> None:
    """The same with a mailbox that may be elsewhere, and more settings."""
    (home / "Mail").mkdir(parents=True, exist_ok=True)
    settings = "; ".join(f"set {each}" for each in (*MUTT_SETTINGS, *more))
    command = [program("mutt"), "-n", "-F", "/dev/null", "-f", folder, "-e", settings, "-e", f'push "{keys}"']
    on_terminal = [program("script"), "-qec", shlex.join(command), "/dev/null"]
    environment = {**os.environ, "TERM": "xterm", "HOME": str(home)}
    with subprocess.Popen(on_terminal, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=environment) as process:
        assert process.stdin
        for _ in range(10):
            with suppress(subprocess.TimeoutExpired):
                assert process.wait(3) == 0
                return
            process.stdin.write(b"q")  # it forgets keys that wait when the mailbox grows at the wrong moment
            process.stdin.flush()
        process.kill()
        raise AssertionError("mutt does not end")


ODD_SENDERS = ('"un"balanced"@x', "mon", "café@x", "back\\slash@x", "<>")


def deliver_odd_messages(server: Server) -> list[str]:
    """Messages that could be taken for two, or for none; returns their subjects."""
    deliver(server, b"Subject: 0\r\n\r\nzero\r\n", b"no header\r\nFrom x Mon Sep 21 14:13:20 2026\r\n")
    with server.connect() as client:
        client.say("helo me")
        for number, sender in enumerate(ODD_SENDERS):
            assert client.mail(b"Subject: odd %d\r\n\r\nx\r\n" % number, sender)[:3] == b"250"
    server.rest()
    return ["0", "", *(f"odd {number}" for number in range(len(ODD_SENDERS)))]


def subjects(path: Path) -> list[str]:
    box = mailbox.mbox(path, create=False)
    try:
        return [message["Subject"] or "" for message in box]
    finally:
        box.close()


def test_mutt_finds_each_message_and_deletes_one(server: Server, tmp_path: Path) -> None:
    delivered = deliver_odd_messages(server)
    box, copy = server.mail_dir / "johndoe.txt", tmp_path / "copy"
    mutt(box, f"T~A<enter>;C{copy}<enter><exit>")
    assert subjects(copy) == delivered
    mutt(box, "<first-entry><delete-message><quit>")
    assert subjects(box) == delivered[1:]
    deliver(server, b"Subject: after\r\n\r\nx\r\n")
    assert subjects(box) == [*delivered[1:], "after"]


def test_mutt_reads_a_maildir(tmp_path: Path) -> None:
    with Server(tmp_path, "--store", "maildir") as server:
        delivered = deliver_odd_messages(server)
        copy = tmp_path / "copy"
        mutt(server.mail_dir / "johndoe", f"T~A<enter>;C{copy}<enter><exit>")
        # mutt puts senders into separators as they are, so they are not all ASCII, as Python's mailbox wants them.
        found = re.findall(rb"(?m)^Subject: (.*)$", copy.read_bytes())
        assert sorted(found) == sorted(subject.encode() for subject in delivered if subject)
        assert len(re.findall(rb"(?m)^Delivered-To: ", copy.read_bytes())) == len(delivered)


def check_imap(imap: imaplib.IMAP4, delivered: list[str]) -> None:
    """All messages are served, in whatever order."""
    imap.select()
    found = [imap.fetch(str(number + 1), "(BODY[HEADER.FIELDS (SUBJECT)])")[1][0] for number in range(len(delivered))]
    texts = [part[1].removeprefix(b"Subject: ").strip().decode() for part in found if isinstance(part, tuple)]
    assert sorted(texts) == sorted(delivered)
    assert imap.search(None, "ALL")[1][0].split()[-1] == b"%d" % len(delivered)


def test_dovecot_serves_a_mailbox_file_over_imap(server: Server) -> None:
    delivered = deliver_odd_messages(server)
    with dovecot(server.mail_dir / "johndoe.txt") as imap:
        check_imap(imap, delivered)


def test_dovecot_serves_a_maildir_over_imap(tmp_path: Path) -> None:
    with Server(tmp_path, "--store", "maildir") as server:
        delivered = deliver_odd_messages(server)
        with dovecot(server.mail_dir / "johndoe") as imap:
            check_imap(imap, delivered)


@contextmanager
def dovecot(box: Path) -> Iterator[imaplib.IMAP4]:
    """Dovecot's IMAP process with a copy of a mailbox."""
    with TemporaryDirectory() as directory:
        copy = Path(directory) / "inbox"
        if box.is_dir():
            shutil.copytree(box, copy)
        else:
            shutil.copy(box, copy)
        with dovecot_itself(copy) as imap:
            yield imap


@contextmanager
def dovecot_itself(box: Path) -> Iterator[imaplib.IMAP4]:
    """Dovecot's IMAP process with a mailbox, as its login process would start it: over pipes, without a daemon.

    It refuses to serve root, so root has it serve nobody, who is given all that is in the mailbox's directory.
    """
    program("dovecot")
    with TemporaryDirectory() as directory:
        home = Path(directory)
        location = f"maildir:{box}" if box.is_dir() else f"mbox:{home}/mail:INBOX={box}"
        user = give_away(box.parent)
        (home / "dovecot.conf").write_text(
            f"base_dir={home}/run\nstate_dir={home}/state\nlog_path={home}/log\nmail_home={home}\n"
            f"mail_location={location}\nmbox_write_locks=fcntl\n"
            f"default_internal_user={user.pw_name}\ndefault_login_user={user.pw_name}\nssl=no\n"
            f"mail_uid={user.pw_uid}\nmail_gid={user.pw_gid}\nfirst_valid_gid=0\n"
        )
        give_away(home)
        command = ["env", f"USER={user.pw_name}", f"HOME={home}", "/usr/lib/dovecot/imap", "-c", f"{home}/dovecot.conf"]
        imap = imaplib.IMAP4_stream(shlex.join(command))
        try:
            yield imap
        finally:
            imap.logout()


def give_away(directory: Path) -> pwd.struct_passwd:
    """Whom Dovecot serves; what root has in a directory is given to them, but for the journal."""
    user = pwd.getpwnam("nobody") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
    for path in (directory, *directory.rglob("*")):
        if ".journal" not in path.parts:
            with suppress(FileNotFoundError):
                os.chown(path, user.pw_uid, user.pw_gid)
    return user


# What a sender writes is not what the mailbox says


OF_THE_MAILBOX = (
    b"X-Status: D", b"Status: RO", b"status: RO", b"STATUS : RO", b"X-Keywords: $Junk NonJunk", b"X-UID: 7",
    b"X-IMAP: 1 4294967290", b"X-IMAPbase: 1 4294967290", b"X-IMAPbase: 1\r\n 4294967290", b"Content-Length: 99999",
)  # fmt: skip


def deliver_metadata(server: Server, user: str, length: int = 0) -> None:
    """Messages that a program which believes them shows as read, as deleted, as one, or not at all."""
    contents = [b"Subject: 0\r\nContent-Length: %05d\r\n\r\nfirst\r\n" % length, b"Subject: 1\r\n\r\nsecond\r\n"]
    contents += [b"Subject: %d\r\n%b\r\n\r\nx\r\n" % item for item in enumerate(OF_THE_MAILBOX, len(contents))]
    with server.connect() as client:
        client.say("helo me")
        for content in contents:
            assert client.mail(content, to=user)[:3] == b"250"
    server.rest()


@pytest.fixture
def with_metadata(tmp_path: Path) -> Iterator[Path]:
    """A mailbox of such messages. The length in the first one ends where the third begins, as a look at others shows."""
    with Server(tmp_path, users=["aaa", "bbb"]) as server:
        deliver_metadata(server, "aaa")
        text = (server.mail_dir / "aaa.txt").read_bytes()
        begins = [match.start() for match in re.finditer(rb"(?m)^From ", text)]
        deliver_metadata(server, "bbb", begins[2] - 1 - (text.index(b"\n\n") + 2))
        yield server.mail_dir / "bbb.txt"


EACH = [str(number) for number in range(2 + len(OF_THE_MAILBOX))]


def test_mutt_shows_each_message_as_new_whatever_its_sender_wrote(with_metadata: Path, tmp_path: Path) -> None:
    mutt(with_metadata, f"T~N<enter>;C{tmp_path}/copy<enter><exit>")
    assert subjects(tmp_path / "copy") == EACH
    assert b"first\n" in (tmp_path / "copy").read_bytes()


def test_dovecot_shows_each_message_without_a_flag_whatever_its_sender_wrote(with_metadata: Path) -> None:
    with dovecot(with_metadata) as imap:
        imap.select()
        found = imap.fetch("1:*", "(UID FLAGS)")[1]
        assert found == [b"%d (UID %d FLAGS (\\Recent))" % (number, number) for number in range(1, len(EACH) + 1)]
        check_imap(imap, EACH)

"""Readers find all mail of a place, with its octets, and say in a line why they cannot."""

import threading
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer

import pytest

from service.audit.readers import UnreadableError, database, directory, pop3


def test_mbox_files_and_maildirs_are_read_and_other_files_are_not(tmp_path: Path) -> None:
    first = b"Subject: one\n\n>From here\n>>From there\nFrom the middle of a paragraph\n\n"
    (tmp_path / "a.txt").write_bytes(b"From x y\n" + first + b"From z\nSubject: two\n\nlast\n")
    (tmp_path / "b.mbox").write_bytes(b"From x\r\nSubject: three\r\n\r\nx\r\n\r\nFrom x\r\nSubject: four\r\n\r\n")
    (tmp_path / "c").write_bytes(b"")
    for folder in ("new", "cur", "tmp"):
        (tmp_path / "d" / folder).mkdir(parents=True)
        (tmp_path / "d" / folder / "1").write_bytes(folder.encode())
    (tmp_path / ".carteiro").mkdir()
    (tmp_path / ".lock").write_text("From x\n\nx\n")
    assert list(directory(tmp_path)) == [
        ("a", first.replace(b">From", b"From", 1).replace(b">From t", b"From t")),
        ("a", b"Subject: two\n\nlast\n"),
        ("b", b"Subject: three\r\n\r\nx\r\n\r\n"),
        ("b", b"Subject: four\r\n\r\n"),
        ("d", b"new"),
        ("d", b"cur"),
    ]


def test_a_directory_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match="nowhere: No such file"):
        list(directory(tmp_path / "nowhere"))


class Box(StreamRequestHandler):
    """A POP3 server with two messages for everybody whose password is `secret`."""

    mails = (b"Subject: one\r\n\r\n..\r\nx\r\n", b"Subject: two\r\n\r\n")

    def handle(self) -> None:
        self.wfile.write(b"+OK hi\r\n")
        for line in self.rfile:
            verb, _, word = line.decode().strip().partition(" ")
            if verb == "PASS" and word != "secret":
                self.wfile.write(b"-ERR no\r\n")
            elif verb == "STAT":
                self.wfile.write(b"+OK 2 50\r\n")
            elif verb == "RETR":
                self.wfile.write(b"+OK\r\n" + self.mails[int(word) - 1] + b".\r\n")
            else:
                self.wfile.write(b"+OK\r\n")


def test_all_mail_behind_pop3_is_read(tmp_path: Path) -> None:
    passwords = tmp_path / "passwords"
    passwords.write_text("# ours\njohndoe:secret\n\nmaria:secret\n")
    with ThreadingTCPServer(("127.0.0.1", 0), Box) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.server_address[1]
        mails = [b"Subject: one\n\n.\nx\n", b"Subject: two\n\n"]
        assert list(pop3("127.0.0.1", port, passwords)) == [(name, mail) for name in ("johndoe", "maria") for mail in mails]
        passwords.write_text("johndoe:wrong\n")
        with pytest.raises(UnreadableError, match=f"127.0.0.1:{port}: .*no"):
            list(pop3("127.0.0.1", port, passwords))
        server.shutdown()
    with pytest.raises(UnreadableError, match="Connection refused"):
        list(pop3("127.0.0.1", port, passwords))


def test_a_database_that_is_not_there_is_one_line() -> None:
    pytest.importorskip("psycopg", reason="the package psycopg is not installed")
    with pytest.raises(UnreadableError, match=r"the database: .*refused") as caught:
        list(database("host=127.0.0.1 port=1 dbname=mail"))
    assert "\n" not in str(caught.value)

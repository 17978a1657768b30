"""Reads what is there: the messages in a directory of mbox files and Maildirs, in a PostgreSQL database, or behind POP3.

Knows nothing about tokens. Each reader yields the names of mailboxes with the octets of a message, in any order.

Nothing is locked and nothing is changed. While mail is still being delivered, a reader may see half a message.
"""

import poplib
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

Message = tuple[str, bytes]
"""A mailbox's name, and a message's octets."""

QUERY = """
select mailbox.name, coalesce(message.raw,
    (select string_agg(piece.data, '' order by piece.n) from piece where piece.message = message.id))
from delivery join message on message.id = delivery.message join mailbox on mailbox.id = delivery.mailbox
"""
"""What is asked of the database of `--store postgres`."""

ROWS = 500
"""Rows of a database that are fetched at once."""

POP3_TIMEOUT = 60.0
"""Seconds of silence after which a POP3 server is given up."""


class UnreadableError(Exception):
    """Mail cannot be read. The text says what to do."""


def directory(path: Path) -> Iterator[Message]:
    """The mail in a directory: files `NAME.txt`, `NAME.mbox` or `NAME` are mbox, a directory with `new` is a Maildir."""
    try:
        for entry in sorted(path.iterdir()):
            if (entry / "new").is_dir():
                for folder in ("new", "cur"):
                    yield from ((entry.name, file.read_bytes()) for file in (entry / folder).iterdir())
            elif entry.is_file() and not entry.name.startswith("."):
                name = entry.name.removesuffix(".txt").removesuffix(".mbox")
                yield from ((name, message) for message in _mbox(entry))
    except OSError as error:
        raise UnreadableError(f"{error.filename or path}: {error.strerror}") from error


def _mbox(path: Path) -> Iterator[bytes]:
    """The messages of an mbox file, without their `From ` lines and with one `>` less where it quotes another."""
    lines: list[bytes] = []
    is_after_blank = True
    with path.open("rb") as file:
        for line in file:
            if is_after_blank and line.startswith(b"From "):
                if lines:
                    yield b"".join(lines)
                lines = []
            else:
                lines.append(re.sub(rb"^>(>*From )", rb"\1", line))
            is_after_blank = not line.rstrip(b"\r\n")
    if lines:
        yield b"".join(lines)


def database(conninfo: str, query: str = QUERY) -> Iterator[Message]:
    """The mail in a PostgreSQL database, as its primary sees it. `query` gives rows of two: a mailbox's name, and octets."""
    try:
        import psycopg
    except ImportError as error:
        raise UnreadableError(f"--database needs the package psycopg ({error}): pip install 'psycopg[binary]'") from None
    try:
        words = psycopg.conninfo.make_conninfo(conninfo)
        if "target_session_attrs" not in words:
            words = psycopg.conninfo.make_conninfo(conninfo, target_session_attrs="read-write")
        with psycopg.connect(words, connect_timeout=5) as connection, connection.cursor("smtpcount", binary=True) as cursor:
            cursor.itersize = ROWS
            for name, content in cursor.execute(query.encode()):
                yield str(name), bytes(content or b"")
    except psycopg.Error as error:
        raise UnreadableError(f"the database: {' '.join(str(error).split())}") from error


def pop3(host: str, port: int, passwords: Path) -> Iterator[Message]:
    """The mail behind a POP3 server. `passwords` has a line `name:password` for each mailbox. Nothing is deleted."""
    try:
        lines = passwords.read_text().splitlines()
        for name, _, password in (line.partition(":") for line in lines if line and not line.startswith("#")):
            with closing(poplib.POP3(host, port, timeout=POP3_TIMEOUT)) as box:
                box.user(name)
                box.pass_(password)
                for number in range(1, box.stat()[0] + 1):
                    yield name, b"\n".join(box.retr(number)[1]) + b"\n"
                box.quit()
    except poplib.error_proto as error:
        raise UnreadableError(f"{host}:{port}: {error}") from error
    except OSError as error:
        raise UnreadableError(f"{error.filename or f'{host}:{port}'}: {error.strerror or error}") from error

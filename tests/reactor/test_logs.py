"""Whoever reads the log may be slow, stopped or gone; the loop goes on."""

import logging
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reactor.logs import ImpatientHandler, dropped

from ..kit.server import Telnet
from ..kit.support import ROOT, read_mailbox


def record(words: str) -> logging.LogRecord:
    return logging.LogRecord("test", logging.INFO, "", 0, words, (), None)


def test_a_line_is_written() -> None:
    reader, writer = os.pipe()
    ImpatientHandler(writer).emit(record("caf\N{LATIN SMALL LETTER E WITH ACUTE} \udcff"))
    assert os.read(reader, 100) == b"caf\xc3\xa9 \\udcff\n"
    os.close(reader)
    os.close(writer)


def test_a_line_says_when_how_bad_and_what() -> None:
    code = (
        "import logging, sys; from reactor.logs import log_to; log_to(2, logging.INFO)\n"
        "log = logging.getLogger('carteiro.x'); log.debug('not this'); log.info('a %s', 'line')\n"
        "try: 1 / 0\nexcept ArithmeticError: log.exception('an error')\n"
    )
    began = time.time()
    said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True, text=True).stderr
    first, second, *traceback = said.splitlines()
    assert first[23:] == " INFO a line" and second[23:] == " ERROR an error"
    assert traceback[0].startswith("Traceback") and traceback[-1].startswith("ZeroDivisionError")
    at = time.mktime(time.strptime(first[:19], "%Y-%m-%d %H:%M:%S")) + int(first[20:23]) / 1000
    assert first[19] == "," and began - 0.001 <= at <= time.time()


def test_what_nobody_reads_is_dropped_and_counted() -> None:
    reader, writer = os.pipe()
    handler = ImpatientHandler(writer)
    begun = time.monotonic()
    for number in range(3000):
        handler.emit(record(f"{number} " + "x" * 100))
    handler.emit(record("y" * 200_000))
    assert time.monotonic() - begun < 5
    kept = os.read(reader, 1 << 20).splitlines()
    handler.emit(record("at last"))
    said = os.read(reader, 1 << 20).splitlines()
    assert said[-2:] == [b"%d lines of this log were dropped: nobody read it" % (3001 - len(kept)), b"at last"]
    os.close(reader)
    os.close(writer)


def test_a_log_that_is_gone_is_no_reason_to_stop() -> None:
    reader, writer = os.pipe()
    handler = ImpatientHandler(writer)
    os.close(reader)
    handler.emit(record("to nobody"))
    os.close(writer)
    handler.emit(record("to nothing"))


def test_a_server_without_standard_error_writes_its_log_nowhere(tmp_path: Path) -> None:
    (tmp_path / "users.txt").write_text("johndoe\n")
    server = (
        f"exec {sys.executable} {ROOT}/bin/smtpd --verbose --listen 127.0.0.1:0 --mail-dir {tmp_path}/m {tmp_path}/users.txt"
    )
    with subprocess.Popen(["sh", "-c", f"{server} 2>&-"], stdout=subprocess.PIPE) as process:
        assert process.stdout
        port = int(process.stdout.readline().rpartition(b":")[2])
        with Telnet(port) as client:
            assert client.hear()[:3] == b"220"
            client.say("helo me")
            assert client.mail(b"text\r\n")[:3] == b"250"
            assert client.say("quit")[:3] == b"221" and client.hear() == b""
        process.terminate()
        assert process.wait(10) == 0
    assert [kept.content for kept in read_mailbox(tmp_path / "m" / "johndoe.txt")] == [b"\ntext\n"]


def test_a_full_pipe_does_not_stop_the_server(tmp_path: Path) -> None:
    users = tmp_path / "users.txt"
    users.write_text("johndoe\n")
    places = ["--listen", "127.0.0.1:0", "--mail-dir", str(tmp_path / "m"), str(users)]
    command = [sys.executable, str(ROOT / "bin" / "smtpd"), *places]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as server:
        assert server.stdout
        port = int(server.stdout.readline().rpartition(b":")[2])
        for _ in range(1000):
            with Telnet(port) as client:
                assert client.hear()[:3] == b"220"
        server.terminate()
        assert server.wait(10) == 0


def test_what_was_dropped_in_all_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    handler = ImpatientHandler(writer)
    monkeypatch.setattr(logging.getLogger(), "handlers", [handler, logging.NullHandler()])
    assert dropped() == 0
    while not handler.dropped:
        handler.emit(record("x" * 4000))
    handler.emit(record("x" * 4000))
    os.read(reader, 1 << 20)
    handler.emit(record("at last"))
    assert dropped() == 2
    os.close(reader)
    os.close(writer)

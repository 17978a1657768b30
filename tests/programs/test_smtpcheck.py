"""smtpcheck over sockets: our own server has no finding, the classic dialect has; baselines, exit codes, and courtesy."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..kit.esmtp_server import esmtp, line_of
from ..kit.server import Server
from ..kit.support import ROOT
from ..kit.tls import make_pem


def smtpcheck(*arguments: object, typed: str | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "bin" / "smtpcheck"), *map(str, arguments)]
    return subprocess.run(command, input=typed, capture_output=True, text=True, timeout=120)


@pytest.fixture
def classic(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path) as server:
        yield server


def address(server: Server) -> str:
    return f"127.0.0.1:{server.port}"


def test_our_own_server_has_no_finding(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("secret\n")
    with esmtp(tmp_path, pem=make_pem(tmp_path), auth=line_of("johndoe", "secret")) as server:
        how = ("--to", "johndoe", "--auth", "johndoe", "--json", tmp_path / "report")
        done = smtpcheck(address(server), *how, "--password-file", tmp_path / "password")
        messages = server.mailbox("johndoe")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "370 cells: 370 right, 0 not" in done.stdout
    (report,) = json.loads((tmp_path / "report").read_text())["servers"]
    assert report["findings"] == report["untested"] == [] and report["right"] == report["tested"] == 370
    assert 40 < len(messages) < 400
    assert all(b"\nX-Smtpcheck: " in b"\n" + kept.content for kept in messages)
    assert {kept.reverse_path for kept in messages} == {b"smtpcheck@client.example"}


def test_nor_if_it_is_intrusive(tmp_path: Path) -> None:
    with esmtp(tmp_path, "--max-message-size", "100000") as server:
        done = smtpcheck(address(server), "--to", "johndoe", "--only", "1870", "--only", "5321-4.5", "--intrusive")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "could not be tested" not in done.stdout and "0 MUST (0 danger, 0 stops), 0 SHOULD" in done.stdout


def test_the_classic_dialect_has_findings_and_a_baseline_makes_them_known(classic: Server, tmp_path: Path) -> None:
    how = (address(classic), "--to", "johndoe", "--only", "5321-4.1.1", "--level", "must")
    file = tmp_path / "known"
    first = smtpcheck(*how, "--write-baseline", file)
    assert first.returncode == 1 and "MUST, stops: 5321-4.1.1.10-quit (RFC 5321 section 4.1.1.10)" in first.stdout
    assert "5321-4.1.1.10-quit" in file.read_text()
    with file.open("a") as more:
        more.write("5321-4.1.1.4-data # mended\n5321-4.3.1-silence # not tested with this --only\n")
    second = smtpcheck(*how, "--baseline", file)
    assert second.returncode == 0 and "5321-4.1.1.10-quit (RFC 5321 section 4.1.1.10), in the baseline" in second.stdout
    assert "these no longer occur: 5321-4.1.1.4-data\n" in second.stdout
    assert smtpcheck(*how, "--baseline", file, "--strict-baseline").returncode == 1


def test_what_is_grave_is_not_told_if_it_is_to_be_discreet(classic: Server, tmp_path: Path) -> None:
    how = (address(classic), "--to", "johndoe", "--only", "5321-4.1.1.5")
    assert smtpcheck(*how).returncode == 1
    done = smtpcheck(*how, "--discreet", "--write-baseline", tmp_path / "known", "--json", tmp_path / "report")
    told = (
        done.stdout
        + (tmp_path / "known").read_text()
        + json.dumps(json.loads((tmp_path / "report").read_text())["servers"][0]["findings"])
    )
    assert done.returncode == 0 and "5321-4.1.1.5-rset" not in told and "1 grave findings are not told" in told
    cells = json.loads((tmp_path / "report").read_text())["servers"][0]["cells"]
    assert {cell["verdict"] for cell in cells.values() if "not told" in cell["what"]} == {"UNTESTED"}
    assert not [cell for cell in cells.values() if cell["verdict"] == "DIFFERS" and cell["rule"] == "5321-4.1.1.5-rset"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--to"], 2, "expected one argument"),
        (["here"], 2, "'here' is not HOST:PORT"),
        (["127.0.0.1:25", "--only", "9999"], 2, "no rule begins with 9999"),
        (["127.0.0.1:25", "--explain", "9999"], 2, "9999 is no id of a rule"),
        (["127.0.0.1:25", "--baseline", "/nowhere"], 2, "/nowhere: No such file or directory"),
        (["127.0.0.1:1", "--json", "/nowhere/x"], 2, "/nowhere/x: No such file or directory"),
        (["127.0.0.1:1", "--write-baseline", "/nowhere/x"], 2, "/nowhere/x: No such file or directory"),
        (["127.0.0.1:25", "--idle", "8"], 2, "a silence of 290 s is tested"),
        (["127.0.0.1:25", "--auth", "x"], 2, "--auth needs a --password-file"),
        (["192.0.2.1:25"], 2, "name the mailbox that is to get the messages (--to)"),
        (["192.0.2.1:25", "--to", "x"], 2, "say --yes if that is all right"),
        (["nowhere.invalid:25"], 3, "is the name right?"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(arguments: list[str], code: int, words: str) -> None:
    done = smtpcheck(*arguments, typed="")
    assert done.returncode == code and words in done.stderr and "Traceback" not in done.stderr


def test_before_it_goes_elsewhere_it_says_what_it_will_leave() -> None:
    done = smtpcheck("192.0.2.1:25", "--to", "x@y.example", typed="")
    assert "connections to each of 192.0.2.1:25, and up to " in done.stderr and " messages to x@y.example" in done.stderr


def test_what_is_no_server_is_said() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        done = smtpcheck(f"127.0.0.1:{nobody.getsockname()[1]}")
    assert done.returncode == 3 and done.stderr.endswith(": Connection refused\n")


def test_a_mailbox_that_is_refused_is_said(classic: Server) -> None:
    done = smtpcheck(address(classic), "--to", "stranger")
    assert done.returncode == 3 and "no mail can be sent to stranger: RCPT is answered 550" in done.stderr


def test_rules_are_listed_and_explained() -> None:
    listed, explained = smtpcheck("--list").stdout, smtpcheck("--explain", "5321-4.1.4-hello-again").stdout
    assert "5321-4.1.4-hello-again  " in listed and len(listed.splitlines()) > 40
    assert "https://www.rfc-editor.org/rfc/rfc5321#section-4.1.4" in explained and "What to do: " in explained

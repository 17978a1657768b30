"""What the real server says of itself: where it listens, what it logs, what is wrong with its arguments."""

import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ..kit.server import Server, Telnet
from ..kit.support import ROOT, wait_until

DATA = ("helo me", "mail from: a@b", "rcpt to: johndoe", "data")


def run(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "bin" / "smtpd"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=20, **options)  # type: ignore[call-overload,no-any-return]


def test_several_listeners_say_where_they_listen(tmp_path: Path) -> None:
    with Server(tmp_path, "--listen", "127.0.0.1:0", "--listen", "[::1]:0") as server:
        (host4, port4), (host6, port6) = server.addresses
        assert (host4, host6) == ("127.0.0.1", "::1")
        with Telnet(port4) as one, Telnet(port6, "::1") as other:
            assert one.hear()[:3] == other.hear()[:3] == b"220"
            other.say("helo me")
            assert other.mail(b"x\r\n")[:3] == b"250"
        server.rest()
        assert "from me ([IPv6:::1])" in (server.mail_dir / "johndoe.txt").read_text()


def test_the_log_tells_a_session_in_lines_and_never_raw(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        with server.connect() as client:
            client.say("\x1b[2J", *DATA)
            client.send(b"text\r\n.\r\n")
            client.hear()
            client.say("quit")
        wait_until(lambda: "closed: quit" in server.log)
        lines = [re.sub(r"^\S+ \S+ ", "", line) for line in server.log.splitlines()]
        patterns = [
            r"INFO 127\.0\.0\.1:\d+ connected",
            r"INFO 127\.0\.0\.1:\d+ refused with 500 Syntax error, command unrecognized: b'\\x1b\[2J'",
            r"INFO 127\.0\.0\.1:\d+ message \S+ stored: mailbox johndoe, 6 octets, \d+\.\d ms; "
            r"client 'me', no Message-ID; from <a@b> to <johndoe>",
            r"INFO 127\.0\.0\.1:\d+ closed: quit",
        ]
        assert len(lines) == len(patterns)
        for line, pattern in zip(lines, patterns, strict=True):
            assert re.fullmatch(pattern, line)


def test_verbose_shows_the_dialogue_and_quiet_shows_nothing(tmp_path: Path) -> None:
    for flag, shown in (("--verbose", True), ("--quiet", False)):
        with Server(tmp_path, flag, "--hostname", "mx.test") as server:
            with server.connect() as client:
                client.say("helo me")
            server.stop()
            lines = [line.split(" ", 4)[4] for line in server.log.splitlines() if " DEBUG " in line]
            dialogue = ["S: 220 mx.test carteiro SMTP at your service", "C: helo me", "   START -> CLIENT"]
            assert lines[:4] == [*dialogue, "S: 250 Hello me, pleased to meet you"] * shown
        server.log_file.unlink()


def test_a_bad_users_file_is_one_line_and_exit_1(tmp_path: Path) -> None:
    (tmp_path / "bad.txt").write_text("johndoe\n../x\n")
    for path, words in (
        ("bad.txt", "bad.txt:2: b'../x' has a slash"),
        ("none.txt", "No such file"),
        (".", "Is a directory"),
    ):
        result = run("--mail-dir", tmp_path / "m", tmp_path / path)
        assert result.returncode == 1 and result.stdout == ""
        assert re.fullmatch(r"smtpd: .*\n", result.stderr) and words in result.stderr


def test_a_busy_port_or_a_bad_directory_is_one_line_and_exit_1(tmp_path: Path) -> None:
    users = tmp_path / "users.txt"
    users.write_text("johndoe\n")
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        result = run("--mail-dir", tmp_path / "m", "--listen", f"127.0.0.1:{port}", users)
    assert result.returncode == 1
    assert re.fullmatch(rf"smtpd: cannot listen on 127\.0\.0\.1:{port}: Address already in use: .*\n", result.stderr)
    with Server(tmp_path) as server:
        result = run("--mail-dir", server.mail_dir, "--listen", "127.0.0.1:0", users)
        assert result.returncode == 1 and "another server uses it" in result.stderr and result.stderr.count("\n") == 1
    result = run("--mail-dir", users, "--listen", "127.0.0.1:0", users)
    assert result.returncode == 1 and re.fullmatch(r"smtpd: mail directory .*\n", result.stderr)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--listen", "25", "u"],
        ["--listen", "127.0.0.1:70000", "u"],
        ["--max-message-size", "big", "u"],
        ["--max-message-size", "0", "u"],
        ["--max-connections", "0", "u"],
        ["--max-refusals", "-1", "u"],
        ["--idle-timeout", "0", "u"],
        ["--idle-timeout", "nan", "u"],
        ["--hostname", "two words", "u"],
        ["--dialect", "x400", "u"],
        ["--nonsense", "u"],
        ["u", "v"],
    ],
)
def test_a_bad_argument_is_one_line_and_exit_2(arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.returncode == 2 and result.stdout == ""
    assert re.fullmatch(r"smtpd: .* \(see smtpd --help\)\n", result.stderr)


def test_odd_but_legal_arguments_harm_nobody(tmp_path: Path) -> None:
    with Server(tmp_path, "--idle-timeout", "999999999", users=["josé"]) as server, server.connect() as client:
        client.say("helo me")
        assert client.mail(b"x\r\n", to="josé")[:3] == b"250"
        assert len(server.mailbox("josé")) == 1


def test_a_name_outside_of_the_locale_is_a_mailbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("LC_ALL", "C"), ("PYTHONUTF8", "0"), ("PYTHONCOERCECLOCALE", "0")):
        monkeypatch.setenv(name, value)
    test_odd_but_legal_arguments_harm_nobody(tmp_path)


@pytest.mark.parametrize("host", ["a..b", ".", "x" * 70])
def test_a_host_that_is_none_is_one_line(tmp_path: Path, host: str) -> None:
    users = tmp_path / "users.txt"
    users.write_text("johndoe\n")
    result = run("--mail-dir", tmp_path / "m", "--listen", f"{host}:25", users)
    assert result.returncode == 1 and re.fullmatch(r"smtpd: cannot listen on .*\n", result.stderr)


@pytest.mark.parametrize("flag", ["--table", "--reference"])
def test_a_full_standard_output_is_one_line(flag: str) -> None:
    with open("/dev/full", "w") as full:  # noqa: PTH123
        command = [sys.executable, str(ROOT / "bin" / "smtpd"), flag]
        result = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=20)
    assert result.returncode == 1
    assert result.stderr == "smtpd: cannot write to standard output: No space left on device\n"


def test_the_table_is_printed_without_a_users_file() -> None:
    assert run("--table").stdout.split()[0] == "helo"
    assert run("--table", "mermaid").stdout.startswith("stateDiagram-v2\n")
    assert run("--table", "dot").stdout.startswith('digraph "classic" {\n')
    assert run("--version").stdout.startswith("carteiro ")


def test_whoever_reads_the_table_may_stop() -> None:
    command = f"{sys.executable} {ROOT}/bin/smtpd --table | true"
    assert subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=20).stderr == ""


def test_it_runs_through_a_symlink_and_beside_a_strangers_package(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "smtpd").symlink_to(ROOT / "bin" / "smtpd")
    (tmp_path / "protocol").mkdir()
    (tmp_path / "protocol" / "__init__.py").write_text("raise SystemExit('the wrong package')")
    command = [sys.executable, str(tmp_path / "bin" / "smtpd"), "--version"]
    result = subprocess.run(
        command, cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=True
    )
    assert result.stdout.startswith("carteiro ")


@pytest.mark.parametrize("pause", [0.03, 0.06, 0.1, 0.15, 0.2, 0.3])
def test_ctrl_c_while_it_starts_shows_no_traceback(tmp_path: Path, pause: float) -> None:
    users = tmp_path / "users.txt"
    users.write_text("johndoe\n")
    command = [sys.executable, str(ROOT / "bin" / "smtpd"), "--mail-dir", str(tmp_path / "m"), "--listen", "127.0.0.1:0"]
    with subprocess.Popen([*command, str(users)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        time.sleep(pause)
        process.send_signal(signal.SIGINT)
        try:
            said = process.communicate(timeout=5)[1]
        except subprocess.TimeoutExpired:  # who starts programs in the background has them ignore it, until ours takes it
            process.send_signal(signal.SIGINT)
            said = process.communicate(timeout=20)[1]
    if f'"{ROOT}/bin/' in said or not said:  # else Python itself was not up yet
        assert "Traceback" not in said and process.returncode in (0, -signal.SIGINT)

"""`bin/smtpc --check`, as a program."""

import re
import subprocess
import sys
from pathlib import Path

from ..kit.support import ROOT

TALK = "S: 220 mx\nC: EHLO me\nS: 250 mx\nC: RCPT TO:<a@b>\nS: 503 first MAIL\nC: QUIT\nS: 221 bye\n"


def checked(name: str, text: str = "") -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(ROOT / "bin" / "smtpc"), "--check", name]
    return subprocess.run(command, input=text, capture_output=True, text=True, timeout=20)


def test_a_talk_that_is_lawful() -> None:
    done = checked("-", TALK)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "S: 220 mx\n   right: RFC 5321 section 3.1\n"
        "C: EHLO me\nS: 250 mx\n   right: RFC 5321 section 4.1.1.1\n"
        "C: RCPT TO:<a@b>\nS: 503 first MAIL\n   right: RFC 5321 section 3.3: RCPT without MAIL is answered 503.\n"
        "C: QUIT\nS: 221 bye\n   right: RFC 5321 section 4.1.1.10\n"
        "4 replies: 4 lawful, 0 not\n"
    )


def test_one_that_is_not(tmp_path: Path) -> None:
    (tmp_path / "talk.txt").write_text(TALK.replace("503 first MAIL", "250 \x1b[1mok"))
    done = checked(str(tmp_path / "talk.txt"))
    assert done.returncode == 1 and "\x1b" not in done.stdout
    assert "S: 250 \\x1b[1mok\n   wrong: 503 is due (RFC 5321 section 3.3). RCPT without MAIL" in done.stdout
    assert done.stdout.endswith("4 replies: 3 lawful, 1 not\n")


def test_a_script() -> None:
    done = checked("-", "EHLO me\nDATA\n")
    assert done.returncode == 0
    assert "C: DATA\n   a lawful server says 503 or 554 (RFC 5321 section 3.3)\n" in done.stdout
    assert done.stdout.endswith("2 commands: no reply stands here; these would be lawful\n")


def test_the_example_of_the_document() -> None:
    text = (ROOT / "docs" / "table.md").read_text()
    script, shown = text.partition("bin/smtpc --check -\n")[::2]
    lines = [words.strip("'") for words in re.findall(r"echo ('.*?'|\w+)", script.rpartition("(")[2])]
    assert len(lines) == 3 and checked("-", "\n".join(lines)).stdout == shown.partition("```text\n")[2].partition("```")[0]


def test_a_long_message_is_shown_in_part() -> None:
    text = "S: 220 mx\nC: EHLO me\nS: 250 mx\nC: MAIL FROM:<>\nS: 250 ok\nC: RCPT TO:<a@b>\nS: 250 ok\nC: DATA\nS: 354 go\n"
    done = checked("-", text + "".join(f"C: {number}\n" for number in range(20)) + "C: .\nS: 250 ok\n")
    assert "C: 0\nC: 1\nC: ... (18 more)\nC: .\nS: 250 ok\n" in done.stdout


def test_what_cannot_be_read() -> None:
    for name, text, why in (
        ("-", "", "smtpc: -: no line of a client is in it: write C: and S: in front of each line\n"),
        (
            "/nowhere",
            "",
            "smtpc: /nowhere: No such file or directory: give a file with a transcript, or - for standard input\n",
        ),
    ):
        done = checked(name, text)
        assert (done.returncode, done.stdout, done.stderr) == (2, "", why)

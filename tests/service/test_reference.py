"""The references of the command line are what the programs print of themselves, and the documents use no other flags."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from ..kit.support import ROOT


def printed(program: str, *flags: str) -> str:
    command = [sys.executable, str(ROOT / "bin" / program), *flags]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=20).stdout


@pytest.mark.parametrize("program", ["smtpd", "smtpc", "smtpcount", "smtpcheck"])
def test_the_reference_is_what_the_program_prints(program: str) -> None:
    made = printed(program, "--reference")
    assert (ROOT / "docs" / f"{program}.md").read_text() == made, f"bin/{program} --reference > docs/{program}.md"


@pytest.mark.parametrize("program", ["smtpd", "smtpc", "smtpcount", "smtpcheck"])
def test_the_reference_has_all_that_help_has(program: str) -> None:
    made, shown = printed(program, "--reference"), printed(program, "--help")
    flags = set(re.findall(r"(?m)^  (?:-h, )?(--[a-z-]+)", shown))
    assert len(flags) > 2
    assert flags == set(re.findall(r"(?m)^- (?:`-h`, )?`(--[a-z-]+)", made))
    assert {title.lower() for title in re.findall(r"(?m)^## (.*)$", made)} == set(re.findall(r"(?m)^([a-z].*):$", shown))
    assert max(map(len, made.splitlines())) <= 120


@pytest.mark.parametrize("path", [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))], ids=lambda path: path.name)
def test_every_flag_of_ours_that_a_document_uses_exists(path: Path) -> None:
    """In each command line that begins with bin/smtpd or smtpd."""
    known = set(re.findall(r"--[a-z-]+", printed("smtpd", "--help")))
    joined = re.sub(r"\\\n\s*", "", path.read_text())
    for command in re.findall(r"(?m)(?:bin/|^)smtpd ([^\n`|]*)", joined):
        assert set(re.findall(r"--[a-z-]+", command)) <= known, command

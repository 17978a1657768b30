"""`bin/smtpd --dev` as a process, with its page, on ports that the kernel picks."""

import json
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from .support import ROOT

PATIENCE = 30.0


class Page(NamedTuple):
    """Where mail is taken, where it is shown, and where it lies."""

    port: int
    url: str
    """It ends with a slash."""
    mail_dir: Path
    process: "subprocess.Popen[str]"

    def get(self, path: str) -> Any:
        """The JSON at a path, which begins without a slash."""
        with urllib.request.urlopen(self.url + path, timeout=PATIENCE) as answer:
            return json.load(answer)

    def see(self, count: int) -> None:
        """Waits until the page shows so many messages."""
        self.until(lambda: self.get("api/v1/messages?limit=1")["total"] == count)

    @staticmethod
    def until(is_so: Callable[[], object]) -> None:
        """Waits until something is so."""
        end = time.monotonic() + PATIENCE
        while not is_so():
            assert time.monotonic() < end
            time.sleep(0.02)


def url_of(process: "subprocess.Popen[str]") -> str:
    """Where the page of a server is, as its next line says."""
    assert process.stdout
    line = process.stdout.readline()
    match = re.fullmatch(r"showing mail on (http://\S+/)\n", line)
    assert match, line
    return match[1]


def pids(mail_dir: Path, module: str) -> list[int]:
    """The processes of the page of a mail directory, by the module of service/web/ that they run."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            words = path.read_bytes()
            if str(mail_dir).encode() in words and f"service.web.{module} import".encode() in words:
                found.append(int(path.parent.name))
    return found


@contextmanager
def dev(directory: Path, *flags: str) -> Iterator[Page]:
    """Runs it; `flags` go behind --dev."""
    places = ["--listen", "127.0.0.1:0", "--web", "127.0.0.1:0", "--mail-dir", str(directory / "mailboxes")]
    command = [sys.executable, str(ROOT / "bin" / "smtpd"), "--dev", *places, *flags]
    with (directory / "log").open("ab") as log:
        process = subprocess.Popen(command, cwd=directory, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        assert process.stdout
        line = process.stdout.readline()
        listening = re.fullmatch(r"listening on 127\.0\.0\.1:(\d+)\n", line)
        assert listening, f"{line}, and on stderr: {(directory / 'log').read_text()}"
        yield Page(int(listening[1]), url_of(process), directory / "mailboxes", process)
    finally:
        process.terminate()
        process.wait(PATIENCE)
        if process.stdout:
            process.stdout.close()

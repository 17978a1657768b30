"""`bin/smtpd --dev` as a process, with its page, on ports that the kernel picks."""

import json
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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


@contextmanager
def dev(directory: Path, *flags: str) -> Iterator[Page]:
    """Runs it; `flags` go behind --dev."""
    command = [
        sys.executable,
        str(ROOT / "bin" / "smtpd"),
        "--dev",
        "--listen",
        "127.0.0.1:0",
        "--web",
        "127.0.0.1:0",
        *flags,
    ]
    with (directory / "log").open("ab") as log:
        process = subprocess.Popen(command, cwd=directory, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        assert process.stdout
        lines = [process.stdout.readline() for _ in range(2)]
        listening = re.fullmatch(r"listening on 127\.0\.0\.1:(\d+)\n", lines[0])
        showing = re.fullmatch(r"showing mail on (http://\S+/)\n", lines[1])
        assert listening and showing, f"{lines}, and on stderr: {(directory / 'log').read_text()}"
        yield Page(int(listening[1]), showing[1], directory / "mailboxes", process)
    finally:
        process.terminate()
        process.wait(PATIENCE)
        if process.stdout:
            process.stdout.close()

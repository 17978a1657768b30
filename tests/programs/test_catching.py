"""The recipes of docs/catching.md do what it says: its code is run as it stands there."""

import os
import re
import signal
import smtplib
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ..kit.documents import blocks
from ..kit.page import dev
from ..kit.server import Server
from ..kit.support import ROOT, program
from .test_clients_esmtp import NODE_PATH


def test_the_pytest_fixture_catches_a_message(tmp_path: Path) -> None:
    fixture, test = (
        block for block in blocks("docs/catching.md", "python") if block.startswith("import") and "wait_for" not in block
    )
    (tmp_path / "conftest.py").write_text(fixture)
    (tmp_path / "test_mail.py").write_text(test)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"  # bin/smtpd is run by this Python
    smtpd = str(ROOT / "bin" / "smtpd")
    environment = {**os.environ, "SMTPD": smtpd, "PATH": path, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert "1 passed" in ended.stdout, ended.stdout + ended.stderr


def test_the_recipe_for_waiting_waits(tmp_path: Path) -> None:
    pytest.importorskip("h11")
    (recipe,) = (block for block in blocks("docs/catching.md", "python") if "wait_for" in block)
    with dev(tmp_path) as page:
        fixtures = f"""
import smtplib
import threading
import pytest

@pytest.fixture
def page():
    return {page.url.rstrip("/")!r}

@pytest.fixture
def sign_up():
    def later(to):
        with smtplib.SMTP("127.0.0.1", {page.port}) as client:
            mail = f"From: shop@example.org\\r\\nTo: {{to}}\\r\\nSubject: Welcome\\r\\n\\r\\nx\\r\\n"
            client.sendmail("shop@example.org", [to], mail)
    return lambda to: threading.Timer(0.5, later, [to]).start()
"""
        (tmp_path / "conftest.py").write_text(fixtures)
        (tmp_path / "test_recipe.py").write_text(recipe)
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", str(tmp_path)]
        environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert "1 passed" in ended.stdout, ended.stdout + ended.stderr


def test_the_node_recipe_waits_for_a_message(tmp_path: Path) -> None:
    finds: list[str] = [program("node"), "-e", 'require.resolve("nodemailer")']
    if subprocess.run(finds, env={**os.environ, "NODE_PATH": NODE_PATH}, capture_output=True).returncode:
        program("nodemailer")  # skips, but not in CI
    (script,) = blocks("docs/catching.md", "javascript")
    with Server(tmp_path, "--dialect", "esmtp", "--store", "maildir", "--catch-all", "johndoe") as server:
        (tmp_path / "send.js").write_text(script.replace("port: 2525", f"port: {server.port}"))
        environment = {**os.environ, "NODE_PATH": NODE_PATH}
        command = [program("node"), "send.js"]
        ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert "Subject: Welcome" in ended.stdout, ended.stderr


def test_mail_can_be_deleted_as_the_recipe_says(tmp_path: Path) -> None:
    (command,) = (block for block in blocks("docs/catching.md", "sh") if block.startswith("find"))
    with Server(tmp_path, "--store", "maildir") as server, server.connect() as client:
        client.say("helo me")
        for _ in range(2):
            assert client.mail(b"hello\r\n")[:3] == b"250"
            server.rest()
            assert len(list((server.mail_dir / "johndoe" / "new").iterdir())) == 1
            subprocess.run(command, shell=True, cwd=tmp_path, check=True)


def test_an_mbox_file_can_be_removed_as_the_recipe_says(tmp_path: Path) -> None:
    with Server(tmp_path) as server, server.connect() as client:
        client.say("helo me")
        for _ in range(2):
            assert client.mail(b"hello\r\n")[:3] == b"250"
            assert len(server.mailbox("johndoe")) == 1
            (server.mail_dir / "johndoe.txt").unlink()
        assert "ERROR" not in server.log


EXAMPLES = {
    "bin/smtpd --dev": "a server",
    "bin/smtpd --dialect esmtp --listen 127.0.0.1:1025": "a server",
    "bin/smtpd --dialect esmtp --listen 127.0.0.1:2525": "a server",
    "printf 'johndoe": "a server, and a message",
    "timeout 10 sh": "a server, and a message",
    "find mailboxes": "messages in a Maildir",
    "import json": "waiting over the API",
    "import mailbox": "the fixture",
    "import smtplib": "the fixture",
    "const fs": "nodemailer",
    "steps:": "CI",
    "test:": "CI",
    "EMAIL_BACKEND": "settings, which were tried with a Django that is not installed for tests",
    "@override_settings": "the same",
    "config.action_mailer": "settings, which were tried with a Rails that is not installed for tests",
}
"""What runs each example, by how it begins."""

SERVERS = [block for block in blocks("docs/catching.md", "sh") if "bin/smtpd" in block]


def test_each_example_is_one_of_these() -> None:
    shown = blocks("docs/catching.md", r"\w+")
    assert len(shown) == len(EXAMPLES)
    for block in shown:
        assert sum(block.startswith(beginning) for beginning in EXAMPLES) == 1, block


def shell(directory: Path, name: str) -> dict[str, str]:
    """The environment of a shell that runs examples in a directory, in which our programs have this name."""
    (directory / name).symlink_to(ROOT / "bin")
    (directory / "users.txt").write_text("johndoe\n")
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


@contextmanager
def started(example: str, directory: Path) -> Iterator[int]:
    """Starts a server as an example says, but for its ports; gives that for SMTP."""
    command = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:0", example.rstrip())
    if "--dev" in command:
        command += " --listen 127.0.0.1:0"
    if "--dev" in command or "--web" in command:
        command = command.removesuffix("--web") + " --web 127.0.0.1:0"
    pipe = subprocess.PIPE
    with subprocess.Popen(
        ["sh", "-c", command], cwd=directory, env=shell(directory, "bin"), stdout=pipe, text=True, start_new_session=True
    ) as process:
        assert process.stdout
        try:
            yield int(process.stdout.readline().rpartition(":")[2])
        finally:
            os.killpg(process.pid, signal.SIGTERM)


def send(port: int) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
        client.sendmail("shop@example.org", ["johndoe@example.com"], "Subject: Welcome\r\n\r\nHello!\r\n")


def caught(directory: Path) -> list[Path]:
    """The files that have mail."""
    return [*directory.glob("johndoe.txt"), *directory.glob("johndoe/new/*")]


@pytest.mark.parametrize("example", SERVERS, ids=range(len(SERVERS)))
def test_each_server_takes_mail(example: str, tmp_path: Path) -> None:
    if "--dev" in example or "--web" in example:
        pytest.importorskip("h11")
    with started(example, tmp_path) as port:
        send(port)
        end = time.monotonic() + 20
        while not any(b"Welcome" in path.read_bytes() for path in caught(tmp_path / "mailboxes")):
            assert time.monotonic() < end
            time.sleep(0.02)
        if "--catch-all" in example and "printf" in example:
            (wait,) = (block for block in blocks("docs/catching.md", "sh") if block.startswith("timeout"))
            ended = subprocess.run(wait, shell=True, cwd=tmp_path, capture_output=True, text=True, timeout=60)
            assert "Subject: Welcome" in ended.stdout


def in_ci(block: str) -> str:
    """The commands of a CI's configuration that start the server and wait for it."""
    if "run: |" in block:
        commands = re.findall(r"(?m)run: \|\n((?: {6}.*\n)+)", block)[0]
        return textwrap.dedent(commands)
    before = block.partition("before_script:\n")[2].partition("  script:")[0]
    return "\n".join(line.strip().removeprefix("- ") for line in before.splitlines())


@pytest.mark.parametrize("block", blocks("docs/catching.md", "yaml"), ids=["GitHub", "GitLab"])
def test_ci_starts_the_server(block: str, tmp_path: Path) -> None:
    (tmp_path / "carteiro").mkdir()
    environment = shell(tmp_path / "carteiro", "bin")
    commands = in_ci(block).replace("127.0.0.1:2525", "127.0.0.1:0")
    commands += "\ngrep -h listening smtpd.out; kill $!"
    ended = subprocess.run(
        ["bash", "-c", commands], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60
    )
    assert "listening on 127.0.0.1:" in ended.stdout, ended.stdout + ended.stderr

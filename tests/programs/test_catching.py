"""The recipes of docs/catching.md do what it says: its code is run as it stands there."""

import os
import subprocess
import sys
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

"""Servers for developers, which take any mail and show it.

Knows nothing about what is right.
"""

from collections.abc import Iterator
from pathlib import Path

from .daemons import version_in
from .libraries import version_of_module
from .running import Peer, installed, running, unused_port


def with_mailpit(directory: Path) -> Iterator[int]:
    """Mailpit."""
    port, other = unused_port(), unused_port()
    flags = ["--smtp", f"127.0.0.1:{port}", "--listen", f"127.0.0.1:{other}", "--disable-version-check"]
    with running([installed("mailpit"), *flags], directory, port):
        yield port


def with_inbucket(directory: Path) -> Iterator[int]:
    """Inbucket."""
    port = unused_port()
    env = {
        "INBUCKET_SMTP_ADDR": f"127.0.0.1:{port}",
        "INBUCKET_POP3_ADDR": f"127.0.0.1:{unused_port()}",
        "INBUCKET_WEB_ADDR": f"127.0.0.1:{unused_port()}",
        "INBUCKET_STORAGE_TYPE": "memory",
    }
    with running([installed("inbucket")], directory, port, env):
        yield port


def with_maildev(directory: Path) -> Iterator[int]:
    """MailDev."""
    port = unused_port()
    with running([installed("maildev"), "--smtp", str(port), "--ip", "127.0.0.1", "--disable-web"], directory, port):
        yield port


AS_SHIPPED = "as shipped: takes all mail"
CATCHERS = (
    Peer("Mailpit", lambda: version_of_module("mailpit", "github.com/axllent/mailpit"), AS_SHIPPED, with_mailpit),
    Peer("Inbucket", lambda: version_of_module("inbucket", "github.com/inbucket/inbucket/v3"), AS_SHIPPED, with_inbucket),
    Peer("MailDev", lambda: version_in("", installed("maildev"), "--version"), AS_SHIPPED, with_maildev),
)

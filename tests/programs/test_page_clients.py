"""The published clients of Mailpit and MailHog, unchanged, on `bin/smtpd --dev`: for all mail, and for one mailbox."""

import shutil
import smtplib
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..kit.node import CLIENTS, FIELDS, FLAT, calls_of
from ..kit.page import Page, dev

pytest.importorskip("h11")


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    """A server for one client: what another one has deleted may still be on its way out of the mailboxes, or into them."""
    if not shutil.which("node") or not (CLIENTS / "node_modules").is_dir():
        pytest.skip("the clients for Node are not installed: tests/check does it where npm is")
    with dev(tmp_path) as page:
        yield page


@pytest.mark.parametrize("script", ["mailpit-api.mjs", "cypress-mailpit.mjs"])
@pytest.mark.parametrize("path", ["", "/mailbox/jane"])
def test_mailpit_clients(script: str, path: str, page: Page) -> None:
    if path and script == "cypress-mailpit.mjs":
        pytest.skip("it looks for the Bcc, which the mailbox of another recipient does not show")
    assert len(calls_of(script, page.url.rstrip("/") + path, CLIENTS)) > 20


@pytest.mark.parametrize("script", ["mailhog.mjs", "cypress-mailhog.mjs"])
def test_mailhog_clients(script: str, page: Page) -> None:
    head = "From: ana@example.org\r\nTo: jane@example.com, john@example.com\r\nDate: Fri, 27 Nov 2026 10:00:00 +0100\r\n"
    whole = f"{head}Subject: =?utf-8?b?T2zDoSwgSmFuZQ==?=\r\n" + "\r\n".join((*FIELDS, "", FLAT.replace("\n", "\r\n")))
    plain = "From: ana@example.org\r\nTo: bob@example.com\r\nSubject: Plain\r\nContent-Type: text/plain\r\n\r\nOnly text\r\n"
    with smtplib.SMTP("127.0.0.1", page.port, timeout=20) as client:
        client.sendmail("ana@example.org", ["jane@example.com", "john@example.com", "cc@example.com"], whole)
        client.sendmail("ana@example.org", ["bob@example.com"], plain)
    page.see(2)
    assert len(calls_of(script, page.url.rstrip("/"), CLIENTS)) > 10

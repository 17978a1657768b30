"""Postfix relays to this server, as a real MTA does: in both dialects, with TLS and without, to several at once."""

import re
from pathlib import Path

import pytest

from ..kit.esmtp_server import esmtp, line_of
from ..kit.postfix import postfix
from ..kit.server import Server
from ..kit.support import USERS, wait_until
from ..kit.tls import Pem
from .test_clients import CONTENT

MESSAGES = 10


def relay(server: Server, *settings: str, protocol: str) -> str:
    """Has Postfix relay messages to all users, reads them back, and returns what Postfix logged of its deliveries."""
    with postfix(server.port, *settings) as (client, log_file):
        for number in range(MESSAGES):
            text = CONTENT.replace("you?", f"you {number}?")
            client.sendmail("me@far.example", [f"{name}@here.example" for name in USERS], text)
        wait_until(lambda: log_file.read_text().count("status=sent (250 ") == MESSAGES * len(USERS), 20)
        log = log_file.read_text()
    for name in USERS:
        bodies = [kept.content.split(b"\n\n", 1)[1] for kept in server.mailbox(name)]
        wanted = [CONTENT.replace("you?", f"you {n}?").split("\n\n", 1)[1].encode() for n in range(MESSAGES)]
        assert sorted(bodies) == wanted
        assert (server.mail_dir / f"{name}.txt").read_text().count(f" (carteiro) with {protocol} id ") == MESSAGES
    return log


def test_postfix_relays_in_the_classic_dialect_one_recipient_at_a_time(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        relay(server, "smtp_destination_recipient_limit = 1", protocol="SMTP")


@pytest.mark.parametrize("level", ["none", "may", "encrypt"])
def test_postfix_relays_to_several_recipients_at_once(tmp_path: Path, pem: Pem, level: str) -> None:
    with esmtp(tmp_path, pem=pem) as server:
        settings = (f"smtp_tls_security_level = {level}", f"smtp_tls_CAfile = {pem.cert}")
        log = relay(server, *settings, protocol="ESMTP" if level == "none" else "ESMTPS")
        stored = re.findall(r" stored: mailbox \w+, \w+, \w+, ", server.log)
        assert len(stored) == MESSAGES, "each came once, for all of them"
        assert (level != "none") == ("Trusted TLS connection established" in log)


def test_postfix_relays_with_tls_and_a_password(tmp_path: Path, pem: Pem) -> None:
    with esmtp(tmp_path, "--require-auth", pem=pem, auth=line_of("relay", "s3cret")) as server:
        (tmp_path / "passwords").write_text(f"[127.0.0.1]:{server.port} relay:s3cret\n")
        settings = (
            "smtp_tls_security_level = encrypt",
            "smtp_sasl_auth_enable = yes",
            "smtp_sasl_tls_security_options = noanonymous",
            f"smtp_sasl_password_maps = texthash:{tmp_path}/passwords",
        )
        relay(server, *settings, protocol="ESMTPSA")

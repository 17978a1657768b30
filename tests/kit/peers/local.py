"""Servers of LMTP, which take mail for mailboxes that are there.

Knows nothing about what is right.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from .daemons import version_in
from .running import TO, Peer, installed, place_of, running, unused_port

DOVECOT = """
base_dir = {here}/run
state_dir = {here}/state
log_path = {here}/log
protocols = lmtp
ssl = no
mail_location = maildir:{here}/mail
default_internal_user = nobody
default_internal_group = nogroup
default_login_user = nobody
first_valid_uid = 1
passdb {{
  driver = static
  args = nopassword=y
}}
userdb {{
  driver = passwd-file
  args = {here}/users
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {port}
  }}
}}
protocol lmtp {{
  postmaster_address = {to}
}}
"""


def with_dovecot(_: Path) -> Iterator[int]:
    """Dovecot's LMTP."""
    program, port = installed("dovecot"), unused_port()
    if os.geteuid() != 0 or not Path("/usr/lib/dovecot/lmtp").exists():
        pytest.skip("Dovecot's LMTP is not installed (dovecot-lmtpd), or this is not root")
    with place_of("nobody") as directory:
        (directory / "mail").mkdir()
        shutil.chown(directory / "mail", "nobody", "nogroup")
        users = "".join(f"{name}::65534:65534::{directory}/mail::\n" for name in (TO, "postmaster"))
        (directory / "users").write_text(users)
        config = directory / "dovecot.conf"
        config.write_text(DOVECOT.format(here=directory, port=port, to=TO))
        with running([program, "-F", "-c", str(config)], directory, port):
            yield port


LOCAL = (
    Peer(
        "Dovecot", lambda: version_in("", installed("dovecot"), "--version"), "LMTP, two mailboxes", with_dovecot,
        ("--lmtp",),
    ),
)  # fmt: skip

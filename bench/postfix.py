"""Postfix as a peer: an instance in a directory of its own that accepts mail into its queue, or delivers it.

Only root can start it.
"""

import os
import pwd
import shutil
import subprocess
from functools import partial
from pathlib import Path

from bench.load import HOST, find_program
from bench.peers import Counter, Peer, PeerError
from bench.tally import Tally

DAEMONS = Path("/usr/lib/postfix/sbin")

MAIN = """
compatibility_level = 3.6
queue_directory = {place}/queue
data_directory = {place}/data
daemon_directory = {daemons}
mail_owner = postfix
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = peer.example
local_recipient_maps =
alias_maps =
{mode}
default_process_limit = 200
smtpd_client_connection_count_limit = 0
smtpd_peername_lookup = no
maillog_file = {place}/log
maillog_file_prefixes = {place}
"""

MASTER = """
{host}:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
error unix - - n - - error
retry unix - - n - - error
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
local unix - n n - - local
virtual unix - n n - - virtual
postlog unix-dgram n - n - 1 postlogd
"""


VIRTUAL = """mydestination =
virtual_mailbox_domains = b.c
virtual_mailbox_base = {place}/mail
virtual_mailbox_maps = texthash:{place}/conf/mailboxes
virtual_minimum_uid = 1
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
in_flow_delay = 0"""

MAILBOXES = 100
"""The number of mailboxes that it delivers to: user0 and so on."""


def _in_queue(directory: Path) -> Counter:
    def count() -> int:
        # A message that is moving between queues may be seen in both, so count each name once.
        queues = [directory / "queue" / name for name in ("incoming", "active", "deferred", "hold")]
        return len({name for queue in queues for _, _, names in os.walk(queue) for name in names})

    return count


def _command(mode: str, directory: Path, port: int) -> list[str]:
    for part in ("conf", "queue", "data", "mail"):
        (directory / part).mkdir()
    shutil.chown(directory / "data", "postfix")
    shutil.chown(directory / "mail", "nobody")
    nobody = pwd.getpwnam("nobody")
    mode = mode.format(place=directory, uid=nobody.pw_uid, gid=nobody.pw_gid)
    (directory / "conf" / "main.cf").write_text(MAIN.format(place=directory, daemons=DAEMONS, mode=mode))
    (directory / "conf" / "mailboxes").write_text("".join(f"user{n}@b.c user{n}.txt\n" for n in range(MAILBOXES)))
    (directory / "conf" / "master.cf").write_text(MASTER.format(host=HOST, port=port))
    conf = ["-c", str(directory / "conf")]
    try:  # this creates the queue's directories
        subprocess.run([find_program("postfix") or "postfix", *conf, "check"], check=True, capture_output=True, timeout=30)
    except subprocess.SubprocessError as error:
        raise PeerError(f"Postfix was not set up: {error}") from error
    return [str(DAEMONS / "master"), *conf, "-s"]


HELD = Peer(
    "Postfix, mail on hold",
    partial(_command, "mydestination = b.c\nsmtpd_client_restrictions = check_client_access static:HOLD"),
    _in_queue,
)
"""Postfix that only accepts mail: its queue manager has nothing to do."""

DEFERRED = Peer(
    "Postfix, delivery deferred",
    partial(_command, "mydestination = b.c\ndefer_transports = local\nin_flow_delay = 0"),
)
"""Postfix whose queue manager takes up each message, as for a delivery, and defers it.

It does not pause clients that send faster than it delivers (in_flow_delay): the benchmark would measure the pause."""

SHIPPED = Peer("Postfix as shipped", partial(_command, "mydestination = b.c\ndefer_transports = local"))
"""Postfix that defers each message, with its default in_flow_delay: it pauses clients that send faster than it delivers, for
a second at most."""

DELIVERED = Peer("Postfix, virtual(8)", partial(_command, VIRTUAL), Tally)
"""Postfix that delivers what it accepts, without in_flow_delay."""


def is_here() -> bool:
    """Whether Postfix is installed and may be started."""
    return bool(find_program("postfix")) and (DAEMONS / "master").exists() and os.geteuid() == 0

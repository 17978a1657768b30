"""Postfix as a peer: an instance of its own in a directory of its own, which accepts mail into its queue, or delivers it.

It does not know what it is compared with. Only root can start it.
"""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.load import HOST, find_program
from bench.peers import Peer, PeerError, Running, free_port, wait_for

MISSING = "without Postfix: to have it compared, install it, and be root"

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


def _in_queue(directory: Path) -> int:
    queues = ("incoming", "active", "deferred", "hold")  # a message may be on its way from one to the other
    return len({name for queue in queues for _, _, names in os.walk(directory / "queue" / queue) for name in names})


HELD = Peer("Postfix, mail on hold", lambda *_: [], _in_queue, share=1 / 3)
"""It only accepts: its queue manager has nothing to do."""

DEFERRED = Peer("Postfix, delivery deferred", lambda *_: [], None, share=1 / 3)
"""Its queue manager takes up each message, as for a delivery, and puts it off.

It does not pause its clients when more comes than is delivered (in_flow_delay): the pause would be measured."""


SHIPPED = Peer("Postfix as shipped", lambda *_: [], None, share=1 / 3)
"""The same, but as it is shipped it pauses its clients, a second at most, while more comes than is delivered."""

DELIVERED = Peer("Postfix, virtual(8)", lambda *_: [], None)
"""It delivers what it accepts, and does not pause either."""

MAILBOXES = 100
"""How many it delivers to: user0 and so on."""

MODES = {
    HELD.name: "mydestination = b.c\nsmtpd_client_restrictions = check_client_access static:HOLD",
    DEFERRED.name: "mydestination = b.c\ndefer_transports = local\nin_flow_delay = 0",
    SHIPPED.name: "mydestination = b.c\ndefer_transports = local",
    DELIVERED.name: """mydestination =
virtual_mailbox_domains = b.c
virtual_mailbox_base = {place}/mail
virtual_mailbox_maps = texthash:{place}/conf/mailboxes
virtual_minimum_uid = 1
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
in_flow_delay = 0""",
}


def is_here() -> bool:
    """Whether it is installed, and may be started."""
    return bool(find_program("postfix")) and (DAEMONS / "master").exists() and os.geteuid() == 0


@contextmanager
def running(peer: Peer, place: Path) -> Iterator[Running]:
    """Postfix as one of the above, from when it listens until the end of the block."""
    os.sync()
    for part in ("conf", "queue", "data", "mail"):
        (place / part).mkdir(parents=True)
    shutil.chown(place / "data", "postfix")
    shutil.chown(place / "mail", "nobody")
    port = free_port()
    nobody = pwd.getpwnam("nobody")
    mode = MODES[peer.name].format(place=place, uid=nobody.pw_uid, gid=nobody.pw_gid)
    (place / "conf" / "main.cf").write_text(MAIN.format(place=place, daemons=DAEMONS, mode=mode))
    (place / "conf" / "mailboxes").write_text("".join(f"user{n}@b.c user{n}.txt\n" for n in range(MAILBOXES)))
    (place / "conf" / "master.cf").write_text(MASTER.format(host=HOST, port=port))
    postfix = [find_program("postfix") or "postfix", "-c", str(place / "conf")]
    try:
        subprocess.run([*postfix, "start"], check=True, capture_output=True, timeout=30)
        wait_for(port, lambda: None, peer.name, place / "log")
        yield Running(peer, place, port, 0)
    except subprocess.SubprocessError as error:
        raise PeerError(f"Postfix did not start: {error}") from error
    finally:
        subprocess.run([*postfix, "stop"], capture_output=True, timeout=30, check=False)

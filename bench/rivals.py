"""Which other servers are installed here, by the names that the goals have for them, and how the others would be.

It does not know how they are started, nor what they are compared by.
"""

import sys
from importlib.util import find_spec

from bench import haraka, peers, postfix
from bench.load import Tools, find_program
from bench.peers import Peer

SINK, AIOSMTPD, HARAKA = "smtp-sink", "aiosmtpd", "Haraka"
SHIPPED, DEFERRED, HELD, DELIVERED = (
    peer.name for peer in (postfix.SHIPPED, postfix.DEFERRED, postfix.HELD, postfix.DELIVERED)
)
C_FLOOR, PYTHON_FLOOR = "bare loop in C", "bare loop in Python"


def has_aiosmtpd() -> bool:
    """Whether this interpreter has it."""
    return find_spec("aiosmtpd") is not None


def rivals(tools: Tools, keeps: bool) -> dict[str, Peer]:
    """Those that keep mail until it is on disk, or those that throw it away; smtp-sink and the bare loops always do."""
    found = {
        C_FLOOR: Peer(C_FLOOR, lambda _, port: [str(tools.floor), str(port)]),
        PYTHON_FLOOR: Peer(
            PYTHON_FLOOR, lambda _, port: [sys.executable, str(peers.ROOT / "bench" / "floor.py"), str(port)]
        ),
    }
    if find_program("smtp-sink"):
        found[SINK] = peers.SMTP_SINK
    if has_aiosmtpd():
        found[AIOSMTPD] = peers.aiosmtpd(keeps)
    if keeps and postfix.is_here():
        found |= {peer.name: peer for peer in (postfix.SHIPPED, postfix.DEFERRED, postfix.HELD, postfix.DELIVERED)}
    if keeps and haraka.is_here():
        found[HARAKA] = haraka.HELD
    return found


def missing() -> list[str]:
    """A line about each that is not here."""
    lines = {
        "without aiosmtpd: to have it compared, pip install aiosmtpd for this interpreter": has_aiosmtpd(),
        "without smtp-sink: to have it compared, install Postfix": find_program("smtp-sink"),
        "without Postfix: to have it compared, install it, and be root": postfix.is_here(),
        "without Haraka: to have it compared, npm install Haraka, and put node_modules/.bin on the path": haraka.is_here(),
    }
    return [line for line, is_here in lines.items() if not is_here]

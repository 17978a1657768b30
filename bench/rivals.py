"""Finds the other servers that are installed, by their names in the goals, and says how to install the missing ones.

Knows nothing about how they are started or compared.
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
    """Whether this interpreter has aiosmtpd."""
    return find_spec("aiosmtpd") is not None


def rivals(tools: Tools, keeps: bool) -> dict[str, Peer]:
    """The servers that store mail on disk, or those that discard it. smtp-sink and the bare loops always discard it."""
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
    """A line about each server that is not installed."""
    lines = {
        "without aiosmtpd: to have it compared, pip install aiosmtpd for this interpreter": has_aiosmtpd(),
        "without smtp-sink: to have it compared, install Postfix": find_program("smtp-sink"),
        "without Postfix: to have it compared, install it, and be root": postfix.is_here(),
        "without Haraka: to have it compared, npm install Haraka, and put node_modules/.bin on the path": haraka.is_here(),
    }
    return [line for line, is_here in lines.items() if not is_here]

"""AUTH with a name and a password: PLAIN, LOGIN and CRAM-MD5.

Knows nothing about what is right. No report shows what is secret.
"""

import hmac
from base64 import b64decode, b64encode
from collections.abc import Sequence
from hashlib import md5

from .dialogue import Dialogue, Reply
from .target import Target

KNOWN = ("PLAIN", "LOGIN", "CRAM-MD5")
"""Mechanisms by which it can authenticate, the simplest first."""


def chosen(mechanisms: Sequence[str]) -> str:
    """Of those that a server offers, the one to use: one that is not known is good for asking only."""
    known = [mechanism for mechanism in KNOWN if mechanism in mechanisms]
    return [*known, *mechanisms, "PLAIN"][0]


async def prove(dialogue: Dialogue, target: Target) -> Reply:
    """Authenticates; returns the last reply. Without a password, or by an unknown mechanism, it asks for a challenge."""
    if not target.auth or target.mechanism not in KNOWN:
        return await dialogue.say(f"AUTH {target.mechanism}")
    name, password = (part.encode() for part in target.auth)
    if target.mechanism == "PLAIN":
        return await dialogue.say(b"AUTH PLAIN " + b64encode(b"\0" + name + b"\0" + password), shown=SHOWN)
    reply = await dialogue.say(f"AUTH {target.mechanism}")
    responses = {"(name)": name, "(password)": password}
    if target.mechanism == "CRAM-MD5" and reply.code == "334":
        responses = {"(name, and what the password makes of the challenge)": digested(reply, name, password)}
    for shown, response in responses.items():
        if reply.code != "334":
            break
        reply = await dialogue.say(b64encode(response), shown=shown)
    return reply


SHOWN = "AUTH PLAIN (name and password)"


def digested(challenge: Reply, name: bytes, password: bytes) -> bytes:
    """The response of CRAM-MD5 (RFC 2195). To a challenge that is no base64, one that is wrong."""
    try:
        text = b64decode(challenge.lines[-1][4:], validate=True)
    except ValueError:
        text = b""
    return name + b" " + hmac.new(password, text, md5).hexdigest().encode()

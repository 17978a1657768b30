"""Domains and address literals (RFC 5321 sections 2.3.5 and 4.1.3): which are valid, and which are equal.

Knows nothing about whether one exists, or whose it is.
"""

import re
from functools import lru_cache
from ipaddress import AddressValueError, IPv6Address
from unicodedata import normalize

from .tolerance import Tolerance

MAX_DOMAIN = 255
"""Longest domain in octets (RFC 5321 section 4.5.3.1.2)."""

MAX_LABEL = 63
"""Longest label in octets, in the form that is sent to name servers (RFC 1035 section 2.3.4)."""

# Octets from 0x80 on are UTF-8: RFC 6531 section 3.3 extends these rules so.
_SUB_DOMAIN = rb"[A-Za-z0-9\x80-\xff](?:[A-Za-z0-9\x80-\xff-]{0,61}[A-Za-z0-9\x80-\xff])?"
DOMAIN = rb"%b(?:\.%b)*" % (_SUB_DOMAIN, _SUB_DOMAIN)
LITERAL = rb"\[[\x21-\x5a\x5e-\x7e]+\]"

_STRICT = re.compile(DOMAIN)
_LENIENT = re.compile(DOMAIN.replace(b"[A-Za-z0-9", b"[A-Za-z0-9_") + rb"\.?")
_LITERAL = re.compile(LITERAL)
_IPV4 = re.compile(rb"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")
_MOST_GROUPS = 6
"""Most groups that an IPv6 address may have beside "::", which stands for at least two."""

_DOTS = re.compile("[\u3002\uff0e\uff61]")
"""Characters that other scripts use as a dot (RFC 5895 section 2.3)."""

_CONTROL = re.compile("[\x80-\x9f\u2028\u2029]")


def is_sound_utf8(text: bytes) -> bool:
    """Whether the text is UTF-8, without characters that some programs take for control characters or line ends."""
    try:
        return not _CONTROL.search(text.decode())
    except UnicodeDecodeError:
        return False


def flaws(domain: bytes) -> tuple[Tolerance, ...] | None:
    """What must be tolerated in a domain or address literal; None: it is neither."""
    if len(domain) > MAX_DOMAIN:
        return None
    if _LITERAL.fullmatch(domain):
        return () if _literal(domain) else None
    if not _LENIENT.fullmatch(domain) or not (domain.isascii() or _ascii(domain)):
        return None
    if _STRICT.fullmatch(domain):
        return ()
    return (Tolerance.UNDERSCORE,) * (b"_" in domain) + (Tolerance.FINAL_DOT,) * domain.endswith(b".")


def canonical(domain: bytes) -> bytes:
    """The canonical form: equal for all spellings of a domain or literal. It must not be one that `flaws` rejects.

    Lower case, no dot at the end; labels that are not ASCII become A-labels (RFC 5890 section 2.3.2.1); a literal has its
    address in the shortest form.
    """
    if domain.startswith(b"["):
        return _literal(domain) or domain.lower()
    return (domain.lower() if domain.isascii() else _ascii(domain) or domain).removesuffix(b".")


def parse(text: str) -> bytes:
    """The canonical form of a domain that an operator wrote. Raises ValueError; its text says what to write."""
    domain = text.encode("utf-8", "surrogateescape")
    if flaws(domain) is not None:
        return canonical(domain)
    if "," in text or " " in text:
        parts = [part for part in re.split(r"[,\s]+", text) if part] or ["example.org"]
        raise ValueError(f"{text!r} is not one domain: give the flag once for each of them: {' and '.join(parts)}")
    if "*" in text:
        raise ValueError(f"{text!r} is not a domain: no pattern is understood, write each domain, as in example.org")
    if "@" in text:
        raise ValueError(f"{text!r} is an address: write what stands behind the @: {text.rpartition('@')[2]}")
    raise ValueError(f"{text!r} is not a domain: write example.org")


def parse_hostname(text: str) -> bytes:
    """A server's own name: as written if that is ASCII, else in canonical form. Raises ValueError."""
    if re.search(r"[,\s]", text):
        raise ValueError(f"{text!r} is not one name: write mx.example.org")
    sent = parse(text)
    return text.encode() if text.isascii() else sent


@lru_cache(maxsize=1024)
def _ascii(domain: bytes) -> bytes | None:
    """The form that the DNS has for a domain that is not ASCII; None: there is no valid one."""
    if not is_sound_utf8(domain):
        return None
    labels = _DOTS.sub(".", normalize("NFC", domain.decode().lower())).split(".")
    made = [label.encode() if label.isascii() else b"xn--" + label.encode("punycode") for label in labels]
    parts = made[:-1] if len(made) > 1 and not made[-1] else made  # a final dot leaves an empty last label
    return b".".join(made) if all(0 < len(label) <= MAX_LABEL for label in parts) else None


def _literal(domain: bytes) -> bytes | None:
    """The shortest form of an address literal; None: it is not one."""
    text = domain[1:-1]
    if text[:5].upper() != b"IPV6:":
        parts = [int(part) for part in text.split(b".")] if _IPV4.fullmatch(text) else [256]
        return b"[%d.%d.%d.%d]" % tuple(parts) if max(parts) <= 255 else None
    try:
        address = IPv6Address(text[5:].decode("latin-1"))
    except AddressValueError:
        return None
    groups = sum(2 if b"." in group else 1 for group in text[5:].split(b":") if group)
    if b"%" in text or (b"::" in text and groups > _MOST_GROUPS):
        return None
    return b"[ipv6:%b]" % address.compressed.encode()

"""Content-Transfer-Encoding (RFC 2045 section 6): the octets that a body stands for.

What is wrong in an encoded body is left out, and the rest is read. The time is linear in the length. Knows nothing about
charsets or parts.
"""

import binascii
import re

_NOT_IN_A_NAME = re.compile(r"[^a-z0-9]+")
_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_BLANKS = b" \t\r\n"
_JUNK = bytes(set(range(256)) - set(_ALPHABET + b"="))
_NO_LETTERS = bytes(set(range(256)) - set(_ALPHABET))
_CLEAN = re.compile(rb"[A-Za-z0-9+/]*+={0,2}")
_DATA = re.compile(rb"=*+(?:[A-Za-z0-9+/]{4}=*+)*+[A-Za-z0-9+/]{0,3}+")  # whole, once begun: a set is tried as a whole
_MAY_BE_TEXT = re.compile(rb"(?m)^[ \t]*+(?:[^A-Za-z0-9+/=\s][^A-Za-z0-9+/=\n]*+$|[^\s]++[ \t]++[^\s].*$)")
_SOFT_BREAK = re.compile(rb"=[ \t]++(?=\r?\n)")
_LINE = re.compile(rb"[^\n]*+\n?+")
_UU_BEGIN = re.compile(rb"(?m)^begin [0-7]{3,4} [^\n]*+\n")


def transfer_decoded(octets: bytes, encoding: str) -> bytes:
    """The octets of a body, whose encoding has a name as a mail gives it. What nobody knows is taken as it is."""
    name = _NOT_IN_A_NAME.sub("", encoding[:100].lower())
    if name == "base64":
        return _from_base64(octets)
    if name == "quotedprintable":
        return binascii.a2b_qp(_SOFT_BREAK.sub(b"=", octets))
    if name in ("xuuencode", "uuencode", "xuue", "uue"):
        return _from_uuencode(octets)
    return octets


def _from_base64(octets: bytes) -> bytes:
    """Octets outside the alphabet are skipped, but for text behind the data, which mailing lists put there; of 4n+1 letters
    the last one is dropped.
    """
    clean = octets.translate(None, _BLANKS)
    if not _CLEAN.fullmatch(clean):
        clean = octets[: _end_of_base64(octets)].translate(None, _JUNK)
        match = _DATA.match(clean)
        clean = match[0] if match else b""
    letters = clean.translate(None, b"=")
    letters = letters[: len(letters) - (len(letters) % 4 == 1)]
    return binascii.a2b_base64(letters + b"=" * (-len(letters) % 4))


def _end_of_base64(octets: bytes) -> int:
    """Where a line begins that is text, not data, and comes when the data may be over: all letters make whole groups.

    It is a line without a letter of the alphabet, or several words; but data of which each line feed became a blank is data.
    """
    at = letters = 0
    for match in _MAY_BE_TEXT.finditer(octets):
        letters += len(octets[at : match.start()].translate(None, _NO_LETTERS))
        at = match.start()
        if (
            letters
            and letters % 4 == 0
            and any(len(word) % 4 for word in match[0].split()[:-1] or [match[0].strip() + b"="])
        ):
            return at
    return len(octets)


def _from_uuencode(octets: bytes) -> bytes:
    """The lines between `begin` and `end`, or up to the first that is wrong; all as it is if there is no `begin`.

    Blanks at the end of a line, which stand for zeros, may have been lost. Lines of nothing else would become 30 times as
    long: there are never more octets than were given.
    """
    begin = _UU_BEGIN.search(octets)
    if not begin:
        return octets
    content = bytearray()
    for line in _LINE.finditer(octets, begin.end()):
        text = line[0].strip()
        if text in (b"end", b"`", b""):
            break
        try:
            content += binascii.a2b_uu(line[0])
        except binascii.Error:
            break
        if len(content) > len(octets):
            break
    return bytes(content[: len(octets)])

"""The value of a header field as text: raw octets, and the encoded words of RFC 2047.

It takes what senders really write: words with blanks in them, glued together, in quotes, or with a letter split between two.
The time is linear in the field's length. Knows nothing about addresses, dates or parameters.
"""

import binascii
import re

from .charsets import decoded

_WORD = re.compile(r"=\?([^?*\s]{1,64})(?:\*[^?\s]{0,64})?\?([BbQq])\?([^?]*+(?>(?:(?<!=)\?(?!=)[^?]*+)*))\?=")
_CUT_WORD = re.compile(r"\s*=\?[^\s?]*+(?:\?[BbQq]?(?:\?[^?]*+\??)?)?\Z")
_CONTROLS = re.compile(r"[\x01-\x1f\x7f]+")
_HEX = re.compile(rb"=([0-9A-Fa-f]{2})")
_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/]+")


def raw_text(value: bytes) -> str:
    """The octets of a field as text on one line, encoded words left as they are."""
    return _CONTROLS.sub(" ", decoded(value)).strip() if value else ""


def text_of(value: bytes, is_cut: bool = False) -> str:
    """What a field that is no list of addresses says."""
    text = raw_text(value)
    return words_decoded(_CUT_WORD.sub("", text) if is_cut else text)


def words_decoded(text: str) -> str:
    """The text with its encoded words decoded. Blanks between two of them are not part of it.

    Neighbours with one charset are decoded together: some senders cut a letter in two.
    """
    if "=?" not in text:
        return text
    pieces: list[str] = []
    at, charset = 0, ""
    neighbours: list[tuple[str, str]] = []
    for match in _WORD.finditer(text, 0, text.rfind("?=") + 2):  # so that each search ends where a word may end
        between = text[at : match.start()]
        if match[1].lower() != charset or between.strip():
            pieces.append(decoded(_octets_of(neighbours), charset))
            neighbours = []
        if between.strip() or not at:
            pieces.append(between)
        charset = match[1].lower()
        neighbours.append((match[2].lower(), match[3]))
        at = match.end()
    pieces += [decoded(_octets_of(neighbours), charset), text[at:]]
    return _CONTROLS.sub(" ", "".join(pieces)).strip()


def _octets_of(words: list[tuple[str, str]]) -> bytes:
    """The octets that the words stand for. What is wrong in one is left out, or taken as it is.

    Base64 without padding goes on in the next word: some senders cut there, too.
    """
    octets = bytearray()
    letters = ""
    for encoding, content in words:
        if encoding == "b":
            letters += _NOT_BASE64.sub("", content)
            if len(letters) % 4 and not content.endswith("="):
                continue
        octets += _from_base64(letters)
        letters = ""
        if encoding == "q":
            octets += _HEX.sub(lambda match: bytes([int(match[1], 16)]), content.replace("_", " ").encode("utf-8"))
    return bytes(octets + _from_base64(letters))


def _from_base64(letters: str) -> bytes:
    letters = letters[: len(letters) - (len(letters) % 4 == 1)]
    return binascii.a2b_base64(letters + "=" * (-len(letters) % 4))

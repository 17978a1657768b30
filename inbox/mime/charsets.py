"""Text from octets and the name of a charset that a mail gives.

A name is looked up in a list, and never handed to Python: `rot13`, `zlib` and `utf-7` are codecs, too. Where the name helps
nothing, UTF-8 proves itself, since hardly any other text happens to be valid UTF-8; else it is windows-1252. Text never has
NUL, which no database takes. Knows nothing about header fields or parts.
"""

import re
from codecs import charmap_decode
from functools import lru_cache
from itertools import chain

_NOT_IN_A_NAME = re.compile(r"[^a-z0-9]+")

_UNDECIDED = {
    "",
    "ascii",
    "usascii",
    "ansix341968",
    "iso646us",
    "unknown",
    "xunknown",
    "unknown8bit",
    "default",
    "binary",
    "8bit",
    "7bit",
}
"""Names that say nothing about octets above 127."""

_SAME = {
    "utf8": "utf8 unicode11utf8 utf8mb4 utf8mb3 xutf8",
    "latin1": "latin1 iso88591 iso885911987 iso8859 l1 cp1252 windows1252 win1252 xcp1252 ansi",
    "iso8859-2": "iso88592 latin2 l2",
    "iso8859-3": "iso88593 latin3",
    "iso8859-4": "iso88594 latin4",
    "iso8859-5": "iso88595 cyrillic",
    "iso8859-6": "iso88596 arabic",
    "iso8859-7": "iso88597 greek",
    "iso8859-8": "iso88598 iso88598i iso88598e hebrew",
    "iso8859-10": "iso885910 latin6",
    "iso8859-13": "iso885913 latin7",
    "iso8859-14": "iso885914 latin8",
    "iso8859-15": "iso885915 latin9",
    "iso8859-16": "iso885916 latin10",
    "cp1250": "windows1250 cp1250 win1250",
    "cp1251": "windows1251 cp1251 win1251",
    "cp1253": "windows1253 cp1253",
    "cp1254": "windows1254 cp1254 iso88599 latin5",
    "cp1255": "windows1255 cp1255",
    "cp1256": "windows1256 cp1256",
    "cp1257": "windows1257 cp1257",
    "cp1258": "windows1258 cp1258",
    "cp874": "windows874 cp874 tis620 iso885911",
    "koi8-r": "koi8r koi8",
    "koi8-u": "koi8u koi8ru",
    "mac-roman": "macintosh macroman xmacroman",
    "cp437": "cp437 ibm437",
    "cp850": "cp850 ibm850",
    "cp852": "cp852 ibm852",
    "cp855": "cp855 ibm855",
    "cp858": "cp858 ibm858",
    "cp866": "cp866 ibm866",
    "gb18030": "gb18030 gbk gb2312 xgbk cp936 windows936 euccn",
    "hz": "hzgb2312 hz",
    "cp950": "big5 xxbig5 cp950",
    "big5hkscs": "big5hkscs",
    "cp932": "shiftjis sjis xsjis ms932 windows31j cp932",
    "euc-jp": "eucjp xeucjp ujis",
    "iso2022-jp-2": "iso2022jp iso2022jp1 iso2022jp2",
    "iso2022-jp-3": "iso2022jp3",
    "cp949": "euckr ksc56011987 ksc5601 cp949 windows949 uhc",
    "iso2022-kr": "iso2022kr",
    "utf-16": "utf16 unicode ucs2",
    "utf-16-le": "utf16le",
    "utf-16-be": "utf16be",
    "utf-32": "utf32",
    "utf-32-le": "utf32le",
    "utf-32-be": "utf32be",
}
_CODECS = dict(chain.from_iterable(((name, codec) for name in names.split()) for codec, names in _SAME.items()))

_ODD = "€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ"  # noqa: RUF001
"""128 to 159 in windows-1252; in latin-1, which mail says and does not mean, they are control characters."""

_OF_SEVERAL_OCTETS = ("utf", "gb", "hz", "big5", "euc", "iso2022", "cp932", "cp949", "cp950")
"""How codecs are called in which a character may have several octets."""

_BEYOND_ASCII = re.compile(r"[^\x00-\x7f\ufffd]")


def codec_of(name: str) -> str | None:
    """The codec for a charset's name as a mail gives it: "" when the name decides nothing, None when nobody knows it."""
    plain = _NOT_IN_A_NAME.sub("", name[:100].lower())
    return "" if plain in _UNDECIDED else _CODECS.get(plain)


def decoded(octets: bytes, name: str = "") -> str:
    """The text, without NUL. What cannot be decoded stands in it as U+FFFD."""
    codec = codec_of(name)
    if codec and codec != "utf8" and codec.startswith(_OF_SEVERAL_OCTETS):
        text = octets.decode(codec, "replace")
    elif codec and codec != "utf8":
        text = charmap_decode(octets, "strict", _characters(codec))[0]
    else:
        text = _proven(octets, codec == "utf8")
    return text.replace("\0", "") if "\0" in text else text


def _proven(octets: bytes, is_said_to_be_utf8: bool) -> str:
    """UTF-8 if it is that. What is said to be, with mistakes, and has no letter beyond ASCII that is right, is not."""
    if octets.isascii():
        return octets.decode("ascii")
    try:
        return octets.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError:
        text = octets.decode("utf-8", "replace") if is_said_to_be_utf8 else ""
        return text if _BEYOND_ASCII.search(text) else charmap_decode(octets, "strict", _characters("latin1"))[0]


@lru_cache
def _characters(codec: str) -> str:
    """What each octet stands for. With a table, octets that stand for nothing take no longer than others."""
    if codec == "latin1":
        return "".join([*map(chr, range(128)), _ODD, *map(chr, range(160, 256))])
    return "".join(bytes([octet]).decode(codec, "replace") for octet in range(256))

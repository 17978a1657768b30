"""HTML and parts of mail as responses that can do no harm in our origin, however they were written.

HTML is shown as it was sent, in a sandbox without an origin: nothing in it runs, and nothing is fetched from elsewhere.
"""

import html
import re
from collections.abc import Callable, Iterable
from urllib.parse import quote, unquote

from .contract import Content, Part
from .response import Response, page

SANDBOX = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; "
    "img-src 'self' data:; font-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
)
"""What a document of a mail may do."""

SHUT = "sandbox; default-src 'none'; frame-ancestors 'self'"
"""What a part of a mail may do."""

SHOWN = ("image/png", "image/jpeg", "image/gif", "image/webp")
"""Types of parts that a browser may show; others are to be saved."""

UNSNIFFED = ("X-Content-Type-Options", "nosniff")

_CID = re.compile(r"(?i)(=\s*+[\"']?\s*+|url\(\s*+(?:[\"']|&quot;)?\s*+)cid:((?:(?!&quot;)[^\"'()<>\s]){1,500})")
_CONNECTING = re.compile(r"<(link|iframe|frame)(?=[\s/>])", re.IGNORECASE)
_INSTEAD = {"link": 'rel="left-out"', "iframe": 'srcdoc=""', "frame": 'src="about:blank"'}
"""What keeps an element from connecting to where it leads. Of two attributes with one name the first one counts."""

_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,100}/[a-z0-9!#$&^_.+-]{1,100}")
_CHARSET = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,39}")
_HEAD = re.compile(r"(?i)<head(?:\s[^<>]{0,1000}+)?>")


def document(text: str) -> Response:
    """The HTML of a mail."""
    return page(text, fields=(("Content-Security-Policy", SANDBOX), UNSNIFFED, ("Referrer-Policy", "no-referrer")))


def linked(text: str, parts: Iterable[Part], link: Callable[[str], str]) -> str:
    """HTML in which `cid:` links to parts (RFC 2392) lead to what `link` says for the part's id; others stay."""
    known = {part["ContentID"]: part["PartID"] for part in parts if part["ContentID"]}

    def led(match: re.Match[str]) -> str:
        part = known.get(unquote(html.unescape(match[2])).strip("<> "))
        return match[1] + link(part) if part else match[0]

    return _CID.sub(led, text) if known else text


def unconnected(text: str) -> str:
    """HTML whose links to other documents, and frames, are empty: no policy keeps a browser from connecting to where they
    lead, and asking there for nothing.
    """
    return _CONNECTING.sub(lambda match: f"{match[0]} {_INSTEAD[match[1].lower()]}", text)


def in_new_windows(text: str) -> str:
    """HTML whose links open new windows, for a frame."""
    base = '<base target="_blank">'
    head = _HEAD.search(text)
    return text[: head.end()] + base + text[head.end() :] if head else base + text


def part_response(content: Content, name: str = "", is_saved: bool = False) -> Response:
    """A part: shown if it is a harmless picture, otherwise to be saved, as its file name or else `name`."""
    type = content.type if _TYPE.fullmatch(content.type) else "application/octet-stream"
    if type.startswith("text/") and _CHARSET.fullmatch(content.charset):
        said = f"{type}; charset={content.charset.lower()}"
    else:
        said = type
    kind = "inline" if type in SHOWN and not is_saved else "attachment"
    fields = (disposition(kind, content.file_name or name), ("Content-Security-Policy", SHUT), UNSNIFFED)
    return Response(content.octets, said, fields=fields, may_be_cut=True)


def disposition(kind: str, file_name: str) -> tuple[str, str]:
    """A Content-Disposition field: `attachment` or `inline`, and a proposal for a file's name (RFC 6266)."""
    encoded = quote(file_name.encode("utf-8", "replace"), safe="")
    return "Content-Disposition", kind + (f"; filename*=UTF-8''{encoded}" if encoded else "")

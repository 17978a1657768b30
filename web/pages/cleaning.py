"""The HTML of a mail, as a document for a frame of its own: cleaned, or as sent.

What keeps a reader safe is the sandbox that the document is served in (`FRAME` in `policies.py`). Cleaning takes away what
would not work there, and what only gets in the way. Knows nothing about the page around it.
"""

import html
import re

import nh3

from ..mail_content import unconnected

LONGEST_CLEANED = 512 << 10
"""Characters of HTML that are cleaned."""

MOST_WORK = 400_000
"""Tags times levels that are cleaned: the parser's time grows with both, and 50,000 open divs take it 9 s."""

_TAGS = {
    *nh3.ALLOWED_TAGS, "address", "big", "dir", "fieldset", "font", "legend", "main", "nobr", "section", "style", "tfoot",
}  # fmt: skip
_CONTENT_GOES = {"script", "title", "noscript", "template", "textarea", "select", "object", "iframe", "noembed", "noframes"}
_ATTRIBUTES = {
    **{tag: set(names) for tag, names in nh3.ALLOWED_ATTRIBUTES.items()},
    "*": {
        "align", "alt", "background", "bgcolor", "border", "cellpadding", "cellspacing", "class", "color", "dir", "height",
        "id", "lang", "role", "style", "title", "valign", "width",
    },
    "a": {"href", "hreflang", "name"},
    "area": {"coords", "href", "shape"},
    "font": {"color", "face", "size"},
    "img": {"alt", "align", "height", "hspace", "src", "usemap", "vspace", "width"},
    "map": {"name"},
    "ol": {"start", "type"},
    "td": {"colspan", "headers", "nowrap", "rowspan"},
    "th": {"colspan", "headers", "nowrap", "rowspan", "scope"},
    "ul": {"type"},
}  # fmt: skip
_NEVER = {"javascript", "vbscript", "data", "file", "blob", "filesystem", "about", "view-source", "chrome", "cid"}
"""Schemes that no link may have. Others may be those of somebody's program, whose links are to be tried."""

_SCHEME = re.compile(r"href\s*=\s*[\"']?\s*([A-Za-z][A-Za-z0-9+.-]{0,40}):", re.IGNORECASE)
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]{0,20})")
_FLAT = {
    "p", "li", "td", "tr", "th", "tbody", "thead", "tfoot", "dt", "dd", "option", "optgroup", "col", "colgroup", "rt", "rp",
    "head", "body", "html", "br", "img", "hr", "input", "meta", "link", "area", "base", "wbr", "source", "param", "embed",
    "track",
}  # fmt: skip
"""Tags that need not be closed, and do not stand in themselves without another between."""

MOST_ADDRESSES = 5_000
"""Addresses in HTML that are looked at, whether something would be loaded from there."""

_LONGEST_LOADING = 100
"""Characters before an address that say so."""

_LONGEST_TAG = 1_000

_LOADING = re.compile(
    r"(?:\b(?:(href)|src|srcset|background|poster)\s*+=\s*+[\"']?\s*+|url\(\s*+[\"']?\s*+|@import\s++[\"']?\s*+)(?:https?:)?\Z",
    re.IGNORECASE,
)
_LINK = re.compile(r"<link\b", re.IGNORECASE)
_DOCTYPE = re.compile(r"\s*<!doctype[^>]{0,200}>", re.IGNORECASE)

_BEGINNING = (
    '<!doctype html><html><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    '<meta name="color-scheme" content="light"><title>{title}</title><base target="_blank"><style>'
    "html{{color-scheme:light;background:#fff;color:#1b1a18}}"
    "body{{margin:1rem;font:1rem/1.5 system-ui,sans-serif;overflow-wrap:anywhere}}img{{max-width:100%}}"
    "</style></head><body dir=auto>"
)


def may_be_cleaned(source: str) -> bool:
    """Whether cleaning takes less than half a second."""
    if len(source) > LONGEST_CLEANED:
        return False
    tags, deepest, open_ones = 0, 0, []
    for match in _TAG.finditer(source):
        tags += 1
        name = match[2].lower()
        if name in _FLAT:
            continue
        if not match[1]:
            open_ones.append(name)
            deepest = max(deepest, len(open_ones))
        elif open_ones and open_ones[-1] == name:  # others may be ignored by the parser, too
            open_ones.pop()
    return tags * deepest <= MOST_WORK


def cleaned(source: str, title: str) -> str:
    """A document without scripts, forms, frames and links to programs that browsers are. Style stays.

    `cid:` links stay, too. May take half a second, without the interpreter's lock.
    """
    schemes = nh3.ALLOWED_URL_SCHEMES | {scheme.lower() for scheme in _SCHEME.findall(source)}
    body = nh3.clean(
        source,
        tags=_TAGS,
        clean_content_tags=_CONTENT_GOES,
        attributes=_ATTRIBUTES,
        url_schemes=(schemes - _NEVER) | {"cid"},
        url_relative="deny",
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}, "area": {"target": "_blank"}},
    )
    return _BEGINNING.format(title=html.escape(title)) + body


def as_sent(source: str, has_remote: bool = False) -> str:
    """The document as it came, but that its links open beside it.

    Without `has_remote` its links to other documents, and its frames, are empty.
    """
    doctype = _DOCTYPE.match(source)
    end = doctype.end() if doctype else 0
    rest = source[end:] if has_remote else unconnected(source[end:])
    return f'{source[:end]}<base target="_blank">{rest}'


def wants_remote(source: str) -> bool:
    """Whether something in it would be loaded from elsewhere; or it has more addresses than anybody looks through.

    It looks at what stands before each `//`: going through megabytes of HTML for that took a third of a second.
    """
    at = source.find("//")
    for _ in range(MOST_ADDRESSES):
        if at < 0:
            return False
        loading = _LOADING.search(source, max(0, at - _LONGEST_LOADING), at)
        if loading and not (loading[1] and not _is_in_link(source, at)):
            return True
        at = source.find("//", at + 2)
    return True


def _is_in_link(source: str, at: int) -> bool:
    tag = source.rfind("<", max(0, at - _LONGEST_TAG), at)
    return tag >= 0 and ">" not in source[tag:at] and bool(_LINK.match(source, tag))

"""The text of an HTML document, for who cannot or will not see the document.

Not for safety: what comes out is text, and stays text. It goes through the document once, so that nothing in it can take
long (`html.parser` looks for the same missing end again and again). Knows nothing about mail.
"""

import re
from html import unescape

LONGEST = 4 << 20
"""Characters of a document that are read."""

_SILENT = {"script", "style", "title", "template", "textarea", "iframe"}
"""Elements whose content is no text of the document, or not seen before it is chosen."""
_PARAGRAPHS = {"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "dl", "table", "blockquote", "pre", "hr"}
_LINES = {
    "br",
    "div",
    "tr",
    "li",
    "dt",
    "dd",
    "section",
    "article",
    "header",
    "footer",
    "center",
    "address",
    "form",
    "option",
}
_CELLS = {"td", "th"}

_TAG = re.compile(r"<(?:(?P<comment>!--)|[!?]|/?(?P<name>[A-Za-z][A-Za-z0-9]*+)(?=[\s/>]))")
_END = re.compile(r"""(?>(?:[^"'>]++|"[^"]*+"|'[^']*+')*)>""")
_BLANKS = re.compile(r"[ \t\r\f\n\xa0]+")
_LONG_NUMBER = re.compile(r"&#0*([0-9]{8})[0-9]+")
_BLANK_LINES = re.compile(r"\n{3,}")


def text_of_html(document: str) -> str:
    """Its words, with line ends where a browser would have them."""
    document = document[:LONGEST]
    pieces: list[str] = []
    at = 0
    while match := _TAG.search(document, at):
        pieces.append(_words(document[at : match.start()]))
        name = (match["name"] or "").lower()
        pieces.append(_break(name))
        at = _behind(document, match, name)
    pieces.append(_words(document[at:]))
    lines = (" ".join(line.split()) for line in "".join(pieces).split("\n"))
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip()


def _break(name: str) -> str:
    """What stands for a tag in the text."""
    return "\n\n" if name in _PARAGRAPHS else "\n" if name in _LINES else " " if name in _CELLS else ""


def _behind(document: str, match: re.Match[str], name: str) -> int:
    """Where a tag ends, and with it what it silences; what never ends goes to the end of the document."""
    if match["comment"]:
        end = document.find("-->", match.end())
        return end + 3 if end >= 0 else len(document)
    close = _END.match(document, match.end())
    at = close.end() if close else document.find(">", match.end()) + 1 or len(document)
    if name in _SILENT and document[match.start() + 1] != "/" and document[at - 2] != "/":
        silence = re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE).search(document, at)
        return silence.start() if silence else len(document)
    return at


def _words(text: str) -> str:
    """Text between tags, with its character references read. A number that is too long for one names no character."""
    if "&" in text:
        text = unescape(_LONG_NUMBER.sub("&#99999999", text)).replace("\0", "")
    return _BLANKS.sub(" ", text)

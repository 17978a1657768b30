"""The classic grammar: turns a command line into an event and its argument, or the Reply that refuses the syntax.

Knows nothing about whether the event is allowed: the session checks that first, in the table.
"""

import re

from ..engine.buffer import MAX_COMMAND_LINE
from ..engine.events import Event
from ..engine.foreign import Foreign, is_foreign
from ..engine.replies import UNRECOGNIZED, Reply

# The classic grammar, in the ABNF of RFC 5234. Patterns match a whole line without its line end, in any case.
#   blank   = SP / HTAB
#   octet   = %x21-7E / %x80-FF          ; neither blank nor control character
#   address = 1*(octet except "<" and ">")
_BLANKS = rb"[ \t]*"
_WORD = rb"([^\x00-\x20\x7f]+)"
_ADDRESS = rb"[^\x00-\x20\x7f<>]+"

_CLASSIC = {
    event: re.compile(pattern + _BLANKS, re.IGNORECASE)
    for event, pattern in {
        # helo = "helo" 1*blank 1*octet
        Event.HELO: rb"helo[ \t]+" + _WORD,
        # mail = "mail" 1*blank "from:" *blank (address / "<" [address] ">")
        Event.MAIL: rb"mail[ \t]+from:[ \t]*(?:(%b)|<((?:%b)?)>)" % (_ADDRESS, _ADDRESS),
        # rcpt = "rcpt" 1*blank "to:" *blank (address / "<" address ">")
        Event.RCPT: rb"rcpt[ \t]+to:[ \t]*(?:(%b)|<(%b)>)" % (_ADDRESS, _ADDRESS),
        # data = "data"; quit = "quit"; every line may have trailing blanks
        Event.DATA: rb"(data)",
        Event.QUIT: rb"(quit)",
    }.items()
}
_VERBS = {event.name.encode(): event for event in _CLASSIC} | {b".": Event.END}


def parse_classic(line: bytes) -> tuple[Event, bytes | Reply | Foreign]:
    """The event of a line (without its line end), and its argument: the client's name, or a path.

    A path is lower-cased (ASCII only) and has no angle brackets; the null reverse-path is b"". A line that does not fit the
    grammar, or is longer than MAX_COMMAND_LINE, has the refusing Reply as its argument.
    """
    event = _VERBS.get(line[:4].upper(), Event.OTHER)
    if event is Event.OTHER:
        return event, Foreign.LINE if is_foreign(line) else UNRECOGNIZED
    pattern = _CLASSIC.get(event)
    match = pattern.fullmatch(line) if pattern and len(line) <= MAX_COMMAND_LINE else None
    if match is None:
        return event, UNRECOGNIZED
    argument: bytes = match[match.lastindex or 0]
    return event, argument if event is Event.HELO else argument.lower()

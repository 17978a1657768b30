"""Probes of the form of replies: their grammar, their length, and their enhanced status codes.

Knows nothing about whether a reply is the right one.
"""

import re

from ..dialogue import Dialogue
from ..places import Place
from ..trial import Probe, Trial

LONGEST = 512
"""Octets of a line of a reply, CRLF included."""

_LINE = re.compile(rb"([2-5][0-5][0-9])(?:([ -])([^\r\n]*))?\r\n")
_ENHANCED = re.compile(rb"([245])\.\d{1,3}\.\d{1,3}(?: |\Z)")
_KEYWORD = re.compile(rb"[A-Za-z0-9][A-Za-z0-9-]*(?:[ =][\x21-\x7e]+(?: [\x21-\x7e]+)*)? *")
_PLAIN = ("EHLO", "HELO", "LHLO")


async def raw(dialogue: Dialogue, line: str, patience: float) -> bytes:
    """The octets of the reply to a line, up to a line that is the last."""
    dialogue.tell(line)
    heard = b""
    while not re.search(rb"(?:\A|\n)[0-9]{3}(?: [^\n]*|\r)?\n\Z", heard):
        more = await dialogue.wire.hear(patience)
        if not more:
            break
        heard += more
    dialogue.lines += ["S: " + piece.decode("ascii", "backslashreplace") for piece in heard.splitlines()]
    return heard


async def forms(trial: Trial) -> None:
    """Each reply has the form that the grammar asks for. Each rule is said to be broken once."""
    is_enhanced = "ENHANCEDSTATUSCODES" in trial.profile.offered.get(Place.EHLO, frozenset())
    lines = [trial.target.hello, "NOOP", "HELP", f"VRFY {trial.target.to}", "XYZZY", "RCPT", trial.target.mail]
    lines += [trial.target.rcpt, f"RCPT TO:<{trial.target.unknown}>", "RSET"]
    found: dict[str, str] = {}
    dialogue, is_new = await trial.ready(), True
    while lines:
        heard = await raw(dialogue, lines[0], trial.patience)
        if (not heard or heard.startswith(b"421")) and not is_new:
            dialogue.close()  # it bears few refusals: the others in another session
            dialogue, is_new = await trial.ready(), True
            continue
        line, is_new = lines.pop(0), False
        for rule, what in flaws(line.partition(" ")[0], heard, is_enhanced):
            if rule not in found:
                found[rule] = what
                trial.breaks(rule, what, dialogue)
    await dialogue.leave()


def flaws(command: str, heard: bytes, is_enhanced: bool) -> list[tuple[str, str]]:
    """What is wrong with the form of a reply: rules, and what happened."""
    lines = first_reply(heard)
    matches = [_LINE.fullmatch(line) for line in lines]
    if not lines:
        return []  # silence has a rule of its own
    if None in matches:
        broken = next((line for line, match in zip(lines, matches, strict=True) if match is None), b"")
        ends = "without CRLF" if not broken.endswith(b"\r\n") else "against the grammar"
        return [("5321-4.2-reply-grammar", f"a line of the reply to {command} is {ends}")]
    parts = [match for match in matches if match]
    found = []
    if len({match[1] for match in parts}) > 1 or any((match[2] == b"-") != (match is not parts[-1]) for match in parts):
        found.append(("5321-4.2-reply-grammar", f"the lines of the reply to {command} do not go together"))
    if any(len(line) > LONGEST for line in lines):
        found.append(("5321-4.5.3.1.5-reply-line", f"a line of the reply to {command} has more than {LONGEST} octets"))
    if command in _PLAIN:
        words = [match[3] or b"" for match in parts[1:]]
        odd = [word for word in words if not _KEYWORD.fullmatch(word)]
        if odd:
            found.append(("5321-4.1.1.1-keywords", f"{odd[0].decode('ascii', 'backslashreplace')[:60]!r} is no keyword"))
    elif is_enhanced and not all(_is_enhanced(match) for match in parts):
        found.append(("2034-4-enhanced", f"the reply to {command} has none, or one with another first digit"))
    return found


def first_reply(heard: bytes) -> list[bytes]:
    """The lines up to the first that is no line with more behind it."""
    lines = heard.splitlines(keepends=True)
    last = next((number for number, line in enumerate(lines) if line[3:4] != b"-"), len(lines))
    return lines[: last + 1]


def _is_enhanced(match: "re.Match[bytes]") -> bool:
    code = _ENHANCED.match(match[3] or b"")
    return match[1][:1] == b"3" or (code is not None and code[1] == match[1][:1])


REPLIES = (
    Probe(
        "the form of replies",
        ("5321-4.2-reply-grammar", "5321-4.5.3.1.5-reply-line", "5321-4.1.1.1-keywords", "2034-4-enhanced"),
        forms,
    ),
)

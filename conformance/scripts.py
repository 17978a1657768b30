"""Probes as dialogue files: what is said, and what is allowed in answer.

Knows nothing about any particular file, or about where they are.

A file has a head, an empty line, and a body. The head names the rule, and what else is to be known:

    rule: 5321-4.5.5-null-reverse-path
    needs: SIZE                      extensions (none)
    from: EHLO                       the place of `Place` in which it begins (EHLO)
    takes: 30                        seconds that it waits out on purpose (0)
    is: intrusive                    it loads the server, or tries to break in
    remark: may be configuration     what speaks for the server
    # anything                       a comment, here and below

The body is a dialogue. Lines to say that follow one another are pipelined; the replies are then heard in order.

    > MAIL FROM:<>                   a line to say; CRLF is added
    >> RCPT TO:<{to}>\\n              octets to send as they are
    < 250|55x                        the codes that are right; x is any digit; "silent" and "closed" stand for no reply
    ~ note 251: it is elsewhere      more that may be, with what is said of it: note, code or should
    ~ skip 4xx: refused for now      what cannot be tested here
    ! 250: it took what it must not  what is against a MUST, in better words than the usual

In what is said, {to}, {unknown}, {sender}, {me} and {message} stand for what they say, {hello} for EHLO (or LHLO, or HELO),
{a*300} for 300 times the letter a, and \\r, \\n, \\0, \\t and \\xNN for octets.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from .dialogue import CLOSED, SILENT, Dialogue, Reply
from .places import Place
from .rules.known import RULES
from .target import Target
from .trial import Probe, Trial
from .ways import Grade

HEADS = {"rule", "needs", "from", "takes", "is", "remark"}
GRADES = {"note": Grade.NOTE, "code": Grade.CODE, "should": Grade.SHOULD, "must": Grade.MUST}
_OTHER = re.compile(r"(?:~ (note|code|should|skip)|(!)) (\S+?): (.+)")
_TIMES = re.compile(r"\{([^{}]+)\*(\d+)\}")
_OCTET = re.compile(r"\\(?:x([0-9a-fA-F]{2})|([rn0t\\]))")


class Said(NamedTuple):
    """Something to say. `text`: as the file has it; `is_line`: whether CRLF is added."""

    text: str
    is_line: bool


class Other(NamedTuple):
    """Codes that are not simply right: what is said of them ("skip": that it cannot be tested), and why."""

    what: str
    codes: str
    why: str


class Expected(NamedTuple):
    """What is allowed in answer."""

    codes: str
    others: tuple[Other, ...]


class Script(NamedTuple):
    """A dialogue file, read."""

    name: str
    head: dict[str, str]
    steps: tuple[Said | Expected, ...]

    @property
    def rule(self) -> str:
        """The id of the rule."""
        return self.head["rule"]

    @property
    def place(self) -> Place:
        """Where it begins."""
        return Place[self.head.get("from", "EHLO")]

    @property
    def begins_mail(self) -> bool:
        """Whether it begins a transaction of its own: some servers ask for TLS or AUTH before that."""
        is_there = any(isinstance(step, Said) and step.text.upper().startswith("MAIL") for step in self.steps)
        return is_there and self.place is Place.EHLO


def read(name: str, text: str) -> Script:
    """Reads a dialogue file. Raises ValueError with the name and what is wrong."""
    head: dict[str, str] = {}
    above, _, body = text.partition("\n\n")
    for line in _lines(above):
        key, colon, value = line.partition(": ")
        if not colon or key not in HEADS:
            raise ValueError(f"{name}: {line!r} is no line of the head: write one of {', '.join(sorted(HEADS))}")
        head[key] = value.strip()
    if head.get("rule") not in RULES:
        raise ValueError(f"{name}: the rule {head.get('rule')} is not known")
    if head.get("from", "EHLO") not in Place.__members__:
        raise ValueError(f"{name}: {head['from']} is no place")
    steps: list[Said | Expected] = []
    for line in _lines(body):
        _read_step(name, line, steps)
    if not any(isinstance(step, Expected) for step in steps):
        raise ValueError(f"{name}: it expects nothing")
    return Script(name, head, tuple(steps))


def _lines(text: str) -> Iterable[str]:
    return (line for line in text.splitlines() if line and not line.startswith("#"))


def _read_step(name: str, line: str, steps: list[Said | Expected]) -> None:
    other = _OTHER.fullmatch(line)
    if line.startswith((">> ", "> ")) or line == ">":
        steps.append(Said(line.partition(" ")[2], not line.startswith(">>")))
    elif line.startswith("< "):
        steps.append(Expected(line[2:].strip(), ()))
    elif other and steps and isinstance(last := steps[-1], Expected):
        found = Other("must" if other[2] else other[1], other[3], other[4])
        steps[-1] = last._replace(others=(*last.others, found))
    else:
        raise ValueError(f"{name}: {line!r} is no step: a line begins with > or >> or < or ~ or !")


def matches(codes: str, code: str) -> bool:
    """Whether a code is among those of an expectation, such as 250|55x."""
    named = {SILENT: "silent", CLOSED: "closed"}.get(code, code)
    return any(re.fullmatch(allowed.replace("x", r"\d"), named) for allowed in codes.split("|"))


def octets(text: str, target: Target) -> bytes:
    """What a text of a file stands for."""
    words = {"to": target.to, "unknown": target.unknown, "sender": target.sender, "me": target.me}
    words["hello"] = target.hello.partition(" ")[0]
    for word, value in words.items():
        text = text.replace(f"{{{word}}}", value)
    text = _TIMES.sub(lambda match: match[1] * int(match[2]), text)
    data = text.encode("utf-8")
    data = re.sub(rb"\\(?:x([0-9a-fA-F]{2})|([rn0t\\]))", _octet, data)
    return data.replace(b"{message}\r\n", target.message("a dialogue")).replace(b"{message}", target.message("a dialogue"))


def _octet(match: re.Match[bytes]) -> bytes:
    return (
        bytes.fromhex(match[1].decode())
        if match[1]
        else {b"r": b"\r", b"n": b"\n", b"0": b"\0", b"t": b"\t"}.get(match[2], b"\\")
    )


def probe(script: Script) -> Probe:
    """The probe that holds the dialogue."""

    async def hold(trial: Trial) -> None:
        dialogue = await (trial.ready() if script.begins_mail else trial.open(script.place))
        dialogue.patience += takes
        for step in script.steps:
            if isinstance(step, Said):
                data = octets(step.text, trial.target)
                dialogue.tell(data) if step.is_line else dialogue.send(data)
            elif not _is_as_expected(trial, script, step, await dialogue.hear(), dialogue):
                dialogue.close()
                return
        await dialogue.leave()

    is_intrusive, takes = script.head.get("is") == "intrusive", float(script.head.get("takes", 0))
    needs = tuple(script.head.get("needs", "").split())
    messages = sum("{message}" in step.text for step in script.steps if isinstance(step, Said))
    return Probe(script.name, (script.rule,), hold, needs, messages, is_intrusive, takes)


def _is_as_expected(trial: Trial, script: Script, step: Expected, reply: Reply, dialogue: Dialogue) -> bool:
    """Whether a reply is one that lets the dialogue go on; if not, says so."""
    if matches(step.codes, reply.code):
        return True
    for other in step.others:
        if matches(other.codes, reply.code):
            if other.what == "skip":
                trial.untested(script.rule, other.why)
                return False
            trial.breaks(script.rule, other.why, dialogue, GRADES[other.what], script.head.get("remark", ""))
            return other.what in ("note", "code")
    came = {SILENT: "no reply came", CLOSED: "the server closed the connection"}.get(reply.code, f"{reply.code} came")
    what = f"{came}, where {step.codes.replace('|', ' or ')} is due"
    trial.breaks(script.rule, what, dialogue, Grade.MUST, script.head.get("remark", ""))
    return False

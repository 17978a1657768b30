"""The order of commands in the classic dialect, written down a second time: apart from the table, and never read from it.

`check_order` enumerates every situation. Rules that depend on more history are left to `histories`.
"""

from protocol.engine.dialect import Dialect

from .support import Client, DiskIsFull

HELO, MAIL, RCPT, STRANGER = "helo me", "mail from: a@b", "rcpt to: johndoe@here", "rcpt to: nobody"
DATA, END, QUIT = "data", ".", "quit"
FIRST = (HELO, MAIL, RCPT, DATA, "text", END)

SITUATIONS: dict[str, tuple[str, ...]] = {
    "nobody known": (),
    "client known": (HELO,),
    "sender known": (HELO, MAIL),
    "recipient known": (HELO, MAIL, RCPT),
    "mail is coming": (HELO, MAIL, RCPT, DATA),
    "first mail was accepted": FIRST,
    "sender known again": (*FIRST, MAIL),
    "recipient known again": (*FIRST, MAIL, RCPT),
    "more mail is coming": (*FIRST, MAIL, RCPT, DATA),
    "goodbye was said": (*FIRST, QUIT),
}
"""The situations of a session, each with a dialogue that leads there."""

STEPS: dict[tuple[str, str], tuple[int | None, str]] = {
    ("nobody known", HELO): (250, "client known"),
    ("client known", MAIL): (250, "sender known"),
    ("sender known", RCPT): (250, "recipient known"),
    ("sender known", STRANGER): (550, "client known"),
    ("recipient known", DATA): (354, "mail is coming"),
    ("mail is coming", END): (250, "first mail was accepted"),
    ("first mail was accepted", MAIL): (250, "sender known again"),
    ("first mail was accepted", QUIT): (221, "goodbye was said"),
    ("sender known again", RCPT): (250, "recipient known again"),
    ("sender known again", STRANGER): (550, "first mail was accepted"),
    ("recipient known again", DATA): (354, "more mail is coming"),
    ("more mail is coming", END): (250, "first mail was accepted"),
}
"""Every step that is allowed: its reply code, and the situation after it."""

LINES = [HELO, MAIL, RCPT, STRANGER, DATA, END, QUIT, "ehlo me", "noop", "rset", "helo", "mail from:", "data x", ""]
LINES_THAT_ARE_MAIL = ("mail is coming", "more mail is coming")


def expected(situation: str, line: str) -> tuple[int | None, str]:
    """The effect of a line: a step, or silence, or a 500 that changes nothing. Returns the code and the next situation."""
    silent = situation in LINES_THAT_ARE_MAIL or situation == "goodbye was said"
    return STEPS.get((situation, line), (None if silent else 500, situation))


def check_every_step(dialect: Dialect) -> None:
    """Says every line in every situation, and then every line again, to tell where the first one has led."""
    for situation, opening in SITUATIONS.items():
        for line in LINES:
            code, after = expected(situation, line)
            for probe in LINES:
                client = Client(dialect)
                client.say(*opening)
                assert _code(client.say(line)) == code, f"{situation}: {line!r}"
                assert _code(client.say(probe)) == expected(after, probe)[0], f"{situation}: {line!r}, then {probe!r}"


def check_waiting_for_storage(dialect: Dialect) -> None:
    """While storage has not answered, every line waits. A failure leads back to the state before the transaction."""
    for opening, after_failure in ((FIRST, "client known"), ((*FIRST, *FIRST[1:]), "first mail was accepted")):
        for fault in (None, DiskIsFull()):
            situation = after_failure if fault else "first mail was accepted"
            for line in LINES:
                client = Client(dialect, disk_is_slow=True)
                for early in opening:
                    client.settle()  # stores the previous message, if there is one, but not the last
                    client.say(early)
                client.store.fault = fault
                client.hear()
                _check_held(client, line, 452 if fault else 250, situation)
        check_too_large(dialect, opening[:-2], after_failure)


def _check_held(client: Client, line: str, code: int, situation: str) -> None:
    assert len(client.store.committed) == 1, "the message has ended"
    assert client.say(line) == [], f"{line!r} waits for storage"
    client.settle()
    codes = [int(reply[:3]) for reply in client.hear()]
    assert codes == [code, expected(situation, line)[0]], f"{line!r} after storage's answer"


def check_too_large(dialect: Dialect, opening: tuple[str, ...], after: str) -> None:
    """A message over the limit is refused at its end, and does not count as accepted."""
    for probe in LINES:
        client = Client(dialect, max_message_size=10)
        client.say(*opening)
        assert _code(client.say("more than ten octets")) is None
        assert _code(client.say(END)) == 552
        assert _code(client.say(probe)) == expected(after, probe)[0], f"too large, then {probe!r}"


def check_order(dialect: Dialect) -> None:
    """Makes all these checks."""
    check_every_step(dialect)
    check_waiting_for_storage(dialect)


def _code(replies: list[bytes]) -> int | None:
    assert len(replies) <= 1, f"one line, {len(replies)} replies"
    return int(replies[0][:3]) if replies else None

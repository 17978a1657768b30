"""The probes of LMTP, at a small server of LMTP that may be wrong in two ways."""

import pytest

from conformance.looking import Look
from conformance.probes.lmtp import LMTP
from conformance.trial import Trial
from conformance.wire import Wire

from ...kit.wires import TARGET, run

AT = TARGET._replace(is_lmtp=True, auth=None)


class Small:
    """A wire to it. `is_each`: a message is answered for each recipient; `takes_ehlo`: EHLO is answered like LHLO."""

    def __init__(self, is_each: bool, takes_ehlo: bool) -> None:
        self._is_each, self._takes_ehlo = is_each, takes_ehlo
        self._heard, self._said = b"", b"220 lmtp.test\r\n"
        self._recipients = 0
        self._is_content = self._is_over = False

    def send(self, data: bytes) -> None:
        self._heard += data
        while b"\r\n" in self._heard and not self._is_over:
            line, _, self._heard = self._heard.partition(b"\r\n")
            for reply in self._replies(line.decode()):
                self._said += reply.encode() + b"\r\n"

    def _replies(self, line: str) -> list[str]:
        if self._is_content:
            self._is_content = line != "."
            return [] if line != "." else ["250 ok"] * (self._recipients if self._is_each else 1)
        word = line.partition(" ")[0]
        if word == "RCPT":
            self._recipients += "nobody" not in line
            return ["550 no" if "nobody" in line else "250 ok"]
        if word == "MAIL":
            self._recipients = 0
        self._is_content, self._is_over = word == "DATA", word == "QUIT"
        known = {"LHLO": "250 lmtp.test", "DATA": "354 go", "QUIT": "221 bye", "MAIL": "250 ok", "NOOP": "250 ok"}
        return ["250 lmtp.test" if word == "EHLO" and self._takes_ehlo else known.get(word, "500 what")]

    async def hear(self, seconds: float) -> bytes | None:
        said, self._said = self._said, b""
        return said or (b"" if self._is_over else None)

    async def secure(self) -> str:
        return "there is no TLS"

    async def end_output(self) -> None:
        """Nothing comes of it."""

    async def pause(self, seconds: float) -> None:
        """No time passes."""

    def close(self) -> None:
        """Nothing is kept."""


@pytest.mark.parametrize(
    ("is_each", "takes_ehlo", "rules"),
    [(True, False, []), (False, False, ["2033-4.2-each"]), (True, True, ["2033-4.1-lhlo"])],
)
def test_what_is_found(is_each: bool, takes_ehlo: bool, rules: list[str]) -> None:
    async def open_wire() -> Wire:
        return Small(is_each, takes_ehlo)

    profile = run(Look(open_wire, AT, lambda: 1.0).profile())
    trial = Trial(open_wire, AT, profile, 1.0)
    for probe in LMTP:
        run(probe.hold(trial))
    assert [finding.rule for finding in trial.findings] == rules and trial.gaps == []

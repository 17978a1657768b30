"""Handing a message to our own SMTP port, as any client does: so what is sent over the API is stored as any mail.

It blocks: it is for a thread of its own.
"""

import smtplib
from collections.abc import Sequence

from web.environment import Outcome

PATIENCE = 10.0
"""Seconds that each step may take."""

UNREACHABLE = 421

ANYBODY = "web"
"""The name and password that are given where any are taken."""


def submitted(address: tuple[str, int], sender: str, recipients: Sequence[str], octets: bytes) -> Outcome:
    """What the server at this address says of a message, or of the first recipient that it refuses."""
    host, port = address
    if not port:
        return Outcome(UNREACHABLE, "the server takes mail under TLS only")
    try:
        with smtplib.SMTP(_reached(host), port, timeout=PATIENCE) as client:
            client.ehlo_or_helo_if_needed()
            if client.has_extn("auth"):
                _log_in(client)
            is_plain = all(address.isascii() for address in (sender, *recipients))
            refused = client.sendmail(sender, list(recipients), octets, () if is_plain else ("SMTPUTF8",))
    except smtplib.SMTPRecipientsRefused as error:
        return _refusal(*next(iter(error.recipients.values())))
    except smtplib.SMTPResponseException as error:
        return _refusal(error.smtp_code, error.smtp_error)
    except (OSError, smtplib.SMTPException, UnicodeError) as error:
        return Outcome(UNREACHABLE, str(error))
    return _refusal(*next(iter(refused.values()))) if refused else Outcome(250)


def _log_in(client: smtplib.SMTP) -> None:
    """Where any name and password are taken, some are given; where not, the server says what it wants."""
    try:
        client.login(ANYBODY, ANYBODY)
    except smtplib.SMTPException:
        client.ehlo_or_helo_if_needed()


def _reached(host: str) -> str:
    """The address at which this machine reaches a server that listens on all of its addresses."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)


def _refusal(code: int, text: bytes | str) -> Outcome:
    return Outcome(code, text.decode("utf-8", "replace") if isinstance(text, bytes) else text)

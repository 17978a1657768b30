"""The rules beyond the order of commands: streams, ends of lines, TLS, parameters, paths, replies. The probes name them.

Knows nothing about the order of commands (see `order`).
"""

from .rule import Harm, Level, Rule

MUST, SHOULD, NOTE = Level
DANGER, STOPS, COSMETIC = Harm

BEYOND: tuple[Rule, ...] = (
    # Replies
    Rule("5321-3.1-greeting", MUST, STOPS,
         "A server greets with 220, or with 554 if it takes no mail, and then waits for QUIT.",
         "Answer the connection with one 220 and the server's name."),
    # Lines
    Rule("5321-4.3.2-syntax", MUST, STOPS,
         "A command whose syntax is wrong is refused with 500 or 501, and changes nothing.",
         "Answer 501, and stay in the same state."),
    # Parameters
    Rule("5321-4.1.1.11-parameter", MUST, STOPS,
         "A parameter of MAIL or RCPT that is not known, or not offered, is refused with 555, and the state stays.",
         "Answer 555 to what EHLO did not offer."),
)  # fmt: skip

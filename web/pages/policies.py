"""What browsers may do with our answers: the header fields of pages, and of a mail's own document.

Knows nothing about what is in them.
"""

from ..mail_content import SANDBOX, UNSNIFFED

PAGE = (
    (
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'",
    ),
    UNSNIFFED,
    # With no-referrer a browser would say `Origin: null` with our own forms, and the gate would refuse them.
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Cache-Control", "private, no-cache"),
    ("Vary", "Accept-Language, Cookie"),
)

_ELSEWHERE = ("style-src", "img-src", "font-src")
"""What a mail may load from elsewhere, if its reader wants."""


def frame(has_remote: bool) -> tuple[tuple[str, str], ...]:
    """The fields of a mail's document. It has an origin of its own, runs nothing, and asks nobody for anything, but for
    pictures, fonts and style from elsewhere if it `has_remote`.
    """
    rules = [f"{rule} https: http:" if has_remote and rule.startswith(_ELSEWHERE) else rule for rule in SANDBOX.split("; ")]
    return (
        ("Content-Security-Policy", "; ".join(rules)),
        UNSNIFFED,
        ("Referrer-Policy", "no-referrer"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        ("X-DNS-Prefetch-Control", "off"),
        ("Cache-Control", "private, no-cache"),
    )

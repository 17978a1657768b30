"""The page for those who teach: what the classic dialect does against RFC 5321, as smtpcheck says it.

`python -m tests.kit.classic_page > docs/classic-and-rfc.md` makes it; a test compares.
"""

from textwrap import fill

from conformance.reports.text import matrix, shortened
from conformance.rules.rule import Level

from .wires import classic

INTRODUCTION = """# The classic dialect and RFC 5321

<!-- Made by `python -m tests.kit.classic_page > docs/classic-and-rfc.md`. -->

The classic dialect ([table.md](table.md)) is as strict as the prototype that it comes from, and so it breaks rules that
RFC 5321 has for good reasons. This is what `bin/smtpcheck` says of it: first each command in each state, then rule by
rule what the RFC asks, what the dialect does, and how a dialogue shows it. A good exercise: which cells of the table
would have to change?
"""


def page() -> str:
    outcome = classic()
    parts = [INTRODUCTION, "```text", *list(matrix(outcome.cells))[1:], "```"]
    for finding in outcome.findings:
        if finding.level is not Level.NOTE:
            heading = f"## {finding.rule}{' (only the code)' * finding.key.endswith('+code')}"
            words = f"{finding.level.value}, {finding.law.source}: {finding.law.asks}"
            parts += [
                "",
                heading,
                "",
                fill(words, 120),
                "",
                fill(f"{finding.what}.", 120),
                "",
                "```text",
                *shortened(finding.dialogue),
                "```",
            ]
    return "\n".join(parts)


if __name__ == "__main__":
    print(page())

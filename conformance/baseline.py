"""Baselines: what is known of a server, and not to be told again.

Knows nothing about files.

A baseline is a text with a key on each line: the id of a rule, with +code behind it if only the code is wrong. What stands
behind a number sign is a comment.
"""

from collections.abc import Iterable

from .finding import Finding
from .rules.known import RULES
from .rules.rule import Level


def read(name: str, text: str) -> frozenset[str]:
    """The keys of a baseline. Raises ValueError with the name, the line and what is wrong."""
    keys = set()
    for number, line in enumerate(text.splitlines(), 1):
        key = line.partition("#")[0].strip()
        if key and key.removesuffix("+code") not in RULES:
            raise ValueError(f"{name}:{number}: {key} is no id of a rule: see --list")
        keys.add(key)
    return frozenset(keys - {""})


def written(findings: Iterable[Finding], words: str) -> str:
    """The baseline of what was found; notes break nothing, and are not in it. `words`: its first line."""
    broken = {finding.key: finding for finding in findings if finding.level is not Level.NOTE}
    width = max(map(len, broken), default=0)
    lines = [f"{key.ljust(width)}  # {finding.level.value}, {finding.harm.value}" for key, finding in sorted(broken.items())]
    return "\n".join([f"# {words}", *lines]) + "\n"

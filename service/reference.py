"""Prints the reference of a command line as Markdown, from the program's own argument parser.

Knows nothing about any particular flag.
"""

import argparse
import re
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from .output import say

WIDTH = 120
"""Columns of a line of the page."""

_DEFAULT = re.compile(r"(.*) \(default: (.*)\)", re.DOTALL)


class Reference(argparse.Action):
    """The flag --reference: prints the reference of its parser and ends the program."""

    def __init__(self, option_strings: Sequence[str], dest: str, help: str) -> None:
        super().__init__(option_strings, argparse.SUPPRESS, nargs=0, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_: Any, **__: Any) -> None:
        """Prints the reference and exits."""
        say(parser.prog, markdown(parser))
        parser.exit()


def markdown(parser: argparse.ArgumentParser) -> str:
    """The page: a heading for each group of flags, a list item for each flag. A group without flags is a paragraph."""
    source = f"<!-- Made by `bin/{parser.prog} --reference > docs/{parser.prog}.md`: change the help texts instead. -->"
    parts = [f"# {parser.prog}", source, _wrapped(_code(parser.description or "")), f"```text\n{_usage(parser)}\n```"]
    formatter = parser._get_formatter()
    for group in parser._action_groups:
        actions = [action for action in group._group_actions if action.help is not argparse.SUPPRESS]
        if actions or group.description:
            parts.append(f"## {(group.title or '').capitalize()}")
        parts += [_wrapped(_code(group.description))] if group.description else []
        parts += ["\n".join(_item(action, formatter) for action in actions)] if actions else []
    return "\n\n".join(parts)


def _usage(parser: argparse.ArgumentParser) -> str:
    """The usage line: "[options]" stands for all flags, which the page lists below."""
    formatter = parser._get_formatter()
    operands = [_metavar(formatter, action) for action in parser._actions if not action.option_strings]
    return " ".join([f"bin/{parser.prog}", "[options]", *operands])


def _item(action: argparse.Action, formatter: argparse.HelpFormatter) -> str:
    words = formatter._expand_help(action)
    match = _DEFAULT.fullmatch(words)
    meaning, default = match.groups() if match else (words, "")
    names = ", ".join(f"`{name}`" for name in _names(action, formatter))
    end = f" Default: {_code(default)}." if default else ""
    return _wrapped(f"- {names}: {_code(meaning)}.{end}", indent="  ")


def _names(action: argparse.Action, formatter: argparse.HelpFormatter) -> Iterator[str]:
    """Yields the names of a flag or operand as they are written on the command line."""
    if not action.option_strings:
        yield _metavar(formatter, action)
    elif action.nargs == 0:
        yield from action.option_strings
    else:
        yield from (f"{option} {_metavar(formatter, action)}" for option in action.option_strings)


def _metavar(formatter: argparse.HelpFormatter, action: argparse.Action) -> str:
    shown = formatter._format_args(action, action.dest.upper())
    return re.sub(
        r"^\[?\{(.*?)\}(\]?)$", lambda match: f"{'[' * bool(match[2])}{match[1].replace(',', '|')}{match[2]}", shown
    )


def _code(text: str) -> str:
    """Marks flags, literal addresses, and text that Markdown would take for a tag as code."""
    return re.sub(r"(?<![\w-])(--[a-z][a-z0-9-]*|\[::1\]:25|<>|CAP_NET_BIND_SERVICE)", r"`\1`", text)


def _wrapped(text: str, indent: str = "") -> str:
    return textwrap.fill(text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)

"""The flags of smtpcheck: their names, values and help texts.

Knows nothing about what they do.
"""

import argparse
from pathlib import Path
from typing import Any, NoReturn

from conformance.probes.streams import IDLE
from conformance.rules.known import RULES, selected
from conformance.rules.rule import Harm, Level
from reactor.stream import addresses

from .. import VERSION
from ..options import Arguments, checked, number, seconds
from ..output import say
from ..reference import Reference

AT_ONCE, AT_ONCE_AWAY = 32, 8
"""Dialogues at once: on this machine, and beyond it."""

FORMATS = {
    "json": "the report as JSON",
    "junit": "the report as JUnit's XML, a case for each rule",
    "sarif": "the report as SARIF",
    "html": "the report as a page, a column for each server",
    "svg": "the matrix as a picture",
    "badge": "a badge that says how many cells are right",
}
"""The formats of reports, each a flag that names a file."""

NOTES = (
    (
        "what it leaves",
        "All mail goes to the mailbox of --to, from smtpcheck@client.example, and has a field X-Smtpcheck. Beyond this "
        "machine it says first how many connections and messages it will make, and asks; it holds 8 dialogues at once, "
        "halves that when it is greeted with a 421, and stops at the third.",
    ),
    (
        "exit codes",
        "0: nothing is broken beyond the baseline. 1: a rule is broken (MUST or SHOULD) that is not in the baseline. 2: "
        "a bad flag or file. 3: it could not be tested: no connection, no 220, or the mailbox of --to is refused. "
        "130: Ctrl-C.",
    ),
    (
        "baselines",
        "A baseline lists what is known, an id on each line. What is in it is shown and does not count; what is in it and "
        "no longer occurs is said, and counts with --strict-baseline.",
    ),
    (
        "continuous integration",
        "Once: smtpcheck HOST:PORT --to MAILBOX --write-baseline known.txt. Then in each run, when it is up: "
        "smtpcheck HOST:PORT --to MAILBOX --baseline known.txt --junit smtpcheck.xml. It fails when a new thing is broken.",
    ),
)
"""Shown at the end of --help and of the reference."""


class Listing(argparse.Action):
    """The flag --list: prints the rules, and ends the program."""

    def __init__(self, option_strings: list[str], dest: str, help: str) -> None:
        super().__init__(option_strings, argparse.SUPPRESS, nargs=0, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_: Any, **__: Any) -> NoReturn:
        """Prints the rules and exits."""
        width = max(map(len, RULES))
        lines = [
            f"{rule.id.ljust(width)}  {rule.level.value:6}  {rule.harm.value:8}  {rule.asks}" for rule in RULES.values()
        ]
        say(parser.prog, "\n".join(lines))
        parser.exit()


class Explaining(argparse.Action):
    """The flag --explain: prints all that is known of a rule, and ends the program."""

    def __call__(self, parser: argparse.ArgumentParser, _: Any, value: Any, __: str | None = None) -> NoReturn:
        """Prints the rule and exits."""
        rule = RULES.get(str(value).removesuffix("+code"))
        if not rule:
            parser.error(f"argument --explain: {value} is no id of a rule: --list has them")
        words = f"{rule.id}\n{rule.source}, {rule.url}\n{rule.level.value}; harm: {rule.harm.value}"
        say(parser.prog, f"{words}\n\n{rule.asks}\nWhat to do: {rule.mend}")
        parser.exit()


def server(text: str) -> tuple[str, str, int]:
    """A name for the report, host and port."""
    name, _, address = text.rpartition("=")
    return name, *addresses.parse(address)


def prefix(text: str) -> str:
    """The beginning of an id."""
    if not selected((text,)):
        raise argparse.ArgumentTypeError(f"no rule begins with {text}: --list has them")
    return text


def enough(text: str) -> float:
    """Seconds of silence: with fewer nothing would be tested."""
    found = seconds(text)
    if found < IDLE:
        raise argparse.ArgumentTypeError(f"a silence of {IDLE:g} s is tested: give {IDLE:g} or more")
    return found


def parser() -> Arguments:
    """The parser of the command line."""
    made = Arguments(
        prog="smtpcheck",
        allow_abbrev=False,
        description="Tells what an SMTP server does against its RFCs: every command in every state, and what lies beyond "
        "the order of commands. Each finding names its paragraph, and has a dialogue that shows it.",
    )
    add = made.add_argument
    where = "the server; several are shown side by side, and NAME=HOST:PORT gives one a name"
    add("servers", metavar="HOST:PORT", type=checked(server), nargs="+", help=where)
    add("--to", metavar="MAILBOX", help="a mailbox that takes mail (default: postmaster, on this machine only)")
    add(
        "--unknown", metavar="MAILBOX", help="a mailbox that is not there (default: smtpcheck-nobody, in the domain of --to)"
    )
    add(
        "--auth",
        metavar="NAME",
        help="authenticate as NAME by PLAIN, LOGIN or CRAM-MD5, for the states behind AUTH and servers that ask for it",
    )
    add("--password-file", metavar="FILE", type=Path, help="the file whose first line is the password for --auth")
    add("--tls", choices=("wire", "first"), help="wire: TLS from the first octet on; first: STARTTLS before all else")
    add("--lmtp", action="store_true", help="the server speaks LMTP (RFC 2033)")
    _add_selection(made)
    _add_reports(made)
    add("--reference", action=Reference, help="print this help as Markdown and exit")
    add("--version", action="version", version=f"%(prog)s {VERSION}", help="print the version and exit")
    for title, words in NOTES:
        made.add_argument_group(title, words)
    return made


def _add_selection(made: Arguments) -> None:
    group = made.add_argument_group("what is tested, and told")
    group.add_argument(
        "--only", metavar="PREFIX", type=prefix, action="append", default=[], help="test rules whose id begins so"
    )
    levels = [level.value.lower() for level in Level]
    group.add_argument(
        "--level", choices=levels, default="note", help="tell what is at least so strong (default: note, all)"
    )
    harms = [harm.value for harm in Harm]
    group.add_argument(
        "--harm", choices=harms, default="cosmetic", help="tell what harms at least so (default: cosmetic, all)"
    )
    intrusive = "also what loads a server or tries to break in: floods, oversize, injection"
    group.add_argument("--intrusive", action="store_true", help=intrusive)
    silence = f"also what takes so long a silence: {IDLE:g} or more"
    group.add_argument("--idle", metavar="SECONDS", type=enough, default=0.0, help=silence)
    group.add_argument("--list", action=Listing, help="print the rules and exit")
    group.add_argument("--explain", metavar="ID", action=Explaining, help="print all that is known of a rule and exit")
    group.add_argument(
        "--at-once", metavar="N", type=number(1), help="dialogues at once (default: 32; 8 beyond this machine)"
    )
    group.add_argument("--yes", action="store_true", help="do not ask before testing a server beyond this machine")


def _add_reports(made: Arguments) -> None:
    group = made.add_argument_group("reports and baselines")
    group.add_argument("--quiet", action="store_true", help="print the last line of the report only")
    for name, words in FORMATS.items():
        group.add_argument(f"--{name}", metavar="FILE", type=Path, help=f"write {words}, too")
    group.add_argument("--baseline", metavar="FILE", type=Path, help="what is known: an id on each line")
    group.add_argument("--write-baseline", metavar="FILE", type=Path, help="write what was found as a baseline")
    group.add_argument("--strict-baseline", action="store_true", help="fail, too, where the baseline has more than occurs")
    discreet = (
        "of what breaks a MUST and harms clients say only how much there is, in no report or baseline; it does not count"
    )
    group.add_argument("--discreet", action="store_true", help=discreet)

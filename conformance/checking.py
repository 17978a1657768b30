"""The whole check of one server: looks, learns its signatures, tries each cell, holds each probe, and says what was found.

Knows nothing about connections, or about how a report looks.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from .finding import Finding, Untested
from .judging import GRADES, Judge, Judged, Verdict
from .lawful import cell
from .looking import Look
from .openings import OPENINGS, Unreached, ways_to
from .places import ROWS, Command, Place
from .proving import chosen
from .target import Profile, Target
from .trial import Probe, Trial
from .trying import UNSAID, Seen, Tries
from .walks import Signature, Signatures, is_plausible, walks
from .ways import Grade
from .wire import NotReached, Open, Together


class Server(NamedTuple):
    """A server under test, and how it is reached. `patience`: seconds to wait for a reply, which may grow."""

    open_wire: Open
    target: Target
    together: Together
    patience: Callable[[], float]


class Selection(NamedTuple):
    """What is to be tested: rules, by their ids; and whether intrusive probes are held, and those that wait for long."""

    rules: frozenset[str]
    is_intrusive: bool = False
    waits: float = 0.0


class Outcome(NamedTuple):
    """What was found. `cells`: the matrix. `held`: how many probes were held. `covered`: the rules of which it was told.

    `probed`: those of the probes that were held.
    """

    profile: Profile
    cells: tuple[Judged, ...]
    findings: tuple[Finding, ...]
    gaps: tuple[Untested, ...]
    held: int = 0
    covered: frozenset[str] = frozenset()
    probed: frozenset[str] = frozenset()


class Check:
    """The check of one server."""

    def __init__(self, server: Server, selection: Selection) -> None:
        self._server = server
        self._selection = selection

    def run(self, probes: Sequence[Probe]) -> Outcome:
        """Makes the check. Raises Untestable, or NotReached."""
        server = self._server
        (profile,) = server.together([Look(server.open_wire, server.target, server.patience).profile()])
        self._server = server = server._replace(target=aimed(server.target, profile))
        cells = self._cells(profile)
        findings = [*found(cells), *forgets_nothing(cells)]
        held = [probe for probe in probes if self._is_chosen(probe, profile)]
        trials = self._trials(profile, held)
        findings += beyond([finding for trial in trials for finding in trial.findings], findings)
        gaps = [*untested(cells), *(gap for trial in trials for gap in trial.gaps)]
        order = {rule: number for number, rule in enumerate(sorted(self._selection.rules))}
        chosen = [finding for finding in findings if finding.rule in order]
        chosen.sort(key=lambda finding: (finding.level.rank, finding.harm.rank, order[finding.rule]))
        probed = self._selection.rules.intersection(rule for probe in held for rule in probe.rules)
        unheld = {rule for probe in probes for rule in probe.rules} - probed
        covered = self._selection.rules - unheld - {gap.rule for gap in gaps}
        gaps = [gap for gap in gaps if gap.rule in order]
        return Outcome(profile, tuple(cells), tuple(chosen), tuple(gaps), len(held), covered, probed)

    # The cells

    def _cells(self, profile: Profile) -> list[Judged]:
        """The matrix: each selected cell, judged; what is not right is tried once more."""
        server = self._server
        tries = Tries(server.open_wire, server.target, profile, walks(profile), server.patience)
        judge = Judge(profile, self._signatures(tries, profile))
        wanted = [(place, c) for place in ROWS for c in Command if self._is_wanted(profile, place, c)]
        first = self._tried(tries, judge, profile, wanted)
        doubtful = [(judged.place, judged.command) for judged in first if judged.verdict not in _CALM]
        second = {(judged.place, judged.command): judged for judged in self._tried(tries, judge, profile, doubtful)}
        return [_agreed(judged, second.get((judged.place, judged.command), judged)) for judged in first]

    def _is_wanted(self, profile: Profile, place: Place, command: Command) -> bool:
        if self._server.target.is_lmtp and (place is Place.HELO or command is Command.HELO):
            return False  # HELO is no command of LMTP; a probe tells whether it is refused (RFC 2033 section 4.1)
        rule = cell(place, command, profile.offers(place)).rule
        return rule in self._selection.rules and bool(ways_to(place, self._server.target, profile))

    def _signatures(self, tries: Tries, profile: Profile) -> Signatures:
        target = self._server.target
        ways = [(place, steps) for place in OPENINGS if place not in _TEXTS for steps in ways_to(place, target, profile)]
        learnt: dict[Place, set[Signature]] = {}
        for (place, _), signature in zip(ways, self._server.together([tries.signature(s) for _, s in ways]), strict=True):
            if not isinstance(signature, str) and is_plausible(place, walks(profile).paths, signature):
                learnt.setdefault(place, set()).add(signature)
        return Signatures(learnt)

    def _tried(self, tries: Tries, judge: Judge, profile: Profile, wanted: Sequence[tuple[Place, Command]]) -> list[Judged]:
        """The cells, tried and judged. Where lines are content all of them are sent in one message."""
        paths = walks(profile).paths
        single = [(p, c) for p, c in wanted if p not in _TEXTS or (c is Command.DOT and p is Place.CONTENT)]
        jobs = [tries.seen(place, command, path) for place, command in single for path in paths]
        texts = sorted({place for place, c in wanted if place in _TEXTS}, key=lambda place: place.value)
        jobs += [tries.text(place, [c for p, c in wanted if p is place]) for place in texts]
        results = self._server.together(jobs)
        by_cell = {at: results[n * len(paths) : (n + 1) * len(paths)] for n, at in enumerate(single)}
        by_text = dict(zip(texts, results[len(single) * len(paths) :], strict=True))
        return [
            judge.judge(*at, by_cell[at]) if at in by_cell else judged_text(at[0], at[1], by_text[at[0]], profile)
            for at in wanted
        ]

    # The probes

    def _trials(self, profile: Profile, probes: Sequence[Probe]) -> list[Trial]:
        """The probes, held."""
        trials = [Trial(self._server.open_wire, self._server.target, profile, self._server.patience()) for _ in probes]
        self._server.together([_held(probe, trial) for probe, trial in zip(probes, trials, strict=True)])
        return trials

    def _is_chosen(self, probe: Probe, profile: Profile) -> bool:
        """Whether a probe is held: one whose extension is not offered has nothing to say."""
        selection = self._selection
        return (
            bool(selection.rules.intersection(probe.rules))
            and (selection.is_intrusive or not probe.is_intrusive)
            and probe.takes <= selection.waits
            and (self._server.target.is_lmtp or not probe.is_for_lmtp)
            and all(profile.has(extension) for extension in probe.needs)
        )


async def _held(probe: Probe, trial: Trial) -> None:
    try:
        await probe.hold(trial)
    except (Unreached, NotReached) as fault:
        for rule in probe.rules:
            trial.untested(rule, str(fault))
    finally:
        trial.close()


def beyond(found: Sequence[Finding], known: Sequence[Finding]) -> list[Finding]:
    """What probes have found, one for each rule and grade, with the shortest dialogue; without what the cells have shown."""
    shortest: dict[str, Finding] = {}
    for finding in found:
        first = shortest.setdefault(finding.key, finding)
        words = first.what if finding.what in first.what else f"{first.what}; and {finding.what}"
        shortest[finding.key] = min(first, finding, key=lambda each: len(each.dialogue))._replace(what=words)
    return [finding for key, finding in shortest.items() if key not in {each.key for each in known}]


def aimed(target: Target, profile: Profile) -> Target:
    """The target, with what the first look has told of how to speak to it."""
    return target._replace(is_old=profile.is_old, mechanism=chosen(profile.mechanisms))


_TEXTS = (Place.CONTENT, Place.CHUNK)
_NO_COMMAND = (Command.DOT, Command.EMPTY, Command.UNKNOWN)
_CALM = (Verdict.RIGHT, Verdict.NOTE)


def judged_text(place: Place, command: Command, seen: Seen, profile: Profile) -> Judged:
    """The verdict on a line that was one of many in a message."""
    rule = cell(place, command, profile.offers(place)).rule
    if command in UNSAID:
        return Judged(place, command, Verdict.ABSENT, rule)
    if seen.why or seen.code[:1] == "4":
        return Judged(place, command, Verdict.UNTESTED, rule, seen.why or f"the message is refused for now ({seen.code})")
    if seen.surplus == 1:  # a line that is carried out is not alone
        what = "a message is answered twice"
        return Judged(place, command, Verdict.DIFFERS, "5321-4.3.1-one-reply", what, seen.lines, seen.code)
    if seen.surplus:
        what = "of lines that are content some are answered"
        return Judged(place, command, Verdict.DIFFERS, rule, what, seen.lines, seen.code)
    if seen.code[:1] == "2":
        return Judged(place, command, Verdict.RIGHT, rule, "", seen.lines, seen.code)
    if seen.code[:1] == "5":
        return Judged(place, command, Verdict.UNTESTED, rule, f"the message is refused ({seen.code})", seen.lines, seen.code)
    what = f"content that looks like commands is answered {seen.code or 'with nothing'}"
    return Judged(place, command, Verdict.HANGS if not seen.code else Verdict.CLOSES, rule, what, seen.lines, seen.code)


def _agreed(first: Judged, second: Judged) -> Judged:
    """What two tries say together: the same, or that it cannot be told."""
    if first.verdict is second.verdict and first.rule == second.rule:
        return second
    return second._replace(verdict=Verdict.UNTESTED, what="two tries had different outcomes", lines=())


def found(cells: Sequence[Judged]) -> list[Finding]:
    """The findings of a matrix: one for each rule and grade, with the shortest dialogue."""
    groups: dict[tuple[str, Grade, str], list[Judged]] = {}
    no_noop = {judged.place for judged in cells if judged.command is Command.NOOP and judged.verdict not in _CALM}
    for judged in cells:
        if judged.command is Command.NOOP_SMALL and judged.place in no_noop:
            continue  # the case of its letters is not the cause
        if judged.verdict in GRADES and judged.verdict is not Verdict.RIGHT:
            what = judged.what if judged.verdict is Verdict.NOTE else ""
            groups.setdefault((judged.rule, GRADES[judged.verdict], what), []).append(judged)
    findings = []
    for (rule, grade, _), group in groups.items():
        shortest = min(group, key=lambda judged: len(judged.lines))
        names = tuple(judged.name for judged in group)
        what = f'{shortest.command.value} in the state "{shortest.place.value}": {shortest.what}'
        told = Grade.NOTE if rule == "5321-7.8-few-refusals" else grade
        findings.append(Finding(rule, told, what, shortest.lines, names, remark(group)))
    return findings


def remark(group: Sequence[Judged]) -> str:
    """What speaks for the server."""
    if all(judged.verdict is Verdict.CLOSES and judged.command in _NO_COMMAND for judged in group):
        return "it may be a deliberate defence against what is no client of SMTP"
    return ""


def forgets_nothing(cells: Sequence[Judged]) -> list[Finding]:
    """Whether the server knows after the handshake what it was told before it: MAIL is then no longer refused."""
    mails = {judged.place: judged for judged in cells if judged.command is Command.MAIL}
    start, secret = mails.get(Place.START), mails.get(Place.TLS)
    if start and secret and start.code[:1] == "5" and secret.code[:1] == "2":
        what = "MAIL is refused before EHLO, and taken before the second EHLO, which TLS asks for"
        return [Finding("3207-4.2-forgets", Grade.MUST, what, secret.lines, (secret.name,))]
    return []


def untested(cells: Sequence[Judged]) -> list[Untested]:
    """What of a matrix could not be tested, by rule and reason."""
    groups: dict[tuple[str, str], list[str]] = {}
    for judged in cells:
        if judged.verdict is Verdict.UNTESTED:
            groups.setdefault((judged.rule, judged.what), []).append(judged.name)
    return [Untested(rule, why, tuple(names)) for (rule, why), names in groups.items()]

"""Random histories: a model of a client does one thing after another, each chosen and filled in by a number.

Hypothesis is good at small counterexamples and poor at wandering: most of its histories are near copies of earlier ones. So
a history is a list of numbers here. Each number is the seed of one step, whatever came before. Random numbers get
everywhere, and Hypothesis can shorten a list that fails.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, ClassVar, NamedTuple, Protocol, TypeVar

from hypothesis import strategies as st

T = TypeVar("T")
Draw = Callable[[Random], T]

LONG = 30
"""Steps of a history."""

ENOUGH = 1000
"""Histories in which a fault is met, unless they cannot see it at all."""

HISTORY = st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=1 + LONG)
"""A history that Hypothesis can shorten when it fails."""


class Model(Protocol):
    """Knows the right answers, and fails at any other."""

    STEPS: ClassVar[list["Step"]]
    """The steps that may come next, whatever came before."""

    def begin(self, random: Random) -> None:
        """Begins somewhere in a dialogue: few random sequences get far."""

    def check(self) -> None:
        """Checks, after each step, that everything is as the model says."""

    def end(self) -> None:
        """Checks what was kept. Called even if a step failed."""


class Step(NamedTuple):
    """A method of a model, and functions that make up its arguments."""

    method: Callable[..., None]
    draws: dict[str, Draw[Any]]


_DRAWS: dict[Any, dict[str, Draw[Any]]] = {}
Method = TypeVar("Method", bound=Callable[..., None])


def step(**draws: Draw[Any]) -> Callable[[Method], Method]:
    """Marks a method as a step."""

    def marked(method: Method) -> Method:
        _DRAWS[method] = draws
        return method

    return marked


def steps_of(model: type) -> list[Step]:
    """All steps of a model."""
    return [Step(method, _DRAWS[method]) for method in vars(model).values() if callable(method) and method in _DRAWS]


def walk(model: Model, seeds: Sequence[int]) -> None:
    """Makes one history."""
    try:
        model.begin(Random(seeds[0]))
        model.check()
        for seed in seeds[1:]:
            random = Random(seed)
            method, draws = random.choice(model.STEPS)
            method(model, **{name: draw(random) for name, draw in draws.items()})
            model.check()
    finally:
        model.end()


def wander(make: Callable[[], Model], histories: int, seed: int) -> None:
    """Makes this many histories from one seed. If one fails, its number and seeds are added to the error."""
    random = Random(seed)
    for number in range(histories):
        seeds = [random.getrandbits(32) for _ in range(1 + LONG)]
        try:
            walk(make(), seeds)
        except BaseException as error:
            error.add_note(f"history {number} of seed {seed}: {seeds}")
            raise


# Arguments


def one(values: Sequence[T]) -> Draw[T]:
    """One of these values."""
    return lambda random: random.choice(values)


def either(*draws: Draw[T]) -> Draw[T]:
    """A value made in one of these ways."""
    return lambda random: random.choice(draws)(random)


def some(draw: Draw[T], most: int, least: int = 0) -> Draw[list[T]]:
    """A few values of one kind."""
    return lambda random: [draw(random) for _ in range(random.randint(least, most))]


def octets(most: int) -> Draw[bytes]:
    """Any octets, at most `most`."""
    return lambda random: random.randbytes(random.randint(0, most))


def text_of(letters: str, most: int, least: int = 0) -> Draw[str]:
    """A word of these letters."""
    return lambda random: "".join(random.choices(letters, k=random.randint(least, most)))


def in_any_case(word: str) -> Draw[str]:
    """A word, each letter in upper or lower case."""
    return lambda random: "".join(random.choice((letter.upper(), letter.lower())) for letter in word)

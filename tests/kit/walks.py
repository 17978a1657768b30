"""Random histories: a model of a client does one thing after another, each chosen and filled in by a number.

Hypothesis is good at small counterexamples and poor at wandering: most of its histories are near copies of earlier ones.
So a history is a list of numbers here. Each is the seed of one step, whatever came before: who makes numbers up at random
gets everywhere, and Hypothesis can shorten the list that it found.
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
"""Histories in which what is wrong is met, unless they are blind for it."""

HISTORY = st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=1 + LONG)
"""One that can be made shorter when it fails."""


class Model(Protocol):
    """Knows what is to be answered, and fails when something else is."""

    STEPS: ClassVar[list["Step"]]
    """What may come next, whatever came before."""

    def begin(self, random: Random) -> None:
        """Goes some of the way at once: most of a dialogue is reached by few random sequences."""

    def check(self) -> None:
        """Looks whether all is as the model says, after each step."""

    def end(self) -> None:
        """Looks at what was kept. It is called in any case."""


class Step(NamedTuple):
    """A method of a model, and what makes up its arguments."""

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
    """One history."""
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
    """So many histories, one after the other, all from one seed, which is said when one fails."""
    random = Random(seed)
    for number in range(histories):
        seeds = [random.getrandbits(32) for _ in range(1 + LONG)]
        try:
            walk(make(), seeds)
        except BaseException as error:
            error.add_note(f"history {number} of seed {seed}: {seeds}")
            raise


# What arguments are made of


def one(values: Sequence[T]) -> Draw[T]:
    """One of these."""
    return lambda random: random.choice(values)


def either(*draws: Draw[T]) -> Draw[T]:
    """One of these ways."""
    return lambda random: random.choice(draws)(random)


def some(draw: Draw[T], most: int, least: int = 0) -> Draw[list[T]]:
    """A few of a kind."""
    return lambda random: [draw(random) for _ in range(random.randint(least, most))]


def octets(most: int) -> Draw[bytes]:
    """Any octets."""
    return lambda random: random.randbytes(random.randint(0, most))


def text_of(letters: str, most: int, least: int = 0) -> Draw[str]:
    """A word of these letters."""
    return lambda random: "".join(random.choices(letters, k=random.randint(least, most)))


def in_any_case(word: str) -> Draw[str]:
    """A word, each letter in upper or lower case."""
    return lambda random: "".join(random.choice((letter.upper(), letter.lower())) for letter in word)

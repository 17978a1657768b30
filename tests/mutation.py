"""What the tests of mutants share: whether a check fails, and how long random histories look for a reason."""

from collections.abc import Callable

from hypothesis import HealthCheck, Phase, settings


def is_noticed(check: Callable[[], None]) -> bool:
    """Whether it fails."""
    try:
        check()
    except (AssertionError, RuntimeError):
        return True
    return False


def once(max_examples: int) -> settings:
    """The same histories each time, and no search for a smaller one that fails, too."""
    return settings(
        max_examples=max_examples,
        stateful_step_count=15,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )

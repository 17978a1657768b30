"""What the tests of mutants share: whether a check fails."""

from collections.abc import Callable


def is_noticed(check: Callable[[], None]) -> bool:
    """Whether a check fails."""
    try:
        check()
    except (AssertionError, RuntimeError, LookupError):
        return True
    return False

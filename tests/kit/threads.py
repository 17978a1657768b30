"""A client's actions in a thread, while the loop runs in the main thread."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def meanwhile(call: Callable[[], None]) -> Iterator[None]:
    """Makes a call in a thread, and raises its exception."""
    errors: list[BaseException] = []

    def run() -> None:
        try:
            call()
        except BaseException as error:  # noqa: BLE001 (it is raised again)
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    yield
    thread.join(20)
    assert not thread.is_alive()
    for error in errors:
        raise error

"""Standard output of the programs: what is printed, or one line that says why it cannot be.

Knows nothing about what is printed.
"""

import os
import sys


def say(program: str, text: str) -> None:
    """Prints a text. Ends the program if standard output cannot be written to."""
    try:
        print(text, flush=True)
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # discards what is still buffered
        why = f"{program}: cannot write to standard output: {error.strerror}"
        sys.exit(1 if isinstance(error, BrokenPipeError) else why)

"""How does a training hear Ctrl-C without a step being cut in half?"""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

ECHO = 5.0  # seconds within which `torchrun` has passed on the Ctrl-C that its processes heard themselves (ours)


@contextmanager
def noted_interrupts(*, echo: bool) -> Iterator[list[float]]:
    """Within this block the first Ctrl-C only fills the list, and the second one raises KeyboardInterrupt.

    `echo`: the same Ctrl-C may be heard more than once, as by the processes of a team, so what follows at once is not a
    second one.
    """
    heard: list[float] = []
    if threading.current_thread() is not threading.main_thread():
        yield heard  # only the main thread may handle signals
        return

    def note(*_: Any) -> None:
        now = time.monotonic()
        if not heard:
            heard.append(now)
        elif not echo or now - heard[0] > ECHO:
            raise KeyboardInterrupt

    usual = signal.signal(signal.SIGINT, note)
    try:
        yield heard
    finally:
        signal.signal(signal.SIGINT, usual)

"""When this process last showed that it works. What runs on the event loop beats, and a thread looks.

The web server makes the application by its name, so the two ends share only the process. They meet here.
"""

import time


class Pulse:
    """The instant of the last beat, by the machine's steady clock."""

    def __init__(self) -> None:
        self._beat_at_s = time.monotonic()

    def beat(self) -> None:
        """Note that the process works now."""
        self._beat_at_s = time.monotonic()

    @property
    def age_s(self) -> float:
        """Give the seconds since the last beat."""
        return time.monotonic() - self._beat_at_s


PULSE = Pulse()

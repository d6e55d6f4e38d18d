"""The application of one of several processes, as its parent hands it over.

A new process must answer its parent within seconds, also on a busy machine. So this module imports the program only
when the application is made, after the process has begun to answer.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp


@dataclass(frozen=True, kw_only=True, slots=True)
class NumberedApp:
    """Makes the application of the process with a number."""

    number: int

    def __call__(self) -> "ASGIApp":
        """Give the application."""
        from padron.wiring import make_app  # noqa: PLC0415

        return make_app(self.number)

"""What a kind of error is, and the error that only HTTP knows. ``problems.py`` has all kinds."""

from dataclasses import dataclass

from padron.domain.idempotency import Headers
from padron.http.reach import place


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """One kind of error: its page, its status, and its names in the contract."""

    slug: str
    status: int
    title: str
    error_type: str
    error_detail: str
    meaning: str
    remedy: str

    @property
    def type(self) -> str:
        """The relative reference to the page about this problem."""
        return place(f"/errors/{self.slug}")


class ProblemError(Exception):
    """A refusal that only HTTP knows, such as a body that is too large."""

    def __init__(self, problem: Problem, detail: str, headers: Headers = ()) -> None:
        super().__init__(detail)
        self.problem = problem
        self.detail = detail
        self.headers = headers

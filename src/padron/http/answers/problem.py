"""The form of an error of the API."""

from dataclasses import dataclass

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

"""docs/edge.md names the headers and limits as the program has them."""

import re
from pathlib import Path

from padron.cli.loops import HANDSHAKE_S_MAX
from padron.cli.open_files import FILES_MAX
from padron.http.answers import cors
from padron.http.requests.forwarding import ENTRIES_MAX
from padron.network_settings import OWN_PARTS

PAGE = (Path(__file__).parents[2] / "docs" / "edge.md").read_text("utf-8")


def list_names(row: str) -> tuple[str, ...]:
    """Give the names in a row of the page's table of CORS."""
    (line,) = re.findall(rf"^\| {row} \| (.+) \|$", PAGE, re.MULTILINE)
    return tuple(re.findall("`([^`]+)`", line))


def test_the_table_of_cors_is_the_programs() -> None:
    assert list_names("methods") == cors.METHODS
    assert list_names("headers that a page may send") == cors.REQUEST_HEADERS
    assert list_names("headers that a page may read") == cors.ANSWER_HEADERS
    assert "browsers keep the permission for ten minutes" in PAGE
    assert cors.MAX_AGE_S == 600


def test_the_figures_are_the_programs() -> None:
    text = " ".join(PAGE.split())
    assert f"at most {FILES_MAX:,}" in text
    assert f"At most {ENTRIES_MAX} entries" in text
    assert "ten seconds for its handshake" in text
    assert HANDSHAKE_S_MAX == 10
    assert all(f"/{part}" in text for part in ("api", "docs"))
    assert {"api", "docs"} < set(OWN_PARTS)

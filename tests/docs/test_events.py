"""docs/webhooks.md explains the events that there are."""

import re
from pathlib import Path

from padron.domain.webhook import TEST_EVENT, EventType

GUIDE = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text("utf-8")


def test_the_guide_has_a_row_for_each_event_and_no_other() -> None:
    assert {*re.findall(r"^\| `([a-z]+\.[a-z_]+)` \|", GUIDE, re.MULTILINE)} == {*EventType, TEST_EVENT}

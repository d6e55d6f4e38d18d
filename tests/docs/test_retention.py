"""docs/retention.md names each kind of data with its age."""

import re
from dataclasses import asdict
from pathlib import Path

from padron.domain.keeping import AGE_MAX, AGE_MIN, DEFAULT_AGES, format_age
from padron.service.retention.archiving import PORTION_CHANGES

GUIDE = (Path(__file__).parents[2] / "docs" / "retention.md").read_text("utf-8")


def test_the_table_has_each_kind_in_order_with_its_age() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \|", GUIDE, re.MULTILINE)
    assert rows == [(name, format_age(age)) for name, age in asdict(DEFAULT_AGES).items()]


def test_the_page_says_what_the_program_holds_to() -> None:
    page = " ".join(GUIDE.split())
    assert f"from `{format_age(AGE_MIN)}` to `{format_age(AGE_MAX)}`" in page
    assert f"up to {PORTION_CHANGES:,} changes" in page

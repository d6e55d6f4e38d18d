"""docs/glossary.md has one word for each thing, and the program uses each of them."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text("utf-8")
WORDS = re.findall(r"^\| \*\*([^*]+)\*\*", GLOSSARY, re.MULTILINE)


def test_no_word_has_two_meanings_and_they_stand_in_order() -> None:
    assert len(WORDS) > 50
    assert sorted(WORDS, key=str.casefold) == WORDS
    assert len({word.casefold() for word in WORDS}) == len(WORDS)


def test_the_program_uses_each_word() -> None:
    sources = [path for path in (ROOT / "src" / "padron").rglob("*") if path.suffix in {".py", ".sql"}]
    program = " ".join(path.read_text("utf-8") for path in sources).casefold()
    # As a name in code too: FormerShape and former_vehicle are of a former vehicle.
    spoken = re.sub(r"[\s_-]+", " ", program)
    unused = [word for word in WORDS if re.sub(r"[\s_-]+", " ", word.casefold()) not in spoken]
    assert unused == []

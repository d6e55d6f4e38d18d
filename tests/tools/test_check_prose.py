"""The check of the prose finds what a reader would stumble over, and leaves alone what reads well."""

import re
from pathlib import Path

import pytest

from tests.tables import each_row
from tools import check_prose
from tools.check_prose import Rules, Word

LONG = "The server " + "and the client " * 11 + "work."  # 36 words
WORDS = (
    Word(pattern=re.compile(r"\banew\b", re.IGNORECASE), replacement="write 'again'"),
    Word(pattern=re.compile(r"\bof\s+which\b", re.IGNORECASE), replacement="start a second sentence"),
)
RULES = Rules(words=WORDS, not_yet=("docs/old.md", "src/padron/store"))


def list_sentences(text: str) -> list[str]:
    return [sentence for _, sentence in check_prose.split_sentences(text)]


def find(markdown: str) -> list[tuple[int, str]]:
    """Give line and rule of each offence."""
    return [(one.line, one.advice.partition(":")[0]) for one in check_prose.check_document(markdown, RULES)]


def find_in_source(source: str) -> list[tuple[int, str]]:
    return [(one.line, one.advice.partition(":")[0]) for one in check_prose.check_source(source, RULES)]


@each_row(
    "text, sentences",
    [
        ("One. Two.", ["One.", "Two."]),
        ("Is it? It is! So.", ["Is it?", "It is!", "So."]),
        ("Some, e.g. Active, do. Sold, i.e. gone, not.", ["Some, e.g. Active, do.", "Sold, i.e. gone, not."]),
        ("SQLite 3.51.2 loses data. 3.51.3 does not.", ["SQLite 3.51.2 loses data.", "3.51.3 does not."]),
        ("It takes 0.4 s. Then it ends.", ["It takes 0.4 s.", "Then it ends."]),
        ("(It waits.) Then it goes.", ["(It waits.)", "Then it goes."]),
        ("It waits …\nThen it goes.", ["It waits …", "Then it goes."]),
        ("**It waits.** Then it goes.", ["**It waits.**", "Then it goes."]),
        ("The file query.sql is read. Then", ["The file query.sql is read.", "Then"]),
        ("It ends. ¿Qué? Último.", ["It ends.", "¿Qué?", "Último."]),
    ],
)  # fmt: skip
def test_a_text_is_split_into_sentences(text: str, sentences: list[str]) -> None:
    assert list_sentences(text) == sentences


def test_a_sentence_begins_after_a_code_span_too() -> None:
    (block,) = check_prose.list_blocks("Call `a.b`. `c d e` answers.")
    assert list_sentences(block.text) == ["Call Code.", "Code answers."]


def test_marks_alone_are_no_words() -> None:
    assert check_prose.count_words("One - two + 3 · don't …") == 4


def test_a_sentence_of_36_words_is_too_long_and_one_of_35_is_not() -> None:
    wrapped = LONG.replace("client and", "client\nand")
    assert check_prose.count_words(LONG) == 36
    assert find(f"Short.\n\nIt is so.\n{wrapped}\n") == [(4, "sentence")]
    assert find(wrapped.replace(" and", "", 1)) == []


def test_each_item_of_a_list_is_a_sentence_of_its_own() -> None:
    items = "\n".join(["- the server and the client"] * 12)
    assert find(f"These work:\n\n{items}\n") == []


def test_a_code_span_counts_as_one_word() -> None:
    assert find(f"Run `{LONG}` now.".replace(" and", "\nand")) == []


@each_row("begin", ["", "# ", "- ", "> ", "| a |\n|---|\n| ", "**", "[", "1. "])
def test_a_word_that_is_not_used_is_found_wherever_it_is(begin: str) -> None:
    line = begin.count("\n") + 1
    assert find(f"{begin}It is tried anew") == [(line, "word")]


def test_a_word_is_found_across_the_end_of_a_line() -> None:
    assert find("There are two files, one of\nwhich is read. It is tried\nanew.") == [(1, "word"), (3, "word")]


def test_code_is_not_prose() -> None:
    assert find(f"Run `tried anew`:\n\n```console\n$ anew {'x ' * 60}\n```\n\n    anew; anew; anew\n") == []


def test_the_address_of_a_link_is_not_prose() -> None:
    assert find("See [the page](docs/anew.md).") == []
    assert find("See [tried anew](docs/page.md).") == [(1, "word")]


def test_the_message_says_what_to_do() -> None:
    (offence,) = check_prose.check_document("Tried Anew.", RULES)
    assert offence.advice == "word: for 'Anew' write 'again'"


@pytest.mark.parametrize("begin", ["", "- ", "> "])
def test_a_line_of_more_than_100_characters_must_be_broken(begin: str) -> None:
    line = f"{begin}{'word ' * 30}"[:99] + "x"
    assert find(line) == []
    assert find(f"Before.\n\n{line}x") == [(3, "wrap")]


def test_what_cannot_be_broken_may_be_long() -> None:
    long = "x" * 120
    assert find(f"| {long} | b |\n|---|---|\n| {long} and more | b |\n") == []
    assert find(f"- https://example.com/{long}\n") == []
    assert find(f"See\n[this](https://example.com/{long})\n") == []


def test_a_paragraph_with_four_figures_belongs_into_a_table() -> None:
    text = "It took 3 ms, then 4.5 ms or 12 %,\nof 8,000 calls/s."
    assert find(text) == [(1, "figures")]
    assert find(text.replace(" or 12 %", "")) == []
    assert find(f"| a |\n|---|\n| {text.replace(chr(10), ' ')} |\n") == []


@each_row(
    "text, figures_count",
    [
        ("3 to 4 ms", 1),
        ("3 ms and 4 ms", 2),
        ("SQLite 3.51.3, RFC 9110", 0),
        ("10 seconds", 1),
        ("4 MB", 1),
    ],
)
def test_a_figure_has_a_unit(text: str, figures_count: int) -> None:
    assert len(check_prose._FIGURE.findall(text)) == figures_count


def test_a_sentence_has_one_semicolon_at_most() -> None:
    assert find("It waits; it goes.") == []
    assert find("It waits; it goes; it ends.") == [(1, "semicolons")]


def test_the_texts_of_a_source_are_read() -> None:
    source = (
        '"""What is done anew."""\n'
        "# A comment that goes\n"
        "# on anew.\n"
        "TEXT = 'This is tried anew.'\n"
        "def check(value: str) -> None:\n"
        '    """Check it.\n\n    Then it is checked anew.\n    """\n'
        "    raise ValueError(  # anew\n"
        '        f"The value {value!r} "\n'
        '        "is read anew."\n'
        "    )\n"
    )
    assert find_in_source(source) == [(line, "word") for line in (1, 3, 4, 8, 10, 11)]


def test_names_statements_and_directives_of_a_source_are_no_prose() -> None:
    source = (
        "NAME = 'anew'\n"
        "SQL = 'SELECT anew FROM some table of which'\n"
        "VALUE = 1  # noqa: S101 - anew\n"
        "anew = {'anew': NAME}\n"
    )
    assert find_in_source(source) == []


def test_a_field_of_a_message_is_one_word() -> None:
    fields = "".join(f"{{value[{number}]}} and " for number in range(16))
    assert find_in_source(f'f"The value {fields}the end."') == [(1, "sentence")]
    assert find_in_source(f'f"The value {fields}end."') == []


def test_comments_with_a_blank_line_between_them_are_two_texts() -> None:
    half = LONG[:-1].split()
    first, second = " ".join(half[:20]), " ".join(half[20:])
    assert find_in_source(f"# {first}\n# {second}\n") == [(1, "sentence")]
    assert find_in_source(f"# {first}\n\n# {second}\n") == []
    assert find_in_source(f"# {first}\n#\n# {second}\n") == []


def test_a_comment_behind_code_is_a_text_of_its_own() -> None:
    half = LONG[:-1].split()
    first, second = " ".join(half[:20]), " ".join(half[20:])
    assert find_in_source(f"value = 1  # {first}\n# {second}\n") == []
    assert find_in_source(f"# {first}\nvalue = 1  # {second}\n") == []


def test_each_part_of_a_message_is_read_once() -> None:
    assert find_in_source('f"The server tries this anew {value} and ends."') == [(1, "word")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repository with an offence in each of seven files."""
    for name in ("README.md", "docs/new.md", "docs/decisions/0001-x.md", "docs/old.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_text("Tried anew.\n", "utf-8")
    for name in ("docs/example.py", "src/padron/cli/run.py", "src/padron/store/base.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_text('"""Tried anew."""\n', "utf-8")
    return tmp_path


def test_every_file_is_checked_but_for_those_that_are_not_yet(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check_prose.main([], folder, RULES) == 1
    assert capsys.readouterr().out.splitlines() == [
        "README.md:1: word: for 'anew' write 'again'",
        "docs/decisions/0001-x.md:1: word: for 'anew' write 'again'",
        "docs/example.py:1: word: for 'anew' write 'again'",
        "docs/new.md:1: word: for 'anew' write 'again'",
        "src/padron/cli/run.py:1: word: for 'anew' write 'again'",
        "5 files read, 5 offences, 2 files not checked yet.",
    ]


def test_all_files_are_checked_when_asked_for(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check_prose.main(["--all"], folder, RULES) == 1
    assert "7 files read, 7 offences, 0 files" in capsys.readouterr().out
    assert check_prose.main([str(folder / "docs/old.md")], folder, RULES) == 1
    assert "1 files read, 1 offences" in capsys.readouterr().out


def test_files_without_an_offence_give_the_status_0(folder: Path) -> None:
    assert check_prose.main([], folder, Rules(words=(), not_yet=())) == 0


def test_each_word_of_the_list_has_a_replacement_that_is_no_such_word_itself() -> None:
    rules = check_prose.read_rules()
    assert rules.words
    for word in rules.words:
        assert word.replacement
        assert not any(other.pattern.search(word.replacement) for other in rules.words), word.replacement


@each_row(
    "text",
    ["It is tried anew.", "The caller is told why.", "An instant that is to come.", "One of\nwhich waits.", "In vain."],
)
def test_the_list_finds_what_it_is_for(text: str) -> None:
    assert [rule for _, rule in _find_by_the_list(text)] == ["word"]


@each_row(
    "text",
    ["The value is None.", "It happened at that instant.", "It understood.", "Use all the same names.", "a standard"],
)
def test_the_list_leaves_ordinary_sentences_alone(text: str) -> None:
    assert _find_by_the_list(text) == []


def _find_by_the_list(text: str) -> list[tuple[int, str]]:
    found = check_prose.check_document(text, check_prose.read_rules())
    return [(one.line, one.advice.partition(":")[0]) for one in found]


def test_what_is_not_checked_yet_exists() -> None:
    rules = check_prose.read_rules()
    assert [name for name in rules.not_yet if not (check_prose.ROOT / name).exists()] == []

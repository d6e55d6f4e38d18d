"""Hold the rules for plain English, in the documents and in the program's texts.

``prose.toml`` beside this file has the words that are not used and the files that are not checked
yet. ``--all`` checks these files, too: use it to see what is left to do in them.
"""

import argparse
import ast
import inspect
import io
import re
import sys
import tokenize
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt

LINE_CHARACTERS_MAX = 100
SENTENCE_WORDS_MAX = 35
SEMICOLONS_MAX = 1  # in a sentence
PARAGRAPH_FIGURES_MAX = 3
MESSAGE_WORDS_MIN = 4  # a shorter string of the program is rather a name than a sentence

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = ("*.md", "docs/**/*.md", "client/*.md")
SOURCES = ("src/padron/**/*.py", "docs/**/*.py", "client/src/**/*.py")
RULES_FILE = Path(__file__).with_name("prose.toml")

_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")
_CODE_SPAN = re.compile(r"(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
_LINK = re.compile(r"\[([^\[\]]+)\]\([^()\s]*\)")
_ABBREVIATION = re.compile(r"\b(e\.g|i\.e|etc|vs|cf|ca|approx|no|fig|sec|p|pp|al|inc|st)\.$", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[.!?…][)\]\"'”*_]*(?=\s+[(\[\"'“*_]*[A-Z0-9¿¡À-Þ])")
_UNIT = r"(?:[µun]?s|ms|seconds?|minutes?|%|percent|bytes|[kKMGT]i?B|[a-zA-Z]+/s)"
_FIGURE = re.compile(rf"\d[\d.,]*(?:\s*(?:to|and|or|\u2013|-)\s*\d[\d.,]*)*\s?{_UNIT}(?![\w/])")
_DIRECTIVE = re.compile(r"#\s*(?:noqa|type:|fmt:|pragma:|mypy:|ruff:).*")
_UNWRAPPED = ("fence", "code_block", "table_open")
_STATEMENT = re.compile(r"(?:SELECT|INSERT|UPDATE|DELETE|CREATE|ALTER|DROP|WITH|PRAGMA|SET|LOCK)\b")


@dataclass(frozen=True, kw_only=True, slots=True)
class Word:
    """A word or phrase that is not used, and what is written in its place."""

    pattern: re.Pattern[str]
    replacement: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """What prose.toml says."""

    words: tuple[Word, ...]
    not_yet: tuple[str, ...]  # files and folders, from the root of the repository


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """A paragraph, an item of a list, a heading or a cell of a table, and where it begins."""

    text: str
    line: int
    is_cell: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Offence:
    """A place that breaks a rule, and what to do about it."""

    line: int
    advice: str


def read_rules(path: Path = RULES_FILE) -> Rules:
    """Give the rules that the file states."""
    stated = tomllib.loads(path.read_text("utf-8"))
    words = [
        Word(pattern=re.compile(rf"\b(?:{phrase})(?!\w)".replace(" ", r"\s+"), re.IGNORECASE), replacement=replacement)
        for phrase, replacement in stated["words"].items()
    ]
    return Rules(words=tuple(words), not_yet=tuple(stated["not_yet"]))


def list_blocks(markdown: str, first_line: int = 1) -> Iterator[Block]:
    """Give the blocks of a Markdown text. Code is left out, and a code span becomes one word."""
    is_cell = False
    for token in _MARKDOWN.parse(markdown):
        is_cell = token.type in ("td_open", "th_open") or (is_cell and token.type == "inline")
        if token.type == "inline" and token.map is not None:
            yield Block(text=strip_markup(token.content), line=first_line + token.map[0], is_cell=is_cell)


def strip_markup(text: str) -> str:
    """Give a text without its marks. Each line break stays, so that lines can be counted."""
    text = _CODE_SPAN.sub(lambda span: "Code" + "\n" * span[2].count("\n"), text)
    return _LINK.sub(r"\1", text).replace("**", "")


def split_sentences(text: str) -> Iterator[tuple[int, str]]:
    """Give each sentence with the place where it begins."""
    ends = [match.end() for match in _SENTENCE_END.finditer(text) if not _ABBREVIATION.search(text[: match.end()])]
    for begin, end in pairwise([0, *ends, len(text)]):
        sentence = text[begin:end]
        yield begin + len(sentence) - len(sentence.lstrip()), sentence.strip()


def count_words(sentence: str) -> int:
    """Count the words that have a letter or a digit."""
    return sum(any(map(str.isalnum, word)) for word in sentence.split())


def check_block(block: Block, rules: Rules, *, count_figures: bool) -> Iterator[Offence]:
    """Give an offence for each rule that a block breaks. The cells of a table need no short sentences."""
    for word in rules.words:
        for match in word.pattern.finditer(block.text):
            found = " ".join(match[0].split())
            yield Offence(line=_find_line(block, match.start()), advice=f"word: for '{found}' {word.replacement}")
    if block.is_cell:
        return
    for begin, sentence in split_sentences(block.text):
        yield from _check_sentence(sentence, _find_line(block, begin))
    figures_count = len(_FIGURE.findall(block.text)) if count_figures else 0
    if figures_count > PARAGRAPH_FIGURES_MAX:
        yield Offence(
            line=block.line,
            advice=f"figures: the paragraph has {figures_count} figures with a unit, at most "
            f"{PARAGRAPH_FIGURES_MAX} are allowed. Put them into a table.",
        )


def _check_sentence(sentence: str, line: int) -> Iterator[Offence]:
    shown = " ".join(sentence.split()[:6])
    words_count = count_words(sentence)
    if words_count > SENTENCE_WORDS_MAX:
        yield Offence(
            line=line,
            advice=f"sentence: '{shown} …' has {words_count} words, at most {SENTENCE_WORDS_MAX} are "
            "allowed. Split it.",
        )
    semicolons_count = sentence.count(";")
    if semicolons_count > SEMICOLONS_MAX:
        yield Offence(
            line=line,
            advice=f"semicolons: '{shown} …' has {semicolons_count}, at most {SEMICOLONS_MAX} is allowed. "
            "Write sentences or a list.",
        )


def _find_line(block: Block, place: int) -> int:
    return block.line + block.text.count("\n", 0, place)


def check_line_lengths(markdown: str) -> Iterator[Offence]:
    """Give an offence for each long line of prose. Code, tables and a single long word are exempt."""
    blocks = [token.map for token in _MARKDOWN.parse(markdown) if token.type in _UNWRAPPED and token.map is not None]
    exempt = {line for begin, end in blocks for line in range(begin, end)}
    for number, line in enumerate(markdown.splitlines()):
        if len(line) > LINE_CHARACTERS_MAX and number not in exempt and _can_be_broken(line):
            yield Offence(
                line=number + 1,
                advice=f"wrap: the line has {len(line)} characters, at most {LINE_CHARACTERS_MAX} are allowed. "
                "Break it.",
            )


def _can_be_broken(line: str) -> bool:
    """Say whether there is a blank to break the line at, apart from the marks before its first word."""
    return " " in re.sub(r"^(?:[\s>#*+-]|\d+\.\s)+", "", line)


def check_document(markdown: str, rules: Rules) -> list[Offence]:
    """Give what is wrong with a document, by line."""
    offences = [*check_line_lengths(markdown)]
    for block in list_blocks(markdown):
        offences += check_block(block, rules, count_figures=True)
    return sorted(offences, key=lambda offence: offence.line)


def check_source(source: str, rules: Rules) -> list[Offence]:
    """Give what is wrong with the texts of a Python file, by line: docstrings, comments and messages."""
    nodes = list(ast.walk(ast.parse(source)))
    blocks = [*list_docstrings(nodes), *list_comments(source), *list_messages(nodes)]
    offences = [offence for block in blocks for offence in check_block(block, rules, count_figures=False)]
    return sorted(offences, key=lambda offence: offence.line)


def _find_docstring(node: ast.AST) -> ast.Constant | None:
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.body:
        first = node.body[0]
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
            return first.value
    return None


def list_docstrings(nodes: Sequence[ast.AST]) -> Iterator[Block]:
    """Give the paragraphs of all docstrings."""
    for node in nodes:
        docstring = _find_docstring(node)
        if docstring is not None:
            yield from list_blocks(inspect.cleandoc(str(docstring.value)), docstring.lineno)


def list_comments(source: str) -> Iterator[Block]:
    """Give the comments. Lines of comment that follow one another are one text; a blank one parts paragraphs."""
    texts: list[tuple[int, list[str]]] = []
    last_line = 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT:
            continue
        text = _DIRECTIVE.sub("", token.string).removeprefix("#").removeprefix(":").strip()
        is_alone = not token.line[: token.start[1]].strip()
        if is_alone and texts and token.start[0] == last_line + 1:
            texts[-1][1].append(text)
        else:
            texts.append((token.start[0], [text]))
        last_line = token.start[0] if is_alone else 0
    for line, lines in texts:
        yield from list_blocks("\n".join(lines), line)


def list_messages(nodes: Sequence[ast.AST]) -> Iterator[Block]:
    """Give the strings that are texts for people: those of several words, with one word for each field."""
    skipped = {id(docstring) for node in nodes if (docstring := _find_docstring(node)) is not None}
    for node in nodes:
        if id(node) in skipped:
            continue
        match node:
            case ast.JoinedStr(values=values):
                skipped.update(id(part) for part in ast.walk(node) if part is not node)
                text = "".join(str(part.value) if isinstance(part, ast.Constant) else "x" for part in values)
            case ast.Constant(value=str(text)):
                pass
            case _:
                continue
        if _is_sentence(text):
            yield Block(text=strip_markup(text), line=node.lineno)


def _is_sentence(text: str) -> bool:
    return len(re.findall(r"[^\W\d_]{2,}", text)) >= MESSAGE_WORDS_MIN and _STATEMENT.match(text.strip()) is None


def check_file(path: Path, rules: Rules) -> list[Offence]:
    """Give what is wrong with one file, by line."""
    text = path.read_text("utf-8")
    return check_document(text, rules) if path.suffix == ".md" else check_source(text, rules)


def list_files(root: Path) -> list[Path]:
    """Give the documents and the sources, by name."""
    return sorted({path for pattern in (*DOCUMENTS, *SOURCES) for path in root.glob(pattern)})


def is_not_yet(name: str, not_yet: Sequence[str]) -> bool:
    """Say whether the file, or a folder that it is in, is among those that are not checked yet."""
    return any(name == one or name.startswith(f"{one}/") for one in not_yet)


def main(arguments: Sequence[str] | None = None, root: Path = ROOT, rules: Rules | None = None) -> int:
    """Print every offence and give the exit status: 1 if there is one."""
    parser = argparse.ArgumentParser(description="Check the prose of the documents and of the program's texts.")
    parser.add_argument("--all", action="store_true", help="check the files that are not checked yet, too")
    parser.add_argument("paths", nargs="*", type=Path, help="check these files only")
    chosen = parser.parse_args(arguments)
    rules = rules or read_rules()
    files = [path.resolve() for path in chosen.paths] or list_files(root)
    names = {path: path.relative_to(root).as_posix() for path in files}
    left_out = [] if chosen.all or chosen.paths else [one for one in files if is_not_yet(names[one], rules.not_yet)]
    checked = [path for path in files if path not in left_out]
    offences_count = 0
    for path in checked:
        for offence in check_file(path, rules):
            print(f"{names[path]}:{offence.line}: {offence.advice}")
            offences_count += 1
    print(f"{len(checked)} files read, {offences_count} offences, {len(left_out)} files not checked yet.")
    return 1 if offences_count else 0


if __name__ == "__main__":
    sys.exit(main())

"""Finds what the documents tell a reader to type or to send, and turns the placeholders into values of a test."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
RUN = frozenset({"console", "http"})
# Answers, payloads, and configurations of other programs. test_scale.py runs the SQL.
NOT_RUN = frozenset({"caddy", "ini", "json", "nginx", "python", "sql", "toml", "yaml", ""})

ADDRESS = re.compile(r"http://127\.0\.0\.1:8080|\$BASE\b")  # of the server

_BLOCK = re.compile(r"^( *)```([^\n]*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
_REQUEST = re.compile(r"^(GET|POST|PUT|PATCH|DELETE) (/\S+)$", re.MULTILINE)
_INLINE = re.compile(r"`(GET|POST|PUT|PATCH|DELETE) ([/…][^`\s]*)`")


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """A fenced block of a document."""

    document: str
    language: str
    text: str
    line: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """What stands behind a ``$``, and the output that the document shows for it."""

    document: str
    text: str
    output: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """A request as a document writes it: without host and key, which every call has."""

    document: str
    method: str
    target: str
    headers: dict[str, str]
    body: str


def list_blocks(path: Path) -> list[Block]:
    """Give the fenced blocks of a document."""
    text = path.read_text("utf-8")
    name = str(path.relative_to(ROOT))
    return [
        Block(document=name, language=match[2].strip(), text=match[3], line=text.count("\n", 0, match.start()) + 1)
        for match in _BLOCK.finditer(text)
    ]


def list_commands(path: Path) -> list[Command]:
    """Give the commands of a document's console blocks, in order."""
    return [command for block in list_blocks(path) if block.language == "console" for command in _split_commands(block)]


def list_requests(path: Path) -> list[Request]:
    """Give the requests of a document's http blocks, in order."""
    return [request for block in list_blocks(path) if block.language == "http" for request in _split_requests(block)]


def list_inline_requests(path: Path) -> list[tuple[str, str]]:
    """Give method and target of each request that a sentence names."""
    return _INLINE.findall(path.read_text("utf-8"))


def _split_commands(block: Block) -> Iterator[Command]:
    lines = block.text.splitlines()
    place = 0
    while place < len(lines):
        assert lines[place].startswith("$ "), f"{block.document}:{block.line}: a console block begins with a command"
        typed = [lines[place][2:]]
        while typed[-1].endswith("\\"):
            place += 1
            typed.append(lines[place])
        place += 1
        shown = []
        while place < len(lines) and not lines[place].startswith("$ "):
            shown.append(lines[place])
            place += 1
        yield Command(document=block.document, text="\n".join(typed), output="\n".join(shown).strip())


def _split_requests(block: Block) -> Iterator[Request]:
    begins = list(_REQUEST.finditer(block.text))
    assert begins, f"{block.document}:{block.line}: an http block has a request"
    assert begins[0].start() == 0
    for begin, end in zip(begins, [*(one.start() for one in begins[1:]), len(block.text)], strict=True):
        rest = block.text[begin.end() : end].strip("\n").splitlines()
        headers = {}
        while rest and re.match(r"[A-Za-z-]+: ", rest[0]):
            name, _, value = rest.pop(0).partition(": ")
            headers[name] = value
        body = "\n".join(rest).strip()
        yield Request(document=block.document, method=begin[1], target=begin[2], headers=headers, body=body)


@dataclass(frozen=True, kw_only=True, slots=True)
class Values:
    """What stands in for the placeholders of the documents."""

    address: str
    key: str
    plan_id: str
    request_id: str
    vehicle_ids: tuple[str, str]
    revisions: str  # of these vehicles, as JSON
    postgres: str  # the part of a URL from the host on
    python: str

    def fill(self, text: str) -> str:
        """Give the text with values for its placeholders. The rules, in the order in which they are applied."""
        now = datetime.now(UTC)
        rules: list[tuple[str, str]] = [
            # The server's address, and the key, of which documents show the beginning or a variable.
            (ADDRESS.pattern, self.address),
            (r"padron_(1k)?…|\$KEY\b", self.key),
            (r"\b1kXq7Rt2LmP9zA\b", self.key.split("_")[1]),
            # Ids that another call or command gave.
            (r"\b000654321abcde0000a1b2c3d4e5f6\b", self.plan_id),
            (r"\be0676a397aca606e000000000002\b", self.request_id),
            (r'(?<="revisions": )\{[^}]*\}', self.revisions),
            (r'(?<=--keep )17\b|(?<="keep": )17\b|(?<=")17(?=":)', self.vehicle_ids[0]),
            (r'(?<=vehicleId=)42\b|(?<==)42\b|(?<=": )42\b|(?<=")42(?=":)', self.vehicle_ids[1]),
            # An instant to come is in the next year, a period is over, and the register existed at an instant of it.
            (r'(effectiveAt": "|until": "|--effective-at |--until )20\d\d', rf"\g<1>{now.year + 1}"),
            (r"(from=|to=|--from |--to )20\d\d", rf"\g<1>{now.year - 1}"),
            (r"asOf=[0-9T:+-]+Z?", f"asOf={now.isoformat().replace('+00:00', 'Z')}"),
            # The database and the Python of the tests.
            (r"postgresql://(padron(?:_owner)?)@[a-z0-9,-]*/padron", rf"postgresql://\1@{self.postgres}"),
            (r"(?<= )python docs/", f"{self.python} {ROOT}/docs/"),
        ]
        for pattern, value in rules:
            text = re.sub(pattern, value, text)
        return text

"""Builds the statements of a search, and the grams as each engine stores them (docs/decisions/0066-search.md).

A search has two ways to propose vehicles, and both look at a bounded number of them. The index of grams proposes the
vehicles that have all grams of the words. A sift walks along the list and looks at each vehicle's text. Whatever is
proposed, the list's own statement reads it, and compares the texts again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from padron.domain.query import VehicleQuery
from padron.domain.searching import list_grams
from padron.store.sql.listing import BuiltStatement, Dialect, build_page, list_words

# PostgreSQL's index has no order and no end, so it is asked for one block of vehicles after the other. A block has
# 2 ** 17 numbers of changes, and a part of them are registrations.
BLOCK_BITS = 17
_BLOCKS_MASK = 0xFFFF  # blocks of several accounts may share a number: then the row's account decides
_ACCOUNT_STEP = 40_503  # spreads the accounts' blocks over the numbers
_CLAUSES_MIN = 3

LAST_VEHICLE = 2**40 - 1  # above every vehicle's id


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposal:
    """A question to the index: vehicles of an account between two ids that may have all grams.

    They are the first ones in the order of their ids, or any ones if ``is_ordered`` is false.
    """

    account_id: int
    grams: Sequence[int]
    after: int
    before: int
    is_ordered: bool = True
    descending: bool = False
    limit: int


def write_tokens(text: str, without: str) -> str:
    """Give the grams of a text that another text lacks, as tokens of SQLite's index."""
    grams = set(list_grams(text.split()))
    return " ".join(map(str, sorted(grams.difference(list_grams(without.split())) if without else grams)))


def match_tokens(grams: Sequence[int]) -> str:
    """Give the question to SQLite's index that finds the rows with all grams."""
    return " AND ".join(f'"{gram}"' for gram in grams)


def give_elements(account_id: int, vehicle_id: int, text: str) -> list[int]:
    """Give the grams of a vehicle's text as PostgreSQL stores them: 16 bits of account and block, then the gram."""
    block = (account_id * _ACCOUNT_STEP + (vehicle_id >> BLOCK_BITS)) & _BLOCKS_MASK
    base = (block - (_BLOCKS_MASK + 1) if block > _BLOCKS_MASK >> 1 else block) << 16  # a signed number of 32 bits
    return [base | gram for gram in list_grams(text.split())]


def propose_by_blocks(template: str, proposal: Proposal) -> BuiltStatement:
    """Give PostgreSQL's statement for a proposal."""
    first = f"($2::bigint + 1) >> {BLOCK_BITS}"
    last = f"(SELECT least($3::bigint, last_change) >> {BLOCK_BITS} FROM counters WHERE account_id = $1)"  # noqa: S608 - a constant
    base = f"((({proposal.account_id * _ACCOUNT_STEP} + b.block) & {_BLOCKS_MASK})::integer << 16)"
    elements = [f"{base} | {gram}" for gram in proposal.grams]
    # The planner guesses a part of the table for each clause. With too few clauses it would expect many rows, and walk
    # through the whole account instead.
    clauses = [f"s.grams @> ARRAY[{element}]" for element in elements]
    clauses += [f"s.grams @> ARRAY[{', '.join(elements[:1] * count)}]" for count in range(2, _CLAUSES_MIN + 1)]
    hooks = {
        ":blocks": f"{last}, {first}, -1" if proposal.descending else f"{first}, {last}, 1",
        ":grams": " AND ".join(clauses),
        ":order": f"ORDER BY s.vehicle_id {_give_way(proposal)}" if proposal.is_ordered else "",
        ":limit": str(int(proposal.limit)),
    }
    return BuiltStatement(_fill(template, hooks), [proposal.account_id, proposal.after, proposal.before])


def propose_by_tokens(template: str, proposal: Proposal) -> BuiltStatement:
    """Give SQLite's statement for a proposal."""
    hooks = {":way": _give_way(proposal), ":limit": str(int(proposal.limit))}
    question = match_tokens(proposal.grams)
    return BuiltStatement(
        _fill(template, hooks), [proposal.account_id, proposal.after, proposal.before, question]
    )  # fmt: skip


def build_sift(
    template: str, account_id: int, query: VehicleQuery, walked_max: int, dialect: Dialect
) -> BuiltStatement:
    """Give the statement that looks at ``walked_max`` vehicles of a list, for those that have all words."""
    page = build_page(account_id, replace(query, words=(), limit=walked_max), dialect)
    words = list_words(query, page.add, dialect)
    hooks = {
        ":page": page.text,
        ":words": " AND ".join(words),
        ":order": page.order,
        ":limit": str(int(query.limit)),
        ":last": str(int(walked_max) - 1),
    }
    return BuiltStatement(_fill(template, hooks), page.parameters)


def build_count(template: str, account_id: int, query: VehicleQuery, dialect: Dialect) -> BuiltStatement:
    """Give the statement that counts at most ``query.limit`` vehicles of a list."""
    page = build_page(account_id, query, dialect)
    texts = ""
    if query.words and query.among is None:  # otherwise the page compares the texts
        words = " AND ".join(list_words(query, page.add, dialect))
        account = dialect.mark(1)
        texts = f"JOIN search_texts AS s ON s.account_id = {account} AND s.vehicle_id = p.vehicle_id WHERE {words}"
    return BuiltStatement(_fill(template, {":page": page.text, ":words": texts}), page.parameters)


def _give_way(proposal: Proposal) -> str:
    return "DESC" if proposal.descending else "ASC"


def _fill(template: str, hooks: dict[str, str]) -> str:
    for hook, text in hooks.items():
        template = template.replace(hook, text)
    return template

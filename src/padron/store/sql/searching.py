"""Builds the statements of a search, and the grams as each engine stores them (docs/decisions/0066-search.md).

A search has two ways to propose vehicles, and both look at a bounded number of them. The index of grams proposes the
vehicles that have all grams of the words. A sift walks along the list. Either looks at the text of each vehicle, and
gives the ids of those that have all words. The list's own statement then reads them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from padron.domain.query import VehicleQuery
from padron.domain.searching import list_grams
from padron.store.sql.filtering import Add
from padron.store.sql.listing import BuiltPage, BuiltStatement, Dialect, build_page, collect_parameters, complete_list

# PostgreSQL's index has no order and no end, so it is asked for one block of vehicles after the other. A block has
# 2 ** 17 numbers of changes, and a part of them are registrations.
BLOCK_BITS = 17
_BLOCKS_MASK = 0xFFFF  # blocks of several accounts may share a number: then the row's account decides
_ACCOUNT_STEP = 40_503  # spreads the accounts' blocks over the numbers
_CLAUSES_MIN = 3
_BLOCKS_STEP = 8  # one in so many blocks is looked at to see whether the index proposes many vehicles
_MARGIN = 1.25  # so many more than in proportion must be found there
_ALIKE_BLOCKS = 4  # at least so many blocks must have them: vehicles that are alike were often registered together

PROPOSE_S = 2.0  # PostgreSQL ends a statement after five seconds, and then there is no page at all
SAMPLE = 200  # texts that show which words are common
LAST_VEHICLE = 2**40 - 1  # above every vehicle's id


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposal:
    """A question to the index: the vehicles of an account between two ids that have all words.

    The index proposes those that have all ``grams``. They are the first ones in the order of their ids, or any ones if
    ``is_ordered`` is false. ``limit`` is how many are looked at. Without an order PostgreSQL also stops after
    ``seconds``, and says that it has looked at ``limit``.
    """

    account_id: int
    words: Sequence[str]
    grams: Sequence[int]
    after: int
    before: int
    is_ordered: bool = True
    descending: bool = False
    limit: int
    seconds: float = PROPOSE_S


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


def propose_by_blocks(template: str, proposal: Proposal, dialect: Dialect) -> BuiltStatement:
    """Give PostgreSQL's statement for a proposal."""
    first = f"($2::bigint + 1) >> {BLOCK_BITS}"
    last = f"(SELECT least($3::bigint, last_change) >> {BLOCK_BITS} FROM counters WHERE account_id = $1)"  # noqa: S608 - a constant
    has_time = f"clock_timestamp() < statement_timestamp() + interval '{float(proposal.seconds)} s'"
    hooks = {
        ":while": "" if proposal.is_ordered else f"WHERE {has_time}",
        ":count": "count(*)" if proposal.is_ordered else f"CASE WHEN {has_time} THEN count(*) ELSE :limit END",
        ":blocks": f"{last}, {first}, -1" if proposal.descending else f"{first}, {last}, 1",
        ":grams": _require_elements(proposal.account_id, proposal.grams),
        ":order": f"ORDER BY s.vehicle_id {_give_way(proposal)}" if proposal.is_ordered else "",
        **_give_common_hooks(proposal),
    }
    return _complete(template, hooks, proposal, [proposal.account_id, proposal.after, proposal.before], dialect)


def propose_by_tokens(template: str, proposal: Proposal, dialect: Dialect) -> BuiltStatement:
    """Give SQLite's statement for a proposal."""
    hooks = {":way": _give_way(proposal), **_give_common_hooks(proposal)}
    parameters = [proposal.account_id, proposal.after, proposal.before, match_tokens(proposal.grams)]
    return _complete(template, hooks, proposal, parameters, dialect)


def look_by_blocks(template: str, account_id: int, grams: Sequence[int], limit: int) -> BuiltStatement:
    """Give PostgreSQL's statement that says whether the index surely proposes more vehicles than ``limit``.

    Counting all of them would take as long as reading them. So it counts in some blocks.
    """
    needed = int((limit + 1) * _MARGIN / _BLOCKS_STEP) + 1
    hooks = {
        ":step": str(_BLOCKS_STEP),
        ":grams": _require_elements(account_id, grams),
        ":most": str(-(-needed // _ALIKE_BLOCKS)),
        ":needed": str(needed),
    }
    return BuiltStatement(_fill(template, hooks), [account_id])


def look_by_tokens(template: str, account_id: int, grams: Sequence[int], limit: int) -> BuiltStatement:
    """Give SQLite's statement that says whether the index proposes more vehicles than ``limit``."""
    return BuiltStatement(_fill(template, {":limit": str(int(limit))}), [account_id, match_tokens(grams)])


def build_sift(
    template: str, account_id: int, query: VehicleQuery, walked_max: int, seconds: float, dialect: Dialect
) -> BuiltStatement:
    """Give the statement that looks at ``walked_max`` vehicles of a list, for those that have all words.

    PostgreSQL's statement looks at no more vehicles after ``seconds``, except a first one.
    """
    page = build_page(account_id, replace(query, words=(), limit=walked_max), dialect)
    hooks = {
        ":page": page.text,
        ":words": _look_up_words(query, page, dialect),
        ":limit": str(int(query.limit)),
        ":walked": str(int(walked_max)),
        **({":seconds": page.add(float(seconds))} if ":seconds" in template else {}),
    }
    return BuiltStatement(_fill(template, hooks), page.parameters)


def build_walk(
    template: str, account_id: int, query: VehicleQuery, walked_max: int, dialect: Dialect
) -> BuiltStatement:
    """Give the statement that finds vehicles of ``query.among`` by walking along the list's first ``walked_max`` ones.

    The list's order is an index, so vehicles that it passes by cost little. A look-up by id reads their rows instead.
    """
    # One part: where all vehicles have a value, the part of those without one finds that out from all vehicles.
    page = build_page(account_id, replace(query, among=None, limit=walked_max), dialect, parts_max=1)
    condition = dialect.is_one_of("walked.vehicle_id", page.add(list(query.among or ())))
    # It keeps the order in which the inner page gives its rows, and stops that page as soon as it has enough.
    walk = f"SELECT * FROM ({page.text}) AS walked WHERE {condition} LIMIT {int(query.limit)}"  # noqa: S608
    return complete_list(template, page, walk)


def build_count(template: str, account_id: int, query: VehicleQuery, dialect: Dialect) -> BuiltStatement:
    """Give the statement that counts at most ``query.limit`` vehicles of a list."""
    page = build_page(account_id, query, dialect)
    words = _compare_texts(query, page, dialect) if query.words else ""
    return BuiltStatement(_fill(template, {":page": page.text, ":words": words}), page.parameters)


def _compare_texts(query: VehicleQuery, page: BuiltPage, dialect: Dialect) -> str:
    """Give what leaves those vehicles of a page whose text has all words.

    Each text is looked up by itself: for a join, PostgreSQL's planner would read the texts of all vehicles instead. The
    vehicles of a span are next to each other, so there a join is the faster way, if it is held to the span as well.
    """
    span = query.registered_by
    if span is None:
        return f"WHERE {_look_up_words(query, page, dialect)}"
    words = _require_words(query.words, page.add, dialect)
    held = f"s.vehicle_id BETWEEN {page.add(span.first)} AND {page.add(span.last)}"
    return f"JOIN search_texts AS s ON {_is_text_of_page(dialect)} AND {held} WHERE {words}"


def _look_up_words(query: VehicleQuery, page: BuiltPage, dialect: Dialect) -> str:
    words = _require_words(query.words, page.add, dialect)
    return f"(SELECT {words} FROM search_texts AS s WHERE {_is_text_of_page(dialect)})"  # noqa: S608 - no value is in it


def _is_text_of_page(dialect: Dialect) -> str:
    return f"s.account_id = {dialect.mark(1)} AND s.vehicle_id = p.vehicle_id"


def _give_common_hooks(proposal: Proposal) -> dict[str, str]:
    return {":limit": str(int(proposal.limit)), ":last": "min" if proposal.descending else "max"}


def _complete(
    template: str, hooks: dict[str, str], proposal: Proposal, parameters: list[object], dialect: Dialect
) -> BuiltStatement:
    words = _require_words(proposal.words, collect_parameters(parameters, dialect), dialect)
    return BuiltStatement(_fill(template, {**hooks, ":words": words}), parameters)


def _require_elements(account_id: int, grams: Sequence[int]) -> str:
    """Give the condition that a vehicle has all grams in a block of PostgreSQL's index."""
    base = f"((({account_id * _ACCOUNT_STEP} + b.block) & {_BLOCKS_MASK})::integer << 16)"
    elements = [f"{base} | {gram}" for gram in grams]
    # The planner guesses a part of the table for each clause. With too few clauses it would expect many rows, and walk
    # through the whole account instead.
    clauses = [f"s.grams @> ARRAY[{element}]" for element in elements]
    clauses += [f"s.grams @> ARRAY[{', '.join(elements[:1] * count)}]" for count in range(2, _CLAUSES_MIN + 1)]
    return " AND ".join(clauses)


def _require_words(words: Sequence[str], add: Add, dialect: Dialect) -> str:
    """Give the condition that a vehicle's text contains all words."""
    return " AND ".join(dialect.contains("s.text", add(word)) for word in words)


def _give_way(proposal: Proposal) -> str:
    return "DESC" if proposal.descending else "ASC"


def _fill(template: str, hooks: dict[str, str]) -> str:
    for hook, text in hooks.items():
        template = template.replace(hook, text)
    return template

"""Functions of single shards: PostgreSQL keeps the plans of their statements, which name one shard's tables.

They are the schema's own functions, and those of batches (joining.py), renamed like any statement. They are made for
every shard on every node, so a shard may move. A shard that came later, by a split, has none until the next `padron
migrate`. Its statements use functions that plan again at each call (functions.sql) until then.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files

from padron.store.postgres.cluster import joining
from padron.store.postgres.cluster.naming import WITHDRAWALS, give_function
from padron.store.postgres.cluster.shards import Shard

READ_DEFINITIONS = """
    SELECT p.proname::text, pg_get_functiondef(p.oid) FROM pg_proc AS p
    WHERE p.pronamespace = current_schema()::regnamespace AND p.proname = ANY($1::text[])
"""

_find_names = re.compile(r"^CREATE OR REPLACE FUNCTION (\w+)\(", re.MULTILINE).findall


def give_common() -> str:
    """Give the statements that make what all shards use."""
    return files("padron.store.postgres.cluster").joinpath("functions.sql").read_text("utf-8")


def list_common_names() -> list[str]:
    """Give the names of the functions that all shards use."""
    return _find_names(give_common())


def write_functions(definitions: Mapping[str, str], shards: Sequence[Shard]) -> Iterator[str]:
    """Give the statements that make each shard's functions, from the schema's own (READ_DEFINITIONS)."""
    for shard in shards:
        for name in WITHDRAWALS:
            head, body = definitions[name].split("(", maxsplit=1)
            own = give_function(name, shard.names.name("work"))
            yield f"{head.replace(name, own)}({shard.names.rename_body(body)}"
        yield from joining.write_functions(shard.shard_id, shard.names)

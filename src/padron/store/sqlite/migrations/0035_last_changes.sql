-- expand
-- Pages by statusSince and updatedAt of a large account follow the record of changes and need not look at all vehicles:
-- a bit says of each change whether it may still be the last one of its vehicle (docs/decisions/0089-time-orders.md).
-- A program that does not know the tables leaves them behind the record, which is no harm.
CREATE TABLE last_changes (
    account_id INTEGER NOT NULL,
    sort TEXT NOT NULL,
    block INTEGER NOT NULL,
    bits BLOB NOT NULL,
    PRIMARY KEY (account_id, sort, block)
) STRICT, WITHOUT ROWID;

CREATE TABLE last_change_marks (
    account_id INTEGER NOT NULL PRIMARY KEY,
    next_number INTEGER NOT NULL,
    built_to INTEGER NOT NULL,
    is_ordered INTEGER NOT NULL
) STRICT;

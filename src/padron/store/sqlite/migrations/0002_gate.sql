-- What the gate refused: one row for each hour, vehicle, operation and actor. It is no part of the record.
CREATE TABLE gate_refusals (
    account_id INTEGER NOT NULL,
    hour_at INTEGER NOT NULL,
    vin TEXT NOT NULL,
    operation TEXT NOT NULL,
    actor TEXT NOT NULL,
    reason TEXT NOT NULL,
    status INTEGER,
    count INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    PRIMARY KEY (account_id, hour_at, vin, operation, actor)
) STRICT, WITHOUT ROWID;

CREATE INDEX gate_refusals_by_vin ON gate_refusals (account_id, vin, hour_at);

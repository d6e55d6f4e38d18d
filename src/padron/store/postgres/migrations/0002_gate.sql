-- What the gate refused: one row for each hour, vehicle, operation and actor. It is no part of the record.
CREATE TABLE gate_refusals (
    account_id bigint NOT NULL,
    hour_at timestamptz NOT NULL,
    vin text COLLATE "C" NOT NULL,
    operation text COLLATE "C" NOT NULL,
    actor text COLLATE "C" NOT NULL,
    reason text NOT NULL,
    status integer,
    count bigint NOT NULL,
    first_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, hour_at, vin, operation, actor)
);

CREATE INDEX gate_refusals_by_vin ON gate_refusals (account_id, vin, hour_at);

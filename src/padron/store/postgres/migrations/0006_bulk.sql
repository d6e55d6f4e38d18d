-- Undoing asks what one request changed. Answers that are kept for an Idempotency-Key: the first one, for a day.

CREATE INDEX changes_by_request ON changes (account_id, request_id, number);

CREATE TABLE idempotency_keys (
    account_id bigint NOT NULL,
    actor text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    fingerprint bytea NOT NULL,
    state text COLLATE "C" NOT NULL CHECK (state IN ('open', 'done', 'answered')),
    attempt text COLLATE "C" NOT NULL,
    lease_until timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    request_id text COLLATE "C",
    status integer,
    headers text COLLATE "C",
    body bytea,
    PRIMARY KEY (account_id, actor, key)
);

CREATE INDEX idempotency_keys_by_expiry ON idempotency_keys (account_id, expires_at);

CREATE TABLE idempotency_totals (
    account_id bigint NOT NULL PRIMARY KEY,
    key_count bigint NOT NULL,
    byte_count bigint NOT NULL
);

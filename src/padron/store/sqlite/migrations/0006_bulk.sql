-- Undoing asks what one request changed. Answers that are kept for an Idempotency-Key: the first one, for a day.

CREATE INDEX changes_by_request ON changes (account_id, request_id, number);

CREATE TABLE idempotency_keys (
    account_id INTEGER NOT NULL,
    actor TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'done', 'answered')),
    attempt TEXT NOT NULL,
    lease_until INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    request_id TEXT,
    status INTEGER,
    headers TEXT,
    body BLOB,
    PRIMARY KEY (account_id, actor, key)
) STRICT;

CREATE INDEX idempotency_keys_by_expiry ON idempotency_keys (account_id, expires_at);

CREATE TABLE idempotency_totals (
    account_id INTEGER NOT NULL PRIMARY KEY,
    key_count INTEGER NOT NULL,
    byte_count INTEGER NOT NULL
) STRICT;

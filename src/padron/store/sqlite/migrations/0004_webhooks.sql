-- Webhooks: endpoints, deliveries and the log of attempts.

-- Who hears of changes, over HTTP. position is the number of the last change that was cut into deliveries; a worker
-- holds an endpoint by its lease. Event types and status ids are words between spaces.
CREATE TABLE webhook_endpoints (
    account_id INTEGER NOT NULL REFERENCES accounts,
    endpoint_id TEXT NOT NULL,
    url TEXT NOT NULL,
    description TEXT NOT NULL,
    event_types TEXT NOT NULL,
    statuses_left TEXT NOT NULL,
    statuses_entered TEXT NOT NULL,
    secret TEXT NOT NULL,
    former_secret TEXT,
    former_secret_until INTEGER,
    off_reason TEXT,
    off_at INTEGER,
    failing_since INTEGER,
    position INTEGER NOT NULL,
    is_full INTEGER NOT NULL,
    wake_at INTEGER,
    rest_until INTEGER,
    lease_holder TEXT,
    lease_until INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER,
    PRIMARY KEY (account_id, endpoint_id)
) STRICT, WITHOUT ROWID;

-- One change on its way to one endpoint. number is the change's.
CREATE TABLE webhook_deliveries (
    account_id INTEGER NOT NULL,
    endpoint_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    vehicle_id INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'failed')),
    tries INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    settled_at INTEGER,
    PRIMARY KEY (account_id, endpoint_id, number),
    FOREIGN KEY (account_id, endpoint_id) REFERENCES webhook_endpoints (account_id, endpoint_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX webhook_deliveries_by_state ON webhook_deliveries (account_id, endpoint_id, state, number);
CREATE INDEX webhook_deliveries_pending ON webhook_deliveries (account_id, endpoint_id, vehicle_id, number)
    WHERE state = 'pending';
CREATE INDEX webhook_deliveries_settled ON webhook_deliveries (account_id, endpoint_id, settled_at)
    WHERE state <> 'pending';

-- The log of attempts. body is the beginning of the answer, escaped.
CREATE TABLE webhook_attempts (
    account_id INTEGER NOT NULL,
    endpoint_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    attempted_at INTEGER NOT NULL,
    status INTEGER,
    error TEXT,
    body TEXT NOT NULL,
    duration_ms INTEGER NOT NULL,
    PRIMARY KEY (account_id, endpoint_id, number, attempt),
    FOREIGN KEY (account_id, endpoint_id, number)
        REFERENCES webhook_deliveries (account_id, endpoint_id, number) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

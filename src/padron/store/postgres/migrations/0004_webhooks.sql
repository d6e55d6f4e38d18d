-- Webhooks: endpoints, deliveries and the log of attempts.

-- Who hears of changes, over HTTP. position is the number of the last change that was cut into deliveries; a worker
-- holds an endpoint by its lease. Event types and status ids are words between spaces.
CREATE TABLE webhook_endpoints (
    account_id bigint NOT NULL REFERENCES accounts,
    endpoint_id text COLLATE "C" NOT NULL,
    url text COLLATE "C" NOT NULL,
    description text COLLATE "C" NOT NULL,
    event_types text COLLATE "C" NOT NULL,
    statuses_left text COLLATE "C" NOT NULL,
    statuses_entered text COLLATE "C" NOT NULL,
    secret text COLLATE "C" NOT NULL,
    former_secret text COLLATE "C",
    former_secret_until timestamptz,
    off_reason text COLLATE "C",
    off_at timestamptz,
    failing_since timestamptz,
    position bigint NOT NULL,
    is_full smallint NOT NULL,
    wake_at timestamptz,
    rest_until timestamptz,
    lease_holder text COLLATE "C",
    lease_until timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    PRIMARY KEY (account_id, endpoint_id)
) WITH (fillfactor = 70);

-- One change on its way to one endpoint. number is the change's.
CREATE TABLE webhook_deliveries (
    account_id bigint NOT NULL,
    endpoint_id text COLLATE "C" NOT NULL,
    number bigint NOT NULL,
    vehicle_id bigint NOT NULL,
    state text COLLATE "C" NOT NULL CHECK (state IN ('pending', 'delivered', 'failed')),
    tries integer NOT NULL,
    attempts integer NOT NULL,
    due_at timestamptz NOT NULL,
    settled_at timestamptz,
    PRIMARY KEY (account_id, endpoint_id, number),
    FOREIGN KEY (account_id, endpoint_id) REFERENCES webhook_endpoints (account_id, endpoint_id)
) WITH (fillfactor = 80);

CREATE INDEX webhook_deliveries_by_state ON webhook_deliveries (account_id, endpoint_id, state, number);
CREATE INDEX webhook_deliveries_pending ON webhook_deliveries (account_id, endpoint_id, vehicle_id, number)
    WHERE state = 'pending';
CREATE INDEX webhook_deliveries_settled ON webhook_deliveries (account_id, endpoint_id, settled_at)
    WHERE state <> 'pending';

-- The log of attempts. body is the beginning of the answer, escaped.
CREATE TABLE webhook_attempts (
    account_id bigint NOT NULL,
    endpoint_id text COLLATE "C" NOT NULL,
    number bigint NOT NULL,
    attempt integer NOT NULL,
    attempted_at timestamptz NOT NULL,
    status integer,
    error text COLLATE "C",
    body text COLLATE "C" NOT NULL,
    duration_ms bigint NOT NULL,
    PRIMARY KEY (account_id, endpoint_id, number, attempt),
    FOREIGN KEY (account_id, endpoint_id, number)
        REFERENCES webhook_deliveries (account_id, endpoint_id, number) ON DELETE CASCADE
);

-- The statements of webhooks. Both engines' files have the same names in the same order.
-- Each names one account, except the board's at the end.

-- name: lock_account
-- The lock to add an endpoint, so that two concurrent transactions cannot pass the limit together.
SELECT account_id FROM accounts WHERE account_id = $1 FOR NO KEY UPDATE;

-- name: count_endpoints
-- The number of an account's endpoints.
SELECT count(*) FROM webhook_endpoints WHERE account_id = $1 AND deleted_at IS NULL;

-- name: insert_endpoint
-- A new endpoint.
INSERT INTO webhook_endpoints (account_id, endpoint_id, url, description, event_types, statuses_left,
    statuses_entered, secret, former_secret, former_secret_until, off_reason, off_at, failing_since, position, is_full, wake_at, rest_until, lease_holder,
    lease_until, created_at, updated_at, deleted_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,
    $22);

-- name: lock_endpoint
-- One endpoint, for change. A transaction locks it before its deliveries.
SELECT endpoint_id, url, description, event_types, statuses_left, statuses_entered, secret, former_secret,
    former_secret_until, off_reason, off_at, failing_since, position, is_full, wake_at, rest_until, lease_holder,
    lease_until, created_at, updated_at, deleted_at
FROM webhook_endpoints WHERE account_id = $1 AND endpoint_id = $2 FOR UPDATE;

-- name: save_endpoint
-- All columns of a locked endpoint.
UPDATE webhook_endpoints
SET url = $3, description = $4, event_types = $5, statuses_left = $6, statuses_entered = $7, secret = $8,
    former_secret = $9, former_secret_until = $10, off_reason = $11, off_at = $12, failing_since = $13,
    position = $14, is_full = $15, wake_at = $16, rest_until = $17, lease_holder = $18,
    lease_until = $19, created_at = $20, updated_at = $21, deleted_at = $22
WHERE account_id = $1 AND endpoint_id = $2;

-- name: count_pending
-- The number of pending deliveries. Those beyond the position do not count, because they are added again.
SELECT count(*) FROM webhook_deliveries
WHERE account_id = $1 AND endpoint_id = $2 AND state = 'pending' AND number <= $3;

-- name: put_delivery
-- A delivery from the feed. One that already exists is sent again.
INSERT INTO webhook_deliveries (account_id, endpoint_id, number, vehicle_id, state, tries, attempts, due_at, settled_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (account_id, endpoint_id, number) DO UPDATE
SET state = excluded.state, tries = excluded.tries, due_at = excluded.due_at, settled_at = excluded.settled_at;

-- name: lock_deliveries
-- Some deliveries of an endpoint, for change.
SELECT endpoint_id, number, vehicle_id, state, tries, attempts, due_at, settled_at
FROM webhook_deliveries WHERE account_id = $1 AND endpoint_id = $2 AND number = ANY($3::bigint[])
ORDER BY number FOR UPDATE;

-- name: save_delivery
-- A delivery's progress.
UPDATE webhook_deliveries
SET vehicle_id = $4, state = $5, tries = $6, attempts = $7, due_at = $8, settled_at = $9
WHERE account_id = $1 AND endpoint_id = $2 AND number = $3;

-- name: insert_attempt
-- One line of the log.
INSERT INTO webhook_attempts (account_id, endpoint_id, number, attempt, attempted_at, status, error, body, duration_ms)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: list_due
-- The due deliveries: only the first pending one of each vehicle, which keeps the order.
SELECT d.endpoint_id, d.number, d.vehicle_id, d.state, d.tries, d.attempts, d.due_at, d.settled_at,
    c.number, c.type, c.changed_at, c.changed_by, c.request_id, c.from_status, c.to_status, c.reason, c.differences,
    c.vehicle_id, c.vin,
    CASE WHEN h.slot >= 0 THEN h.status ELSE coalesce((
        SELECT k.status FROM identities AS i JOIN vehicles AS k USING (account_id, vehicle_id)
        WHERE i.account_id = $1 AND i.vin = h.vin AND i.slot >= 0 ORDER BY i.slot LIMIT 1), 2) END AS present_status
FROM webhook_deliveries AS d
JOIN changes AS c ON c.account_id = d.account_id AND c.number = d.number
JOIN vehicles AS h ON h.account_id = c.account_id AND h.vehicle_id = c.vehicle_id
WHERE d.account_id = $1 AND d.endpoint_id = $2 AND d.state = 'pending' AND d.number <= $3 AND d.due_at <= $4
    AND NOT EXISTS (
        SELECT 1 FROM webhook_deliveries AS e
        WHERE e.account_id = d.account_id AND e.endpoint_id = d.endpoint_id AND e.vehicle_id = d.vehicle_id
            AND e.state = 'pending' AND e.number < d.number)
ORDER BY d.number LIMIT $5;

-- name: find_next_due
-- When the next of these deliveries is due.
SELECT min(d.due_at) FROM webhook_deliveries AS d
WHERE d.account_id = $1 AND d.endpoint_id = $2 AND d.state = 'pending' AND d.number <= $3
    AND NOT EXISTS (
        SELECT 1 FROM webhook_deliveries AS e
        WHERE e.account_id = d.account_id AND e.endpoint_id = d.endpoint_id AND e.vehicle_id = d.vehicle_id
            AND e.state = 'pending' AND e.number < d.number);

-- name: revive_pending
-- Makes all pending deliveries due, as if they had never been tried.
UPDATE webhook_deliveries SET tries = 0, due_at = $3
WHERE account_id = $1 AND endpoint_id = $2 AND state = 'pending';

-- name: delete_settled
-- Deletes the oldest deliveries of the log, some at a time, with their attempts.
DELETE FROM webhook_deliveries WHERE account_id = $1 AND endpoint_id = $2 AND number IN (
    SELECT number FROM webhook_deliveries
    WHERE account_id = $1 AND endpoint_id = $2 AND state <> 'pending' AND settled_at < $3
    ORDER BY settled_at LIMIT $4);

-- name: delete_deliveries
-- Deletes any deliveries of a deleted endpoint, some at a time.
DELETE FROM webhook_deliveries WHERE account_id = $1 AND endpoint_id = $2 AND number IN (
    SELECT number FROM webhook_deliveries WHERE account_id = $1 AND endpoint_id = $2 ORDER BY number LIMIT $3)
RETURNING number;

-- name: delete_endpoint
-- Deletes the endpoint itself, last.
DELETE FROM webhook_endpoints WHERE account_id = $1 AND endpoint_id = $2;

-- name: list_endpoints
-- An account's endpoints, oldest first.
SELECT endpoint_id, url, description, event_types, statuses_left, statuses_entered, secret, former_secret,
    former_secret_until, off_reason, off_at, failing_since, position, is_full, wake_at, rest_until, lease_holder,
    lease_until, created_at, updated_at, deleted_at
FROM webhook_endpoints WHERE account_id = $1 AND deleted_at IS NULL ORDER BY created_at, endpoint_id;

-- name: find_endpoint
-- One endpoint, for reading.
SELECT endpoint_id, url, description, event_types, statuses_left, statuses_entered, secret, former_secret,
    former_secret_until, off_reason, off_at, failing_since, position, is_full, wake_at, rest_until, lease_holder,
    lease_until, created_at, updated_at, deleted_at
FROM webhook_endpoints WHERE account_id = $1 AND endpoint_id = $2 AND deleted_at IS NULL;

-- name: list_deliveries
-- A page of the log, newest first.
SELECT d.endpoint_id, d.number, d.vehicle_id, d.state, d.tries, d.attempts, d.due_at, d.settled_at,
    c.number, c.type, c.changed_at, c.changed_by, c.request_id, c.from_status, c.to_status, c.reason, c.differences,
    c.vehicle_id, c.vin,
    CASE WHEN h.slot >= 0 THEN h.status ELSE coalesce((
        SELECT k.status FROM identities AS i JOIN vehicles AS k USING (account_id, vehicle_id)
        WHERE i.account_id = $1 AND i.vin = h.vin AND i.slot >= 0 ORDER BY i.slot LIMIT 1), 2) END AS present_status
FROM webhook_deliveries AS d
JOIN changes AS c ON c.account_id = d.account_id AND c.number = d.number
JOIN vehicles AS h ON h.account_id = c.account_id AND h.vehicle_id = c.vehicle_id
WHERE d.account_id = $1 AND d.endpoint_id = $2 AND d.number < $3
ORDER BY d.number DESC LIMIT $4;

-- name: list_deliveries_by_state
-- A page of the log's deliveries in one state.
SELECT d.endpoint_id, d.number, d.vehicle_id, d.state, d.tries, d.attempts, d.due_at, d.settled_at,
    c.number, c.type, c.changed_at, c.changed_by, c.request_id, c.from_status, c.to_status, c.reason, c.differences,
    c.vehicle_id, c.vin,
    CASE WHEN h.slot >= 0 THEN h.status ELSE coalesce((
        SELECT k.status FROM identities AS i JOIN vehicles AS k USING (account_id, vehicle_id)
        WHERE i.account_id = $1 AND i.vin = h.vin AND i.slot >= 0 ORDER BY i.slot LIMIT 1), 2) END AS present_status
FROM webhook_deliveries AS d
JOIN changes AS c ON c.account_id = d.account_id AND c.number = d.number
JOIN vehicles AS h ON h.account_id = c.account_id AND h.vehicle_id = c.vehicle_id
WHERE d.account_id = $1 AND d.endpoint_id = $2 AND d.number < $3 AND d.state = $5
ORDER BY d.number DESC LIMIT $4;

-- name: find_delivery
-- One delivery and its change.
SELECT d.endpoint_id, d.number, d.vehicle_id, d.state, d.tries, d.attempts, d.due_at, d.settled_at,
    c.number, c.type, c.changed_at, c.changed_by, c.request_id, c.from_status, c.to_status, c.reason, c.differences,
    c.vehicle_id, c.vin,
    CASE WHEN h.slot >= 0 THEN h.status ELSE coalesce((
        SELECT k.status FROM identities AS i JOIN vehicles AS k USING (account_id, vehicle_id)
        WHERE i.account_id = $1 AND i.vin = h.vin AND i.slot >= 0 ORDER BY i.slot LIMIT 1), 2) END AS present_status
FROM webhook_deliveries AS d
JOIN changes AS c ON c.account_id = d.account_id AND c.number = d.number
JOIN vehicles AS h ON h.account_id = c.account_id AND h.vehicle_id = c.vehicle_id
WHERE d.account_id = $1 AND d.endpoint_id = $2 AND d.number = $3;

-- name: list_attempts
-- A delivery's last attempts, newest first.
SELECT endpoint_id, number, attempt, attempted_at, status, error, body, duration_ms
FROM webhook_attempts WHERE account_id = $1 AND endpoint_id = $2 AND number = $3
ORDER BY attempt DESC LIMIT 100;

-- name: has_endpoints
-- Whether any endpoint exists, so that a worker must watch.
SELECT 1 FROM webhook_endpoints LIMIT 1;

-- name: list_ready
-- Endpoints of enabled accounts without a worker that have due deliveries, new changes in the feed, or are deleted but
-- not yet cleared. The accounts take turns: the first endpoint of each, then the second of each.
SELECT account_id, endpoint_id FROM (
SELECT e.account_id, e.endpoint_id, coalesce(e.wake_at, $1) AS ready_at,
    row_number() OVER (PARTITION BY e.account_id ORDER BY coalesce(e.wake_at, $1), e.endpoint_id) AS turn
FROM webhook_endpoints AS e JOIN counters AS c ON c.account_id = e.account_id
    JOIN accounts AS a ON a.account_id = e.account_id AND a.disabled_at IS NULL
WHERE (e.lease_until IS NULL OR e.lease_until <= $1) AND (
    e.deleted_at IS NOT NULL
    OR (e.off_reason IS NULL AND (e.rest_until IS NULL OR e.rest_until <= $1)
        AND (e.wake_at <= $1 OR (e.is_full = 0 AND e.position < c.last_change))))
) AS ready ORDER BY turn, ready_at, endpoint_id LIMIT $2;

-- name: renew_leases
-- Renews all leases of a worker.
UPDATE webhook_endpoints SET lease_until = $2 WHERE lease_holder = $1 RETURNING account_id, endpoint_id;

-- name: survey_endpoints
-- For the operator: endpoints that work, fail, or are off; the changes that the slowest one has not reached; and the
-- instant of the oldest change that waits for its delivery.
SELECT count(*) FILTER (WHERE e.off_reason IS NULL AND e.failing_since IS NULL),
    count(*) FILTER (WHERE e.off_reason IS NULL AND e.failing_since IS NOT NULL),
    count(*) FILTER (WHERE e.off_reason IS NOT NULL),
    coalesce(max(c.last_change - e.position) FILTER (WHERE e.off_reason IS NULL), 0),
    min((SELECT h.changed_at FROM changes AS h WHERE h.account_id = e.account_id AND h.number = (
        SELECT min(d.number) FROM webhook_deliveries AS d
        WHERE d.account_id = e.account_id AND d.endpoint_id = e.endpoint_id AND d.state = 'pending')))
        FILTER (WHERE e.off_reason IS NULL)
FROM webhook_endpoints AS e JOIN counters AS c ON c.account_id = e.account_id
WHERE e.deleted_at IS NULL;

-- name: survey_deliveries
-- For the operator: the number of pending deliveries, counted up to a limit.
SELECT count(*) FROM (SELECT 1 FROM webhook_deliveries WHERE state = 'pending' LIMIT $1) AS pending;

-- name: count_marks
-- How many endpoints have a secret under each key's mark. An encrypted secret begins with enc: and eight characters.
SELECT mark, count(*) FROM (
    SELECT account_id, endpoint_id, CASE WHEN secret LIKE 'enc:%' THEN substr(secret, 5, 8) ELSE '' END AS mark
    FROM webhook_endpoints
    UNION
    SELECT account_id, endpoint_id, CASE WHEN former_secret LIKE 'enc:%' THEN substr(former_secret, 5, 8) ELSE '' END
    FROM webhook_endpoints WHERE former_secret IS NOT NULL) AS marked
GROUP BY mark ORDER BY mark;

-- name: list_other_marks
-- Endpoints after one (the account $2, the endpoint $3) with a secret that is not under a mark.
SELECT account_id, endpoint_id FROM webhook_endpoints
WHERE (account_id, endpoint_id) > ($2::bigint, $3)
    AND (CASE WHEN secret LIKE 'enc:%' THEN substr(secret, 5, 8) ELSE '' END <> $1
        OR CASE WHEN former_secret LIKE 'enc:%' THEN substr(former_secret, 5, 8) ELSE '' END <> $1
            AND former_secret IS NOT NULL)
ORDER BY account_id, endpoint_id LIMIT $4;

-- The leases of local gates, and whether deactivations wait for them. Both engines' files have the same names in the
-- same order. Each statement names one account.

-- name: lock_strict_gates
-- How often it was switched whether deactivations wait for leases. Until the end no change of the account is saved.
SELECT strict_gates FROM counters WHERE account_id = $1 FOR UPDATE;

-- name: find_strict_gates
-- The same, without a lock.
SELECT strict_gates FROM counters WHERE account_id = $1;

-- name: save_strict_gates
-- Switches whether deactivations wait for leases.
UPDATE counters SET strict_gates = $2 WHERE account_id = $1;

-- name: count_gate_leases
-- How many leases the account has, those that are ending included.
SELECT count(*) FROM gate_leases WHERE account_id = $1;

-- name: insert_gate_lease
-- A new lease. Its holder answers only once it has applied the change that it was told then.
INSERT INTO gate_leases (account_id, lease_id, name, milliseconds, created_by, created_at, acknowledged,
    renewals, is_ending)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: renew_gate_leases
-- Renews leases that are not ending, and acknowledges changes. In order, so that two servers cannot deadlock. As a
-- subquery after FROM, the locking would be done again for each row: a quarter of a second for a hundred leases.
WITH held AS MATERIALIZED (
    SELECT l.lease_id, r.acknowledged
    FROM unnest($2::text[], $3::bigint[]) AS r (lease_id, acknowledged) JOIN gate_leases AS l
        ON l.account_id = $1 AND l.lease_id = r.lease_id AND NOT l.is_ending
    ORDER BY l.lease_id FOR UPDATE OF l)
UPDATE gate_leases AS g
SET acknowledged = greatest(g.acknowledged, held.acknowledged), renewals = g.renewals + 1
FROM held WHERE g.account_id = $1 AND g.lease_id = held.lease_id
RETURNING g.lease_id, g.milliseconds;

-- name: end_gate_lease
-- Ends a lease whose holder says that it answers no more.
DELETE FROM gate_leases WHERE account_id = $1 AND lease_id = $2 RETURNING 1;

-- name: remove_gate_lease
-- Removes a lease if it was not renewed since a server saw its renewals ($3), and gives its name for the log.
DELETE FROM gate_leases WHERE account_id = $1 AND lease_id = $2 AND renewals = $3
RETURNING coalesce(name, lease_id);

-- name: mark_gate_lease
-- Lets a lease take no more renewals, if its holder has not applied a change ($3).
UPDATE gate_leases SET is_ending = true
WHERE account_id = $1 AND lease_id = $2 AND acknowledged < $3 AND NOT is_ending;

-- name: mark_gate_leases
-- Lets all leases of the account take no more renewals.
UPDATE gate_leases SET is_ending = true WHERE account_id = $1 RETURNING milliseconds;

-- name: clear_gate_leases
-- Removes all leases of the account.
DELETE FROM gate_leases WHERE account_id = $1;

-- name: load_gate_leases
-- The account's last change, whether deactivations wait for leases, and the leases, at one instant.
SELECT g.lease_id, g.name, g.milliseconds, g.created_by, g.created_at, g.acknowledged, g.renewals, g.is_ending,
    c.strict_gates, c.last_change
FROM counters AS c LEFT JOIN gate_leases AS g ON g.account_id = c.account_id
WHERE c.account_id = $1 ORDER BY g.created_at, g.lease_id;

-- name: load_late_leases
-- The account's last change, and the leases that have not acknowledged it or are ending, at one instant.
SELECT c.last_change, g.lease_id, g.milliseconds, g.acknowledged, g.renewals, g.is_ending
FROM counters AS c LEFT JOIN gate_leases AS g
    ON g.account_id = c.account_id AND (g.acknowledged < c.last_change OR g.is_ending)
WHERE c.account_id = $1;

-- The leases of local gates, and whether deactivations wait for them. Both engines' files have the same names in the
-- same order. Each statement names one account.

-- name: lock_strict_gates
-- How often it was switched whether deactivations wait for leases. Until the end no change of the account is saved.
SELECT strict_gates FROM counters WHERE account_id = ?1;

-- name: find_strict_gates
-- The same, without a lock.
SELECT strict_gates FROM counters WHERE account_id = ?1;

-- name: save_strict_gates
-- Switches whether deactivations wait for leases.
UPDATE counters SET strict_gates = ?2 WHERE account_id = ?1;

-- name: count_gate_leases
-- How many leases the account has, those that are ending included.
SELECT count(*) FROM gate_leases WHERE account_id = ?1;

-- name: insert_gate_lease
-- A new lease. Its holder answers only once it has applied the change that it was told then.
INSERT INTO gate_leases (account_id, lease_id, name, milliseconds, created_by, created_at, acknowledged,
    renewals, is_ending)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9);

-- name: renew_gate_leases
-- Renews leases that are not ending, and acknowledges changes.
UPDATE gate_leases SET acknowledged = max(acknowledged, ?3), renewals = renewals + 1
WHERE account_id = ?1 AND lease_id = ?2 AND is_ending = 0
RETURNING lease_id, milliseconds;

-- name: end_gate_lease
-- Ends a lease whose holder says that it answers no more.
DELETE FROM gate_leases WHERE account_id = ?1 AND lease_id = ?2 RETURNING 1;

-- name: remove_gate_lease
-- Removes a lease if it was not renewed since a server saw its renewals (?3), and gives its name for the log.
DELETE FROM gate_leases WHERE account_id = ?1 AND lease_id = ?2 AND renewals = ?3
RETURNING coalesce(name, lease_id);

-- name: mark_gate_lease
-- Lets a lease take no more renewals, if its holder has not applied a change (?3).
UPDATE gate_leases SET is_ending = 1
WHERE account_id = ?1 AND lease_id = ?2 AND acknowledged < ?3 AND is_ending = 0;

-- name: mark_gate_leases
-- Lets all leases of the account take no more renewals.
UPDATE gate_leases SET is_ending = 1 WHERE account_id = ?1 RETURNING milliseconds;

-- name: clear_gate_leases
-- Removes all leases of the account.
DELETE FROM gate_leases WHERE account_id = ?1;

-- name: load_gate_leases
-- The account's last change, whether deactivations wait for leases, and the leases, at one instant.
SELECT g.lease_id, g.name, g.milliseconds, g.created_by, g.created_at, g.acknowledged, g.renewals, g.is_ending,
    c.strict_gates, c.last_change
FROM counters AS c LEFT JOIN gate_leases AS g ON g.account_id = c.account_id
WHERE c.account_id = ?1 ORDER BY g.created_at, g.lease_id;

-- name: load_late_leases
-- The account's last change, and the leases that have not acknowledged it or are ending, at one instant.
SELECT c.last_change, g.lease_id, g.milliseconds, g.acknowledged, g.renewals, g.is_ending
FROM counters AS c LEFT JOIN gate_leases AS g
    ON g.account_id = c.account_id AND (g.acknowledged < c.last_change OR g.is_ending = 1)
WHERE c.account_id = ?1;

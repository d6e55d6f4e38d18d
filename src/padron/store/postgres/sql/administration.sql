-- What is administered in an account: its keys, and the record of what was done. Both engines' files have the same names
-- in the same order.

-- name: lock_key_holder
-- The lock to administer, so that two transactions cannot pass a limit together, or take the same number.
SELECT account_id FROM accounts WHERE account_id = $1 FOR NO KEY UPDATE;

-- name: find_api_key
-- One key, whatever has become of it and of its account.
SELECT account_id, key_id, label, scopes, networks, secret_sha256, created_at, expires_at, revoked_at, last_used_at,
    last_used_from, replaced_by, requests_per_s
FROM api_keys WHERE account_id = $1 AND key_id = $2;

-- name: find_active_role
-- The role of a member who may sign in.
SELECT members.role FROM members JOIN users ON users.user_id = members.user_id
WHERE members.account_id = $1 AND members.user_id = $2 AND members.suspended_at IS NULL AND users.disabled_at IS NULL
    AND users.erased_at IS NULL;

-- name: list_api_keys
-- An account's keys, oldest first, after one of them.
SELECT account_id, key_id, label, scopes, networks, secret_sha256, created_at, expires_at, revoked_at, last_used_at,
    last_used_from, replaced_by, requests_per_s
FROM api_keys WHERE account_id = $1 AND (created_at, key_id) > ($2, $3) ORDER BY created_at, key_id LIMIT $4;

-- name: count_keys
-- How many of an account's keys are neither revoked nor expired at an instant, and how many keys there are.
SELECT count(*) FILTER (WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)), count(*)
FROM api_keys WHERE account_id = $1;

-- name: delete_ended_keys
-- Deletes the oldest keys that were revoked or have expired at an instant.
DELETE FROM api_keys WHERE account_id = $1 AND key_id IN (
    SELECT key_id FROM api_keys WHERE account_id = $1 AND (revoked_at IS NOT NULL OR expires_at <= $2)
    ORDER BY created_at, key_id LIMIT $3);

-- name: insert_api_key
-- A new key.
INSERT INTO api_keys (account_id, key_id, label, scopes, networks, secret_sha256, created_at, expires_at,
    requests_per_s)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: save_api_key
-- What can be changed of a key.
UPDATE api_keys SET label = $3, networks = $4, expires_at = $5, requests_per_s = $6
WHERE account_id = $1 AND key_id = $2;

-- name: revoke_api_key
-- Revokes a key. The first revocation counts.
UPDATE api_keys SET revoked_at = coalesce(revoked_at, $3) WHERE account_id = $1 AND key_id = $2 RETURNING key_id;

-- name: replace_api_key
-- Lets a key end at an instant, or before if it ends before, and names the key that replaces it.
UPDATE api_keys SET replaced_by = $3,
    expires_at = CASE WHEN expires_at < $4 THEN expires_at ELSE $4 END
WHERE account_id = $1 AND key_id = $2 AND replaced_by IS NULL AND revoked_at IS NULL RETURNING key_id;

-- name: insert_act
-- One more act, with the account's next number. The account is locked. The row of counters is there for Citus, which
-- takes no subselect in VALUES, and sends what comes from one account's table to that account's node.
INSERT INTO administration (account_id, number, type, acted_at, acted_by, request_id, subject, details)
SELECT c.account_id, 1 + coalesce((SELECT max(a.number) FROM administration AS a WHERE a.account_id = $1), 0),
    $2::text, $3::timestamptz, $4::text, $5::text, $6::text, $7::text
FROM counters AS c WHERE c.account_id = $1
RETURNING number;

-- name: delete_acts
-- Deletes the acts up to a number.
DELETE FROM administration WHERE account_id = $1 AND number <= $2;

-- name: list_acts
-- Acts with a lower number, newest first.
SELECT number, type, acted_at, acted_by, request_id, subject, details
FROM administration WHERE account_id = $1 AND number < $2 ORDER BY number DESC LIMIT $3;

-- name: find_overview
-- An account, and how much it has of what is limited: vehicles, keys that are usable at an instant, and so on.
SELECT a.account_id, a.name, a.created_at,
    coalesce((SELECT c.vehicle_count FROM counters AS c WHERE c.account_id = $1), 0) AS vehicle_count,
    (SELECT count(*) FROM api_keys AS k
        WHERE k.account_id = $1 AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > $2)) AS key_count,
    (SELECT count(*) FROM webhook_endpoints AS w WHERE w.account_id = $1) AS webhook_count,
    (SELECT count(*) FROM operations AS o WHERE o.account_id = $1) AS operation_count
FROM accounts AS a WHERE a.account_id = $1;

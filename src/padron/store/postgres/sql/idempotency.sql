-- The statements on Idempotency-Keys. Both engines' files have the same names in the same order.

-- name: insert_key
-- A key that was not sent before.
INSERT INTO idempotency_keys (account_id, actor, key, fingerprint, state, attempt, lease_until, expires_at)
VALUES ($1, $2, $3, $4, 'open', $5, $6, $7) ON CONFLICT (account_id, actor, key) DO NOTHING RETURNING key;

-- name: lock_key
-- One key, with its answer.
SELECT fingerprint, state, lease_until, expires_at, request_id, status, headers, body FROM idempotency_keys
WHERE account_id = $1 AND actor = $2 AND key = $3 FOR UPDATE;

-- name: claim_key
-- Gives a key to another attempt, if the key has expired or its process seems to have ended.
UPDATE idempotency_keys SET fingerprint = $4, state = 'open', attempt = $5, lease_until = $6, expires_at = $7,
    request_id = NULL, status = NULL, headers = NULL, body = NULL
WHERE account_id = $1 AND actor = $2 AND key = $3;

-- name: mark_key
-- Notes that the attempt's work is committed.
UPDATE idempotency_keys SET state = 'done'
WHERE account_id = $1 AND actor = $2 AND key = $3 AND attempt = $4 AND state <> 'answered' RETURNING key;

-- name: answer_key
-- The attempt's answer.
UPDATE idempotency_keys SET state = 'answered', request_id = $5, status = $6, headers = $7, body = $8
WHERE account_id = $1 AND actor = $2 AND key = $3 AND attempt = $4 AND state <> 'answered' RETURNING key;

-- name: release_key
-- Forgets the key of an attempt that committed nothing and has no answer to keep.
DELETE FROM idempotency_keys
WHERE account_id = $1 AND actor = $2 AND key = $3 AND attempt = $4 AND state = 'open' RETURNING key;

-- name: delete_expired_keys
-- Deletes some expired keys, and gives the sizes of their answers.
DELETE FROM idempotency_keys WHERE account_id = $1 AND (actor, key) IN (
    SELECT actor, key FROM idempotency_keys WHERE account_id = $1 AND expires_at <= $2 ORDER BY expires_at LIMIT $3
    FOR UPDATE SKIP LOCKED)
RETURNING coalesce(length(body), 0);

-- name: add_key_totals
-- The number of an account's keys, and the size of their answers.
INSERT INTO idempotency_totals (account_id, key_count, byte_count) VALUES ($1, $2, $3)
ON CONFLICT (account_id) DO UPDATE SET key_count = idempotency_totals.key_count + excluded.key_count,
    byte_count = idempotency_totals.byte_count + excluded.byte_count
RETURNING key_count, byte_count;

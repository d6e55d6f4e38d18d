-- Accounts, their API keys, and the register's epoch. Both engines' files have the same names in the same order.
-- Only these statements and the boards cross accounts.

-- name: find_epoch
-- The name of the register's present life.
SELECT epoch FROM register;

-- name: renew_epoch
-- A new life of the register. From now on the server refuses cursors of the earlier life.
UPDATE register SET epoch = $1;

-- name: try_to_write
-- Changes nothing. It finds out whether the database takes writes again after one failed.
UPDATE register SET epoch = epoch;

-- name: insert_account
-- A new account.
INSERT INTO accounts (name, created_at) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING RETURNING account_id;

-- name: insert_counter
-- A new account's change counter.
INSERT INTO counters (account_id, last_change) VALUES ($1, 0);

-- name: list_accounts
-- All accounts, by name.
SELECT account_id, name, created_at FROM accounts ORDER BY name;

-- name: find_account
-- The account with a name.
SELECT account_id, name, created_at FROM accounts WHERE name = $1;

-- name: lock_key_holder
-- The lock to add a key, so that two concurrent transactions cannot pass the limit together.
SELECT account_id FROM accounts WHERE account_id = $1 FOR NO KEY UPDATE;

-- name: count_usable_keys
-- The number of an account's keys that are neither revoked nor expired at an instant.
SELECT count(*) FROM api_keys
WHERE account_id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2);

-- name: insert_api_key
-- A new key.
INSERT INTO api_keys (account_id, key_id, label, scopes, secret_sha256, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: list_api_keys
-- An account's keys, oldest first.
SELECT account_id, key_id, label, scopes, secret_sha256, created_at, expires_at, revoked_at, last_used_at
FROM api_keys WHERE account_id = $1 ORDER BY created_at, key_id;

-- name: list_usable_secrets
-- The digests of the secrets of keys that are usable at an instant, the key that was used last first.
SELECT key_id, secret_sha256 FROM api_keys
WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $1)
ORDER BY last_used_at DESC NULLS LAST, key_id LIMIT $2;

-- name: find_api_key
-- One key.
SELECT account_id, key_id, label, scopes, secret_sha256, created_at, expires_at, revoked_at, last_used_at
FROM api_keys WHERE account_id = $1 AND key_id = $2;

-- name: find_api_keys
-- Several keys, of any accounts.
SELECT k.account_id, k.key_id, k.label, k.scopes, k.secret_sha256, k.created_at, k.expires_at, k.revoked_at,
    k.last_used_at
FROM unnest($1::bigint[], $2::text[]) AS asked (account_id, key_id) JOIN api_keys AS k USING (account_id, key_id);

-- name: revoke_api_key
-- Revokes a key. The first revocation counts.
UPDATE api_keys SET revoked_at = coalesce(revoked_at, $1) WHERE account_id = $2 AND key_id = $3 RETURNING key_id;

-- name: touch_api_key
-- Notes when a key was last used.
UPDATE api_keys SET last_used_at = $1 WHERE account_id = $2 AND key_id = $3;

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
SELECT account_id, name, created_at, disabled_at, deleting_at FROM accounts ORDER BY name;

-- name: find_account
-- The account with a name.
SELECT account_id, name, created_at, disabled_at, deleting_at FROM accounts WHERE name = $1;

-- name: list_usable_secrets
-- The digests of the secrets of keys that are usable at an instant, the key that was used last first.
SELECT k.key_id, k.secret_sha256 FROM api_keys AS k JOIN accounts AS a USING (account_id)
WHERE a.disabled_at IS NULL AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > $1)
ORDER BY k.last_used_at DESC NULLS LAST, k.key_id LIMIT $2;

-- name: find_enabled_api_key
-- One key, unless its account is disabled.
SELECT k.account_id, k.key_id, k.label, k.scopes, k.networks, k.secret_sha256, k.created_at, k.expires_at,
    k.revoked_at, k.last_used_at, k.last_used_from, k.replaced_by, k.requests_per_s
FROM api_keys AS k JOIN accounts AS a USING (account_id)
WHERE k.account_id = $1 AND k.key_id = $2 AND a.disabled_at IS NULL;

-- name: find_enabled_api_keys
-- Several keys, of any accounts that are not disabled.
SELECT k.account_id, k.key_id, k.label, k.scopes, k.networks, k.secret_sha256, k.created_at, k.expires_at,
    k.revoked_at, k.last_used_at, k.last_used_from, k.replaced_by, k.requests_per_s
FROM unnest($1::bigint[], $2::text[]) AS asked (account_id, key_id) JOIN api_keys AS k USING (account_id, key_id)
JOIN accounts AS a USING (account_id)
WHERE a.disabled_at IS NULL;

-- name: touch_api_key
-- Notes when, and from which address, a key was last used.
UPDATE api_keys SET last_used_at = $1, last_used_from = $2 WHERE account_id = $3 AND key_id = $4;

-- name: rename_account
-- Gives an account another name, unless another account has it.
UPDATE accounts SET name = $2
WHERE account_id = $1 AND NOT EXISTS (SELECT 1 FROM accounts WHERE name = $2 AND account_id <> $1)
RETURNING account_id;

-- name: disable_account
-- Disables an account. The first instant counts.
UPDATE accounts SET disabled_at = coalesce(disabled_at, $2) WHERE account_id = $1 RETURNING account_id;

-- name: enable_account
-- Enables an account, unless it is being deleted.
UPDATE accounts SET disabled_at = NULL WHERE account_id = $1 AND deleting_at IS NULL RETURNING account_id;

-- name: release_endpoints
-- Takes an account's webhooks from the workers that have them. A worker notices it before its next transaction.
UPDATE webhook_endpoints SET lease_holder = NULL, lease_until = NULL
WHERE account_id = $1 AND lease_holder IS NOT NULL;

-- name: release_imports
-- Takes an account's running import from the worker that has it, which then writes nothing more.
UPDATE imports SET attempt = attempt + 1, lease_holder = NULL, lease_until = NULL
WHERE account_id = $1 AND state = 'running';

-- name: find_enabled_account
-- Whether an account is enabled: one row, or none.
SELECT account_id FROM accounts WHERE account_id = $1 AND disabled_at IS NULL;

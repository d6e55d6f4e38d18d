-- contract
-- Accounts can be disabled and deleted. Keys can be replaced, and be bound to networks, which are words between spaces.
ALTER TABLE accounts ADD COLUMN disabled_at INTEGER;
ALTER TABLE accounts ADD COLUMN deleting_at INTEGER;
CREATE INDEX accounts_disabled ON accounts (account_id) WHERE disabled_at IS NOT NULL;
ALTER TABLE api_keys ADD COLUMN networks TEXT NOT NULL DEFAULT '';
ALTER TABLE api_keys ADD COLUMN last_used_from TEXT;
ALTER TABLE api_keys ADD COLUMN replaced_by TEXT;

-- Accounts that were deleted: nothing of them but their numbers, which no later account gets.
CREATE TABLE former_accounts (
    former_id INTEGER PRIMARY KEY,
    created_at INTEGER NOT NULL,
    deleted_at INTEGER NOT NULL
) STRICT;

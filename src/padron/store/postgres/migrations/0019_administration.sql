-- contract
-- Accounts can be disabled and deleted. Keys can be replaced, and be bound to networks, which are words between spaces.
ALTER TABLE accounts ADD COLUMN disabled_at timestamptz;
ALTER TABLE accounts ADD COLUMN deleting_at timestamptz;
CREATE INDEX accounts_disabled ON accounts (account_id) WHERE disabled_at IS NOT NULL;
ALTER TABLE api_keys ADD COLUMN networks text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE api_keys ADD COLUMN last_used_from text COLLATE "C";
ALTER TABLE api_keys ADD COLUMN replaced_by text COLLATE "C";

-- Accounts that were deleted: nothing of them but their numbers, which no later account gets.
CREATE TABLE former_accounts (
    former_id bigint PRIMARY KEY,
    created_at timestamptz NOT NULL,
    deleted_at timestamptz NOT NULL
);

-- The instant of an account's last change, which no later change may go before.
ALTER TABLE counters ADD COLUMN last_at INTEGER NOT NULL DEFAULT 0;
UPDATE counters SET last_at = coalesce(
    (SELECT max(updated_at) FROM vehicles WHERE vehicles.account_id = counters.account_id), 0);

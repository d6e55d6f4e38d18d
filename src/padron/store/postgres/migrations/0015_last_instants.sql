-- The instant of an account's last change, which no later change may go before. The table's rows are not rewritten for
-- the new column, and each account's latest vehicle is found by an index.
ALTER TABLE counters ADD COLUMN last_at timestamptz NOT NULL DEFAULT '1970-01-01T00:00:00Z';
UPDATE counters AS c SET last_at = latest.at
FROM (SELECT account_id, (
        SELECT max(updated_at) FROM vehicles AS h WHERE h.account_id = k.account_id) AS at
    FROM counters AS k) AS latest
WHERE latest.account_id = c.account_id AND latest.at IS NOT NULL;

-- contract
-- Work on many vehicles has a scope of its own. Whoever could do it keeps the right, so that no client breaks.
UPDATE api_keys SET scopes = scopes || ' vehicles:bulk'
WHERE (' ' || scopes || ' ' LIKE '% vehicles:status %' OR ' ' || scopes || ' ' LIKE '% vehicles:write %'
    OR ' ' || scopes || ' ' LIKE '% vehicles:delete %') AND ' ' || scopes || ' ' NOT LIKE '% vehicles:bulk %';

-- A key may have a rate of its own, below the server's.
ALTER TABLE api_keys ADD COLUMN requests_per_s INTEGER;

-- Who administered what in an account, and when. No secret is in the details, which are JSON.
CREATE TABLE administration (
    account_id INTEGER NOT NULL REFERENCES accounts,
    number INTEGER NOT NULL,
    type TEXT NOT NULL,
    acted_at INTEGER NOT NULL,
    acted_by TEXT NOT NULL,
    request_id TEXT,
    subject TEXT NOT NULL,
    details TEXT NOT NULL,
    PRIMARY KEY (account_id, number)
) STRICT, WITHOUT ROWID;

-- contract
-- Work on many vehicles has a scope of its own. Whoever could do it keeps the right, so that no client breaks.
UPDATE api_keys SET scopes = scopes || ' vehicles:bulk'
WHERE (' ' || scopes || ' ' LIKE '% vehicles:status %' OR ' ' || scopes || ' ' LIKE '% vehicles:write %'
    OR ' ' || scopes || ' ' LIKE '% vehicles:delete %') AND ' ' || scopes || ' ' NOT LIKE '% vehicles:bulk %';

-- A key may have a rate of its own, below the server's.
ALTER TABLE api_keys ADD COLUMN requests_per_s integer;

-- Who administered what in an account, and when. No secret is in the details, which are JSON.
CREATE TABLE administration (
    account_id bigint NOT NULL REFERENCES accounts,
    number bigint NOT NULL,
    type text COLLATE "C" NOT NULL,
    acted_at timestamptz NOT NULL,
    acted_by text COLLATE "C" NOT NULL,
    request_id text COLLATE "C",
    subject text COLLATE "C" NOT NULL,
    details text COLLATE "C" NOT NULL,
    PRIMARY KEY (account_id, number)
);

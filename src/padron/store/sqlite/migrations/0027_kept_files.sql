-- expand
-- A file that is uploaded to be looked at first: kept_until says until when. An import of it has it as its source.
ALTER TABLE imports ADD COLUMN source_id INTEGER;
ALTER TABLE imports ADD COLUMN kept_until INTEGER;

-- How an account mapped the columns of a file: for the next file with the same names.
CREATE TABLE import_mappings (
    account_id INTEGER NOT NULL REFERENCES accounts,
    fingerprint TEXT NOT NULL,
    mapping TEXT NOT NULL,
    used_at INTEGER NOT NULL,
    PRIMARY KEY (account_id, fingerprint)
) STRICT, WITHOUT ROWID;

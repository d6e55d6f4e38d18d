-- expand
-- A file that is uploaded to be looked at first: kept_until says until when. An import of it has it as its source.
ALTER TABLE imports ADD COLUMN source_id bigint;
ALTER TABLE imports ADD COLUMN kept_until timestamptz;

-- How an account mapped the columns of a file: for the next file with the same names.
CREATE TABLE import_mappings (
    account_id bigint NOT NULL REFERENCES accounts,
    fingerprint text COLLATE "C" NOT NULL,
    mapping text COLLATE "C" NOT NULL,
    used_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, fingerprint)
);

-- contract
-- Leases of local gates, and whether deactivations of an account wait for them. A server of an earlier version would
-- not wait. strict_gates counts how often this was switched: 0 is off, 1 on, 2 ending, 3 off again, and so on.
ALTER TABLE counters ADD COLUMN strict_gates bigint NOT NULL DEFAULT 0;

-- A lease ends when its renewals do not change for its time, by the clock of a server that looks. acknowledged is the
-- last change that its holder has applied. One that is ending takes no renewal.
CREATE TABLE gate_leases (
    account_id bigint NOT NULL REFERENCES accounts,
    lease_id text COLLATE "C" NOT NULL,
    name text COLLATE "C",
    milliseconds integer NOT NULL,
    created_by text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL,
    acknowledged bigint NOT NULL,
    renewals bigint NOT NULL,
    is_ending boolean NOT NULL,
    PRIMARY KEY (account_id, lease_id)
) WITH (fillfactor = 50);

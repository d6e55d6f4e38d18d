-- expand
-- Everybody who is or was a member of an account: its record may name them, also after they left.
CREATE TABLE known_people (
    account_id bigint NOT NULL REFERENCES accounts,
    user_id text COLLATE "C" NOT NULL,
    PRIMARY KEY (account_id, user_id)
);

INSERT INTO known_people (account_id, user_id) SELECT account_id, user_id FROM members;

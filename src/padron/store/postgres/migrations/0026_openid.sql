-- expand
-- Who somebody is at an identity provider, the memberships that come from there, and sign-ins that have not come back.
CREATE TABLE user_identities (
    issuer text COLLATE "C" NOT NULL,
    subject text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL REFERENCES users,
    linked_at timestamptz NOT NULL,
    used_at timestamptz NOT NULL,
    PRIMARY KEY (issuer, subject)
);

CREATE INDEX user_identities_by_user ON user_identities (user_id);

CREATE TABLE provided_members (
    account_id bigint NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    issuer text COLLATE "C" NOT NULL,
    PRIMARY KEY (account_id, user_id),
    FOREIGN KEY (account_id, user_id) REFERENCES members ON DELETE CASCADE
);

CREATE INDEX provided_members_by_user ON provided_members (user_id);

CREATE TABLE pending_sign_ins (
    state_sha256 bytea PRIMARY KEY,
    provider text COLLATE "C" NOT NULL,
    wanted text COLLATE "C" NOT NULL,
    expires_at timestamptz NOT NULL
);

CREATE INDEX pending_sign_ins_by_end ON pending_sign_ins (expires_at);

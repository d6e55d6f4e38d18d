-- expand
-- Who somebody is at an identity provider, the memberships that come from there, and sign-ins that have not come back.
CREATE TABLE user_identities (
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users,
    linked_at INTEGER NOT NULL,
    used_at INTEGER NOT NULL,
    PRIMARY KEY (issuer, subject)
) STRICT, WITHOUT ROWID;

CREATE INDEX user_identities_by_user ON user_identities (user_id);

CREATE TABLE provided_members (
    account_id INTEGER NOT NULL,
    user_id TEXT NOT NULL,
    issuer TEXT NOT NULL,
    PRIMARY KEY (account_id, user_id),
    FOREIGN KEY (account_id, user_id) REFERENCES members ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX provided_members_by_user ON provided_members (user_id);

CREATE TABLE pending_sign_ins (
    state_sha256 BLOB NOT NULL PRIMARY KEY,
    provider TEXT NOT NULL,
    wanted TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX pending_sign_ins_by_end ON pending_sign_ins (expires_at);

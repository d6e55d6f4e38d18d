-- expand
-- Passkeys of people, and what browsers were asked to sign. Neither belongs to an account.
CREATE TABLE passkeys (
    credential_id BLOB NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users,
    host TEXT NOT NULL,
    public_key BLOB NOT NULL,
    sign_count INTEGER NOT NULL,
    name TEXT NOT NULL,
    added_at INTEGER NOT NULL,
    used_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX passkeys_by_user ON passkeys (user_id);

CREATE TABLE passkey_challenges (
    challenge_sha256 BLOB NOT NULL PRIMARY KEY,
    network TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX passkey_challenges_by_network ON passkey_challenges (network);
CREATE INDEX passkey_challenges_by_end ON passkey_challenges (expires_at);

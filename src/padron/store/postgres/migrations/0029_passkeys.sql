-- expand
-- Passkeys of people, and what browsers were asked to sign. Neither belongs to an account.
CREATE TABLE passkeys (
    credential_id bytea PRIMARY KEY,
    user_id text COLLATE "C" NOT NULL REFERENCES users,
    host text COLLATE "C" NOT NULL,
    public_key bytea NOT NULL,
    sign_count bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    added_at timestamptz NOT NULL,
    used_at timestamptz
);

CREATE INDEX passkeys_by_user ON passkeys (user_id);

CREATE TABLE passkey_challenges (
    challenge_sha256 bytea PRIMARY KEY,
    network text COLLATE "C" NOT NULL,
    expires_at timestamptz NOT NULL
);

CREATE INDEX passkey_challenges_by_network ON passkey_challenges (network);
CREATE INDEX passkey_challenges_by_end ON passkey_challenges (expires_at);

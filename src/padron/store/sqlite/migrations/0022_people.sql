-- expand
-- People, their membership of accounts, their sessions, the links that open one, and the record of who signed in.
-- Of a token there is only the SHA-256 digest. An actor is the id of a person, which begins with u, or of a key.
CREATE TABLE users (
    user_id TEXT NOT NULL PRIMARY KEY,
    email TEXT UNIQUE,
    name TEXT,
    language TEXT,
    time_zone TEXT,
    password_hash TEXT,
    is_break_glass INTEGER NOT NULL CHECK (is_break_glass IN (0, 1)),
    created_at INTEGER NOT NULL,
    disabled_at INTEGER,
    erased_at INTEGER,
    password_changed_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE members (
    account_id INTEGER NOT NULL REFERENCES accounts,
    user_id TEXT NOT NULL REFERENCES users,
    role TEXT NOT NULL CHECK (role IN ('viewer', 'editor', 'manager', 'owner')),
    added_at INTEGER NOT NULL,
    PRIMARY KEY (account_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX members_by_user ON members (user_id);

CREATE TABLE sessions (
    token_sha256 BLOB NOT NULL PRIMARY KEY,
    session_id TEXT NOT NULL,
    actor TEXT NOT NULL,
    account_id INTEGER NOT NULL REFERENCES accounts,
    way TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    used_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    address TEXT NOT NULL,
    agent TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_by_actor ON sessions (actor, used_at);
CREATE INDEX sessions_by_account ON sessions (account_id);
CREATE INDEX sessions_by_end ON sessions (ends_at);

CREATE TABLE invitations (
    token_sha256 BLOB NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users,
    purpose TEXT NOT NULL CHECK (purpose IN ('invite', 'reset', 'sign-in')),
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX invitations_by_user ON invitations (user_id);
CREATE INDEX invitations_by_end ON invitations (expires_at);

CREATE TABLE sign_ins (
    number INTEGER PRIMARY KEY,
    actor TEXT,
    account_id INTEGER REFERENCES accounts,
    kind TEXT NOT NULL,
    way TEXT,
    at INTEGER NOT NULL,
    address TEXT NOT NULL,
    agent TEXT NOT NULL
) STRICT;

CREATE INDEX sign_ins_by_actor ON sign_ins (actor, number);
CREATE INDEX sign_ins_by_account ON sign_ins (account_id, number);
CREATE INDEX sign_ins_by_time ON sign_ins (at);

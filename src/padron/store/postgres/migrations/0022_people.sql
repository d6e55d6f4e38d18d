-- expand
-- People, their membership of accounts, their sessions, the links that open one, and the record of who signed in.
-- Of a token there is only the SHA-256 digest. An actor is the id of a person, which begins with u, or of a key.
CREATE TABLE users (
    user_id text COLLATE "C" PRIMARY KEY,
    email text COLLATE "C" UNIQUE,
    name text COLLATE "C",
    language text COLLATE "C",
    time_zone text COLLATE "C",
    password_hash text COLLATE "C",
    is_break_glass boolean NOT NULL,
    created_at timestamptz NOT NULL,
    disabled_at timestamptz,
    erased_at timestamptz,
    password_changed_at timestamptz
);

CREATE TABLE members (
    account_id bigint NOT NULL REFERENCES accounts,
    user_id text COLLATE "C" NOT NULL REFERENCES users,
    role text COLLATE "C" NOT NULL CHECK (role IN ('viewer', 'editor', 'manager', 'owner')),
    added_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, user_id)
);

CREATE INDEX members_by_user ON members (user_id);

CREATE TABLE sessions (
    token_sha256 bytea PRIMARY KEY,
    session_id text COLLATE "C" NOT NULL,
    actor text COLLATE "C" NOT NULL,
    account_id bigint NOT NULL REFERENCES accounts,
    way text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL,
    used_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    address text COLLATE "C" NOT NULL,
    agent text COLLATE "C" NOT NULL
);

CREATE INDEX sessions_by_actor ON sessions (actor, used_at);
CREATE INDEX sessions_by_account ON sessions (account_id);
CREATE INDEX sessions_by_end ON sessions (ends_at);

CREATE TABLE invitations (
    token_sha256 bytea PRIMARY KEY,
    user_id text COLLATE "C" NOT NULL REFERENCES users,
    purpose text COLLATE "C" NOT NULL CHECK (purpose IN ('invite', 'reset', 'sign-in')),
    created_by text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);

CREATE INDEX invitations_by_user ON invitations (user_id);
CREATE INDEX invitations_by_end ON invitations (expires_at);

CREATE TABLE sign_ins (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    actor text COLLATE "C",
    account_id bigint REFERENCES accounts,
    kind text COLLATE "C" NOT NULL,
    way text COLLATE "C",
    at timestamptz NOT NULL,
    address text COLLATE "C" NOT NULL,
    agent text COLLATE "C" NOT NULL
);

CREATE INDEX sign_ins_by_actor ON sign_ins (actor, number);
CREATE INDEX sign_ins_by_account ON sign_ins (account_id, number);
CREATE INDEX sign_ins_by_time ON sign_ins (at);

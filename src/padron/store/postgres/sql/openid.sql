-- Who somebody is at an identity provider. Both engines' files have the same names in the same order. All of these
-- belong to the server, not to an account.

-- name: insert_pending_sign_in
-- A sign-in that has gone to a provider. No row, when too many have.
INSERT INTO pending_sign_ins (state_sha256, provider, wanted, expires_at)
SELECT $1::bytea, $2::text, $3::text, $4::timestamptz WHERE (SELECT count(*) FROM pending_sign_ins) < $5::bigint RETURNING expires_at;

-- name: take_pending_sign_in
-- A sign-in that comes back, which it can do once.
DELETE FROM pending_sign_ins WHERE state_sha256 = $1 RETURNING provider, wanted, expires_at;

-- name: delete_ended_pending_sign_ins
-- Those that did not come back by an instant.
DELETE FROM pending_sign_ins WHERE expires_at <= $1;

-- name: find_user_identity
-- The person behind an identity.
SELECT user_id FROM user_identities WHERE issuer = $1 AND subject = $2;

-- name: insert_user_identity
-- A new identity of a person. No row, when it is known.
INSERT INTO user_identities (issuer, subject, user_id, linked_at, used_at) VALUES ($1, $2, $3, $4, $4)
ON CONFLICT (issuer, subject) DO NOTHING RETURNING user_id;

-- name: touch_user_identity
-- Notes when an identity was last used.
UPDATE user_identities SET used_at = $3 WHERE issuer = $1 AND subject = $2;

-- name: delete_user_identities
-- Takes all identities of a person away.
DELETE FROM user_identities WHERE user_id = $1;

-- name: list_provided_members
-- The accounts in which a person is because an issuer says so.
SELECT account_id FROM provided_members WHERE user_id = $1 AND issuer = $2 ORDER BY account_id;

-- name: insert_provided_member
-- Notes that a new membership comes from an issuer.
INSERT INTO provided_members (account_id, user_id, issuer) VALUES ($1, $2, $3);

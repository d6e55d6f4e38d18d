-- Passkeys, and what browsers were asked to sign. Both engines' files have the same names in the same order. All of
-- these belong to the server, not to an account.

-- name: insert_passkey
-- A new passkey. No row, when it is known.
INSERT INTO passkeys (credential_id, user_id, host, public_key, sign_count, name, added_at, used_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (credential_id) DO NOTHING RETURNING credential_id;

-- name: find_passkey
-- One passkey.
SELECT credential_id, user_id, host, public_key, sign_count, name, added_at, used_at FROM passkeys
WHERE credential_id = ?1;

-- name: list_passkeys
-- The passkeys of a person, the oldest first.
SELECT credential_id, user_id, host, public_key, sign_count, name, added_at, used_at FROM passkeys
WHERE user_id = ?1 ORDER BY added_at, credential_id;

-- name: touch_passkey
-- Notes the use of a passkey, with the count that it gave.
UPDATE passkeys SET sign_count = ?2, used_at = ?3 WHERE credential_id = ?1;

-- name: delete_passkey
-- Takes a passkey of a person away. No row, when the person does not have it.
DELETE FROM passkeys WHERE credential_id = ?1 AND user_id = ?2 RETURNING credential_id;

-- name: delete_passkeys
-- Takes all passkeys of a person away.
DELETE FROM passkeys WHERE user_id = ?1 RETURNING credential_id;

-- name: list_identity_issuers
-- The providers at which a person has an identity.
SELECT issuer FROM user_identities WHERE user_id = ?1;

-- name: hold_session
-- A session of a person that has not been ended, held until the end of the transaction.
SELECT session_id FROM sessions WHERE actor = ?1 AND session_id = ?2;

-- name: insert_passkey_challenge
-- What a browser is asked to sign. No row, when its network or all together have too many.
INSERT INTO passkey_challenges (challenge_sha256, network, expires_at)
SELECT ?1, ?2, ?3
WHERE (SELECT count(*) FROM passkey_challenges WHERE network = ?2) < ?4
    AND (SELECT count(*) FROM passkey_challenges) < ?5
RETURNING expires_at;

-- name: take_passkey_challenge
-- What a browser signed, which it can do once.
DELETE FROM passkey_challenges WHERE challenge_sha256 = ?1 RETURNING expires_at;

-- name: delete_ended_passkey_challenges
-- Those that nobody signed by an instant.
DELETE FROM passkey_challenges WHERE expires_at <= ?1;

-- Sessions, the links that open one, and the record of who signed in. Both engines' files have the same names in the
-- same order. All of these belong to the server, not to an account.

-- name: find_session
-- A live session with whom it belongs to: a row for each account of a person that is enabled, or one row for a key.
-- No row, when the person is disabled, the key is revoked or has ended, or no account is left.
SELECT s.session_id, s.actor, s.account_id, s.way, s.created_at, s.used_at, s.ends_at, s.address, s.agent,
    u.user_id, u.email, u.name, u.language, u.time_zone, u.theme, u.is_break_glass, u.created_at, u.disabled_at, u.erased_at,
    u.password_changed_at,
    k.label, k.scopes, k.networks, a.account_id, a.name AS account_name, m.role,
    m.suspended_at
FROM sessions AS s
LEFT JOIN users AS u ON u.user_id = s.actor AND u.disabled_at IS NULL AND u.erased_at IS NULL
LEFT JOIN members AS m ON m.user_id = u.user_id AND m.suspended_at IS NULL
LEFT JOIN api_keys AS k ON k.account_id = s.account_id AND k.key_id = s.actor AND k.revoked_at IS NULL
    AND (k.expires_at IS NULL OR k.expires_at > ?2)
JOIN accounts AS a ON a.account_id = coalesce(m.account_id, k.account_id) AND a.disabled_at IS NULL
WHERE s.token_sha256 = ?1 AND s.ends_at > ?2 AND s.used_at > ?3 ORDER BY a.name;

-- name: insert_session
-- A new session.
INSERT INTO sessions (token_sha256, session_id, actor, account_id, way, created_at, used_at, ends_at, address, agent)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10);

-- name: end_surplus_sessions
-- Ends the sessions of an actor that are more than a number: those that were not used for longest.
DELETE FROM sessions WHERE token_sha256 IN (
    SELECT token_sha256 FROM sessions WHERE actor = ?1 ORDER BY used_at DESC, token_sha256 LIMIT 1000 OFFSET ?2);

-- name: touch_session
-- Notes when, and from where, a session was last used.
UPDATE sessions SET used_at = ?2, address = ?3, agent = ?4 WHERE token_sha256 = ?1 AND used_at < ?2;

-- name: move_session
-- Chooses another account for a session of a person, who must be a member of it.
UPDATE sessions SET account_id = ?3
WHERE actor = ?1 AND session_id = ?2
    AND EXISTS (SELECT 1 FROM members AS m WHERE m.account_id = ?3 AND m.user_id = ?1 AND m.suspended_at IS NULL)
RETURNING session_id;

-- name: list_sessions
-- The live sessions of an actor, the one that was used last first.
SELECT session_id, actor, account_id, way, created_at, used_at, ends_at, address, agent FROM sessions
WHERE actor = ?1 AND ends_at > ?2 AND used_at > ?3 ORDER BY used_at DESC, session_id;

-- name: count_sessions
-- For the operator: the live sessions of everybody, up to a number.
SELECT count(*) FROM (SELECT 1 FROM sessions WHERE ends_at > ?1 AND used_at > ?2 LIMIT ?3) AS alive;

-- name: end_session
-- Ends one session of an actor.
DELETE FROM sessions WHERE actor = ?1 AND session_id = ?2 RETURNING session_id;

-- name: end_other_sessions
-- Ends all sessions of an actor but one; none has an empty id.
DELETE FROM sessions WHERE actor = ?1 AND session_id <> ?2 RETURNING session_id;

-- name: end_sessions_in_account
-- Ends the sessions in which an actor is in an account.
DELETE FROM sessions WHERE actor = ?1 AND account_id = ?2;

-- name: delete_ended_sessions
-- A portion of the sessions that ended by an instant.
DELETE FROM sessions WHERE token_sha256 IN (
    SELECT token_sha256 FROM sessions WHERE ends_at <= ?1 ORDER BY ends_at LIMIT ?2)
RETURNING 1;

-- name: insert_invitation
-- A new link.
INSERT INTO invitations (token_sha256, user_id, purpose, created_by, created_at, expires_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6);

-- name: find_invitation
-- A link, used and expired ones included.
SELECT user_id, purpose, created_by, created_at, expires_at, used_at FROM invitations WHERE token_sha256 = ?1;

-- name: use_invitation
-- Uses a link. No row, when it was used before or is over.
UPDATE invitations SET used_at = ?2 WHERE token_sha256 = ?1 AND used_at IS NULL AND expires_at > ?2
RETURNING user_id;

-- name: delete_invitations
-- A person's links.
DELETE FROM invitations WHERE user_id = ?1;

-- name: delete_replaced_invitations
-- A person's unused links of the same use as a new one: to set a password, or to sign in without one.
DELETE FROM invitations
WHERE user_id = ?1 AND used_at IS NULL AND (purpose = 'sign-in') = (?2 = 'sign-in');

-- name: delete_unused_invitations
-- A person's links that were not used.
DELETE FROM invitations WHERE user_id = ?1 AND used_at IS NULL;

-- name: delete_ended_invitations
-- A portion of the links that were over by an instant.
DELETE FROM invitations WHERE token_sha256 IN (
    SELECT token_sha256 FROM invitations WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)
RETURNING 1;

-- name: insert_sign_in
-- An event.
INSERT INTO sign_ins (actor, account_id, kind, way, at, address, agent) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7);

-- name: list_sign_ins_of_actor
-- An actor's events before a number, the last one first.
SELECT number, actor, account_id, kind, way, at, address, agent FROM sign_ins
WHERE actor = ?1 AND number < ?2 ORDER BY number DESC LIMIT ?3;

-- name: list_sign_in_addresses
-- The addresses from which an actor signed in, by the actor's last events.
SELECT DISTINCT address FROM (
    SELECT kind, address FROM sign_ins WHERE actor = ?1 ORDER BY number DESC LIMIT ?2
) AS last WHERE kind = ?3;

-- name: list_sign_ins_of_account
-- The events of an account before a number, the last one first: who entered it, and what members tried in vain.
SELECT number, actor, account_id, kind, way, at, address, agent FROM (
    SELECT * FROM (
        SELECT * FROM sign_ins WHERE account_id = ?1 AND number < ?2 ORDER BY number DESC LIMIT ?3
    ) AS entered
    UNION ALL
    SELECT * FROM (
        SELECT e.* FROM members AS m JOIN sign_ins AS e ON e.actor = m.user_id
        WHERE m.account_id = ?1 AND e.account_id IS NULL AND e.number < ?2 ORDER BY e.number DESC LIMIT ?3
    ) AS tried
) AS found ORDER BY number DESC LIMIT ?3;

-- name: forget_sign_ins
-- Takes an erased person's addresses and browsers out of the record. The facts stay.
UPDATE sign_ins SET address = '', agent = '' WHERE actor = ?1;

-- name: delete_old_sign_ins
-- A portion of the events before an instant.
DELETE FROM sign_ins WHERE number IN (SELECT number FROM sign_ins WHERE at < ?1 ORDER BY at LIMIT ?2)
RETURNING 1;

-- name: delete_surplus_sign_ins
-- A portion of the attempts by people whom the register does not know, but for the last ones.
DELETE FROM sign_ins WHERE number IN (
    SELECT number FROM sign_ins WHERE actor IS NULL ORDER BY number DESC LIMIT ?2 OFFSET ?1)
RETURNING 1;

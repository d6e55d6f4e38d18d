-- expand
-- Views of the list of vehicles that people saved, the view that each of them sees first, and the colours they chose.
CREATE TABLE saved_views (
    account_id INTEGER NOT NULL REFERENCES accounts,
    view_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    query TEXT NOT NULL,
    shown_columns TEXT NOT NULL,
    made_by TEXT NOT NULL,
    is_shared INTEGER NOT NULL CHECK (is_shared IN (0, 1)),
    is_default INTEGER NOT NULL CHECK (is_default IN (0, 1)),
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (account_id, view_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX saved_views_by_maker ON saved_views (made_by);
CREATE UNIQUE INDEX saved_views_default ON saved_views (account_id) WHERE is_default;

CREATE TABLE chosen_views (
    account_id INTEGER NOT NULL REFERENCES accounts,
    user_id TEXT NOT NULL,
    view_id INTEGER NOT NULL,
    PRIMARY KEY (account_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX chosen_views_by_user ON chosen_views (user_id);

ALTER TABLE users ADD COLUMN theme TEXT;

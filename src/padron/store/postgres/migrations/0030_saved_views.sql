-- expand
-- Views of the list of vehicles that people saved, the view that each of them sees first, and the colours they chose.
CREATE TABLE saved_views (
    account_id bigint NOT NULL REFERENCES accounts,
    view_id bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    query text COLLATE "C" NOT NULL,
    shown_columns text COLLATE "C" NOT NULL,
    made_by text COLLATE "C" NOT NULL,
    is_shared boolean NOT NULL,
    is_default boolean NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, view_id)
);

CREATE INDEX saved_views_by_maker ON saved_views (made_by);
CREATE UNIQUE INDEX saved_views_default ON saved_views (account_id) WHERE is_default;

CREATE TABLE chosen_views (
    account_id bigint NOT NULL REFERENCES accounts,
    user_id text COLLATE "C" NOT NULL,
    view_id bigint NOT NULL,
    PRIMARY KEY (account_id, user_id)
);

CREATE INDEX chosen_views_by_user ON chosen_views (user_id);

ALTER TABLE users ADD COLUMN theme text COLLATE "C";

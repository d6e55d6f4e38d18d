-- contract
-- The texts in which current vehicles are found, and an index of their grams: a row for each text, under the account
-- and the vehicle in one number. Triggers keep the index, so that no writer can forget it. The functions are the
-- program's own (searching.py). secure-delete removes the grams of a former text at once.
CREATE TABLE search_texts (
    account_id INTEGER NOT NULL,
    vehicle_id INTEGER NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (account_id, vehicle_id)
) STRICT, WITHOUT ROWID;

CREATE VIRTUAL TABLE search_index USING fts5 (grams, content = '', columnsize = 0, detail = none, tokenize = 'ascii');

CREATE TRIGGER search_texts_inserted AFTER INSERT ON search_texts BEGIN
    INSERT INTO search_index (rowid, grams)
    VALUES ((new.account_id << 40) | new.vehicle_id, search_grams(new.text, ''));
END;

CREATE TRIGGER search_texts_updated AFTER UPDATE OF text ON search_texts BEGIN
    INSERT INTO search_index (search_index, rowid, grams)
    VALUES ('delete', (old.account_id << 40) | old.vehicle_id, search_grams(old.text, new.text));
    INSERT INTO search_index (rowid, grams)
    VALUES ((new.account_id << 40) | new.vehicle_id, search_grams(new.text, old.text));
END;

CREATE TRIGGER search_texts_deleted AFTER DELETE ON search_texts BEGIN
    INSERT INTO search_index (search_index, rowid, grams)
    VALUES ('delete', (old.account_id << 40) | old.vehicle_id, search_grams(old.text, ''));
END;

INSERT INTO search_index (search_index, rank) VALUES ('secure-delete', 1);

INSERT INTO search_texts (account_id, vehicle_id, text)
SELECT account_id, vehicle_id, search_text(vin, details) FROM versions WHERE is_former = 0
ORDER BY account_id, vehicle_id;

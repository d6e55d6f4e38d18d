-- contract
-- The texts in which current vehicles are found, with their grams: numbers of three characters in a row, under a number
-- of the account and the vehicle's block (searching.py). The program fills the table for vehicles of before.
-- Without fastupdate every question would read what waits to be put into the index.
CREATE TABLE search_texts (
    account_id bigint NOT NULL,
    vehicle_id bigint NOT NULL,
    text text COLLATE "C" NOT NULL,
    grams integer[] NOT NULL,
    PRIMARY KEY (account_id, vehicle_id)
);

CREATE INDEX search_texts_by_gram ON search_texts USING gin (grams) WITH (fastupdate = off);

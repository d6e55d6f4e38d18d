-- The texts in which vehicles are found. Both engines' files have the same names in the same order.
-- Each statement names one account. Triggers keep the index of grams.

-- name: insert_search_text
-- A new vehicle's text.
INSERT INTO search_texts (account_id, vehicle_id, text) VALUES (?, ?, ?);

-- name: save_search_text
-- A vehicle's text after a change of core data. Mostly the text stays the same.
INSERT INTO search_texts (account_id, vehicle_id, text) VALUES (?1, ?2, ?3)
ON CONFLICT (account_id, vehicle_id) DO UPDATE SET text = excluded.text WHERE text <> excluded.text;

-- name: delete_search_text
-- A vehicle is former: nobody finds it any more.
DELETE FROM search_texts WHERE account_id = ?1 AND vehicle_id = ?2;

-- name: sample_texts
-- Texts spread over the account: at each place (?2), in parts of 200, the next one.
WITH ends AS MATERIALIZED (
    SELECT (SELECT min(vehicle_id) FROM search_texts WHERE account_id = ?1) AS first,
        (SELECT max(vehicle_id) FROM search_texts WHERE account_id = ?1) AS last)
SELECT (SELECT s.text FROM search_texts AS s
    WHERE s.account_id = ?1 AND s.vehicle_id >= e.first + (e.last - e.first) * p.value / 200
    ORDER BY s.vehicle_id LIMIT 1)
FROM ends AS e CROSS JOIN json_each(?2) AS p WHERE e.first IS NOT NULL;

-- name: propose_more
-- Whether the index proposes more vehicles than a limit. Their numbers are next to each other in the index, so counting
-- them takes little of the time that reading them takes. searching.py fills in the hooks.
SELECT count(*) > :limit FROM (
    SELECT 1 FROM search_index
    WHERE search_index MATCH ?2 AND rowid > (?1 << 40) AND rowid < ((?1 + 1) << 40) LIMIT :limit + 1);

-- name: propose_vehicles
-- Of the first vehicles after an id (?2) and before another one (?3) that may have all grams (?4), those whose text has
-- all words. The last row is how many were looked at, and the last one. searching.py fills in the hooks. The index is in
-- the order of the account and the vehicle, so it is read no further than needed.
WITH proposed AS MATERIALIZED (
    SELECT rowid & 1099511627775 AS vehicle_id FROM search_index
    WHERE search_index MATCH ?4 AND rowid > ((?1 << 40) | ?2) AND rowid < ((?1 << 40) | ?3)
    ORDER BY rowid :way LIMIT :limit)
SELECT p.vehicle_id, NULL FROM proposed AS p
CROSS JOIN search_texts AS s ON s.account_id = ?1 AND s.vehicle_id = p.vehicle_id
WHERE :words
UNION ALL
SELECT coalesce(:last(p.vehicle_id), 0), count(*) FROM proposed AS p;

-- name: sift_vehicles
-- The first vehicles of a list whose text has all words, of a bounded number that are looked at. The last row is the
-- last vehicle that was looked at; it is missing at the end of the list. searching.py fills in the hooks.
WITH looked AS MATERIALIZED (
    SELECT p.vehicle_id, p.began, p.sort_key, p.place,
        coalesce(:words, 0) AS is_hit
    FROM (SELECT q.*, row_number() OVER () AS place FROM (:page) AS q) AS p)
SELECT * FROM (
    SELECT p.vehicle_id, p.began, p.sort_key, 1 FROM looked AS p WHERE p.is_hit ORDER BY p.place LIMIT :limit) AS hits
UNION ALL
SELECT p.vehicle_id, p.began, p.sort_key, 0 FROM looked AS p WHERE p.place = :walked;

-- name: count_listed
-- The number of vehicles of a list, up to a bound, or of those whose text has all words. searching.py fills in the
-- hooks.
SELECT count(*) FROM (:page) AS p :words;

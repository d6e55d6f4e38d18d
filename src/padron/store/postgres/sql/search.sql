-- The texts in which vehicles are found. Both engines' files have the same names in the same order.
-- Each statement names one account.

-- name: insert_search_text
-- A new vehicle's text.
INSERT INTO search_texts (account_id, vehicle_id, text, grams) VALUES ($1, $2, $3, $4);

-- name: save_search_text
-- A vehicle's text after a change of core data. Mostly the text stays the same.
INSERT INTO search_texts AS s (account_id, vehicle_id, text, grams) VALUES ($1, $2, $3, $4)
ON CONFLICT (account_id, vehicle_id) DO UPDATE SET text = excluded.text, grams = excluded.grams
WHERE s.text <> excluded.text;

-- name: delete_search_text
-- A vehicle is former: nobody finds it any more.
DELETE FROM search_texts WHERE account_id = $1 AND vehicle_id = $2;

-- name: sample_texts
-- Texts spread over the account: at each place ($2), in parts of 200, the next one.
WITH ends AS MATERIALIZED (
    SELECT (SELECT min(vehicle_id) FROM search_texts WHERE account_id = $1) AS first,
        (SELECT max(vehicle_id) FROM search_texts WHERE account_id = $1) AS last)
SELECT (SELECT s.text FROM search_texts AS s
    WHERE s.account_id = $1 AND s.vehicle_id >= e.first + (e.last - e.first) * p.value / 200
    ORDER BY s.vehicle_id LIMIT 1)
FROM ends AS e CROSS JOIN unnest($2::bigint[]) AS p (value) WHERE e.first IS NOT NULL;

-- name: propose_more
-- Whether the index surely proposes more vehicles than a limit. Counting them would take as long as reading them, so
-- one block in some is looked at, and no block counts more than its part. searching.py fills in the hooks.
SELECT count(*) >= :needed FROM (
    SELECT FROM generate_series(0, (SELECT last_change >> 17 FROM counters WHERE account_id = $1)) AS b (block)
    CROSS JOIN LATERAL (
        SELECT FROM search_texts AS s WHERE s.account_id = $1 AND :grams LIMIT :most) AS found
    WHERE b.block % :step = :step / 2
    LIMIT :needed) AS looked_at;

-- name: propose_vehicles
-- Of the first vehicles after an id ($2) and before another one ($3) that may have all grams, those whose text has all
-- words. The last row is how many were looked at, and the last one. searching.py fills in the hooks. Each block of
-- vehicles is looked up by itself, because the index gives all rows of a gram at once, in no order. Where the pages of
-- the table must all be read from the disk, and no order is asked for, the time ends it. Then it says that there are
-- more.
WITH proposed AS MATERIALIZED (
    SELECT found.vehicle_id, found.text FROM
        (SELECT s.block FROM generate_series(:blocks) AS s (block) :while) AS b
    CROSS JOIN LATERAL (
        SELECT s.vehicle_id, s.text FROM search_texts AS s
        WHERE s.account_id = $1 AND :grams AND s.vehicle_id + 0 > $2 AND s.vehicle_id + 0 < $3
        :order) AS found
    LIMIT :limit)
SELECT s.vehicle_id, NULL::bigint FROM proposed AS s WHERE :words
UNION ALL
SELECT coalesce(:last(p.vehicle_id), 0), :count FROM proposed AS p;

-- name: sift_vehicles
-- The first vehicles of a list whose text has all words, of a bounded number that are looked at. The last row is the
-- last vehicle that was looked at; it is missing at the end of the list. searching.py fills in the hooks. When the time
-- is over, the rest is not looked at. If the clock is set back meanwhile, the first one of the rest counts.
WITH looked AS MATERIALIZED (
    SELECT p.vehicle_id, p.began, p.sort_key, p.place,
        CASE WHEN p.place = 1 OR clock_timestamp() < statement_timestamp() + :seconds::float8 * interval '1 s'
        THEN coalesce(:words, false) END AS is_hit
    FROM (SELECT q.*, row_number() OVER () AS place FROM (:page) AS q) AS p),
ends AS MATERIALIZED (
    SELECT coalesce(min(p.place), :walked + 1) - 1 AS place FROM looked AS p WHERE p.is_hit IS NULL)
SELECT * FROM (
    SELECT p.vehicle_id, p.began, p.sort_key, 1 FROM looked AS p
    WHERE p.is_hit AND p.place <= (SELECT e.place FROM ends AS e) ORDER BY p.place LIMIT :limit) AS hits
UNION ALL
SELECT p.vehicle_id, p.began, p.sort_key, 0 FROM looked AS p WHERE p.place = (SELECT e.place FROM ends AS e);

-- name: count_listed
-- The number of vehicles of a list, up to a bound, or of those whose text has all words. searching.py fills in the
-- hooks.
SELECT count(*) FROM (:page) AS p :words;

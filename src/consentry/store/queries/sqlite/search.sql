-- Customers by any part of what they can be found by, and the index of grams behind it.

-- name: read_indexed
SELECT indexed FROM search_state WHERE id = 1;

-- name: read_place
-- Before which customer a page begins; one that was deleted meanwhile still has a place.
SELECT ifnull(
    (SELECT seq FROM customers WHERE id = :before),
    ifnull((SELECT seq + 1 FROM customers WHERE id < :before ORDER BY id DESC LIMIT 1), 0)
);

-- name: search_unindexed
SELECT '[' || ifnull(group_concat(value, ',' ORDER BY seq DESC), '') || ']'
FROM (
    SELECT seq, value
    FROM customers
    WHERE seq > :indexed AND seq < :before AND merged_into IS NULL AND instr(search, :words) > 0
    ORDER BY seq DESC
    LIMIT :limit
);

-- name: search_indexed
-- The grams find who may have the words; the text itself says who has.
SELECT '[' || ifnull(group_concat(value, ',' ORDER BY seq DESC), '') || ']'
FROM (
    SELECT c.seq, c.value
    FROM customer_grams AS g
    JOIN customers AS c ON c.seq = g.rowid
    WHERE g.customer_grams MATCH :grams
        AND g.rowid < min(:before, :indexed + 1)
        AND c.merged_into IS NULL
        AND instr(c.search, :words) > 0
    ORDER BY g.rowid DESC
    LIMIT :limit
);

-- name: count_unindexed
SELECT ifnull((SELECT max(seq) FROM customers), 0) - indexed FROM search_state WHERE id = 1;

-- name: next_unindexed
SELECT seq, search
FROM customers
WHERE seq > (SELECT indexed FROM search_state WHERE id = 1)
ORDER BY seq
LIMIT ?;

-- name: find_indexed
SELECT seq, search
FROM customers
WHERE seq IN (SELECT value FROM json_each(:keys))
    AND seq <= (SELECT indexed FROM search_state WHERE id = 1);

-- name: write_grams
INSERT OR REPLACE INTO customer_grams (rowid, grams)
SELECT value ->> 0, value ->> 1 FROM json_each(:rows);

-- name: delete_grams
DELETE FROM customer_grams
WHERE rowid IN (
    SELECT c.seq
    FROM customers AS c
    WHERE c.id IN (SELECT value FROM json_each(:keys))
        AND c.seq <= (SELECT indexed FROM search_state WHERE id = 1)
);

-- name: step_back
-- The number of a deleted last customer is given to the next one, who is not indexed.
UPDATE search_state
SET indexed = ifnull((SELECT max(seq) FROM customers), 0)
WHERE id = 1 AND indexed > ifnull((SELECT max(seq) FROM customers), 0);

-- name: find_named
-- The ids of so many customers who have the words.
SELECT json_group_array(id)
FROM (
    SELECT id
    FROM (
        SELECT c.id
        FROM customers AS c
        WHERE c.seq > :indexed AND c.merged_into IS NULL AND instr(c.search, :words) > 0
        UNION ALL
        SELECT c.id
        FROM customer_grams AS g
        JOIN customers AS c ON c.seq = g.rowid
        WHERE g.customer_grams MATCH :grams
            AND g.rowid <= :indexed
            AND c.merged_into IS NULL
            AND instr(c.search, :words) > 0
    ) AS named
    LIMIT :limit
) AS named;

-- name: advance_indexed
UPDATE search_state SET indexed = ? WHERE id = 1;

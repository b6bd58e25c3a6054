-- Customers are found by any part of a name, an address or a number. `search_text(customer)` is
-- the program's own function.

-- `seq` is the order in which they were filed; the index of grams knows a customer by it.
CREATE TABLE filed_customers (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    merged_into TEXT,
    search TEXT NOT NULL,
    value TEXT NOT NULL
) STRICT;

INSERT INTO filed_customers (id, merged_into, search, value)
SELECT id, merged_into, search_text(value), value FROM customers ORDER BY id;

DROP TABLE customers;

ALTER TABLE filed_customers RENAME TO customers;

-- Every one, two and three letters that stand together in what a customer is found by. It is
-- filled when the writer has nothing else to do, up to and with the customer `indexed`.
CREATE VIRTUAL TABLE customer_grams
USING fts5 (grams, content = '', contentless_delete = 1, detail = none, tokenize = 'ascii');

CREATE TABLE search_state (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    indexed INTEGER NOT NULL
) STRICT;

INSERT INTO search_state (id, indexed) VALUES (1, 0);

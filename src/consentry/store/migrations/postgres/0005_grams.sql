-- The grams of a customer are looked for in the index alone: out of the way of who has them.
ALTER TABLE customer_grams ALTER COLUMN grams SET STORAGE EXTERNAL;

ALTER TABLE customer_grams SET (toast_tuple_target = 128);

-- expand
-- Nothing on this engine, which has an index for each instant. The driver takes no empty statement.
SELECT 1;

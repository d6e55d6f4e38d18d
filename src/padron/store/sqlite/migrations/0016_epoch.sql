-- What the register's present life is called: cursors carry it, so that those of before a restored backup are told apart.
CREATE TABLE register (
    part INTEGER PRIMARY KEY CHECK (part = 1),
    epoch TEXT NOT NULL
) STRICT;

INSERT INTO register (part, epoch) VALUES (1, lower(hex(randomblob(4))));

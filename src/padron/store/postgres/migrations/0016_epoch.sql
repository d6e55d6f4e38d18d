-- What the register's present life is called: cursors carry it, so that those of before a restored backup are told apart.
CREATE TABLE register (
    part smallint PRIMARY KEY CHECK (part = 1),
    epoch text COLLATE "C" NOT NULL
);

INSERT INTO register (part, epoch) VALUES (1, left(md5(gen_random_uuid()::text), 8));

-- Texts sort by accents last and by the value of their numbers. The columns held folded texts, and a sort key is made
-- from one. The program does it after this file (sort_keys.py), because SQL cannot fold a text the same way. Nobody
-- writes a version meanwhile.
LOCK TABLE versions IN EXCLUSIVE MODE;

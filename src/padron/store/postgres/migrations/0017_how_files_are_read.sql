-- How an uploaded file is to be read, and where its names were found: both JSON, NULL before this was asked.
ALTER TABLE imports ADD COLUMN options text COLLATE "C", ADD COLUMN header text COLLATE "C";

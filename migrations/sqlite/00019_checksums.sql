-- +goose Up
-- What each migration did when it was applied, as a hash of its text: a binary
-- with another text under the same number does not know this schema.
ALTER TABLE goose_db_version ADD COLUMN checksum text;

-- +goose Down
ALTER TABLE goose_db_version DROP COLUMN checksum;

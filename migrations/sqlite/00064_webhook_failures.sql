-- +goose Up
-- When a delivery to a webhook last failed, to the hour; NULL where an older replica wrote
-- since when it fails.
ALTER TABLE webhooks ADD COLUMN failed_at timestamp;

-- +goose Down
ALTER TABLE webhooks DROP COLUMN failed_at;

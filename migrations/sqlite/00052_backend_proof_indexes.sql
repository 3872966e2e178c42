-- +goose Up
CREATE INDEX sessions_key ON sessions (key_id, id) WHERE key_id IS NOT NULL;
CREATE INDEX api_keys_proves ON api_keys (proves) WHERE proves <> '';

-- +goose Down
DROP INDEX api_keys_proves;
DROP INDEX sessions_key;

-- +goose NO TRANSACTION
-- +goose Up
-- The events that still have personal values in plain.
DROP INDEX CONCURRENTLY IF EXISTS audit_events_plain;
CREATE INDEX CONCURRENTLY audit_events_plain ON audit_events (team_id, position, id) WHERE form = 0;

-- +goose Down
DROP INDEX CONCURRENTLY IF EXISTS audit_events_plain;

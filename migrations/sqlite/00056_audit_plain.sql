-- +goose Up
-- The events that still have personal values in plain.
CREATE INDEX audit_events_plain ON audit_events (team_id, position) WHERE form = 0;

-- +goose Down
DROP INDEX audit_events_plain;

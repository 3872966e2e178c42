-- +goose Up
-- An index for each filter of a list that had none.
CREATE INDEX audit_events_session ON audit_events (session_id, id) WHERE session_id IS NOT NULL;
CREATE INDEX audit_events_action ON audit_events (action, id);
CREATE INDEX audit_events_ip ON audit_events (ip, id);
CREATE INDEX audit_events_at ON audit_events (at);
CREATE INDEX sessions_created ON sessions (created_at);

-- +goose Down
DROP INDEX sessions_created;
DROP INDEX audit_events_at;
DROP INDEX audit_events_ip;
DROP INDEX audit_events_action;
DROP INDEX audit_events_session;

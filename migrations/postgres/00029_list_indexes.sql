-- +goose NO TRANSACTION
-- +goose Up
-- An index for each filter of a list that had none. Built beside traffic. One that
-- was broken off is there, but of no use: hence the drop.
DROP INDEX CONCURRENTLY IF EXISTS audit_events_session;
CREATE INDEX CONCURRENTLY audit_events_session ON audit_events (session_id, id) WHERE session_id IS NOT NULL;
DROP INDEX CONCURRENTLY IF EXISTS audit_events_action;
CREATE INDEX CONCURRENTLY audit_events_action ON audit_events (action, id);
DROP INDEX CONCURRENTLY IF EXISTS audit_events_ip;
CREATE INDEX CONCURRENTLY audit_events_ip ON audit_events (ip, id);
DROP INDEX CONCURRENTLY IF EXISTS audit_events_at;
CREATE INDEX CONCURRENTLY audit_events_at ON audit_events (at);
DROP INDEX CONCURRENTLY IF EXISTS sessions_created;
CREATE INDEX CONCURRENTLY sessions_created ON sessions (created_at);

-- +goose Down
DROP INDEX CONCURRENTLY IF EXISTS sessions_created;
DROP INDEX CONCURRENTLY IF EXISTS audit_events_at;
DROP INDEX CONCURRENTLY IF EXISTS audit_events_ip;
DROP INDEX CONCURRENTLY IF EXISTS audit_events_action;
DROP INDEX CONCURRENTLY IF EXISTS audit_events_session;

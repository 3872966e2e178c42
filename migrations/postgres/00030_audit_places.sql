-- +goose NO TRANSACTION
-- +goose Up
-- What migration 36 needs of a large table, made beside traffic. An event that is
-- sealed in a batch has the seq 0, and a place in the order of sealing.
ALTER TABLE audit_events ADD COLUMN IF NOT EXISTS epoch integer, ADD COLUMN IF NOT EXISTS position bigint;
ALTER TABLE audit_events DROP CONSTRAINT IF EXISTS audit_events_linked;
ALTER TABLE audit_events ADD CONSTRAINT audit_events_linked CHECK (
    coalesce(seq, 0) >= 0
    AND (coalesce(seq, 0) > 0) = (hash IS NOT NULL) AND (coalesce(seq, 0) > 0) = (prev_hash IS NOT NULL)
    AND (seq IS DISTINCT FROM 0 OR (epoch IS NOT NULL AND position IS NOT NULL))) NOT VALID;
ALTER TABLE audit_events VALIDATE CONSTRAINT audit_events_linked;
DROP INDEX CONCURRENTLY IF EXISTS audit_events_seq;
CREATE UNIQUE INDEX CONCURRENTLY audit_events_seq
    ON audit_events (coalesce(team_id, '00000000-0000-0000-0000-000000000000'::uuid), seq) WHERE seq > 0;
DROP INDEX CONCURRENTLY IF EXISTS audit_events_place;
CREATE INDEX CONCURRENTLY audit_events_place ON audit_events (epoch, position, id) WHERE seq = 0;
DROP INDEX CONCURRENTLY IF EXISTS audit_events_team_place;
CREATE INDEX CONCURRENTLY audit_events_team_place ON audit_events (team_id, epoch, position, id) WHERE seq = 0 AND team_id IS NOT NULL;

-- +goose Down
DROP INDEX CONCURRENTLY IF EXISTS audit_events_team_place;
DROP INDEX CONCURRENTLY IF EXISTS audit_events_place;
DROP INDEX CONCURRENTLY IF EXISTS audit_events_seq;
ALTER TABLE audit_events DROP CONSTRAINT audit_events_linked;
ALTER TABLE audit_events DROP COLUMN position, DROP COLUMN epoch;

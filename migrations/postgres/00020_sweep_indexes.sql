-- +goose NO TRANSACTION
-- +goose Up
-- What a deleted row takes with it, or lets go, is looked for by each foreign key to
-- its table; and each reason for which sessions go has an index.
-- Built beside traffic. One that was broken off is there, but of no use: hence
-- the drop.
DROP INDEX CONCURRENTLY IF EXISTS team_sessions_session;
CREATE INDEX CONCURRENTLY team_sessions_session ON team_sessions (session_id);
DROP INDEX CONCURRENTLY IF EXISTS refresh_families_team_session;
CREATE INDEX CONCURRENTLY refresh_families_team_session ON refresh_families (team_session_id);
DROP INDEX CONCURRENTLY IF EXISTS tickets_session;
CREATE INDEX CONCURRENTLY tickets_session ON tickets (session_id);
DROP INDEX CONCURRENTLY IF EXISTS sessions_idle;
CREATE INDEX CONCURRENTLY sessions_idle ON sessions (idle_expires_at) WHERE ended_at IS NULL;
DROP INDEX CONCURRENTLY IF EXISTS sessions_ended_at;
CREATE INDEX CONCURRENTLY sessions_ended_at ON sessions (ended_at) WHERE ended_at IS NOT NULL;

-- +goose Down
DROP INDEX CONCURRENTLY IF EXISTS sessions_ended_at;
DROP INDEX CONCURRENTLY IF EXISTS sessions_idle;
DROP INDEX CONCURRENTLY IF EXISTS tickets_session;
DROP INDEX CONCURRENTLY IF EXISTS refresh_families_team_session;
DROP INDEX CONCURRENTLY IF EXISTS team_sessions_session;

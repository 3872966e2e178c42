-- +goose Up
-- What a deleted row takes with it, or lets go, is looked for by each foreign key to
-- its table; and each reason for which sessions go has an index.
CREATE INDEX team_sessions_session ON team_sessions (session_id);
CREATE INDEX refresh_families_team_session ON refresh_families (team_session_id);
CREATE INDEX tickets_session ON tickets (session_id);
CREATE INDEX sessions_idle ON sessions (idle_expires_at) WHERE ended_at IS NULL;
CREATE INDEX sessions_ended_at ON sessions (ended_at) WHERE ended_at IS NOT NULL;

-- +goose Down
DROP INDEX sessions_ended_at;
DROP INDEX sessions_idle;
DROP INDEX tickets_session;
DROP INDEX refresh_families_team_session;
DROP INDEX team_sessions_session;

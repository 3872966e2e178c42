-- +goose Up
-- All sessions of a user, of a team or of the deployment end at once by counting
-- up: a session made under an earlier count has ended. A row that an older replica
-- makes meanwhile has no count, which is the same as the first.
ALTER TABLE users ADD COLUMN session_epoch integer NOT NULL DEFAULT 0;
ALTER TABLE teams ADD COLUMN session_epoch integer NOT NULL DEFAULT 0;
ALTER TABLE teams ADD COLUMN owner_epoch integer NOT NULL DEFAULT 0;
CREATE TABLE deployment (
    id            integer NOT NULL PRIMARY KEY CHECK (id = 1),
    session_epoch integer NOT NULL DEFAULT 0
);
INSERT INTO deployment (id) VALUES (1);
ALTER TABLE sessions ADD COLUMN user_epoch integer NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN deployment_epoch integer NOT NULL DEFAULT 0;
-- of_owner says whose counter it is; where it is null, the role says so.
ALTER TABLE team_sessions ADD COLUMN epoch integer NOT NULL DEFAULT 0;
ALTER TABLE team_sessions ADD COLUMN of_owner boolean;

-- A job ends the rows, in batches that are transactions of their own. By a count
-- it ends what is below it; without one, what job_items names.
CREATE TABLE jobs (
    id          text NOT NULL PRIMARY KEY,
    kind        text NOT NULL CHECK (kind IN ('end_sessions', 'end_team_sessions')),
    user_id     text,
    team_id     text,
    epoch       integer CHECK (epoch > 0),
    owner_epoch integer CHECK (owner_epoch > 0),
    reason      text NOT NULL,
    actor_id    text,
    started_by  text,
    session_id  text,
    ip          text NOT NULL DEFAULT '',
    user_agent  text NOT NULL DEFAULT '',
    settling    text,
    after_id    text,
    ended       integer NOT NULL DEFAULT 0 CHECK (ended >= 0),
    total       integer CHECK (total >= 0),
    created_at  timestamp NOT NULL,
    finished_at timestamp,
    CONSTRAINT jobs_of_team CHECK ((kind = 'end_team_sessions') = (team_id IS NOT NULL))
);
CREATE INDEX jobs_open ON jobs (id) WHERE finished_at IS NULL;
CREATE INDEX jobs_finished ON jobs (finished_at) WHERE finished_at IS NOT NULL;
CREATE TABLE job_items (
    job_id  text NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    item_id text NOT NULL,
    PRIMARY KEY (job_id, item_id)
);

-- +goose Down
DROP TABLE job_items;
DROP TABLE jobs;
ALTER TABLE team_sessions DROP COLUMN of_owner;
ALTER TABLE team_sessions DROP COLUMN epoch;
ALTER TABLE sessions DROP COLUMN deployment_epoch;
ALTER TABLE sessions DROP COLUMN user_epoch;
DROP TABLE deployment;
ALTER TABLE teams DROP COLUMN owner_epoch;
ALTER TABLE teams DROP COLUMN session_epoch;
ALTER TABLE users DROP COLUMN session_epoch;

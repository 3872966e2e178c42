-- +goose Up
-- All sessions of a user, of a team or of the deployment end at once by counting
-- up: a session made under an earlier count has ended. A row that an older replica
-- makes meanwhile has no count, which is the same as the first.
ALTER TABLE users ADD COLUMN session_epoch bigint NOT NULL DEFAULT 0;
ALTER TABLE teams
    ADD COLUMN session_epoch bigint NOT NULL DEFAULT 0,
    ADD COLUMN owner_epoch   bigint NOT NULL DEFAULT 0;
CREATE TABLE deployment (
    id            smallint PRIMARY KEY CHECK (id = 1),
    session_epoch bigint NOT NULL DEFAULT 0
);
INSERT INTO deployment (id) VALUES (1);
ALTER TABLE sessions
    ADD COLUMN user_epoch       bigint NOT NULL DEFAULT 0,
    ADD COLUMN deployment_epoch bigint NOT NULL DEFAULT 0;
-- of_owner says whose counter it is; where it is null, the role says so.
ALTER TABLE team_sessions
    ADD COLUMN epoch    bigint NOT NULL DEFAULT 0,
    ADD COLUMN of_owner boolean;

-- A job ends the rows, in batches that are transactions of their own. By a count
-- it ends what is below it; without one, what job_items names.
CREATE TABLE jobs (
    id          uuid PRIMARY KEY,
    kind        text NOT NULL CHECK (kind IN ('end_sessions', 'end_team_sessions')),
    user_id     uuid,
    team_id     uuid,
    epoch       bigint CHECK (epoch > 0),
    owner_epoch bigint CHECK (owner_epoch > 0),
    reason      text NOT NULL,
    actor_id    uuid,
    started_by  uuid,
    session_id  uuid,
    ip          text NOT NULL DEFAULT '',
    user_agent  text NOT NULL DEFAULT '',
    settling    text,
    after_id    uuid,
    ended       bigint NOT NULL DEFAULT 0 CHECK (ended >= 0),
    total       bigint CHECK (total >= 0),
    created_at  timestamptz NOT NULL,
    finished_at timestamptz,
    CONSTRAINT jobs_of_team CHECK ((kind = 'end_team_sessions') = (team_id IS NOT NULL))
);
CREATE INDEX jobs_open ON jobs (id) WHERE finished_at IS NULL;
CREATE INDEX jobs_finished ON jobs (finished_at) WHERE finished_at IS NOT NULL;
CREATE TABLE job_items (
    job_id  uuid NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    item_id uuid NOT NULL,
    PRIMARY KEY (job_id, item_id)
);

-- +goose Down
DROP TABLE job_items;
DROP TABLE jobs;
ALTER TABLE team_sessions DROP COLUMN of_owner, DROP COLUMN epoch;
ALTER TABLE sessions DROP COLUMN deployment_epoch, DROP COLUMN user_epoch;
DROP TABLE deployment;
ALTER TABLE teams DROP COLUMN owner_epoch, DROP COLUMN session_epoch;
ALTER TABLE users DROP COLUMN session_epoch;

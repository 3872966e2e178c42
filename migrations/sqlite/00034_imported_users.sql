-- +goose Up
-- What an application knows a user by, and keeps with them: only an import and the
-- application's backend write it.
ALTER TABLE users ADD COLUMN external_id text;
ALTER TABLE users ADD COLUMN app_metadata text NOT NULL DEFAULT '{}';
-- When a suspension ends by itself; null for one that an operator ends.
ALTER TABLE users ADD COLUMN suspended_until timestamp;

-- Which team an organization of another system became.
CREATE TABLE import_teams (
    origin      text NOT NULL,
    source_id   text NOT NULL,
    team_id     text NOT NULL REFERENCES teams (id),
    imported_at timestamp NOT NULL,
    PRIMARY KEY (origin, source_id)
);
CREATE INDEX import_teams_team ON import_teams (team_id);

-- Who became a member by an import: somebody who was removed since does not come
-- back by the next one.
CREATE TABLE import_members (
    team_id     text NOT NULL REFERENCES teams (id),
    user_id     text NOT NULL REFERENCES users (id),
    imported_at timestamp NOT NULL,
    PRIMARY KEY (team_id, user_id)
);
CREATE INDEX import_members_user ON import_members (user_id);

-- +goose Down
DROP TABLE import_members;
DROP TABLE import_teams;
ALTER TABLE users DROP COLUMN suspended_until;
ALTER TABLE users DROP COLUMN app_metadata;
ALTER TABLE users DROP COLUMN external_id;

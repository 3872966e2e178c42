-- +goose Up
-- What a team asks of the sessions of its members. No row asks nothing.
CREATE TABLE team_policies (
    team_id                 text NOT NULL PRIMARY KEY REFERENCES teams (id),
    max_age                 integer CHECK (max_age > 0), -- seconds, as idle
    idle                    integer CHECK (idle > 0),
    required_providers      text NOT NULL DEFAULT '',   -- words
    allowed_networks        text NOT NULL DEFAULT '',   -- words, CIDR
    exclusive               boolean NOT NULL DEFAULT false,
    require_fresh_for_admin boolean NOT NULL DEFAULT false,
    updated_at              timestamp NOT NULL,
    updated_by              text NOT NULL REFERENCES users (id)
);

-- The longest time without use since the last proof, in nanoseconds.
ALTER TABLE sessions ADD COLUMN longest_pause integer NOT NULL DEFAULT 0 CHECK (longest_pause >= 0);

-- Until then an owner is in whatever the policy says.
ALTER TABLE team_sessions ADD COLUMN break_glass_until timestamp;

-- +goose Down
ALTER TABLE team_sessions DROP COLUMN break_glass_until;
ALTER TABLE sessions DROP COLUMN longest_pause;
DROP TABLE team_policies;

-- +goose Up
CREATE TABLE merges (
    id           uuid PRIMARY KEY,
    source_id    uuid NOT NULL REFERENCES users (id),
    survivor_id  uuid NOT NULL REFERENCES users (id),
    actor_id     uuid REFERENCES users (id),
    plan         jsonb NOT NULL,
    confirmed_at timestamptz NOT NULL,
    undo_until   timestamptz NOT NULL,
    undone_at    timestamptz,
    CONSTRAINT merges_of_two CHECK (source_id <> survivor_id)
);
CREATE INDEX merges_source ON merges (source_id, id);
CREATE INDEX merges_survivor ON merges (survivor_id, id);

-- What moved in numbers that a plan does not list: sessions, team sessions and
-- invitations that the source sent.
CREATE TABLE merge_items (
    merge_id uuid NOT NULL REFERENCES merges (id) ON DELETE CASCADE,
    kind     text NOT NULL CHECK (kind IN ('session', 'team_session', 'invitation')),
    item_id  uuid NOT NULL,
    PRIMARY KEY (merge_id, kind, item_id)
);
CREATE INDEX audit_events_actor ON audit_events (actor_id, id);
CREATE INDEX users_merged_into ON users (merged_into) WHERE merged_into IS NOT NULL;
CREATE INDEX invitations_invited_by ON invitations (invited_by);

-- +goose Down
DROP INDEX invitations_invited_by;
DROP INDEX users_merged_into;
DROP INDEX audit_events_actor;
DROP TABLE merge_items;
DROP TABLE merges;

-- +goose Up
-- Sign-in methods of which a session of the team must have proved one; '' for any. A
-- replica that does not know the column does not ask for it.
ALTER TABLE team_policies ADD COLUMN any_of text NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE team_policies DROP COLUMN any_of;

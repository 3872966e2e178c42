-- +goose Up
-- When a member's role was last changed; null while it is the one they joined
-- with. Undoing a merge restores no role that was changed since.
ALTER TABLE memberships ADD COLUMN role_since timestamp;

-- +goose Down
ALTER TABLE memberships DROP COLUMN role_since;

-- +goose Up
-- The identities that were proven in a session besides the one that made it
-- (identity_id), as words, so that unlinking one takes its method off the session.
-- Sessions of before, and those that an older replica renews, name none: they
-- lose the method then, whichever identity of its provider had proven it.
ALTER TABLE sessions ADD COLUMN proven_by text NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE sessions DROP COLUMN proven_by;

-- +goose Up
-- What an application's tokens say about the person in the claim app; '' for nothing. A
-- replica that does not know the column signs tokens without it.
ALTER TABLE clients ADD COLUMN claims text NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE clients DROP COLUMN claims;

-- +goose Up
-- Which key the newest token of a family was made under, so that the same parent
-- gives the same successor while LATCHKEY_SECRET is rotated. NULL: whichever key
-- made the token that is presented.
ALTER TABLE refresh_families ADD COLUMN key_id text;

-- +goose Down
ALTER TABLE refresh_families DROP COLUMN key_id;

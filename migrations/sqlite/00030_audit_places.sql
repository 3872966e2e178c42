-- +goose Up
-- Migration 36 does it all here, as the table has to be copied.
SELECT 1;

-- +goose Down
SELECT 1;

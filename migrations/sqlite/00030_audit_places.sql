-- +goose Up
-- The place up to which everything is sealed.
CREATE TABLE audit_progress (
    id       integer PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    epoch    integer NOT NULL,
    position integer NOT NULL,
    event_id text NOT NULL
);
INSERT INTO audit_progress (epoch, position, event_id) VALUES (0, 0, '00000000-0000-0000-0000-000000000000');

-- +goose Down
DROP TABLE audit_progress;

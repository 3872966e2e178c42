-- +goose Up
-- How many events of a kind there were in an hour. A batch of events is counted in the
-- transaction that seals it (docs/audit.md), so each is counted once and no change waits
-- for another because of its count. Events that were sealed before are not counted.
CREATE TABLE event_counts (
    hour    timestamp NOT NULL, -- its start, UTC
    action  text NOT NULL,
    detail  text NOT NULL, -- the provider or the reason, '' for none
    n       integer NOT NULL CHECK (n > 0),
    last_at timestamp NOT NULL, -- of the latest
    PRIMARY KEY (hour, action, detail)
);

-- +goose Down
DROP TABLE event_counts;

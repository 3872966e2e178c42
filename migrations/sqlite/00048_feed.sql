-- +goose Up
-- The feed that applications read, and what of it each webhook still has to get. Rows
-- are made behind the audit trail, in its order, so that seq has no gaps.

-- The place in the audit trail up to which the feed was made, and its last seq.
CREATE TABLE feed_progress (
    id       integer PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    epoch    integer NOT NULL,
    position integer NOT NULL,
    event_id text NOT NULL,
    seq      integer NOT NULL
);
INSERT INTO feed_progress (epoch, position, event_id, seq) SELECT epoch, position, event_id, 0 FROM audit_progress WHERE id = 1;

CREATE TABLE feed (
    seq     integer PRIMARY KEY CHECK (seq > 0),
    id      text NOT NULL UNIQUE, -- of the audit event
    type    text NOT NULL,
    at      timestamp NOT NULL,
    user_id text,
    data    text NOT NULL
);
CREATE INDEX feed_type ON feed (type, seq);
CREATE INDEX feed_at ON feed (at);
CREATE INDEX feed_user ON feed (user_id) WHERE user_id IS NOT NULL;

-- +goose Down
DROP TABLE feed;
DROP TABLE feed_progress;

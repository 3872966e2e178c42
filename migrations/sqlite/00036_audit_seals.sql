-- +goose Up
-- From here on events are inserted once and never updated, those of teams too. A
-- seal holds the hashes of a batch (docs/audit.md). What was chained before keeps
-- its seq and hashes; the others have the seq 0, and a place in the order of
-- sealing, which is that of the writes.
CREATE TABLE audit_events_placed (
    position   integer PRIMARY KEY AUTOINCREMENT,
    id         text NOT NULL UNIQUE,
    at         timestamp NOT NULL,
    action     text NOT NULL,
    actor_id   text,
    user_id    text,
    team_id    text,
    session_id text,
    ip         text NOT NULL DEFAULT '',
    user_agent text NOT NULL DEFAULT '',
    data       text NOT NULL DEFAULT '{}',
    seq        integer DEFAULT 0,
    prev_hash  blob CHECK (length(prev_hash) = 32),
    hash       blob CHECK (length(hash) = 32),
    CONSTRAINT audit_events_linked CHECK (
        coalesce(seq, 0) >= 0
        AND (coalesce(seq, 0) > 0) = (hash IS NOT NULL) AND (coalesce(seq, 0) > 0) = (prev_hash IS NOT NULL))
);
INSERT INTO audit_events_placed (id, at, action, actor_id, user_id, team_id, session_id, ip, user_agent, data, seq, prev_hash, hash)
    SELECT id, at, action, actor_id, user_id, team_id, session_id, ip, user_agent, data, coalesce(seq, 0), prev_hash, hash
    FROM audit_events ORDER BY rowid;
DROP TABLE audit_events;
ALTER TABLE audit_events_placed RENAME TO audit_events;
CREATE INDEX audit_events_user ON audit_events (user_id, id);
CREATE INDEX audit_events_team ON audit_events (team_id, id) WHERE team_id IS NOT NULL;
CREATE INDEX audit_events_actor ON audit_events (actor_id, id);
CREATE INDEX audit_events_session ON audit_events (session_id, id) WHERE session_id IS NOT NULL;
CREATE INDEX audit_events_action ON audit_events (action, id);
CREATE INDEX audit_events_ip ON audit_events (ip, id);
CREATE INDEX audit_events_at ON audit_events (at);
CREATE INDEX audit_events_unchained ON audit_events (id) WHERE seq IS NULL;
CREATE UNIQUE INDEX audit_events_seq
    ON audit_events (coalesce(team_id, '00000000-0000-0000-0000-000000000000'), seq) WHERE seq > 0;
CREATE INDEX audit_events_team_place ON audit_events (team_id, position) WHERE seq = 0 AND team_id IS NOT NULL;

-- +goose StatementBegin
CREATE TRIGGER audit_events_no_update BEFORE UPDATE ON audit_events
WHEN OLD.seq IS NOT NULL
    OR (OLD.id, OLD.at, OLD.action, OLD.actor_id, OLD.user_id, OLD.team_id, OLD.session_id, OLD.ip, OLD.user_agent, OLD.data)
    IS NOT (NEW.id, NEW.at, NEW.action, NEW.actor_id, NEW.user_id, NEW.team_id, NEW.session_id, NEW.ip, NEW.user_agent, NEW.data)
BEGIN
    SELECT RAISE(ABORT, 'audit_events: audit events are never changed or deleted');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_events_no_delete BEFORE DELETE ON audit_events BEGIN
    SELECT RAISE(ABORT, 'audit_events: audit events are never changed or deleted');
END;
-- +goose StatementEnd

-- One row for the events of a chain in a batch: seq is that of the first, the place
-- that of the last. For each event, in their order, links holds the last 4 bytes
-- of its id and its hash.
CREATE TABLE audit_seals (
    chain     text NOT NULL,
    seq       integer NOT NULL CHECK (seq > 0),
    epoch     integer NOT NULL,
    position  integer NOT NULL,
    event_id  text NOT NULL,
    prev_hash blob NOT NULL CHECK (length(prev_hash) = 32),
    links     blob NOT NULL CHECK (length(links) > 0 AND length(links) % 36 = 0),
    PRIMARY KEY (chain, seq)
);
CREATE UNIQUE INDEX audit_seals_place ON audit_seals (chain, position);

-- +goose StatementBegin
CREATE TRIGGER audit_seals_no_update BEFORE UPDATE ON audit_seals BEGIN
    SELECT RAISE(ABORT, 'audit_seals: audit events are never changed or deleted');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_seals_no_delete BEFORE DELETE ON audit_seals BEGIN
    SELECT RAISE(ABORT, 'audit_seals: audit events are never changed or deleted');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_progress_no_return BEFORE UPDATE ON audit_progress WHEN NEW.position < OLD.position BEGIN
    SELECT RAISE(ABORT, 'audit_progress: audit events are never changed or deleted');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_progress_no_delete BEFORE DELETE ON audit_progress BEGIN
    SELECT RAISE(ABORT, 'audit_progress: audit events are never changed or deleted');
END;
-- +goose StatementEnd

-- +goose Down
-- What was sealed in batches, and what was chained behind it, is chained again by
-- the previous release, with other hashes.
DROP TRIGGER audit_heads_no_delete;
DROP TRIGGER audit_heads_no_return;
CREATE TABLE audit_events_before (
    id         text NOT NULL PRIMARY KEY,
    at         timestamp NOT NULL,
    action     text NOT NULL,
    actor_id   text,
    user_id    text,
    team_id    text,
    session_id text,
    ip         text NOT NULL DEFAULT '',
    user_agent text NOT NULL DEFAULT '',
    data       text NOT NULL DEFAULT '{}',
    seq        integer CHECK (seq > 0),
    prev_hash  blob CHECK (length(prev_hash) = 32),
    hash       blob CONSTRAINT audit_events_chained CHECK (
        (seq IS NULL) = (hash IS NULL) AND (seq IS NULL) = (prev_hash IS NULL) AND (hash IS NULL OR length(hash) = 32))
);
INSERT INTO audit_events_before (id, at, action, actor_id, user_id, team_id, session_id, ip, user_agent, data, seq, prev_hash, hash)
    SELECT a.id, a.at, a.action, a.actor_id, a.user_id, a.team_id, a.session_id, a.ip, a.user_agent, a.data,
        CASE WHEN k.keeps THEN a.seq END, CASE WHEN k.keeps THEN a.prev_hash END, CASE WHEN k.keeps THEN a.hash END
    FROM audit_events AS a JOIN (
        SELECT e.position, e.seq > 0 AND e.seq < coalesce((SELECT min(s.seq) FROM audit_seals AS s
            WHERE s.chain = coalesce(e.team_id, '00000000-0000-0000-0000-000000000000')), 9223372036854775807) AS keeps
        FROM audit_events AS e
    ) AS k ON k.position = a.position
    ORDER BY a.position;
DROP TABLE audit_events;
ALTER TABLE audit_events_before RENAME TO audit_events;
CREATE INDEX audit_events_user ON audit_events (user_id, id);
CREATE INDEX audit_events_team ON audit_events (team_id, id) WHERE team_id IS NOT NULL;
CREATE INDEX audit_events_actor ON audit_events (actor_id, id);
CREATE INDEX audit_events_session ON audit_events (session_id, id) WHERE session_id IS NOT NULL;
CREATE INDEX audit_events_action ON audit_events (action, id);
CREATE INDEX audit_events_ip ON audit_events (ip, id);
CREATE INDEX audit_events_at ON audit_events (at);
CREATE UNIQUE INDEX audit_events_chain
    ON audit_events (coalesce(team_id, '00000000-0000-0000-0000-000000000000'), seq) WHERE seq IS NOT NULL;
CREATE INDEX audit_events_unchained ON audit_events (id) WHERE seq IS NULL;
DELETE FROM audit_heads;
INSERT INTO audit_heads (chain, seq, hash)
    SELECT coalesce(team_id, '00000000-0000-0000-0000-000000000000'), max(seq), hash FROM audit_events WHERE seq IS NOT NULL GROUP BY 1;
-- +goose StatementBegin
CREATE TRIGGER audit_events_no_update BEFORE UPDATE ON audit_events
WHEN OLD.seq IS NOT NULL
    OR (OLD.id, OLD.at, OLD.action, OLD.actor_id, OLD.user_id, OLD.team_id, OLD.session_id, OLD.ip, OLD.user_agent, OLD.data)
    IS NOT (NEW.id, NEW.at, NEW.action, NEW.actor_id, NEW.user_id, NEW.team_id, NEW.session_id, NEW.ip, NEW.user_agent, NEW.data)
BEGIN
    SELECT RAISE(ABORT, 'audit_events: audit events are never changed or deleted');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_events_no_delete BEFORE DELETE ON audit_events BEGIN
    SELECT RAISE(ABORT, 'audit_events: audit events are never changed or deleted');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_heads_no_return BEFORE UPDATE ON audit_heads WHEN NEW.chain <> OLD.chain OR NEW.seq < OLD.seq BEGIN
    SELECT RAISE(ABORT, 'audit_heads: audit events are never changed or deleted');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_heads_no_delete BEFORE DELETE ON audit_heads BEGIN
    SELECT RAISE(ABORT, 'audit_heads: audit events are never changed or deleted');
END;
-- +goose StatementEnd
DROP TRIGGER audit_progress_no_delete;
DROP TRIGGER audit_progress_no_return;
UPDATE audit_progress SET epoch = 0, position = 0, event_id = '00000000-0000-0000-0000-000000000000';
DROP TABLE audit_seals;

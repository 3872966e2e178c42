-- +goose Up
-- Events that releases before migration 53 wrote have personal values in plain. They
-- are put behind keys, and the chains that they are in get new hashes (docs/audit.md).

-- 1 for events whose personal values are ciphertext; 0 by replicas of releases before
-- this one.
ALTER TABLE audit_events ADD COLUMN form integer NOT NULL DEFAULT 0;

-- How far each chain has come: up to seq it has new hashes. former_hash is what the
-- event at seq had before, hash what it has now.
CREATE TABLE audit_rewrites (
    chain       text NOT NULL PRIMARY KEY,
    event_id    text NOT NULL, -- of the event that names the former head at the end
    from_seq    integer NOT NULL CHECK (from_seq >= 0),
    seq         integer NOT NULL CHECK (seq >= from_seq),
    former_hash blob NOT NULL CHECK (length(former_hash) = 32),
    hash        blob NOT NULL CHECK (length(hash) = 32),
    digest      blob NOT NULL CHECK (length(digest) = 32), -- over the former hashes
    done        boolean NOT NULL DEFAULT false,
    broken_at   integer -- the event at which the chain is not whole, so that nothing is changed
);

-- The former hashes, by which heads that were kept are still known.
CREATE TABLE audit_former_hashes (
    event_id text NOT NULL,
    chain    text NOT NULL,
    seq      integer NOT NULL CHECK (seq > 0), -- of the first
    hashes   blob NOT NULL CHECK (length(hashes) > 0 AND length(hashes) % 32 = 0),
    PRIMARY KEY (chain, event_id, seq)
);

DROP TRIGGER audit_events_no_update;
-- +goose StatementBegin
CREATE TRIGGER audit_events_no_update BEFORE UPDATE ON audit_events
WHEN (OLD.seq IS NOT NULL
    OR (OLD.id, OLD.at, OLD.action, OLD.actor_id, OLD.user_id, OLD.team_id, OLD.session_id, OLD.ip, OLD.user_agent, OLD.data)
    IS NOT (NEW.id, NEW.at, NEW.action, NEW.actor_id, NEW.user_id, NEW.team_id, NEW.session_id, NEW.ip, NEW.user_agent, NEW.data))
    AND NOT ((NEW.id, NEW.at, NEW.action, NEW.actor_id, NEW.user_id, NEW.team_id, NEW.session_id, NEW.seq, NEW.position)
        IS (OLD.id, OLD.at, OLD.action, OLD.actor_id, OLD.user_id, OLD.team_id, OLD.session_id, OLD.seq, OLD.position)
        AND NEW.form = 1 AND NEW.ip = '' AND NEW.user_agent = '' AND (OLD.form = 0 OR NEW.data = OLD.data)
        AND EXISTS (SELECT 1 FROM audit_rewrites AS r WHERE r.chain = coalesce(OLD.team_id, '00000000-0000-0000-0000-000000000000')
            AND NOT r.done AND (OLD.seq = 0 OR OLD.seq > r.seq)))
BEGIN
    SELECT RAISE(ABORT, 'audit_events: audit events are never changed or deleted');
END;
-- +goose StatementEnd
DROP TRIGGER audit_seals_no_update;
-- +goose StatementBegin
CREATE TRIGGER audit_seals_no_update BEFORE UPDATE ON audit_seals
WHEN NOT ((NEW.chain, NEW.seq, NEW.epoch, NEW.position, NEW.event_id, length(NEW.links))
    IS (OLD.chain, OLD.seq, OLD.epoch, OLD.position, OLD.event_id, length(OLD.links))
    AND EXISTS (SELECT 1 FROM audit_rewrites AS r WHERE r.chain = OLD.chain AND NOT r.done AND OLD.seq + length(OLD.links) / 36 - 1 > r.seq))
BEGIN
    SELECT RAISE(ABORT, 'audit_seals: audit events are never changed or deleted');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_former_hashes_no_update BEFORE UPDATE ON audit_former_hashes BEGIN
    SELECT RAISE(ABORT, 'audit_former_hashes: audit events are never changed or deleted');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_former_hashes_no_delete BEFORE DELETE ON audit_former_hashes BEGIN
    SELECT RAISE(ABORT, 'audit_former_hashes: audit events are never changed or deleted');
END;
-- +goose StatementEnd

-- +goose Down
-- Values that are ciphertext stay so.
DROP TRIGGER audit_events_no_update;
DROP TRIGGER audit_seals_no_update;
DROP TABLE audit_former_hashes;
DROP TABLE audit_rewrites;
ALTER TABLE audit_events DROP COLUMN form;
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
CREATE TRIGGER audit_seals_no_update BEFORE UPDATE ON audit_seals BEGIN
    SELECT RAISE(ABORT, 'audit_seals: audit events are never changed or deleted');
END;
-- +goose StatementEnd

-- +goose Up
-- What sessions are looked for by. The address as 16 bytes in network order,
-- IPv4 as IPv4-mapped (RFC 4291, 2.5.5.2), so that a network is a range of them
-- on either engine; NULL where it is no address. device is NULL until it is
-- filled in for the sessions of before, see storage/clients.go.
ALTER TABLE sessions ADD COLUMN ip_key blob CHECK (length(ip_key) = 16);
ALTER TABLE sessions ADD COLUMN device text;
CREATE INDEX sessions_ip_key ON sessions (ip_key);
CREATE INDEX sessions_unfilled ON sessions (id) WHERE device IS NULL;

-- +goose Down
DROP INDEX sessions_unfilled;
DROP INDEX sessions_ip_key;
ALTER TABLE sessions DROP COLUMN device;
ALTER TABLE sessions DROP COLUMN ip_key;

package storage

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/authserver"
)

type deviceRequestRow struct {
	bun.BaseModel `bun:"table:device_requests,alias:dr"`
	authserver.DeviceRequest
}

// InsertDeviceRequest implements authserver.Store.
func (db *DB) InsertDeviceRequest(ctx context.Context, d authserver.DeviceRequest) error {
	return db.insert(ctx, &deviceRequestRow{DeviceRequest: d})
}

// UpdateDeviceRequest implements authserver.Store.
func (db *DB) UpdateDeviceRequest(ctx context.Context, d authserver.DeviceRequest) error {
	return db.execDeferred(ctx, db.writer(ctx).NewUpdate().Model(&deviceRequestRow{DeviceRequest: d}).
		Column("poll_interval", "polled_at", "approved", "user_id", "session_id", "grant_id", "decided_ip", "used_at").Where("dr.id = ?", d.ID))
}

// DeviceRequest implements authserver.Store.
func (db *DB) DeviceRequest(ctx context.Context, deviceHash []byte) (authserver.DeviceRequest, error) {
	return db.deviceRequest(ctx, db.deviceRequests(ctx).Where("dr.device_hash = ?", deviceHash))
}

// DeviceRequestByUserCode implements authserver.Store.
func (db *DB) DeviceRequestByUserCode(ctx context.Context, macs [][]byte) (authserver.DeviceRequest, error) {
	return db.deviceRequest(ctx, db.deviceRequests(ctx).Where("dr.user_mac IN (?)", bun.List(macs)))
}

// LockDeviceRequest implements authserver.Store.
func (db *DB) LockDeviceRequest(ctx context.Context, id identity.ID) (authserver.DeviceRequest, error) {
	return db.deviceRequest(ctx, db.engine.forUpdate(db.deviceRequests(ctx).Where("dr.id = ?", id), "dr"))
}

func (db *DB) deviceRequests(ctx context.Context) *bun.SelectQuery {
	return db.reader(ctx).NewSelect().Model((*deviceRequestRow)(nil))
}

func (db *DB) deviceRequest(ctx context.Context, q *bun.SelectQuery) (authserver.DeviceRequest, error) {
	var row deviceRequestRow
	err := q.Model(&row).Scan(ctx)
	return row.DeviceRequest, db.engine.normalise(err)
}

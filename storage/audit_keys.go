package storage

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/audit"
)

// keyRow is the key of some of an event's personal values: what is left of it once
// the secret is known. Without the row they are ciphertext for good.
type keyRow struct {
	bun.BaseModel `bun:"table:audit_keys,alias:kv"`
	auditKey
}

type auditKey struct {
	EventID  identity.ID
	Part     int
	Owner    []byte
	SecretID int
	Salt     []byte
	IP       *string
}

var auditKeyColumns = []column[auditKey]{
	{"event_id", func(k *auditKey) any { return &k.EventID }},
	{"part", func(k *auditKey) any { return &k.Part }},
	{"owner", func(k *auditKey) any { return &k.Owner }},
	{"secret_id", func(k *auditKey) any { return &k.SecretID }},
	{"salt", func(k *auditKey) any { return &k.Salt }},
	{"ip", func(k *auditKey) any { return &k.IP }},
}

type auditSecretRow struct {
	bun.BaseModel `bun:"table:audit_secrets,alias:av"`
	ID            int    `bun:",pk"`
	Sealed        []byte `bun:"type:bytea"`
}

// auditSecrets are the secrets that keys are derived from, by their ids. The id 0 is
// that of none, which commands have that do not know LATCHKEY_SECRET.
type auditSecrets struct {
	mu     sync.Mutex
	sealer *identity.Sealer // nil without LATCHKEY_SECRET
	tasks  *identity.Sealer // of the outbox, likewise
	opened map[int][]byte
	newest int
}

const auditSecretUse = "audit trail"

// SealAuditWith sets the keys under which secrets of the audit trail are sealed, and
// waiting mail, which an erasure looks through. It is called before events are recorded
// or read.
func (db *DB) SealAuditWith(secrets identity.Secrets) {
	db.audit.mu.Lock()
	defer db.audit.mu.Unlock()
	db.audit.sealer, db.audit.tasks, db.audit.opened, db.audit.newest = nil, nil, nil, 0
	if len(secrets) > 0 {
		db.audit.sealer = new(identity.NewSealer(secrets.Keys(auditSecretUse)...))
		db.audit.tasks = new(identity.NewSealer(secrets.Keys(identity.OutboxUse)...))
	}
}

// auditSecret returns the secret for new values.
func (db *DB) auditSecret(ctx context.Context) (id int, secret []byte, err error) {
	db.audit.mu.Lock()
	sealer := db.audit.sealer
	id, secret = db.audit.newest, db.audit.opened[db.audit.newest]
	db.audit.mu.Unlock()
	if sealer == nil || id > 0 {
		return id, secret, nil
	}
	all, highest, err := db.loadAuditSecrets(ctx, sealer)
	if err != nil {
		return 0, nil, err
	}
	if id = newestOf(all); id > 0 {
		return id, all[id], nil
	}
	// None, or none that opens under the present secret: the first event makes one.
	made := make([]byte, 32)
	_, _ = rand.Read(made)
	row := auditSecretRow{ID: highest + 1}
	row.Sealed = sealer.Seal(made, auditSecretContext(row.ID))
	if _, err := db.exec(ctx, db.writer(ctx).NewInsert().Model(&row).On("CONFLICT DO NOTHING")); err != nil {
		return 0, nil, err
	}
	if all, _, err = db.loadAuditSecrets(ctx, sealer); err != nil {
		return 0, nil, err
	}
	if id = newestOf(all); id == 0 {
		return 0, nil, errors.New("another replica seals the audit trail under another LATCHKEY_SECRET")
	}
	return id, all[id], nil
}

func newestOf(all map[int][]byte) (newest int) {
	for id := range all {
		newest = max(newest, id)
	}
	return newest
}

func auditSecretContext(id int) []byte { return fmt.Appendf(nil, "audit secret %d", id) }

// loadAuditSecrets reads the secrets that open, and remembers them.
func (db *DB) loadAuditSecrets(ctx context.Context, sealer *identity.Sealer) (opened map[int][]byte, highest int, err error) {
	var rows []auditSecretRow
	if err := db.reader(ctx).NewSelect().Model(&rows).Scan(ctx); err != nil {
		return nil, 0, db.engine.normalise(err)
	}
	opened = map[int][]byte{}
	for _, r := range rows {
		highest = max(highest, r.ID)
		if secret, err := sealer.Unseal(r.Sealed, auditSecretContext(r.ID)); err == nil {
			opened[r.ID] = secret
		}
	}
	remember := func() {
		db.audit.mu.Lock()
		defer db.audit.mu.Unlock()
		if db.audit.sealer == sealer {
			db.audit.opened, db.audit.newest = opened, newestOf(opened)
		}
	}
	switch tx := inTx(ctx); {
	case len(opened) == 0:
	case tx != nil: // which may have made one itself
		tx.after = append(tx.after, remember)
	default:
		remember()
	}
	return opened, highest, nil
}

// auditSecretsNamed returns secrets by their ids. Those that do not open are left out.
func (db *DB) auditSecretsNamed(ctx context.Context, ids []int) (map[int][]byte, error) {
	db.audit.mu.Lock()
	sealer, opened := db.audit.sealer, db.audit.opened
	db.audit.mu.Unlock()
	if sealer != nil && slices.ContainsFunc(ids, func(id int) bool { return id > 0 && opened[id] == nil }) {
		var err error
		if opened, _, err = db.loadAuditSecrets(ctx, sealer); err != nil {
			return nil, err
		}
	}
	return opened, nil
}

// sealEvents puts ciphertext in place of the personal values of events.
func (db *DB) sealEvents(ctx context.Context, events []identity.Event) (rows []eventRow, keys []keyRow, err error) {
	rows = make([]eventRow, len(events))
	for i, e := range events {
		public, parts := audit.Split(e)
		if public.Data == nil {
			public.Data = identity.Metadata{}
		}
		if len(parts) > 0 {
			if public.Data, keys, err = db.sealParts(ctx, public, parts, keys); err != nil {
				return nil, nil, err
			}
		}
		rows[i] = eventRow{Event: public, Form: sealedForm}
	}
	return rows, keys, nil
}

func (db *DB) sealParts(ctx context.Context, e identity.Event, parts []audit.Part, keys []keyRow) (identity.Metadata, []keyRow, error) {
	id, secret, err := db.auditSecret(ctx)
	if err != nil {
		return nil, nil, err
	}
	sealed := make([]string, len(parts))
	for n, p := range parts {
		k := auditKey{EventID: e.ID, Part: n, SecretID: id, Owner: p.Owner.Key(secret), Salt: make([]byte, 16)}
		if k.Owner == nil {
			k.Owner = e.ID[:]
		}
		_, _ = rand.Read(k.Salt)
		if p.IP != "" {
			k.IP = &p.IP
		}
		if sealed[n], err = p.Seal(secret, k.Salt); err != nil {
			return nil, nil, err
		}
		keys = append(keys, keyRow{auditKey: k})
	}
	data := maps.Clone(e.Data)
	data[audit.SealedMember] = sealed
	return data, keys, nil
}

// unsealEvents puts the personal values of events back that still have their keys.
func (db *DB) unsealEvents(ctx context.Context, events []*identity.Event) error {
	var ids []identity.ID
	for _, e := range events {
		if e.Data[audit.SealedMember] != nil {
			ids = append(ids, e.ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	var keys []keyRow
	if err := db.reader(ctx).NewSelect().Model(&keys).Where("kv.event_id IN (?)", bun.List(ids)).Scan(ctx); err != nil {
		return db.engine.normalise(err)
	}
	type part struct {
		event  identity.ID
		number int
	}
	found := make(map[part]auditKey, len(keys))
	var named []int
	for _, k := range keys {
		found[part{k.EventID, k.Part}] = k.auditKey
		if !slices.Contains(named, k.SecretID) {
			named = append(named, k.SecretID)
		}
	}
	secrets, err := db.auditSecretsNamed(ctx, named)
	if err != nil {
		return err
	}
	for _, e := range events {
		audit.Unseal(e, func(n int, sealed string) (audit.Values, bool) {
			k, ok := found[part{e.ID, n}]
			secret := secrets[k.SecretID]
			if !ok || secret == nil && k.SecretID > 0 {
				return audit.Values{}, false
			}
			v, err := audit.Open(sealed, secret, k.Salt)
			return v, err == nil
		})
	}
	return nil
}

// ResealAudit seals the secrets of the audit trail under the present key, and returns
// how many were sealed under another, and how many do not open.
func (db *DB) ResealAudit(ctx context.Context) (resealed, unreadable int, err error) {
	err = db.eachAuditSecret(ctx, func(ctx context.Context, sealer identity.Sealer, r auditSecretRow) error {
		switch sealed, changed, err := sealer.Reseal(r.Sealed, auditSecretContext(r.ID)); {
		case err != nil:
			unreadable++
		case changed:
			resealed++
			return db.execDeferred(ctx, db.writer(ctx).NewUpdate().Model(&auditSecretRow{ID: r.ID, Sealed: sealed}).Column("sealed").WherePK())
		}
		return nil
	})
	return resealed, unreadable, err
}

// CheckAudit counts the secrets of the audit trail by the key under which they are
// sealed: the present, the previous or neither.
func (db *DB) CheckAudit(ctx context.Context) (present, previous, neither int, err error) {
	err = db.eachAuditSecret(ctx, func(_ context.Context, sealer identity.Sealer, r auditSecretRow) error {
		switch _, changed, err := sealer.Reseal(r.Sealed, auditSecretContext(r.ID)); {
		case err != nil:
			neither++
		case changed:
			previous++
		default:
			present++
		}
		return nil
	})
	return present, previous, neither, err
}

func (db *DB) eachAuditSecret(ctx context.Context, do func(ctx context.Context, sealer identity.Sealer, r auditSecretRow) error) error {
	db.audit.mu.Lock()
	sealer := db.audit.sealer
	db.audit.mu.Unlock()
	if sealer == nil {
		return nil
	}
	return db.InTx(ctx, func(ctx context.Context) error {
		var rows []auditSecretRow
		if err := db.reader(ctx).NewSelect().Model(&rows).Scan(ctx); err != nil {
			return db.engine.normalise(err)
		}
		for _, r := range rows {
			if err := do(ctx, *sealer, r); err != nil {
				return err
			}
		}
		return nil
	})
}

// eraseAuditOf throws away the keys of users' values in the trail, and of what it has
// about their addresses and identities. It is called before these are deleted.
func (db *DB) eraseAuditOf(ctx context.Context, users []identity.ID) error {
	if err := db.engine.lockName(ctx, db.writer(ctx), rewriterLock); err != nil {
		return err
	}
	var about []struct{ Provider, Subject, Address string }
	ids := bun.List(users)
	err := db.reader(ctx).NewRaw(`SELECT '' AS provider, '' AS subject, e.address FROM emails AS e WHERE e.user_id IN (?)
		UNION SELECT v.provider, v.subject, v.address FROM vouchers AS v WHERE v.user_id IN (?)
		UNION SELECT i.provider, i.subject, coalesce(i.wallet_address, '') FROM identities AS i WHERE i.user_id IN (?)
		UNION SELECT n.provider, n.subject, '' FROM unlinked_identities AS n WHERE n.user_id IN (?)`, ids, ids, ids, ids).Scan(ctx, &about)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return db.engine.normalise(err)
	}
	db.audit.mu.Lock()
	sealer := db.audit.sealer
	db.audit.mu.Unlock()
	secrets := map[int][]byte{}
	if sealer != nil {
		if secrets, _, err = db.loadAuditSecrets(ctx, sealer); err != nil {
			return err
		}
	}
	owners := rowsOf(users, func(id identity.ID) []byte { return id[:] })
	for _, secret := range append(slices.Collect(maps.Values(secrets)), nil) {
		for _, a := range about {
			if a.Address != "" {
				owners = append(owners, audit.AddressOwner(a.Address).Key(secret))
			}
			if a.Subject != "" {
				owners = append(owners, audit.SubjectOwner(a.Provider, a.Subject).Key(secret))
			}
		}
	}
	for some := range slices.Chunk(owners, 500) {
		if err := db.execDeferred(ctx, db.writer(ctx).NewDelete().Model((*keyRow)(nil)).Where("kv.owner IN (?)", bun.List(some))); err != nil {
			return err
		}
	}
	return nil
}

// ForgetNetworks empties the plain network addresses of events from before, which the
// filter by address goes by, and returns how many.
func (db *DB) ForgetNetworks(ctx context.Context, before time.Time) (int64, error) {
	to := firstID(before)
	for total := int64(0); ; {
		var n, looked int64
		err := db.InTx(ctx, func(ctx context.Context) error {
			n, looked = 0, 0
			ours, err := db.engine.tryLockName(ctx, db.writer(ctx), "latchkey audit networks")
			if err != nil || !ours {
				return err
			}
			var ids []identity.ID
			err = db.reader(ctx).NewRaw(`SELECT DISTINCT kv.event_id FROM audit_keys AS kv, audit_networks AS an
				WHERE an.id = 1 AND kv.event_id > an.event_id AND kv.event_id < ? ORDER BY kv.event_id LIMIT ?`, to, sweepBatch).Scan(ctx, &ids)
			if looked = int64(len(ids)); err != nil || looked == 0 {
				return db.engine.normalise(err)
			}
			n, err = db.exec(ctx, db.writer(ctx).NewRaw("UPDATE audit_keys SET ip = NULL WHERE event_id IN (?) AND ip IS NOT NULL", bun.List(ids)))
			if err != nil {
				return err
			}
			return db.execDeferred(ctx, db.writer(ctx).NewRaw("UPDATE audit_networks SET event_id = ? WHERE id = 1", ids[len(ids)-1]))
		})
		if total += n; err != nil || looked < sweepBatch {
			return total, err
		}
	}
}

// firstID is not after any id of a time.
func firstID(at time.Time) (id identity.ID) {
	ms := uint64(max(0, at.UnixMilli()))
	for i := range 6 {
		id[i] = byte(ms >> (40 - 8*i)) //nolint:gosec // one byte of it
	}
	id[6] = byte(uuid.Version(7)) << 4
	id[8] = 0x80
	return id
}

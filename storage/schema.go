package storage

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/latchkey/latchkey/migrations"
)

// Schema compares the database's schema with what this binary knows.
type Schema struct {
	Pending int      // migrations that are not applied
	Newer   int      // applied migrations of a newer release
	Changed []string // applied with another text than this binary has
	// ReadOnly reports whether the server refuses changes: a standby, or a
	// primary that was demoted or set so.
	ReadOnly bool
}

// Ready returns why requests cannot be answered, if they cannot. Migrations
// of a newer release are no reason: they only add.
func (db *DB) Ready(ctx context.Context) error {
	s, err := db.Schema(ctx)
	switch {
	case err != nil:
		return err
	case s.Pending > 0:
		return errors.New("migrations are pending")
	case len(s.Changed) > 0:
		return s.changed()
	case s.ReadOnly:
		return &ErrUnavailable{errors.New("the database is read-only")}
	}
	return db.requireRoom(ctx)
}

func (s Schema) changed() error {
	return fmt.Errorf("not the schema of this binary: other texts were applied as %s", strings.Join(s.Changed, ", "))
}

// Schema reads, in one round trip, what the database is like. It changes
// nothing.
func (db *DB) Schema(ctx context.Context) (Schema, error) {
	known, err := db.engine.checksums()
	if err != nil {
		return Schema{}, err
	}
	var row struct {
		ReadOnly bool
		Applied  string // words: version:checksum
	}
	err = db.read.NewRaw(db.engine.schemaQuery("coalesce(checksum, '')")).Scan(ctx, &row)
	if db.engine.undefined(err) { // of before checksums were kept
		err = db.read.NewRaw(db.engine.schemaQuery("''")).Scan(ctx, &row)
	}
	if db.engine.undefined(err) {
		return Schema{Pending: len(known)}, nil
	}
	if err != nil {
		return Schema{}, db.engine.normalise(err)
	}
	s := Schema{Pending: len(known), ReadOnly: row.ReadOnly}
	for word := range strings.FieldsSeq(row.Applied) {
		number, sum, _ := strings.Cut(word, ":")
		version, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return Schema{}, err
		}
		if version == 0 { // goose's own
			continue
		}
		m, ok := known[version]
		if !ok {
			s.Newer++
			continue
		}
		s.Pending--
		if sum != "" && sum != m.checksum {
			s.Changed = append(s.Changed, m.name)
		}
	}
	return s, nil
}

// keepChecksums notes the texts of migrations that were applied without, as
// goose does. Then it refuses a schema that others made.
func (db *DB) keepChecksums(ctx context.Context) error {
	known, err := db.engine.checksums()
	if err != nil {
		return err
	}
	var missing []int64
	err = db.write.NewRaw("SELECT version_id FROM goose_db_version WHERE checksum IS NULL AND version_id > 0").Scan(ctx, &missing)
	if err != nil {
		return db.engine.normalise(err)
	}
	for _, version := range missing {
		m, ok := known[version]
		if !ok {
			continue
		}
		if _, err := db.exec(ctx, db.write.NewRaw("UPDATE goose_db_version SET checksum = ? WHERE version_id = ? AND checksum IS NULL", m.checksum, version)); err != nil {
			return err
		}
	}
	s, err := db.Schema(ctx)
	if err == nil && len(s.Changed) > 0 {
		err = s.changed()
	}
	return err
}

type migration struct{ name, checksum string }

// checksums are the migrations of this binary by version.
func (e engine) checksums() (map[int64]migration, error) {
	files := e.migrations()
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return nil, err
	}
	out := make(map[int64]migration, len(names))
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		number, _, _ := strings.Cut(name, "_")
		version, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("migration %s: %w", name, err)
		}
		out[version] = migration{name, checksum(text)}
	}
	return out, nil
}

func (e engine) migrations() fs.FS {
	if e == sqlite {
		return migrations.SQLite()
	}
	return migrations.Postgres()
}

// checksum is over what a migration does going up: comments and white space
// may change.
func checksum(text []byte) string {
	up, _, _ := bytes.Cut(text, []byte("-- +goose Down"))
	h := sha256.New()
	for line := range bytes.Lines(up) {
		for i := range line {
			if bytes.HasPrefix(line[i:], []byte("--")) && bytes.Count(line[:i], []byte("'"))%2 == 0 {
				line = line[:i]
				break
			}
		}
		for _, word := range bytes.Fields(line) {
			h.Write(word)
			h.Write([]byte{' '})
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

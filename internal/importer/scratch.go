package importer

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"strings"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// scratch is a temporary file for what would not fit into memory: the rows of a file
// by user, and what a dry run would have written in the batches before.
type scratch struct {
	db   *sql.DB
	path string
}

func newScratch(ctx context.Context) (*scratch, error) {
	f, err := os.CreateTemp("", "latchkey-import-*")
	if err != nil {
		return nil, err
	}
	s := &scratch{path: f.Name()}
	if err := f.Close(); err != nil {
		return nil, errors.Join(err, s.remove())
	}
	// It does not outlive the process, so that nothing in it has to be safe on disk.
	s.db, err = sql.Open("sqlite", "file:"+s.path+"?_pragma=journal_mode(OFF)&_pragma=synchronous(OFF)&_pragma=cache_size(-8000)")
	if err != nil {
		return nil, errors.Join(err, s.remove())
	}
	s.db.SetMaxOpenConns(1)
	if err := s.db.PingContext(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	// Where an open file can lose its name, what is in it goes with the process, even if
	// that is killed: it is about people.
	_ = s.remove()
	return s, nil
}

func (s *scratch) Close() error { return errors.Join(s.db.Close(), s.remove()) }

func (s *scratch) remove() error {
	if err := os.Remove(s.path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// kind is what a note of a dry run is about.
type kind int

const (
	noteOwner kind = iota // identity: user and source id
	noteClaim             // address: user and spelling
	noteDone              // source id: user and status
	noteShown             // address: user
	noteNamed             // display name: user and host of the picture
	noteTaken             // id or external id
)

// notes remember, from one batch of a dry run to the next, what would have been
// written.
type notes struct{ *scratch }

func newNotes(ctx context.Context) (*notes, error) {
	s, err := newScratch(ctx)
	if err != nil {
		return nil, err
	}
	_, err = s.db.ExecContext(ctx, "CREATE TABLE notes (kind integer, k text, v text, w text); CREATE INDEX notes_k ON notes (kind, k)")
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return &notes{s}, nil
}

// noteRow is something to remember.
type noteRow struct {
	kind    kind
	k, v, w string
}

func (n *notes) keep(ctx context.Context, rows []noteRow) error {
	tx, err := n.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	insert, err := tx.PrepareContext(ctx, "INSERT INTO notes VALUES (?, ?, ?, ?)")
	if err != nil {
		return errors.Join(err, tx.Rollback())
	}
	defer func() { _ = insert.Close() }() // which says nothing that the commit does not
	for _, r := range rows {
		if _, err := insert.ExecContext(ctx, r.kind, r.k, r.v, r.w); err != nil {
			return errors.Join(err, tx.Rollback())
		}
	}
	return tx.Commit()
}

// recall calls each with what is remembered of the keys.
func (n *notes) recall(ctx context.Context, of kind, keys []string, each func(r noteRow)) error {
	const most = 500 // placeholders in a statement
	for len(keys) > 0 {
		page := keys[:min(most, len(keys))]
		keys = keys[len(page):]
		args := []any{of}
		for _, k := range page {
			args = append(args, k)
		}
		places := "?" + strings.Repeat(", ?", len(page)-1)
		rows, err := n.db.QueryContext(ctx, "SELECT k, v, w FROM notes WHERE kind = ? AND k IN ("+places+")", args...) //nolint:gosec // placeholders only
		if err != nil {
			return err
		}
		for rows.Next() {
			r := noteRow{kind: of}
			if err := rows.Scan(&r.k, &r.v, &r.w); err != nil {
				return errors.Join(err, rows.Close()) //nolint:sqlclosecheck // in a loop over pages
			}
			each(r)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return err
		}
	}
	return nil
}

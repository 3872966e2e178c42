// Package erased keeps the list of users who were erased in a file outside of the
// database, so that a restored backup can be brought to the same state.
package erased

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/linking"
)

// Name is the file's, in the directory of the archive.
const Name = "erased.ndjson"

// Store lists who was erased.
type Store interface {
	// ErasedUsers lists users who were erased behind a user, ordered by id.
	ErasedUsers(ctx context.Context, after identity.ID, limit int) ([]linking.Erased, error)
}

const page = 500

// Each gives everybody who was erased to do.
func Each(ctx context.Context, store Store, do func(linking.Erased) error) error {
	var after identity.ID
	for {
		rows, err := store.ErasedUsers(ctx, after, page)
		if err != nil || len(rows) == 0 {
			return err
		}
		for _, e := range rows {
			if err := do(e); err != nil {
				return err
			}
			after = e.UserID
		}
	}
}

// Read gives each entry of a list to do, and returns how many lines are no entries: a
// full disk cuts one off. An entry may be there several times.
func Read(r io.Reader, do func(linking.Erased) error) (cut int, err error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if len(lines.Bytes()) == 0 {
			continue
		}
		var e linking.Erased
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil || e.UserID == (identity.ID{}) {
			cut++
			continue
		}
		if err := do(e); err != nil {
			return cut, err
		}
	}
	return cut, lines.Err()
}

// File is the list in a directory.
type File struct {
	store Store
	path  string
	known map[identity.ID]bool // who is in it
}

// NewFile returns the list of a directory.
func NewFile(store Store, dir string) *File {
	return &File{store: store, path: filepath.Join(dir, Name)}
}

// Update adds who was erased and is not on the list, and returns how many. Entries
// are never taken off it: it may have been written beside another database.
func (f *File) Update(ctx context.Context) (added int, err error) {
	if f.known == nil {
		if err := f.load(); err != nil {
			return 0, err
		}
	}
	var lines []byte
	var names []identity.ID
	err = Each(ctx, f.store, func(e linking.Erased) error {
		if f.known[e.UserID] {
			return nil
		}
		line, err := json.Marshal(e)
		lines, names = append(append(lines, line...), '\n'), append(names, e.UserID)
		return err
	})
	if err != nil || len(lines) == 0 {
		return 0, err
	}
	// One write, so that replicas that share the file do not mix lines; and a line of its
	// own, behind one that was cut off.
	lines = append([]byte{'\n'}, lines...)
	out, err := os.OpenFile(f.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, err
	}
	_, err = out.Write(lines)
	if err = errors.Join(err, out.Sync(), out.Close()); err != nil {
		f.known = nil // part of it may be there
		return 0, err
	}
	for _, id := range names {
		f.known[id] = true
	}
	return len(names), nil
}

func (f *File) load() error {
	known := map[identity.ID]bool{}
	in, err := os.Open(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		f.known = known
		return nil
	}
	if err != nil {
		return err
	}
	_, err = Read(in, func(e linking.Erased) error { // who was on a line that was cut off is added again
		known[e.UserID] = true
		return nil
	})
	if err = errors.Join(err, in.Close()); err != nil {
		return fmt.Errorf("%s: %w", f.path, err)
	}
	f.known = known
	return nil
}

// updateEvery is how often the list is brought up to date.
const updateEvery = time.Minute

// Run keeps the list up to date until ctx ends.
func (f *File) Run(ctx context.Context, log *slog.Logger) {
	tick := time.NewTicker(updateEvery)
	defer tick.Stop()
	failing := false
	for {
		_, err := f.Update(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			log.Warn("could not keep the list of erased users; will retry", "file", f.path, "error", err)
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

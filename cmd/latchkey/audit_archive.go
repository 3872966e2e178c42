package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/spf13/cobra"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/audit"
	"github.com/latchkey/latchkey/identity/feed"
	"github.com/latchkey/latchkey/internal/config"
	"github.com/latchkey/latchkey/storage"
)

func newAuditArchiveCommand() *cobra.Command {
	var dir, before string
	cmd := &cobra.Command{
		Use:   "archive",
		Short: "Export old events to files, and drop them from the database",
		Long: `Exports the events from before a time to files, reads these again and verifies
them, and then drops the events. Nothing that is not whole is dropped. The chains go
on behind a checkpoint, and latchkey audit verify --archive walks files and database
as one.

With LATCHKEY_AUDIT_RETENTION a running service does the same by itself, day by day.`,
		Args: cobra.NoArgs,
		RunE: withConfiguredDB(func(cmd *cobra.Command, _ []string, db *storage.DB, cfg config.Config) error {
			if dir == "" {
				dir = cfg.AuditArchiveDir
			}
			if dir == "" {
				return errors.New("name a directory with --dir, or LATCHKEY_AUDIT_ARCHIVE_DIR")
			}
			to := archiveBefore(identity.SystemClock(), time.Duration(cfg.AuditRetention))
			switch {
			case before != "":
				var err error
				if to, err = time.Parse(time.RFC3339, before); err != nil {
					return errors.New("--before: want a time such as 2026-03-01T00:00:00Z")
				}
			case cfg.AuditRetention == 0:
				return errors.New("name a time with --before, or LATCHKEY_AUDIT_RETENTION")
			}
			// What the feed has not got stays, so a service that is not running is made up for.
			if err := errors.Join(audit.NewService(db).SealAll(cmd.Context()), feed.NewService(db, identity.SystemClock).Publish(cmd.Context())); err != nil {
				return err
			}
			files, err := audit.NewArchiver(db, dir, identity.SystemClock).Run(cmd.Context(), to)
			for _, f := range files {
				if _, err := fmt.Fprintf(cmd.OutOrStdout(), "%s: %d events, %s to %s\n", filepath.Join(dir, f.Name), f.Events,
					f.Oldest.UTC().Format(time.RFC3339), f.Newest.UTC().Format(time.RFC3339)); err != nil {
					return err
				}
			}
			if err == nil && len(files) == 0 {
				_, err = fmt.Fprintln(cmd.OutOrStdout(), "nothing to archive, or a running service is at it")
			}
			return err
		}),
	}
	cmd.Flags().StringVar(&dir, "dir", "", "where to write the files; by default LATCHKEY_AUDIT_ARCHIVE_DIR")
	cmd.Flags().StringVar(&before, "before", "", "archive what happened before this time, as in RFC 3339; by default what is older than LATCHKEY_AUDIT_RETENTION")
	return cmd
}

func newAuditReadCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "read FILE",
		Short: "Print an export or a file of the archive with the personal values that were not erased",
		Long: `Prints the events of an export or an archive, one JSON object a line, with the
personal values whose keys are still in the database. Erased ones are gone here as
well. What it prints cannot be verified: the file can.`,
		Args: cobra.ExactArgs(1),
		RunE: withDB(func(cmd *cobra.Command, args []string, db *storage.DB) error {
			out := json.NewEncoder(cmd.OutOrStdout())
			_, err := eachFile(cmd, args[0], func(r io.Reader) (int, error) {
				return 0, audit.ReadExport(r, func(r audit.Record) error {
					if err := db.Unseal(cmd.Context(), &r.Event); err != nil {
						return err
					}
					return out.Encode(r)
				})
			})
			return err
		}),
	}
}

// archived reports that a chain goes on behind an archive.
func (v *verification) archived(c audit.Checkpoint) {
	_, _ = fmt.Fprintf(v.out, "behind  %s: event %d, %x, in file %d of the archive\n", audit.Name(c.Chain), c.Seq, c.Hash, c.Archive)
	if v.ends == nil {
		return
	}
	if end := v.ends[c.Chain]; end.Seq != c.Seq || !bytes.Equal(end.Hash, c.Hash) {
		v.report().Broken(audit.Break{Chain: c.Chain, Seq: c.Seq, What: fmt.Sprintf("the archive does not lead to it: it ends at event %d", end.Seq)})
	}
}

// archive walks the files of an archive that the database names.
func (v *verification) archive(ctx context.Context, db *storage.DB, dir string) error {
	report := v.report()
	report.From = nil
	v.ends = map[identity.ID]audit.Head{}
	report.Whole = func(h audit.Head) { v.ends[h.Chain] = h }
	walk := audit.NewFiles(report)
	for number := int64(0); ; {
		files, err := db.Archives(ctx, number, 1000)
		if err != nil {
			return err
		}
		if len(files) == 0 {
			walk.End()
			return nil
		}
		for _, f := range files {
			if err := v.archiveFile(walk, dir, f); err != nil {
				return err
			}
			number = f.Number
		}
	}
}

func (v *verification) archiveFile(walk *audit.Files, dir string, a audit.Archive) error {
	f, err := os.Open(filepath.Join(dir, a.Name)) //nolint:gosec // the operator names the directory
	if err != nil {
		return fmt.Errorf("--archive: %w", err)
	}
	h := sha256.New()
	_, err = walk.Read(io.TeeReader(f, h))
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("%s: %w", a.Name, err)
	}
	if !bytes.Equal(h.Sum(nil), a.Digest) {
		v.broken++
		_, _ = fmt.Fprintf(v.out, "BROKEN  %s is not the file that was archived\n", a.Name)
	}
	return nil
}

var archiveName = regexp.MustCompile(`^audit-(\d{6,})-[0-9a-f]{8}\.ndjson$`)

// archiveFiles are the files of an archive, in their order.
func archiveFiles(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir) // in the order of names
	if err != nil {
		return nil, err
	}
	var names []string
	last := ""
	for _, e := range entries {
		m := archiveName.FindStringSubmatch(e.Name())
		if m == nil {
			continue
		}
		if m[1] == last {
			return nil, fmt.Errorf("%s has two files %s: one was left by a run that was broken off; latchkey audit verify --archive %s reads those that the database names", dir, m[1], dir)
		}
		last = m[1]
		names = append(names, filepath.Join(dir, e.Name()))
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s has no files of an archive", dir)
	}
	return names, nil
}

// archiveEvery is how often old events are looked for.
const archiveEvery = time.Minute

// archiveBefore is the time from before which events are archived: the end of a day,
// so that there is a file a day, unless they are kept for less.
func archiveBefore(now time.Time, retention time.Duration) time.Time {
	const day = 24 * time.Hour
	before := now.Add(-retention)
	if retention >= day {
		before = before.Truncate(day)
	}
	return before
}

// archive takes old events out of the trail, until ctx ends. Every replica runs it; a
// lease lets one work at a time.
func archive(ctx context.Context, archiver *audit.Archiver, retention, every time.Duration, log *slog.Logger) {
	if retention == 0 {
		return
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	failing := false
	for {
		files, err := archiver.Run(ctx, archiveBefore(identity.SystemClock(), retention))
		for _, f := range files {
			log.Info("archived old audit events", "file", f.Name, "events", f.Events)
		}
		if err != nil && !failing && ctx.Err() == nil {
			log.Warn("could not archive old audit events, so none are dropped; will retry", "error", err)
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

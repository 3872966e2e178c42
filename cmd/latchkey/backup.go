package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/audit"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/internal/backup"
	"github.com/latchkey/latchkey/internal/config"
	"github.com/latchkey/latchkey/internal/erased"
	"github.com/latchkey/latchkey/linking"
	"github.com/latchkey/latchkey/storage"
)

// forPrograms is the URL that leads to the database without a pooler.
func forPrograms(cfg config.Config) string {
	if direct := cfg.DatabaseDirectURL.Reveal(); direct != "" {
		return direct
	}
	return cfg.DatabaseURL.Reveal()
}

func newBackupCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "backup FILE",
		Short: "Copy the database to a file, while the service runs",
		Long: `Copies one state of the database to a file that must not be there: for SQLite
another database file, for PostgreSQL what pg_dump --format=custom writes, which has
to be installed. The file holds everything but LATCHKEY_SECRET. See docs/backup.md.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := config.LoadWithoutSecret(os.Environ())
			if err != nil {
				return err
			}
			if err := backup.Take(cmd.Context(), forPrograms(cfg), args[0]); err != nil {
				return err
			}
			info, err := os.Stat(args[0])
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: %d bytes\n", args[0], info.Size())
			return err
		},
	}
}

func newRestoreCommand() *cobra.Command {
	var yes, replace, restored, keepSessions bool
	var list, archive string
	var expect []string
	cmd := &cobra.Command{
		Use:   "restore {FILE | --data-restored} --yes",
		Short: "Put a backup where the database is, and bring it up to date",
		Long: `Restores what latchkey backup wrote into the configured database, which must be
empty unless --replace is given. The service must not run. Then it

  - migrates the database, if the backup is of an earlier release,
  - ends all sessions, since some of them may have been ended after the backup,
  - erases again who was erased after the backup, by the list that a running
    service keeps in LATCHKEY_AUDIT_ARCHIVE_DIR, or by --erased,
  - verifies the audit trail.

With --data-restored it does only that: for a database that pg_restore, a snapshot or
your platform has restored.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if !restored {
				return cobra.ExactArgs(1)(cmd, args)
			}
			return cobra.NoArgs(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := config.Load(os.Environ(), false) // what is erased again leaves keyed hashes
			if err != nil {
				return err
			}
			if list, err = listToApply(cfg, list); err != nil {
				return err
			}
			verified, err := newVerification(cmd.OutOrStdout(), expect)
			if err != nil {
				return err
			}
			if restored {
				err = backup.Restored(cmd.Context(), forPrograms(cfg))
			} else {
				err = backup.Restore(cmd.Context(), forPrograms(cfg), args[0], replace)
			}
			if errors.Is(err, backup.ErrNotEmpty) {
				err = fmt.Errorf("%w; --replace restores over it, and what it has is lost", err)
			}
			if err != nil {
				return err
			}
			db, err := openDatabase(cmd.Context(), cfg, storage.Patient())
			if err != nil {
				return err
			}
			return errors.Join(afterRestore(cmd, db, verified, list, archive, keepSessions), db.Close())
		},
	}
	cmd.Flags().BoolVar(&replace, "replace", false, "restore over a database that is there; what it has is lost")
	cmd.Flags().BoolVar(&restored, "data-restored", false, "the data is back already, by other means: do what comes after that")
	cmd.MarkFlagsMutuallyExclusive("data-restored", "replace")
	cmd.Flags().BoolVar(&keepSessions, "keep-sessions", false, "let sessions and tokens go on that worked when the backup was made")
	cmd.Flags().StringVar(&list, "erased", "", "the list of erased users; by default "+erased.Name+" in LATCHKEY_AUDIT_ARCHIVE_DIR, if it is there; - for none")
	cmd.Flags().StringVar(&archive, "archive", "", "the directory of the archive, to verify its files with the database")
	cmd.Flags().StringArrayVar(&expect, "expect", nil, "a hash that must be in the audit trail; may be repeated")
	requireYes(cmd, &yes, "restore")
	return cmd
}

// listToApply is the file of erased users to apply, "" for none.
func listToApply(cfg config.Config, given string) (string, error) {
	switch {
	case given == "-", given == "" && cfg.AuditArchiveDir == "":
		return "", nil
	case given == "":
		given = filepath.Join(cfg.AuditArchiveDir, erased.Name)
		if _, err := os.Stat(given); errors.Is(err, fs.ErrNotExist) {
			return "", nil
		}
	}
	_, err := os.Stat(given)
	return given, err
}

func afterRestore(cmd *cobra.Command, db *storage.DB, v *verification, list, archive string, keepSessions bool) error {
	out := cmd.OutOrStdout()
	applied, err := db.Migrate(cmd.Context())
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(out, "restored; %d migrations applied\n", len(applied))
	if !keepSessions {
		if err := endRestoredSessions(cmd.Context(), db); err != nil {
			return err
		}
		_, _ = fmt.Fprintln(out, "all sessions ended")
	}
	if list == "" {
		_, _ = fmt.Fprintln(out, "no list of erased users: who was erased after the backup is back; see docs/backup.md")
	} else if err := eraseAgain(cmd, db, list); err != nil {
		return err
	}
	if err := audit.NewService(db).SealAll(cmd.Context()); err != nil {
		return err
	}
	return v.database(cmd, db, nil, archive)
}

// eraseAgain applies a list of erased users.
func eraseAgain(cmd *cobra.Command, db *storage.DB, list string) error {
	service, err := newLeaving(db)
	if err != nil {
		return err
	}
	in, err := os.Open(list) //nolint:gosec // the operator names the file
	if err != nil {
		return err
	}
	users, entries := 0, 0
	var ownerless []string
	var merged []identity.ID
	cut, err := erased.Read(in, func(e linking.Erased) error {
		entries++
		done, err := service.EraseAgain(cmd.Context(), e)
		users += len(done.Users)
		ownerless = append(ownerless, done.Ownerless...)
		merged = append(merged, done.Merged...)
		return err
	})
	if err = errors.Join(err, in.Close()); err != nil {
		return fmt.Errorf("%s: %w", list, err)
	}
	_, _ = fmt.Fprintf(cmd.OutOrStdout(), "%d users erased again, of %d on the list\n", users, entries)
	for _, id := range merged {
		_, _ = fmt.Fprintf(cmd.OutOrStdout(), "user %s was erased, but is merged into another user here: undo the merge, and run latchkey user erase-again\n", id)
	}
	if cut > 0 {
		_, _ = fmt.Fprintf(cmd.OutOrStdout(), "%d lines of the list are cut off: see who was to be on them\n", cut)
	}
	for _, name := range ownerless {
		_, _ = fmt.Fprintf(cmd.OutOrStdout(), "team %q has no active owner now\n", name)
	}
	return nil
}

func endRestoredSessions(ctx context.Context, db *storage.DB) error {
	now := identity.SystemClock()
	e := identity.CommandLine.Event(identity.ActionSessionEnded, now)
	e.Data = identity.Metadata{"reason": "revoked", "all": true}
	return db.InTx(ctx, func(ctx context.Context) error {
		_, err := db.EndAllSessions(ctx, nil, session.Filter{})
		return errors.Join(err, db.RecordEvents(ctx, e))
	})
}

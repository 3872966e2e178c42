package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/internal/app"
	"github.com/latchkey/latchkey/internal/config"
	"github.com/latchkey/latchkey/internal/erased"
	"github.com/latchkey/latchkey/internal/metrics"
	"github.com/latchkey/latchkey/linking"
	"github.com/latchkey/latchkey/storage"
)

func newUserCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "user", Short: "Delete, restore and export users"}
	cmd.AddCommand(newUserDeleteCommand(), newUserRestoreCommand(), newUserExportCommand(), newUserErasedCommand(), newUserEraseAgainCommand())
	return cmd
}

func newUserDeleteCommand() *cobra.Command {
	var yes bool
	var transfers, deletes []string
	var reason string
	cmd := &cobra.Command{
		Use: "delete USER --yes", Short: "Delete a user, who can be restored until the grace is over", Args: cobra.ExactArgs(1),
		Long: "Delete a user: everything that works for them ends at once, and what is kept about them is erased when the grace\n" +
			"(LATCHKEY_DELETION_GRACE_DAYS) is over.\n\n" +
			"A user is named by id, verified address or wallet. Teams that they alone own are named by --transfer or --delete-team, which is final.",
		RunE: withDB(func(cmd *cobra.Command, args []string, db *storage.DB) error {
			id, err := selectorOf(args[0]).find(cmd.Context(), db)
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			l := linking.Leaving{Reason: reason}
			if l.Teams, err = fatesOf(cmd.Context(), db, transfers, deletes); err != nil {
				return err
			}
			service, err := newLeaving(db)
			if err != nil {
				return err
			}
			d, err := service.Leave(cmd.Context(), identity.CommandLine, id, l)
			if errors.Is(err, identity.ErrNotFound) {
				return errors.New("this user was merged into another, or is deleted already")
			}
			if err != nil {
				return err
			}
			if _, err := service.Leaving(cmd.Context(), id); errors.Is(err, identity.ErrNotFound) {
				_, err = fmt.Fprintln(cmd.OutOrStdout(), "deleted: there is no grace")
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "everything is erased at %s; until then `latchkey user restore %s` restores the account\n", d.DeletesAt.UTC().Format(time.RFC3339), id)
			return err
		}),
	}
	cmd.Flags().StringArrayVar(&transfers, "transfer", nil, "a team and the member who becomes its owner, TEAM=USER; may be repeated")
	cmd.Flags().StringArrayVar(&deletes, "delete-team", nil, "a team that is deleted, by id; may be repeated")
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the audit trail")
	requireYes(cmd, &yes, "delete the user")
	return cmd
}

func newUserRestoreCommand() *cobra.Command {
	var yes bool
	var reason string
	cmd := &cobra.Command{
		Use: "restore USER --yes", Short: "Restore a user whose deletion is pending", Args: cobra.ExactArgs(1),
		RunE: withDB(func(cmd *cobra.Command, args []string, db *storage.DB) error {
			id, err := selectorOf(args[0]).find(cmd.Context(), db)
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			service, err := newLeaving(db)
			if err != nil {
				return err
			}
			err = service.CancelDeletion(cmd.Context(), identity.CommandLine, id, reason)
			if errors.Is(err, identity.ErrNotFound) {
				return errors.New("this user is not being deleted")
			}
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), "restored; they sign in again")
			return err
		}),
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the audit trail")
	requireYes(cmd, &yes, "restore the user")
	return cmd
}

func newUserExportCommand() *cobra.Command {
	return &cobra.Command{
		Use: "export USER", Short: "Print everything that is kept about a user, as GET /v1/me/export does", Args: cobra.ExactArgs(1),
		Long: "Print everything that is kept about a user as one JSON object, as GET /v1/me/export does.\n\nA user is named by id, verified address or wallet.",
		RunE: withDB(func(cmd *cobra.Command, args []string, db *storage.DB) error {
			id, err := selectorOf(args[0]).find(cmd.Context(), db)
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			cfg, err := config.Load(os.Environ(), false)
			if err != nil {
				return err
			}
			ctx, cancel := context.WithCancel(cmd.Context())
			defer cancel()
			a, err := app.New(app.Parts{
				Context: ctx, Config: cfg, DB: db, Metrics: metrics.New(), Log: slog.New(slog.DiscardHandler), Now: identity.SystemClock,
			})
			if err != nil {
				return err
			}
			out, err := a.Export(ctx, id)
			if err != nil {
				return err
			}
			return printJSON(cmd.OutOrStdout(), out)
		}),
	}
}

func newUserErasedCommand() *cobra.Command {
	return &cobra.Command{
		Use: "erased", Short: "List who was erased, one JSON object a line, to keep outside of backups", Args: cobra.NoArgs,
		Long: "List who was erased, one JSON object a line: ids and times, nothing personal. `latchkey restore` and `latchkey user erase-again` apply\n" +
			"the list to a database that was restored. A running service keeps it in LATCHKEY_AUDIT_ARCHIVE_DIR.",
		RunE: withDB(func(cmd *cobra.Command, _ []string, db *storage.DB) error {
			out := json.NewEncoder(cmd.OutOrStdout())
			return erased.Each(cmd.Context(), db, func(e linking.Erased) error { return out.Encode(e) })
		}),
	}
}

func newUserEraseAgainCommand() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use: "erase-again LIST --yes", Short: "Erase who is on a list, after a database was restored from a backup", Args: cobra.ExactArgs(1),
		Long: "Erase who is on a list that `latchkey user erased` printed or a running service kept. Who is not there, or is erased already, is passed over.",
		RunE: withDB(func(cmd *cobra.Command, args []string, db *storage.DB) error { return eraseAgain(cmd, db, args[0]) }),
	}
	requireYes(cmd, &yes, "erase them")
	return cmd
}

// requireYes makes a command that changes much run with --yes only.
func requireYes(cmd *cobra.Command, yes *bool, does string) {
	cmd.Flags().BoolVar(yes, "yes", false, does)
	if err := cmd.MarkFlagRequired("yes"); err != nil {
		panic(err) // only for a flag that is not there
	}
}

// fatesOf reads what becomes of teams.
func fatesOf(ctx context.Context, db *storage.DB, transfers, deletes []string) (map[identity.ID]linking.TeamFate, error) {
	fates := map[identity.ID]linking.TeamFate{}
	add := func(team string, fate linking.TeamFate) error {
		id, err := uuid.Parse(team)
		if _, twice := fates[id]; err != nil || twice {
			return fmt.Errorf("%q is no id of a team, or named twice", team)
		}
		fates[id] = fate
		return nil
	}
	for _, t := range transfers {
		team, to, _ := strings.Cut(t, "=")
		heir, err := selectorOf(to).find(ctx, db)
		if err != nil {
			return nil, fmt.Errorf("--transfer %s: %w", t, err)
		}
		if err := add(team, linking.TeamFate{TransferTo: &heir}); err != nil {
			return nil, fmt.Errorf("--transfer: %w", err)
		}
	}
	for _, team := range deletes {
		if err := add(team, linking.TeamFate{Delete: true}); err != nil {
			return nil, fmt.Errorf("--delete-team: %w", err)
		}
	}
	return fates, nil
}

// newLeaving returns the service that deletes and restores users. It needs the secret of
// the service: for mail, which is stored sealed, and for what is left of erased values.
func newLeaving(db *storage.DB) (*linking.Service, error) {
	cfg, err := config.Load(os.Environ(), false)
	if err != nil {
		return nil, err
	}
	return linking.NewService(db, nil, linking.Options{
		Usable:     cfg.Offers,
		Grace:      time.Duration(cfg.DeletionGraceDays) * 24 * time.Hour,
		ErasedKeys: identity.Secrets(cfg.Secrets()).Keys("erased values"),
		Notices:    app.Notices(cfg, db),
	}, identity.SystemClock), nil
}

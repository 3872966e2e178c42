package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/internal/app"
	"github.com/latchkey/latchkey/internal/config"
	"github.com/latchkey/latchkey/internal/dedupe"
	"github.com/latchkey/latchkey/linking"
	"github.com/latchkey/latchkey/storage"
)

// newDedupeCommand merges users who are one person, as far as that is certain.
func newDedupeCommand() *cobra.Command {
	var dryRun, yes bool
	cmd := &cobra.Command{
		Use: "dedupe", Short: "Show users who may be one person, or merge those who are", Args: cobra.NoArgs,
		RunE: withDB(func(cmd *cobra.Command, _ []string, db *storage.DB) error {
			cfg, err := config.LoadWithoutSecret(os.Environ())
			if err != nil {
				return err
			}
			if yes && cfg.MailEnabled() && cfg.Secret.Reveal() == "" {
				return &config.Error{Problems: []config.Problem{{
					Variable: "LATCHKEY_SECRET", Message: "is not set; the people who are merged are told by mail, which waits sealed under it: give the one of the service",
				}}}
			}
			merging := linking.NewService(db, nil, linking.Options{
				UndoFor: time.Duration(cfg.MergeUndoDays) * 24 * time.Hour,
				Notices: app.Notices(cfg, db),
			}, identity.SystemClock)
			result, err := dedupe.Run(cmd.Context(), merging, yes, cmd.OutOrStdout())
			if err != nil {
				return err
			}
			if _, err := fmt.Fprintln(cmd.OutOrStdout(), result); err != nil {
				return err
			}
			if result.Failed > 0 {
				return errors.New("not everything could be merged: see above")
			}
			return nil
		}),
	}
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "show what would be merged, and write nothing")
	cmd.Flags().BoolVar(&yes, "yes", false, "merge, one pair after the other; hints are left")
	cmd.MarkFlagsOneRequired("dry-run", "yes")
	cmd.MarkFlagsMutuallyExclusive("dry-run", "yes")
	return cmd
}

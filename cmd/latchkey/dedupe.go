package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/latchkey/latchkey/internal/dedupe"
	"github.com/latchkey/latchkey/storage"
)

// newDedupeCommand merges users that certainly are one person.
func newDedupeCommand() *cobra.Command {
	var dryRun, yes bool
	cmd := &cobra.Command{
		Use: "dedupe", Short: "Show possible duplicate users, or merge the certain ones", Args: cobra.NoArgs,
		RunE: withDB(func(cmd *cobra.Command, _ []string, db *storage.DB) error {
			if err := migrateNew(cmd, db); err != nil {
				return err
			}
			merging, err := newMerging(db, yes)
			if err != nil {
				return err
			}
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
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "show what would be merged without changing anything")
	cmd.Flags().BoolVar(&yes, "yes", false, "merge the certain pairs one by one; hints are not merged")
	cmd.MarkFlagsOneRequired("dry-run", "yes")
	cmd.MarkFlagsMutuallyExclusive("dry-run", "yes")
	return cmd
}

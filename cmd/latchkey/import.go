package main

import (
	"cmp"
	"errors"

	"github.com/spf13/cobra"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/internal/importer"
	"github.com/latchkey/latchkey/storage"
)

// newImportCommand imports the users of another system.
func newImportCommand() *cobra.Command {
	var from, source, name string
	o := importer.Options{Now: identity.SystemClock}
	cmd := &cobra.Command{
		Use: "import", Short: "Import the users of Auth.js, Better Auth, Supabase or a CSV file; safe to re-run", Args: cobra.NoArgs,
		RunE: withDB(func(cmd *cobra.Command, _ []string, db *storage.DB) error {
			src, err := importer.Open(cmd.Context(), from, source)
			if err != nil {
				return err
			}
			o.Origin, o.Progress = cmp.Or(name, from), cmd.ErrOrStderr()
			report, err := importer.Run(cmd.Context(), db, src, o)
			return errors.Join(err, report.Write(cmd.OutOrStdout()), src.Close())
		}),
	}
	cmd.Flags().StringVar(&from, "from", "", "authjs, better-auth, supabase or csv")
	cmd.Flags().StringVar(&source, "source", "", "postgres://..., sqlite://path or a CSV file; it is opened read-only")
	cmd.Flags().StringVar(&name, "name", "", "a name for this source, if there are several of one kind (default: the value of --from)")
	cmd.Flags().BoolVar(&o.DryRun, "dry-run", false, "report what would be done without changing anything")
	cmd.Flags().IntVar(&o.Batch, "batch", 500, "users in one transaction")
	for _, flag := range []string{"from", "source"} {
		cobra.CheckErr(cmd.MarkFlagRequired(flag))
	}
	return cmd
}

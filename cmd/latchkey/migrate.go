package main

import (
	"errors"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/latchkey/latchkey/internal/config"
	"github.com/latchkey/latchkey/storage"
)

func newMigrateCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "migrate", Short: "Migrate the database's schema, or show its state"}
	cmd.AddCommand(
		&cobra.Command{Use: "up", Short: "Apply every pending migration", Args: cobra.NoArgs, RunE: withDB(migrateUp)},
		&cobra.Command{Use: "status", Short: "List the migrations and their state", Args: cobra.NoArgs, RunE: withDB(migrateStatus)},
		newMigrateDownCommand(),
	)
	return cmd
}

// withDB runs a command with the configured database.
func withDB(run func(cmd *cobra.Command, args []string, db *storage.DB) error) func(*cobra.Command, []string) error {
	return withConfiguredDB(func(cmd *cobra.Command, args []string, db *storage.DB, _ config.Config) error {
		return run(cmd, args, db)
	})
}

// withConfiguredDB is withDB for what the rest of the configuration decides about.
func withConfiguredDB(run func(cmd *cobra.Command, args []string, db *storage.DB, cfg config.Config) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		cfg, err := config.LoadWithoutSecret(os.Environ())
		if err != nil {
			return err
		}
		db, err := openDatabase(cmd.Context(), cfg, storage.Patient())
		if err != nil {
			return err
		}
		return errors.Join(run(cmd, args, db, cfg), db.Close())
	}
}

func migrateUp(cmd *cobra.Command, _ []string, db *storage.DB) error {
	applied, err := db.Migrate(cmd.Context())
	if err != nil {
		return err
	}
	for _, m := range applied {
		cmd.Printf("applied %s\n", m.Name)
	}
	if len(applied) == 0 {
		cmd.Println("the schema is up to date")
	}
	return nil
}

func migrateStatus(cmd *cobra.Command, _ []string, db *storage.DB) error {
	status, err := db.MigrationStatus(cmd.Context())
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	for _, m := range status {
		state := "pending"
		if m.Applied {
			state = "applied " + m.AppliedAt.Format(time.RFC3339)
		}
		if _, err := fmt.Fprintf(w, "%s\t%s\n", m.Name, state); err != nil {
			return err
		}
	}
	return w.Flush()
}

func newMigrateDownCommand() *cobra.Command {
	var sure bool
	cmd := &cobra.Command{
		Use: "down", Short: "Roll back the newest migration and delete its data", Args: cobra.NoArgs,
		RunE: withDB(func(cmd *cobra.Command, _ []string, db *storage.DB) error {
			if !sure {
				return errors.New("this deletes data: repeat it with --yes")
			}
			m, err := db.MigrateDown(cmd.Context())
			if err != nil {
				return err
			}
			cmd.Printf("rolled back %s\n", m.Name)
			return nil
		}),
	}
	cmd.Flags().BoolVar(&sure, "yes", false, "delete the data of that migration")
	return cmd
}

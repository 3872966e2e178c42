package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/linking"
	"github.com/latchkey/latchkey/storage"
)

func newIdentitiesCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "identities", Short: "Manage identities"}
	cmd.AddCommand(newRemapCommand())
	return cmd
}

func newRemapCommand() *cobra.Command {
	var provider, file string
	var confirm confirmation
	cmd := &cobra.Command{
		Use: "remap", Short: "Rename the subjects of an issuer that changed them",
		Long: "Rename the subjects of an issuer that changed them, for example after it moved to another tenant.\n\n" +
			"The file is CSV with two columns and no header: the old subject and the new one. All are renamed in one\n" +
			"transaction, or none: a new subject that belongs to a user already stops it. Safe to re-run.",
		Args: cobra.NoArgs,
		RunE: withDB(func(cmd *cobra.Command, _ []string, db *storage.DB) error {
			pairs, err := readPairs(file)
			if err != nil {
				return err
			}
			service := linking.NewService(db, nil, linking.Options{}, identity.SystemClock)
			done, err := service.Remap(cmd.Context(), provider, pairs, confirm.dryRun)
			if err != nil {
				return err
			}
			renamed := 0
			for _, r := range done {
				if r.User == nil {
					cmd.Printf("%s: no such identity\n", r.From)
					continue
				}
				renamed++
				cmd.Printf("%s -> %s (user %s)\n", r.From, r.To, *r.User)
			}
			verb := "renamed"
			if confirm.dryRun {
				verb = "would be renamed"
			}
			cmd.Printf("%d of %d %s\n", renamed, len(done), verb)
			return nil
		}),
	}
	cmd.Flags().StringVar(&provider, "provider", "", "the provider whose subjects changed")
	cmd.Flags().StringVar(&file, "file", "", "CSV file: old subject, new subject")
	_ = cmd.MarkFlagRequired("provider") // fails only for a flag that is not there
	_ = cmd.MarkFlagRequired("file")
	confirm.flags(cmd)
	return cmd
}

// readPairs reads old and new subjects, each of which is listed once.
func readPairs(path string) ([][2]string, error) {
	f, err := os.Open(path) //nolint:gosec // the operator names it
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	r := csv.NewReader(f)
	r.FieldsPerRecord = 2
	records, err := r.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	seen := map[string]bool{}
	var out [][2]string
	for n, rec := range records {
		from, to := rec[0], rec[1]
		if from == "" || to == "" || from == to || seen["from "+from] || seen["to "+to] {
			return nil, fmt.Errorf("%s: line %d: both subjects must be given, differ, and be listed once", path, n+1)
		}
		seen["from "+from], seen["to "+to] = true, true
		out = append(out, [2]string{from, to})
	}
	if len(out) == 0 {
		return nil, errors.New(path + " has no lines")
	}
	return out, nil
}

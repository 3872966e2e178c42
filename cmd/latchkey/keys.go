package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/token"
	"github.com/latchkey/latchkey/internal/app"
	"github.com/latchkey/latchkey/internal/config"
	"github.com/latchkey/latchkey/storage"
)

func newKeysCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "keys", Short: "List or rotate the keys that sign tokens"}
	cmd.AddCommand(
		&cobra.Command{
			Use: "list", Short: "List the keys, newest first", Args: cobra.NoArgs,
			RunE: withKeys(false, listKeys),
		},
		newRotateKeysCommand(),
		newResealKeysCommand(),
	)
	return cmd
}

// withKeys runs a command with the keyrings, that of access tokens first. Only creating keys needs the secret.
func withKeys(needSecret bool, run func(cmd *cobra.Command, keys []*token.Keyring) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, _ []string) error {
		cfg, err := config.LoadWithoutSecret(os.Environ())
		if needSecret {
			cfg, err = config.Load(os.Environ(), false)
		}
		if err != nil {
			return err
		}
		db, err := openDatabase(cmd.Context(), cfg, storage.Patient())
		if err != nil {
			return err
		}
		keys := app.Keyrings(cfg, db, slog.New(slog.DiscardHandler), identity.SystemClock)
		return errors.Join(run(cmd, keys), db.Close())
	}
}

func listKeys(cmd *cobra.Command, rings []*token.Keyring) error {
	found := false
	for _, ring := range rings {
		all, err := ring.Keys(cmd.Context())
		if err != nil {
			return err
		}
		if err := listRing(cmd, all); err != nil {
			return err
		}
		found = found || len(all) > 0
	}
	if !found {
		cmd.Println("there is no key yet: latchkey serve creates one")
	}
	return nil
}

func listRing(cmd *cobra.Command, all []token.Key) error {
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	for _, k := range all {
		expires := "-"
		if k.ExpiresAt != nil {
			expires = k.ExpiresAt.Format(time.RFC3339)
		}
		if _, err := fmt.Fprintf(w, "%s\t%s\tfrom %s\tuntil %s\t%s\n", k.Kid, k.Alg, k.ActiveAt.Format(time.RFC3339), expires,
			token.State(k, all, identity.SystemClock())); err != nil {
			return err
		}
	}
	return w.Flush()
}

func newRotateKeysCommand() *cobra.Command {
	var compromised bool
	cmd := &cobra.Command{
		Use: "rotate", Short: "Create keys, which are published immediately and sign ten minutes later", Args: cobra.NoArgs,
		Long: `Create a key for access tokens, and one for each algorithm that ID tokens were signed
in. They are published immediately and sign ten minutes later. The old
keys stay published until the last token that they signed has expired. Keys are
rotated automatically every 90 days.`,
		RunE: withKeys(true, func(cmd *cobra.Command, rings []*token.Keyring) error {
			for i, ring := range rings {
				if all, err := ring.Keys(cmd.Context()); err != nil || i > 0 && len(all) == 0 {
					if err != nil {
						return err
					}
					continue // nothing was signed in this algorithm
				}
				k, err := ring.Rotate(cmd.Context(), compromised)
				if err != nil {
					return err
				}
				cmd.Printf("%s (%s) signs from %s\n", k.Kid, k.Alg, k.ActiveAt.Format(time.RFC3339))
			}
			return nil
		}),
	}
	cmd.Flags().BoolVar(&compromised, "compromised", false,
		"the old keys leaked, or cannot be read any more: remove them now, which invalidates every token that they signed, and sign with the new key now")
	return cmd
}

func newResealKeysCommand() *cobra.Command {
	return &cobra.Command{
		Use: "reseal", Short: "Seal what is stored under LATCHKEY_SECRET instead of LATCHKEY_SECRET_PREVIOUS", Args: cobra.NoArgs,
		Long: `Seal signing keys, the secrets of the audit trail and of webhooks, and waiting mail
under LATCHKEY_SECRET that are sealed under LATCHKEY_SECRET_PREVIOUS. Run it after every
replica has both, the new value as LATCHKEY_SECRET. It is safe to run again.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := config.Load(os.Environ(), false)
			if err != nil {
				return err
			}
			db, err := openDatabase(cmd.Context(), cfg, storage.Patient())
			if err != nil {
				return err
			}
			r, err := app.Reseal(cmd.Context(), cfg, db, identity.SystemClock)
			if err = errors.Join(err, db.Close()); err != nil {
				return err
			}
			cmd.Printf("sealed under the present secret: %d signing keys, %d secrets of the audit trail, %d waiting tasks, %d webhooks\n", r.Keys, r.Audit, r.Tasks, r.Webhooks)
			if r.Unreadable > 0 {
				cmd.Printf("%d waiting tasks, webhooks or secrets of the audit trail open under neither secret: tasks fail when they expire, the secret of a webhook has to be rotated, and what the audit trail has sealed cannot be read\n", r.Unreadable)
			}
			if r.Families > 0 {
				cmd.Printf("%d refresh tokens were made under another secret; each changes when it is used\n", r.Families)
			}
			return nil
		},
	}
}

package main

import (
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/apikey"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/storage"
)

func newAPIKeyCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "api-key", Short: "Manage the credentials of services"}
	cmd.AddCommand(newCreateAPIKeyCommand(), newListAPIKeysCommand(), newRevokeAPIKeyCommand())
	return cmd
}

func newCreateAPIKeyCommand() *cobra.Command {
	var name string
	var scopes, domains []string
	var proves string
	var days int
	cmd := &cobra.Command{
		Use: "create", Short: "Create a key and print it; it is not shown again", Args: cobra.NoArgs,
		RunE: withDB(func(cmd *cobra.Command, _ []string, db *storage.DB) error {
			n := apikey.New{Name: name, Lifetime: time.Duration(days) * 24 * time.Hour, Proves: proves, EmailDomains: domains}
			for _, s := range scopes {
				n.Scopes = append(n.Scopes, apikey.Scope(s))
			}
			k, raw, err := apikey.NewService(db, identity.SystemClock).Create(cmd.Context(), nil, n)
			if err != nil {
				return err
			}
			// The key alone on standard output, for scripts.
			cmd.PrintErrf("%s, until %s; it is not shown again:\n", k.Name, k.ExpiresAt.Format(time.RFC3339))
			_, err = fmt.Fprintln(cmd.OutOrStdout(), raw)
			return err
		}),
	}
	cmd.Flags().StringVar(&name, "name", "", "what the key is for")
	cmd.Flags().StringSliceVar(&scopes, "scope", nil, "one of "+apikey.AllScopes.List()+"; may be repeated")
	cmd.Flags().StringVar(&proves, "proves", "", "with proofs:write: the provider that the key vouches for people as, such as backend:legacy")
	cmd.Flags().StringSliceVar(&domains, "email-domain", nil, "with proofs:write: a domain whose addresses the key may vouch for; may be repeated")
	cmd.Flags().IntVar(&days, "days", int(apikey.DefaultLifetime/(24*time.Hour)), "days until it expires")
	for _, flag := range []string{"name", "scope"} {
		if err := cmd.MarkFlagRequired(flag); err != nil {
			panic(err) // only for a flag that is not there
		}
	}
	return cmd
}

func newListAPIKeysCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the keys, newest first, without their secrets", Args: cobra.NoArgs,
		RunE: withDB(func(cmd *cobra.Command, _ []string, db *storage.DB) error {
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			keys := apikey.NewService(db, identity.SystemClock)
			for p := (identity.Page{Limit: 100}); ; {
				rows, next, err := keys.List(cmd.Context(), p)
				if err != nil {
					return err
				}
				for _, k := range rows {
					if _, err := fmt.Fprintf(w, "%s\tlk_%s\t%s\t%s\t%s\n", k.ID, k.Prefix, k.Name, strings.TrimSpace(fmt.Sprintf("%s %s", k.Scopes, k.Proves)), keyState(k)); err != nil {
						return err
					}
				}
				if p.After = next; next == nil {
					return w.Flush()
				}
			}
		}),
	}
}

func keyState(k apikey.Key) string {
	used := "never used"
	if k.LastUsedAt != nil {
		used = "last used " + k.LastUsedAt.Format(time.RFC3339)
	}
	switch {
	case k.RevokedAt != nil:
		return "revoked " + k.RevokedAt.Format(time.RFC3339)
	case !k.Works(identity.SystemClock()):
		return "expired " + k.ExpiresAt.Format(time.RFC3339)
	}
	return "until " + k.ExpiresAt.Format(time.RFC3339) + ", " + used
}

func newRevokeAPIKeyCommand() *cobra.Command {
	var endSessions bool
	cmd := &cobra.Command{
		Use: "revoke ID", Short: "Revoke a key immediately", Args: cobra.ExactArgs(1),
		RunE: withDB(func(cmd *cobra.Command, args []string, db *storage.DB) error {
			id, err := uuid.Parse(args[0])
			if err != nil {
				return fmt.Errorf("want an id from `latchkey admin api-key list`: %w", err)
			}
			err = apikey.NewService(db, identity.SystemClock).Revoke(cmd.Context(), nil, id)
			if errors.Is(err, identity.ErrNotFound) {
				err = errors.New("there is no such key")
			}
			if err != nil || !endSessions {
				return err
			}
			sessions := session.NewService(db, nil, session.Limits{}, identity.SystemClock)
			ended, err := sessions.RevokeSessions(cmd.Context(), identity.CommandLine, session.Revocation{Filter: session.Filter{KeyID: &id}})
			switch {
			case err != nil:
				return fmt.Errorf("the key is revoked, but its sessions are not ended; repeat the command: %w", err)
			case ended.Job != nil:
				_, err = fmt.Fprintln(cmd.OutOrStdout(), "the service ends the sessions in the background: there are many")
			default:
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d sessions ended\n", ended.Count)
			}
			return err
		}),
	}
	cmd.Flags().BoolVar(&endSessions, "end-sessions", false, "also end the sessions of people for whom the key vouched")
	return cmd
}

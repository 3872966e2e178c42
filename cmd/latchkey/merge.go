package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/internal/app"
	"github.com/latchkey/latchkey/internal/config"
	"github.com/latchkey/latchkey/linking"
	"github.com/latchkey/latchkey/storage"
)

// newMergeCommand merges two users that are named, and undoes merges. It is the
// only way to merge an operator's account: see linking.Service.AdminMerge.
func newMergeCommand() *cobra.Command {
	var survivor string
	var source []string
	var confirm confirmation
	cmd := &cobra.Command{
		Use: "merge USER USER", Short: "Merge two users, or show what that would do",
		Long: "Merge two users, or show what that would do.\n\n" +
			"A user is named by id, verified address or wallet. The older account survives unless --survivor names the other.\n" +
			"This is the only way to merge accounts of which one is an operator's: the survivor is an operator then.",
		Args: cobra.ExactArgs(2),
		RunE: withDB(func(cmd *cobra.Command, args []string, db *storage.DB) error {
			service, err := newMerging(db, confirm.yes)
			if err != nil {
				return err
			}
			users := map[string]identity.ID{}
			for _, name := range append(args, survivor) {
				if name == "" {
					continue
				}
				if users[name], err = selectorOf(name).find(cmd.Context(), db); err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
			}
			wishes := linking.MergeChoices{Choices: map[string]linking.Side{}}
			for _, field := range source {
				wishes.Choices[field] = linking.SideSource
			}
			if id, named := users[survivor]; named {
				wishes.Survivor = &id
			}
			a, b := users[args[0]], users[args[1]]
			preview, err := service.AdminMerge(cmd.Context(), nil, a, b, wishes, true)
			if err != nil {
				return err
			}
			if err := printPreview(cmd.OutOrStdout(), preview); err != nil || !confirm.yes {
				return err
			}
			wishes.Fingerprint = preview.Fingerprint
			merged, err := service.AdminMerge(cmd.Context(), nil, a, b, wishes, false)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "merged; `latchkey merge undo %s` undoes it until %s\n", merged.ID, merged.Merge.UndoUntil.Format(time.RFC3339))
			return err
		}),
	}
	cmd.Flags().StringVar(&survivor, "survivor", "", "the user that remains")
	cmd.Flags().StringSliceVar(&source, "take", nil, "a conflicting field whose value to take from the other account; may be repeated")
	confirm.flags(cmd)
	cmd.AddCommand(newMergeUndoCommand())
	return cmd
}

func newMergeUndoCommand() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use: "undo MERGE --yes", Short: "Undo a merge, by its id", Args: cobra.ExactArgs(1),
		RunE: withDB(func(cmd *cobra.Command, args []string, db *storage.DB) error {
			id, err := uuid.Parse(args[0])
			if err != nil {
				return fmt.Errorf("the id of the merge: %w", err)
			}
			service, err := newMerging(db, true)
			if err != nil {
				return err
			}
			undone, err := service.UndoAnyMerge(cmd.Context(), id)
			if errors.Is(err, identity.ErrNotFound) {
				return errors.New("there is no such merge")
			}
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "undone: %s (%q) is a separate account again\n", undone.Source.ID, undone.Source.DisplayName)
			return err
		}),
	}
	requireYes(cmd, &yes, "undo it")
	return cmd
}

// confirmation is the choice between showing and doing, one of which is asked for.
type confirmation struct{ dryRun, yes bool }

func (c *confirmation) flags(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&c.dryRun, "dry-run", false, "show what would be merged without changing anything")
	cmd.Flags().BoolVar(&c.yes, "yes", false, "merge")
	cmd.MarkFlagsOneRequired("dry-run", "yes")
	cmd.MarkFlagsMutuallyExclusive("dry-run", "yes")
}

// selectorOf reads the name of a user: an address has an @, a wallet begins with
// 0x, and everything else is an id.
func selectorOf(name string) selector {
	switch {
	case strings.Contains(name, "@"):
		return selector{email: name}
	case strings.HasPrefix(name, "0x"):
		return selector{wallet: name}
	}
	return selector{id: name}
}

// newMerging returns the service that merges on the command line. Users are
// notified by mail, which is stored sealed under the secret of the service.
func newMerging(db *storage.DB, writes bool) (*linking.Service, error) {
	cfg, err := config.LoadWithoutSecret(os.Environ())
	if err != nil {
		return nil, err
	}
	if writes && cfg.MailEnabled() && cfg.Secret.Reveal() == "" {
		return nil, &config.Error{Problems: []config.Problem{{
			Variable: "LATCHKEY_SECRET", Message: "is not set; merged users are notified by mail, which is stored sealed under it: set the secret of the service",
		}}}
	}
	return linking.NewService(db, nil, linking.Options{
		Usable:  cfg.Offers,
		UndoFor: time.Duration(cfg.MergeUndoDays) * 24 * time.Hour,
		Notices: app.Notices(cfg, db),
	}, identity.SystemClock), nil
}

// printPreview writes what a merge does.
func printPreview(w io.Writer, p linking.Preview) error {
	var out strings.Builder
	_, _ = fmt.Fprintf(&out, "%s (%q) into %s (%q)\n", p.Source.ID, p.Source.DisplayName, p.Survivor.ID, p.Survivor.DisplayName)
	for _, i := range p.Plan.Identities {
		_, _ = fmt.Fprintf(&out, "    moves %s %s\n", i.Provider, i.Subject)
	}
	for _, address := range p.Plan.Emails {
		_, _ = fmt.Fprintf(&out, "    moves the address %s\n", address)
	}
	for _, c := range p.Conflicts {
		_, _ = fmt.Fprintf(&out, "    conflict: %s is %v or %v; the %s's is kept\n", c.Field, c.Source, c.Survivor, c.Choice)
	}
	for _, g := range p.Gains {
		_, _ = fmt.Fprintf(&out, "    the survivor gains %s\n", gained(g))
	}
	for _, g := range p.SourceGains {
		_, _ = fmt.Fprintf(&out, "    the person of the other account gains %s\n", gained(g))
	}
	_, _ = fmt.Fprintf(&out, "    ends %d sessions\n", p.Sessions)
	_, err := io.WriteString(w, out.String())
	return err
}

func gained(g linking.Gain) string {
	if g.TeamID == nil {
		return "the rights of an operator of this service"
	}
	return fmt.Sprintf("the role %s in the team %q", g.Role, g.TeamName)
}

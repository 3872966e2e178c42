package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/storage"
)

// newExplainCommand shows how a user came to their sign-in methods.
func newExplainCommand() *cobra.Command {
	var who selector
	var limit int
	cmd := &cobra.Command{
		Use: "explain", Short: "Show a user's history: what was linked, refused or merged, why, by whom and from where", Args: cobra.NoArgs,
		RunE: withDB(func(cmd *cobra.Command, _ []string, db *storage.DB) error {
			id, err := who.find(cmd.Context(), db)
			if err != nil {
				return err
			}
			former, err := db.MergedFrom(cmd.Context(), []identity.ID{id})
			if err != nil {
				return err
			}
			events, err := db.EventsOf(cmd.Context(), append(former[id], id), identity.Page{Limit: limit})
			if err != nil {
				return err
			}
			for _, e := range events {
				if err := printEvent(cmd, e); err != nil {
					return err
				}
			}
			if len(events) == 0 {
				return errors.New("nothing is recorded about this user")
			}
			return nil
		}),
	}
	who.flags(cmd)
	cmd.Flags().IntVar(&limit, "limit", 100, "maximum number of events, newest first")
	return cmd
}

func printEvent(cmd *cobra.Command, e identity.Event) error {
	by := "command line or system"
	if e.ActorID != nil {
		by = e.ActorID.String()
	}
	from := e.IP
	if from == "" {
		from = "-"
	}
	data, err := json.Marshal(e.Data)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s  %-22s by %s  from %s\n    %s\n", e.At.Format(time.RFC3339), e.Action, by, from, data)
	return err
}

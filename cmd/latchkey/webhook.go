package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/webhook"
	"github.com/latchkey/latchkey/internal/app"
	"github.com/latchkey/latchkey/internal/config"
	"github.com/latchkey/latchkey/storage"
)

func newWebhookCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "webhook", Aliases: []string{"webhooks"}, Short: "Manage the webhooks that events are sent to"}
	cmd.AddCommand(
		newCreateWebhookCommand(), newListWebhooksCommand(), newRotateWebhookCommand(), newWebhookDeliveriesCommand(), newReplayWebhookCommand(),
		newWebhookIDCommand("enable", "Enable a webhook: what waits is sent, and what happens from now on", func(cmd *cobra.Command, s *webhook.Service, id identity.ID) error {
			_, err := s.Update(cmd.Context(), nil, id, webhook.Change{Status: new(webhook.Enabled)})
			return err
		}),
		newWebhookIDCommand("disable", "Disable a webhook: it is sent nothing", func(cmd *cobra.Command, s *webhook.Service, id identity.ID) error {
			_, err := s.Update(cmd.Context(), nil, id, webhook.Change{Status: new(webhook.Disabled)})
			return err
		}),
		newWebhookIDCommand("test", "Have a running service send a test event", func(cmd *cobra.Command, s *webhook.Service, id identity.ID) error {
			event, err := s.Test(cmd.Context(), nil, id)
			if err == nil {
				cmd.Println(event)
			}
			return err
		}),
		newWebhookIDCommand("delete", "Delete a webhook with its deliveries", func(cmd *cobra.Command, s *webhook.Service, id identity.ID) error {
			return s.Delete(cmd.Context(), nil, id)
		}),
	)
	return cmd
}

// withWebhooks opens the configured database for a command about webhooks. Only new
// secrets need LATCHKEY_SECRET.
func withWebhooks(needSecret bool, run func(cmd *cobra.Command, args []string, s *webhook.Service) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
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
		err = run(cmd, args, app.Webhooks(cfg, db, identity.NoNotices{}, identity.SystemClock))
		if errors.Is(err, identity.ErrNotFound) {
			err = errors.New("there is no such webhook or delivery: `latchkey webhook list` shows the webhooks")
		}
		return errors.Join(err, db.Close())
	}
}

func webhookID(arg string) (identity.ID, error) {
	id, err := uuid.Parse(arg)
	if err != nil {
		return id, fmt.Errorf("%q is not the id of a webhook: `latchkey webhook list` shows them", arg)
	}
	return id, nil
}

func newWebhookIDCommand(verb, short string, run func(cmd *cobra.Command, s *webhook.Service, id identity.ID) error) *cobra.Command {
	return &cobra.Command{
		Use: verb + " WEBHOOK", Short: short, Args: cobra.ExactArgs(1),
		RunE: withWebhooks(false, func(cmd *cobra.Command, args []string, s *webhook.Service) error {
			id, err := webhookID(args[0])
			if err != nil {
				return err
			}
			return run(cmd, s, id)
		}),
	}
}

// shownWebhook is what --json prints of a webhook.
type shownWebhook struct {
	ID           identity.ID    `json:"id"`
	URL          string         `json:"url"`
	Types        []string       `json:"types"`
	Description  string         `json:"description"`
	Status       webhook.Status `json:"status"`
	Reason       string         `json:"disabled_reason"`
	FailingSince *time.Time     `json:"failing_since"`
	CreatedAt    time.Time      `json:"created_at"`
	Secret       string         `json:"secret,omitempty"`
}

func shownWebhookOf(w webhook.Webhook, secret string) shownWebhook {
	return shownWebhook{w.ID, w.URL, append([]string{}, w.Types...), w.Description, w.Status, w.DisabledReason, w.FailingSince, w.CreatedAt, secret}
}

func printWebhookSecret(cmd *cobra.Command, asJSON bool, w webhook.Webhook, secret string) error {
	if asJSON {
		return printJSON(cmd.OutOrStdout(), shownWebhookOf(w, secret))
	}
	cmd.PrintErrln("The secret is not shown again.")
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "id      %s\nsecret  %s\n", w.ID, secret)
	return err
}

func newCreateWebhookCommand() *cobra.Command {
	var w webhook.Webhook
	var types []string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "create", Short: "Create a webhook and print its id and secret; the secret is not shown again", Args: cobra.NoArgs,
		Example: "  latchkey webhook create --url https://app.example.com/webhooks --type user.created --type user.merged --json",
		RunE: withWebhooks(true, func(cmd *cobra.Command, _ []string, s *webhook.Service) error {
			w.Types = split(types)
			w, secret, err := s.Create(cmd.Context(), nil, w)
			if err != nil {
				return err
			}
			return printWebhookSecret(cmd, asJSON, w, secret)
		}),
	}
	cmd.Flags().StringVar(&w.URL, "url", "", "where events are sent, by POST")
	cmd.Flags().StringArrayVar(&types, "type", nil, "a type of events that are sent, such as user.created; may be repeated; none for all")
	cmd.Flags().StringVar(&w.Description, "description", "", "what operators see beside the URL")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	if err := cmd.MarkFlagRequired("url"); err != nil {
		panic(err) // only for a flag that is not there
	}
	return cmd
}

func newRotateWebhookCommand() *cobra.Command {
	var overlap time.Duration
	var asJSON bool
	cmd := &cobra.Command{
		Use: "rotate-secret WEBHOOK", Short: "Give a webhook a new secret and print it; it is not shown again", Args: cobra.ExactArgs(1),
		RunE: withWebhooks(true, func(cmd *cobra.Command, args []string, s *webhook.Service) error {
			id, err := webhookID(args[0])
			if err != nil {
				return err
			}
			w, secret, err := s.Rotate(cmd.Context(), nil, id, overlap)
			if err != nil {
				return err
			}
			return printWebhookSecret(cmd, asJSON, w, secret)
		}),
	}
	cmd.Flags().DurationVar(&overlap, "overlap", webhook.DefaultOverlap, "how long deliveries are signed with the secret before, too")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

func newListWebhooksCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: "List the webhooks, newest first, without their secrets", Args: cobra.NoArgs,
		RunE: withWebhooks(false, func(cmd *cobra.Command, _ []string, s *webhook.Service) error {
			all := []shownWebhook{}
			for p := (identity.Page{Limit: 100}); ; {
				rows, next, err := s.List(cmd.Context(), p)
				if err != nil {
					return err
				}
				for _, w := range rows {
					all = append(all, shownWebhookOf(w, ""))
				}
				if p.After = next; next == nil {
					break
				}
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), all)
			}
			out := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			for _, w := range all {
				status, types := string(w.Status), "all events"
				if w.Reason != "" {
					status += " (" + w.Reason + ")"
				}
				if len(w.Types) > 0 {
					types = strings.Join(w.Types, " ")
				}
				if _, err := fmt.Fprintf(out, "%s\t%s\t%s\t%s\n", w.ID, status, w.URL, types); err != nil {
					return err
				}
			}
			return out.Flush()
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON array")
	return cmd
}

// shownDelivery is what --json prints of a delivery.
type shownDelivery struct {
	ID             identity.ID            `json:"id"`
	Event          any                    `json:"event"`
	Status         webhook.DeliveryStatus `json:"status"`
	Attempts       int                    `json:"attempts"`
	AttemptedAt    *time.Time             `json:"attempted_at"`
	ResponseStatus int                    `json:"response_status"`
	ResponseBody   string                 `json:"response_body"`
	Error          string                 `json:"error"`
}

func newWebhookDeliveriesCommand() *cobra.Command {
	var asJSON bool
	var status string
	var limit int
	cmd := &cobra.Command{
		Use: "deliveries WEBHOOK", Short: "List the deliveries of a webhook, newest first", Args: cobra.ExactArgs(1),
		RunE: withWebhooks(false, func(cmd *cobra.Command, args []string, s *webhook.Service) error {
			id, err := webhookID(args[0])
			if err != nil {
				return err
			}
			if limit < 1 || limit > 1000 {
				return errors.New("--limit: want 1 to 1000")
			}
			switch webhook.DeliveryStatus(status) {
			case "", webhook.Pending, webhook.Delivered, webhook.Failed:
			default:
				return errors.New("--status: want pending, delivered or failed")
			}
			rows, _, err := s.Deliveries(cmd.Context(), id, webhook.DeliveryStatus(status), identity.Page{Limit: limit})
			if err != nil {
				return err
			}
			if asJSON {
				all := []shownDelivery{}
				for _, d := range rows {
					all = append(all, shownDelivery{d.ID, d.Event, d.Status, d.Attempts, d.AttemptedAt, d.ResponseStatus, d.ResponseBody, d.Error})
				}
				return printJSON(cmd.OutOrStdout(), all)
			}
			out := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			for _, d := range rows {
				if _, err := fmt.Fprintf(out, "%s\t%s\t%s\t%s\t%d attempts\t%s\n", d.ID, d.CreatedAt.Format(time.RFC3339), d.Event.Type, d.Status, d.Attempts, d.Error); err != nil {
					return err
				}
			}
			return out.Flush()
		}),
	}
	cmd.Flags().StringVar(&status, "status", "", "pending, delivered or failed")
	cmd.Flags().IntVar(&limit, "limit", 50, "how many")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON array")
	return cmd
}

func newReplayWebhookCommand() *cobra.Command {
	var delivery, since string
	cmd := &cobra.Command{
		Use: "replay WEBHOOK", Short: "Send the event of one delivery again, or all events since a time", Args: cobra.ExactArgs(1),
		Example: "  latchkey webhook replay WEBHOOK --since 2026-03-01T12:00:00Z",
		RunE: withWebhooks(false, func(cmd *cobra.Command, args []string, s *webhook.Service) error {
			id, err := webhookID(args[0])
			if err != nil {
				return err
			}
			var one *identity.ID
			var from *time.Time
			if delivery != "" {
				d, err := uuid.Parse(delivery)
				if err != nil {
					return errors.New("--delivery: want the id of a delivery")
				}
				one = &d
			}
			if since != "" {
				t, err := time.Parse(time.RFC3339, since)
				if err != nil {
					return errors.New("--since: want a time such as 2026-03-01T12:00:00Z")
				}
				from = &t
			}
			if (one == nil) == (from == nil) {
				return errors.New("name --delivery or --since")
			}
			n, err := s.Replay(cmd.Context(), nil, id, one, from)
			if err == nil {
				cmd.Printf("%d deliveries are on their way\n", n)
			}
			return err
		}),
	}
	cmd.Flags().StringVar(&delivery, "delivery", "", "the id of a delivery")
	cmd.Flags().StringVar(&since, "since", "", "a time, as in RFC 3339")
	return cmd
}

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/client"
	"github.com/latchkey/latchkey/internal/app"
	"github.com/latchkey/latchkey/internal/config"
	"github.com/latchkey/latchkey/storage"
)

func newClientCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "client", Short: "Manage the applications that may ask for a sign-in (OpenID Connect)"}
	cmd.AddCommand(newCreateClientCommand(), newListClientsCommand(), newRotateClientCommand(), newDeleteClientCommand())
	return cmd
}

// withClients opens the configured database for a command about clients.
func withClients(run func(cmd *cobra.Command, args []string, s *client.Service) error) func(*cobra.Command, []string) error {
	return withConfiguredDB(func(cmd *cobra.Command, args []string, db *storage.DB, cfg config.Config) error {
		err := run(cmd, args, app.Clients(cfg, db, identity.SystemClock))
		if errors.Is(err, identity.ErrNotFound) {
			err = errors.New("there is no such client: `latchkey client list` shows them")
		}
		return err
	})
}

// issued is what --json prints of a client that has a new secret.
type issued struct {
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret,omitempty"`
}

func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

func printIssued(cmd *cobra.Command, asJSON bool, c client.Client, secret string) error {
	if asJSON {
		return printJSON(cmd.OutOrStdout(), issued{c.ID, secret})
	}
	if secret != "" {
		cmd.PrintErrln("The secret is not shown again.")
		secret = "client_secret  " + secret + "\n"
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "client_id      %s\n%s", c.ID, secret)
	return err
}

func newCreateClientCommand() *cobra.Command {
	var c client.Client
	var public, asJSON bool
	var redirect, postLogout, grants, scopes, resources, claims []string
	var teamID string
	cmd := &cobra.Command{
		Use: "create", Short: "Create a client and print its id and secret; the secret is not shown again", Args: cobra.NoArgs,
		Example: "  latchkey client create --name Grafana --redirect-uri https://grafana.example.com/login/generic_oauth --json",
		RunE: withClients(func(cmd *cobra.Command, _ []string, s *client.Service) error {
			c.Kind = client.Confidential
			if public {
				c.Kind = client.Public
			}
			if teamID != "" {
				id, err := uuid.Parse(teamID)
				if err != nil {
					return fmt.Errorf("--team: want the id of a team: %w", err)
				}
				c.TeamID = &id
			}
			c.RedirectURIs, c.PostLogoutURIs, c.Resources, c.Grants, c.Scopes, c.Claims = redirect, postLogout, resources, split(grants), split(scopes), split(claims)
			for i, g := range c.Grants {
				if g == "device_code" {
					c.Grants[i] = client.GrantDevice
				}
			}
			c, secret, err := s.Create(cmd.Context(), nil, c)
			if err != nil {
				return err
			}
			return printIssued(cmd, asJSON, c, secret)
		}),
	}
	f := cmd.Flags()
	f.StringVar(&c.Name, "name", "", "what people see it called")
	f.StringArrayVar(&redirect, "redirect-uri", nil, "where people may be sent back to; may be repeated")
	f.StringArrayVar(&postLogout, "post-logout-uri", nil, "where people may be sent after logging out; may be repeated")
	f.StringVar(&c.BackchannelURI, "backchannel-logout-uri", "", "where logout tokens are sent")
	f.StringVar(&c.LogoURI, "logo-uri", "", "a picture for the consent page, https")
	f.StringArrayVar(&grants, "grant", nil, "authorization_code, refresh_token or device_code (RFC 8628); may be repeated (default the first two)")
	f.StringArrayVar(&scopes, "scope", nil, "a scope that it may ask for; may be repeated (default openid, profile, email, wallets and offline_access)")
	f.StringArrayVar(&resources, "resource", nil, "a resource that it may ask access tokens for; may be repeated")
	f.StringArrayVar(&claims, "claim", nil, "what the claim app of its tokens says: email, name, onboarded or app_metadata.NAME; may be repeated")
	f.StringVar(&c.IDTokenAlg, "id-token-alg", "RS256", "how its ID tokens are signed: RS256, ES256 or EdDSA")
	f.BoolVar(&public, "public", false, "an app on people's devices, which cannot keep a secret")
	f.BoolVar(&c.Trusted, "trusted", false, "sign people in without a consent page: for applications of your own")
	f.StringVar(&teamID, "team", "", "the id of the team it serves: only its members can sign in to it")
	f.BoolVar(&asJSON, "json", false, "print one JSON object")
	if err := cmd.MarkFlagRequired("name"); err != nil {
		panic(err) // only for a flag that is not there
	}
	return cmd
}

// split takes words apart at spaces and commas, which no grant and no scope has.
func split(words []string) (out []string) {
	for _, w := range words {
		out = append(out, strings.FieldsFunc(w, func(r rune) bool { return r == ' ' || r == ',' })...)
	}
	return out
}

// listed is what --json prints of a client.
type listed struct {
	ClientID     string    `json:"client_id"`
	Name         string    `json:"name"`
	Kind         string    `json:"kind"`
	Trusted      bool      `json:"trusted"`
	RedirectURIs []string  `json:"redirect_uris"`
	Grants       []string  `json:"grants"`
	Scopes       []string  `json:"scopes"`
	CreatedAt    time.Time `json:"created_at"`
}

func newListClientsCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: "List the clients, newest first, without their secrets", Args: cobra.NoArgs,
		RunE: withClients(func(cmd *cobra.Command, _ []string, s *client.Service) error {
			all := []listed{}
			for after := ""; ; {
				rows, next, err := s.List(cmd.Context(), after, 100)
				if err != nil {
					return err
				}
				for _, c := range rows {
					all = append(all, listed{c.ID, c.Name, string(c.Kind), c.Trusted, append([]string{}, c.RedirectURIs...), c.Grants, c.Scopes, c.CreatedAt})
				}
				if after = next; next == "" {
					break
				}
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), all)
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			for _, c := range all {
				kind := c.Kind
				if c.Trusted {
					kind += ", trusted"
				}
				if _, err := fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", c.ClientID, c.Name, kind, strings.Join(c.RedirectURIs, " ")); err != nil {
					return err
				}
			}
			return w.Flush()
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON array")
	return cmd
}

func newRotateClientCommand() *cobra.Command {
	var overlap time.Duration
	var asJSON bool
	cmd := &cobra.Command{
		Use: "rotate CLIENT_ID", Short: "Give a client a new secret and print it; it is not shown again", Args: cobra.ExactArgs(1),
		RunE: withClients(func(cmd *cobra.Command, args []string, s *client.Service) error {
			c, secret, err := s.Rotate(cmd.Context(), nil, args[0], overlap)
			if err != nil {
				return err
			}
			return printIssued(cmd, asJSON, c, secret)
		}),
	}
	cmd.Flags().DurationVar(&overlap, "overlap", 0, "how long the secret before still works, such as 24h")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

func newDeleteClientCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "delete CLIENT_ID", Short: "Delete a client and end everything that people allowed it", Args: cobra.ExactArgs(1),
		RunE: withClients(func(cmd *cobra.Command, args []string, s *client.Service) error {
			if err := s.Delete(cmd.Context(), nil, args[0]); err != nil || !asJSON {
				return err
			}
			return printJSON(cmd.OutOrStdout(), issued{ClientID: args[0]})
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

func newResourceCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "resource", Short: "Manage the APIs that access tokens can be for (RFC 8707)"}
	cmd.AddCommand(newCreateResourceCommand(), newListResourcesCommand())
	return cmd
}

func newCreateResourceCommand() *cobra.Command {
	var r client.Resource
	var scopes []string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "create", Short: "Create a resource", Args: cobra.NoArgs,
		Example: "  latchkey resource create --uri https://mcp.example.com --scope tools:read --scope tools:write",
		RunE: withClients(func(cmd *cobra.Command, _ []string, s *client.Service) error {
			r.Scopes = split(scopes)
			r, err := s.CreateResource(cmd.Context(), nil, r)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), resourceOf(r))
			}
			cmd.Println("created", r.URI)
			return nil
		}),
	}
	cmd.Flags().StringVar(&r.URI, "uri", "", "its URI: the `resource` of requests and the audience of tokens")
	cmd.Flags().StringVar(&r.Name, "name", "", "what people see it called")
	cmd.Flags().StringArrayVar(&scopes, "scope", nil, "a scope that it understands; may be repeated")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	if err := cmd.MarkFlagRequired("uri"); err != nil {
		panic(err) // only for a flag that is not there
	}
	return cmd
}

type shownResource struct {
	URI    string   `json:"uri"`
	Name   string   `json:"name"`
	Scopes []string `json:"scopes"`
}

func resourceOf(r client.Resource) shownResource {
	return shownResource{r.URI, r.Name, append([]string{}, r.Scopes...)}
}

func newListResourcesCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: "List the resources", Args: cobra.NoArgs,
		RunE: withClients(func(cmd *cobra.Command, _ []string, s *client.Service) error {
			rows, err := s.Resources(cmd.Context())
			if err != nil {
				return err
			}
			all := []shownResource{}
			for _, r := range rows {
				all = append(all, resourceOf(r))
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), all)
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			for _, r := range all {
				if _, err := fmt.Fprintf(w, "%s\t%s\t%s\n", r.URI, r.Name, strings.Join(r.Scopes, " ")); err != nil {
					return err
				}
			}
			return w.Flush()
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON array")
	return cmd
}

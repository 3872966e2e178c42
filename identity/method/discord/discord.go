// Package discord proves people by their Discord accounts.
package discord

import (
	"context"
	"errors"
	"net/url"
	"strconv"

	"golang.org/x/oauth2"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method"
	"github.com/latchkey/latchkey/identity/method/oauth"
	"github.com/latchkey/latchkey/identity/method/oidc"
)

const (
	name    = "discord"
	siteURL = "https://discord.com"
)

// Spec offers Discord.
var Spec = method.Spec{
	Kind:  method.ByRedirect,
	Name:  name,
	Label: "Discord",
	Settings: []method.Setting{
		{Name: "URL", Default: siteURL, Doc: "Discord, without a slash at the end."},
		oidc.EmailDomains,
	},
	New:     func(o method.Options) (method.Redirect, error) { return New(o) },
	Probes:  func(o method.Options) []method.Probe { return []method.Probe{{Setting: "URL", URL: o.URLs["URL"]}} },
	Subject: snowflake,
	Standin: method.Standin{ //nolint:gosec // paths, no credentials
		Authorize: "/oauth2/authorize",
		Token:     "/api/oauth2/token",
		API: map[string]func(p method.Person, page string) any{
			"/api/users/@me": func(p method.Person, _ string) any {
				user := map[string]any{"id": p.Subject, "username": "user" + p.Subject, "global_name": p.Name, "avatar": nil}
				if p.Email != "" {
					user["email"], user["verified"] = p.Email, p.Verified
				}
				return user
			},
		},
		URLs: func(root string) map[string]string { return map[string]string{"URL": root} },
		Subject: func(n uint64) string {
			return strconv.FormatUint(100_000_000_000_000_000+n%900_000_000_000_000_000, 10)
		},
		ParseSubject: func(typed string) (string, bool) { return typed, snowflake(typed) },
	},
}

// Discord proves people by Discord's OAuth 2.0 authorization code grant.
type Discord struct {
	client    *oauth.Client
	api       string
	authority oauth.Authority
}

// New returns Discord. The error names what is wrong in the configuration; the
// network is not touched.
func New(o method.Options) (*Discord, error) {
	raw := o.URLs["URL"]
	if raw == "" {
		raw = siteURL
	}
	site, err := oauth.ConfiguredURL(name, "URL", raw)
	if err != nil {
		return nil, err
	}
	if o.ClientID == "" || o.ClientSecret == "" {
		return nil, errors.New("discord: client id or client secret is missing")
	}
	return &Discord{
		client: oauth.NewClient(oauth.ClientConfig{
			Name: name, AuthURL: raw + "/oauth2/authorize", TokenURL: raw + "/api/oauth2/token",
			ClientID: o.ClientID, ClientSecret: o.ClientSecret, Scopes: []string{"identify", "email"},
			Hosts: []*url.URL{site}, Timeout: o.Timeout,
		}),
		api:       raw + "/api",
		authority: oauth.Authority{Domains: o.EmailDomains},
	}, nil
}

// Name implements method.Redirect.
func (d *Discord) Name() string { return name }

// AuthCodeURL implements method.Redirect. Discord has no account picker and
// cannot be asked for a new sign-in; its consent page names the account and
// offers another.
func (d *Discord) AuthCodeURL(_ context.Context, flow method.Flow) (string, error) {
	if flow.Purpose.NeedsSession() {
		return d.client.AuthCodeURL(flow, oauth2.SetAuthURLParam("prompt", "consent")), nil
	}
	return d.client.AuthCodeURL(flow, oauth2.SetAuthURLParam("prompt", "none")), nil
}

// Prove implements method.Redirect.
func (d *Discord) Prove(ctx context.Context, flow method.Flow, callback method.Callback) (identity.Proof, error) {
	ctx, cancel := d.client.WithTimeout(ctx)
	defer cancel()
	access, err := d.client.Exchange(ctx, flow, callback)
	if err != nil {
		return identity.Proof{}, err
	}
	user, err := d.client.Profile(ctx, access, d.api+"/users/@me")
	if err != nil {
		return identity.Proof{}, err
	}
	id := user.Text("id")
	if !snowflake(id) {
		return identity.Proof{}, oauth.Failed(name, "/users/@me: unusable id")
	}
	claims := oauth.ReadClaims(user, user.IsTrue("verified"), user.Has("verified"))
	proof := identity.Proof{Provider: name, Subject: id}
	claims.Claim(&proof, d.authority.Covers(claims))
	picture := ""
	if hash := user.Text("avatar"); hash != "" {
		picture = "https://cdn.discordapp.com/avatars/" + id + "/" + url.PathEscape(hash) + ".png"
	}
	oauth.Describe(&proof, picture, user.Text("global_name"), user.Text("username"))
	return proof, nil
}

// snowflake reports whether s is an id as Discord makes them: a number of 64 bits.
func snowflake(s string) bool {
	n, err := strconv.ParseUint(s, 10, 64)
	return err == nil && n > 0 && strconv.FormatUint(n, 10) == s
}

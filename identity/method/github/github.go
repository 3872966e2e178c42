// Package github proves people by their GitHub accounts.
package github

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/oauth2"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method"
	"github.com/latchkey/latchkey/identity/method/oauth"
)

const (
	siteURL     = "https://github.com"
	apiURL      = "https://api.github.com"
	apiVersion  = "2022-11-28"
	pageSize    = 100
	maxPages    = 10 // GitHub lets an account have far fewer addresses
	scopes      = "read:user user:email"
	maxIDDigits = 19 // of an int64
)

// Spec offers GitHub.
var Spec = method.Spec{
	Kind:  method.ByRedirect,
	Name:  identity.ProviderGitHub,
	Label: "GitHub",
	Settings: []method.Setting{
		{Name: "URL", Default: siteURL, With: "API_URL", Doc: "GitHub, or a GitHub Enterprise Server."},
		{Name: "API_URL", Default: apiURL, With: "URL", Doc: "API of the above; {URL}/api/v3 on an Enterprise Server. Set both or neither."},
		{Name: "EMAIL_DOMAINS", Kind: method.SettingDomains, Doc: "Domains whose mailboxes belong to the GitHub accounts that have verified them, comma separated. GitHub Enterprise Servers are believed about these only; github.com, when unset, about every address that it has verified."},
	},
	New: func(o method.Options) (method.Redirect, error) { return New(o) },
	Probes: func(o method.Options) []method.Probe {
		return []method.Probe{
			{Setting: "URL", URL: o.URLs["URL"]},
			// The very call that sign-in makes, which must want a token.
			{Setting: "API_URL", URL: strings.TrimSuffix(o.URLs["API_URL"], "/") + "/user", NotFound: "on an Enterprise Server it ends in /api/v3"},
		}
	},
	Subject: func(s string) bool { _, ok := githubID(json.RawMessage(s)); return ok },
	Standin: standin,
}

// GitHub proves persons by GitHub's OAuth 2.0 web application flow.
type GitHub struct {
	url, api  string // without a slash at the end
	client    *oauth.Client
	authority oauth.Authority
	host      string // of url, for its noreply addresses
}

var _ method.Redirect = (*GitHub)(nil)

// New returns GitHub. The error names what is wrong in the configuration; the
// network is not touched.
func New(o method.Options) (*GitHub, error) {
	raw := map[string]string{"URL": siteURL, "API_URL": apiURL}
	for name, value := range o.URLs {
		if value != "" {
			raw[name] = value
		}
	}
	site, err := oauth.ConfiguredURL(identity.ProviderGitHub, "URL", raw["URL"])
	if err != nil {
		return nil, err
	}
	api, err := oauth.ConfiguredURL(identity.ProviderGitHub, "API URL", raw["API_URL"])
	if err != nil {
		return nil, err
	}
	if o.ClientID == "" || o.ClientSecret == "" {
		return nil, errors.New("github: client id or client secret is missing")
	}
	g := &GitHub{
		url: strings.TrimRight(raw["URL"], "/"), api: strings.TrimRight(raw["API_URL"], "/"),
		authority: oauth.Authority{Kind: oauth.AuthorityGitHub, Hosts: []*url.URL{site, api}, Domains: o.EmailDomains},
		host:      strings.ToLower(site.Hostname()),
	}
	g.client = oauth.NewClient(oauth.ClientConfig{
		Name: identity.ProviderGitHub, AuthURL: g.url + "/login/oauth/authorize", TokenURL: g.url + "/login/oauth/access_token",
		ClientID: o.ClientID, ClientSecret: o.ClientSecret, Scopes: strings.Fields(scopes),
		Hosts: []*url.URL{site, api}, Timeout: o.Timeout,
	})
	return g, nil
}

// Name implements method.Redirect.
func (g *GitHub) Name() string { return identity.ProviderGitHub }

// AuthCodeURL implements method.Redirect; it needs no network.
func (g *GitHub) AuthCodeURL(_ context.Context, flow method.Flow) (string, error) {
	var options []oauth2.AuthCodeOption
	// GitHub cannot be asked to have the person sign in again. The account picker
	// makes them act, at least.
	if flow.Purpose.NeedsSession() {
		options = append(options, oauth2.SetAuthURLParam("prompt", "select_account"))
	}
	if flow.LoginHint != "" {
		options = append(options, oauth2.SetAuthURLParam("login", flow.LoginHint))
	}
	return g.client.AuthCodeURL(flow, options...), nil
}

// Prove implements method.Redirect.
func (g *GitHub) Prove(ctx context.Context, flow method.Flow, callback method.Callback) (identity.Proof, error) {
	// GitHub has sent `iss` (RFC 9207) at times, and not at others; Enterprise
	// Servers of different age differ too. So it is checked, but not required.
	if callback.Issuer != "" && callback.Issuer != g.url+"/login/oauth" {
		return identity.Proof{}, oauth.Unproven(g.Name(), "callback: iss is %.128q", callback.Issuer)
	}
	ctx, cancel := g.client.WithTimeout(ctx)
	defer cancel()
	access, err := g.client.Exchange(ctx, flow, callback)
	if err != nil {
		return identity.Proof{}, err
	}
	user, err := g.user(ctx, access)
	if err != nil {
		return identity.Proof{}, err
	}
	subject, ok := githubID(user["id"])
	if !ok {
		return identity.Proof{}, oauth.Failed(g.Name(), "/user: unusable id")
	}
	// `email` of /user is whatever the person shows publicly; it is not read.
	mail, err := g.addresses(ctx, access)
	if err != nil {
		return identity.Proof{}, err
	}
	proof := identity.Proof{
		Provider:           g.Name(),
		Subject:            subject,
		Email:              mail.primary,
		EmailAuthoritative: g.authority.Covers(oauth.Claims{Email: mail.primary, EmailVerified: true}),
		Reported:           mail.reported,
		Kept:               mail.others,
	}
	oauth.Describe(&proof, user.Text("avatar_url"), user.Text("name"), user.Text("login"))
	return proof, nil
}

func (g *GitHub) user(ctx context.Context, access string) (oauth.Object, error) {
	res, err := g.get(ctx, access, "/user")
	if err != nil {
		return nil, err
	}
	if res.Status != http.StatusOK {
		return nil, g.apiError("/user", res)
	}
	user, ok := oauth.ParseObject(res.Body)
	if !ok {
		return nil, oauth.Failed(g.Name(), "/user: not a JSON object")
	}
	return user, nil
}

// addressList is what GitHub says of an account's addresses.
type addressList struct {
	reported bool     // it listed some
	primary  string   // verified and a mailbox, or ""
	others   []string // verified, but not primary
}

// addresses lists the addresses of an account. GitHub reports none where the
// scope was not granted.
func (g *GitHub) addresses(ctx context.Context, access string) (addressList, error) {
	var out addressList
	for page := 1; page <= maxPages; page++ {
		// The page's number is counted here: a `next` link would be a URL of
		// the provider's choice that gets the token.
		query := url.Values{"per_page": {strconv.Itoa(pageSize)}, "page": {strconv.Itoa(page)}}
		res, err := g.get(ctx, access, "/user/emails?"+query.Encode())
		if err != nil {
			return addressList{}, err
		}
		switch {
		case rateLimited(res):
			return addressList{}, g.apiError("/user/emails", res)
		case res.Status == http.StatusForbidden || res.Status == http.StatusNotFound:
			return addressList{}, nil // the scope was not granted
		case res.Status != http.StatusOK:
			return addressList{}, g.apiError("/user/emails", res)
		}
		var entries []oauth.Object
		if err := json.Unmarshal(res.Body, &entries); err != nil || entries == nil {
			return addressList{}, oauth.Failed(g.Name(), "/user/emails: not a JSON list")
		}
		for _, e := range entries {
			out.reported = true
			address := g.reachable(e)
			switch {
			case address == "":
			case e.IsTrue("primary") && out.primary == "":
				out.primary = address
			default:
				out.others = append(out.others, address)
			}
		}
		if len(entries) == 0 || len(entries) < pageSize && !strings.Contains(res.Header.Get("Link"), `rel="next"`) {
			break
		}
	}
	return out, nil
}

// reachable returns the address of an entry if it is verified and a mailbox.
func (g *GitHub) reachable(entry oauth.Object) string {
	address, err := identity.CanonicalEmail(entry.Text("email"))
	if err != nil || !entry.IsTrue("verified") || g.noreply(identity.EmailDomain(address)) {
		return ""
	}
	return address
}

// noreply reports whether mail to domain is not read: users.noreply.github.com
// and its like on the configured host.
func (g *GitHub) noreply(domain string) bool {
	for _, host := range []string{"github.com", g.host} {
		if domain == "noreply."+host || strings.HasSuffix(domain, ".noreply."+host) {
			return true
		}
	}
	return false
}

func (g *GitHub) get(ctx context.Context, access, path string) (*oauth.Response, error) {
	return g.client.Get(ctx, access, g.api+path, http.Header{
		"Accept":               {"application/vnd.github+json"},
		"X-Github-Api-Version": {apiVersion},
	})
}

func (g *GitHub) apiError(path string, res *oauth.Response) *identity.Error {
	if rateLimited(res) {
		return oauth.Unavailable(g.Name(), "%s: rate limited", path)
	}
	return oauth.StatusError(g.Name(), path, res)
}

// rateLimited recognises GitHub's limits, which come as 403 or 429. A refused
// scope is a 403 too, but a person must not lose the address to a busy hour.
func rateLimited(res *oauth.Response) bool {
	return (res.Status == http.StatusForbidden || res.Status == http.StatusTooManyRequests) &&
		(res.Header.Get("X-Ratelimit-Remaining") == "0" || res.Header.Get("Retry-After") != "")
}

// githubID reads the id of an account: a positive JSON integer in plain digits.
// The login is no identity; it can be renamed and taken by somebody else.
func githubID(raw json.RawMessage) (string, bool) {
	s := string(raw)
	if len(s) == 0 || len(s) > maxIDDigits {
		return "", false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n <= 0 || strconv.FormatInt(n, 10) != s {
		return "", false
	}
	return s, true
}

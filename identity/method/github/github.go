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
	"time"

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

// Config configures GitHub or a GitHub Enterprise Server.
type Config struct {
	URL          string // "" is https://github.com
	APIURL       string // "" is https://api.github.com; on Enterprise Server {URL}/api/v3
	ClientID     string
	ClientSecret string
	EmailDomains []string      // that an Enterprise Server is an authority for; see Authority
	Timeout      time.Duration // of one proof; 0 is DefaultTimeout
}

// GitHub proves persons by GitHub's OAuth 2.0 web application flow.
type GitHub struct {
	cfg       Config
	client    *oauth.Client
	authority oauth.Authority
	host      string // of cfg.URL, for its noreply addresses
}

var _ method.Redirect = (*GitHub)(nil)

// New returns GitHub. The error names what is wrong in the configuration;
// the network is not touched.
func New(cfg Config) (*GitHub, error) {
	if cfg.URL == "" {
		cfg.URL = siteURL
	}
	if cfg.APIURL == "" {
		cfg.APIURL = apiURL
	}
	site, err := oauth.ConfiguredURL(identity.ProviderGitHub, "URL", cfg.URL)
	if err != nil {
		return nil, err
	}
	api, err := oauth.ConfiguredURL(identity.ProviderGitHub, "API URL", cfg.APIURL)
	if err != nil {
		return nil, err
	}
	if cfg.ClientID == "" || cfg.ClientSecret == "" {
		return nil, errors.New("github: client id or client secret is missing")
	}
	cfg.URL, cfg.APIURL = strings.TrimRight(cfg.URL, "/"), strings.TrimRight(cfg.APIURL, "/")
	return &GitHub{
		cfg: cfg,
		client: oauth.NewClient(oauth.ClientConfig{
			Name: identity.ProviderGitHub, AuthURL: cfg.URL + "/login/oauth/authorize", TokenURL: cfg.URL + "/login/oauth/access_token",
			ClientID: cfg.ClientID, ClientSecret: cfg.ClientSecret, Scopes: strings.Fields(scopes),
			Hosts: []*url.URL{site, api}, Timeout: cfg.Timeout,
		}),
		authority: oauth.Authority{Kind: oauth.AuthorityGitHub, Hosts: []*url.URL{site, api}, Domains: cfg.EmailDomains},
		host:      strings.ToLower(site.Hostname()),
	}, nil
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
	if callback.Issuer != "" && callback.Issuer != g.cfg.URL+"/login/oauth" {
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
	res, err := g.api(ctx, access, "/user")
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
		res, err := g.api(ctx, access, "/user/emails?"+query.Encode())
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

// noreply reports whether nobody reads mail to domain: users.noreply.github.com
// and its like on the configured host.
func (g *GitHub) noreply(domain string) bool {
	for _, host := range []string{"github.com", g.host} {
		if domain == "noreply."+host || strings.HasSuffix(domain, ".noreply."+host) {
			return true
		}
	}
	return false
}

func (g *GitHub) api(ctx context.Context, access, path string) (*oauth.Response, error) {
	return g.client.Get(ctx, access, g.cfg.APIURL+path, http.Header{
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

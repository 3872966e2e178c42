package provider

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
)

const (
	githubURL         = "https://github.com"
	githubAPIURL      = "https://api.github.com"
	githubAPIVersion  = "2022-11-28"
	githubPageSize    = 100
	githubMaxPages    = 10 // GitHub lets an account have far fewer addresses
	githubScopes      = "read:user user:email"
	githubMaxIDDigits = 19 // of an int64
)

// GitHubConfig configures GitHub or a GitHub Enterprise Server.
type GitHubConfig struct {
	URL          string // "" is https://github.com
	APIURL       string // "" is https://api.github.com; on Enterprise Server {URL}/api/v3
	ClientID     string
	ClientSecret string
	EmailDomains []string      // that an Enterprise Server is an authority for; see Authority
	Timeout      time.Duration // of one proof; 0 is DefaultTimeout
}

// GitHub proves persons by GitHub's OAuth 2.0 web application flow.
type GitHub struct {
	cfg       GitHubConfig
	remote    remote
	authority Authority
	host      string // of cfg.URL, for its noreply addresses
}

var _ Provider = (*GitHub)(nil)

// NewGitHub returns GitHub. The error names what is wrong in the configuration;
// the network is not touched.
func NewGitHub(cfg GitHubConfig) (*GitHub, error) {
	if cfg.URL == "" {
		cfg.URL = githubURL
	}
	if cfg.APIURL == "" {
		cfg.APIURL = githubAPIURL
	}
	site, err := configuredURL(identity.ProviderGitHub, "URL", cfg.URL)
	if err != nil {
		return nil, err
	}
	api, err := configuredURL(identity.ProviderGitHub, "API URL", cfg.APIURL)
	if err != nil {
		return nil, err
	}
	if cfg.ClientID == "" || cfg.ClientSecret == "" {
		return nil, errors.New("github: client id or client secret is missing")
	}
	cfg.URL, cfg.APIURL = strings.TrimRight(cfg.URL, "/"), strings.TrimRight(cfg.APIURL, "/")
	return &GitHub{
		cfg:       cfg,
		remote:    newRemote(identity.ProviderGitHub, cfg.Timeout, site, api),
		authority: Authority{Kind: AuthorityGitHub, Hosts: []*url.URL{site, api}, Domains: cfg.EmailDomains},
		host:      strings.ToLower(site.Hostname()),
	}, nil
}

// Name implements Provider.
func (g *GitHub) Name() string { return identity.ProviderGitHub }

// AuthCodeURL implements Provider; it needs no network.
func (g *GitHub) AuthCodeURL(_ context.Context, flow Flow) (string, error) {
	oauth := oauth2.Config{
		ClientID:    g.cfg.ClientID,
		Endpoint:    oauth2.Endpoint{AuthURL: g.cfg.URL + "/login/oauth/authorize"},
		RedirectURL: flow.RedirectURL,
		Scopes:      strings.Fields(githubScopes),
	}
	options := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(flow.Verifier)}
	// GitHub cannot be asked to have the person sign in again. The account picker
	// makes them act, at least.
	if flow.Purpose.NeedsSession() {
		options = append(options, oauth2.SetAuthURLParam("prompt", "select_account"))
	}
	if flow.LoginHint != "" {
		options = append(options, oauth2.SetAuthURLParam("login", flow.LoginHint))
	}
	return oauth.AuthCodeURL(flow.State, options...), nil
}

// Prove implements Provider.
func (g *GitHub) Prove(ctx context.Context, flow Flow, callback Callback) (identity.Proof, error) {
	if !usableCode(callback.Code) {
		return identity.Proof{}, unproven(g.Name(), "callback: no usable code")
	}
	// GitHub has sent `iss` (RFC 9207) at times, and not at others; Enterprise
	// Servers of different age differ too. So it is checked, but not required.
	if callback.Issuer != "" && callback.Issuer != g.cfg.URL+"/login/oauth" {
		return identity.Proof{}, unproven(g.Name(), "callback: iss is %.128q", callback.Issuer)
	}
	ctx, cancel := context.WithTimeout(ctx, g.remote.timeout)
	defer cancel()
	granted, err := g.remote.redeem(ctx, tokenRequest{
		endpoint: g.cfg.URL + "/login/oauth/access_token", clientID: g.cfg.ClientID,
		clientSecret: g.cfg.ClientSecret, auth: []clientAuth{secretPost}, flow: flow, code: callback.Code,
	})
	if err != nil {
		return identity.Proof{}, err
	}
	user, err := g.user(ctx, granted.access)
	if err != nil {
		return identity.Proof{}, err
	}
	subject, ok := githubID(user["id"])
	if !ok {
		return identity.Proof{}, failed(g.Name(), "/user: unusable id")
	}
	// `email` of /user is whatever the person shows publicly; it is not read.
	mail, err := g.addresses(ctx, granted.access)
	if err != nil {
		return identity.Proof{}, err
	}
	name := identity.OneLine(user.text("name"), maxDisplayName)
	if name == "" {
		name = identity.OneLine(user.text("login"), maxDisplayName)
	}
	return identity.Proof{
		Provider:           g.Name(),
		Subject:            subject,
		Email:              mail.primary,
		EmailAuthoritative: g.authority.Covers(Claims{Email: mail.primary, EmailVerified: true}),
		Reported:           mail.reported,
		Kept:               mail.others,
		DisplayName:        name,
		AvatarURL:          avatarURL(user.text("avatar_url")),
	}, nil
}

func (g *GitHub) user(ctx context.Context, access string) (object, error) {
	res, err := g.api(ctx, access, "/user")
	if err != nil {
		return nil, err
	}
	if res.status != http.StatusOK {
		return nil, g.apiError("/user", res)
	}
	user, ok := parseObject(res.body)
	if !ok {
		return nil, failed(g.Name(), "/user: not a JSON object")
	}
	return user, nil
}

// githubAddresses is what GitHub says of an account's addresses.
type githubAddresses struct {
	reported bool     // it listed some
	primary  string   // verified and a mailbox, or ""
	others   []string // verified, but not primary
}

// addresses lists the addresses of an account. GitHub reports none where the
// scope was not granted.
func (g *GitHub) addresses(ctx context.Context, access string) (githubAddresses, error) {
	var out githubAddresses
	for page := 1; page <= githubMaxPages; page++ {
		// The page's number is counted here: a `next` link would be a URL of
		// the provider's choice that gets the token.
		query := url.Values{"per_page": {strconv.Itoa(githubPageSize)}, "page": {strconv.Itoa(page)}}
		res, err := g.api(ctx, access, "/user/emails?"+query.Encode())
		if err != nil {
			return githubAddresses{}, err
		}
		switch {
		case rateLimited(res):
			return githubAddresses{}, g.apiError("/user/emails", res)
		case res.status == http.StatusForbidden || res.status == http.StatusNotFound:
			return githubAddresses{}, nil // the scope was not granted
		case res.status != http.StatusOK:
			return githubAddresses{}, g.apiError("/user/emails", res)
		}
		var entries []object
		if err := json.Unmarshal(res.body, &entries); err != nil || entries == nil {
			return githubAddresses{}, failed(g.Name(), "/user/emails: not a JSON list")
		}
		for _, e := range entries {
			out.reported = true
			address := g.reachable(e)
			switch {
			case address == "":
			case e.isTrue("primary") && out.primary == "":
				out.primary = address
			default:
				out.others = append(out.others, address)
			}
		}
		if len(entries) == 0 || len(entries) < githubPageSize && !strings.Contains(res.header.Get("Link"), `rel="next"`) {
			break
		}
	}
	return out, nil
}

// reachable returns the address of an entry if it is verified and a mailbox.
func (g *GitHub) reachable(entry object) string {
	address, err := identity.CanonicalEmail(entry.text("email"))
	if err != nil || !entry.isTrue("verified") || g.noreply(identity.EmailDomain(address)) {
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

func (g *GitHub) api(ctx context.Context, access, path string) (*response, error) {
	return g.remote.get(ctx, g.cfg.APIURL+path, http.Header{
		"Authorization":        {"Bearer " + access},
		"Accept":               {"application/vnd.github+json"},
		"X-Github-Api-Version": {githubAPIVersion},
	})
}

func (g *GitHub) apiError(path string, res *response) *identity.Error {
	if rateLimited(res) {
		return unavailable(g.Name(), "%s: rate limited", path)
	}
	return statusError(g.Name(), path, res)
}

// rateLimited recognises GitHub's limits, which come as 403 or 429. A refused
// scope is a 403 too, but a person must not lose the address to a busy hour.
func rateLimited(res *response) bool {
	return (res.status == http.StatusForbidden || res.status == http.StatusTooManyRequests) &&
		(res.header.Get("X-Ratelimit-Remaining") == "0" || res.header.Get("Retry-After") != "")
}

// githubID reads the id of an account: a positive JSON integer in plain digits.
// The login is no identity; it can be renamed and taken by somebody else.
func githubID(raw json.RawMessage) (string, bool) {
	s := string(raw)
	if len(s) == 0 || len(s) > githubMaxIDDigits {
		return "", false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n <= 0 || strconv.FormatInt(n, 10) != s {
		return "", false
	}
	return s, true
}

package oauth

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"time"

	"golang.org/x/oauth2"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method"
)

// ClientConfig configures a provider that speaks OAuth 2.0 without OpenID
// Connect.
type ClientConfig struct {
	Name         string // in paths and identities, as "github"
	AuthURL      string
	TokenURL     string
	ClientID     string
	ClientSecret string
	Scopes       []string
	Hosts        []*url.URL    // the operator chose; see NewHTTPClient
	Timeout      time.Duration // of one proof; 0 is DefaultTimeout
}

// Client is this service as a client of such a provider.
type Client struct {
	cfg    ClientConfig
	remote remote
}

// NewClient returns the client. The network is not touched.
func NewClient(cfg ClientConfig) *Client {
	return &Client{cfg: cfg, remote: newRemote(cfg.Name, cfg.Timeout, cfg.Hosts...)}
}

// AuthCodeURL returns where to send the browser; options are what the provider
// is asked for besides.
func (c *Client) AuthCodeURL(flow method.Flow, options ...oauth2.AuthCodeOption) string {
	cfg := c.config()
	cfg.RedirectURL = flow.RedirectURL
	return cfg.AuthCodeURL(flow.State, append(slices.Clone(options), oauth2.S256ChallengeOption(flow.Verifier))...)
}

func (c *Client) config() oauth2.Config {
	return oauth2.Config{
		ClientID: c.cfg.ClientID, ClientSecret: c.cfg.ClientSecret, Scopes: c.cfg.Scopes,
		Endpoint: oauth2.Endpoint{AuthURL: c.cfg.AuthURL, TokenURL: c.cfg.TokenURL},
	}
}

// WithTimeout bounds everything that one proof asks of the provider.
func (c *Client) WithTimeout(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, c.remote.timeout)
}

// Exchange redeems the code of a callback for an access token.
func (c *Client) Exchange(ctx context.Context, flow method.Flow, callback method.Callback) (access string, err error) {
	if !usableCode(callback.Code) {
		return "", Unproven(c.cfg.Name, "callback: no usable code")
	}
	granted, err := c.remote.exchange(ctx, c.config(), flow, callback.Code, oauth2.AuthStyleInParams)
	return granted.access, err
}

// Get asks the provider's API as the person. A status other than 200 is no error
// yet.
func (c *Client) Get(ctx context.Context, access, target string, header http.Header) (*Response, error) {
	with := http.Header{"Authorization": {"Bearer " + access}}
	for name, values := range header {
		with[name] = values
	}
	return c.remote.get(ctx, target, with)
}

// Profile gets the JSON object that describes the person.
func (c *Client) Profile(ctx context.Context, access, target string) (Object, error) {
	res, err := c.Get(ctx, access, target, nil)
	if err != nil {
		return nil, err
	}
	if res.Status != http.StatusOK {
		return nil, StatusError(c.cfg.Name, "profile", res)
	}
	profile, ok := ParseObject(res.Body)
	if !ok {
		return nil, Failed(c.cfg.Name, "profile: not a JSON object")
	}
	return profile, nil
}

// Describe adds to a proof how the person is shown: the first of the names that
// can be, and the picture if it is one.
func Describe(p *identity.Proof, avatar string, names ...string) {
	p.AvatarURL = AvatarURL(avatar)
	for _, name := range names {
		if p.DisplayName = identity.OneLine(name, maxDisplayName); p.DisplayName != "" {
			return
		}
	}
}

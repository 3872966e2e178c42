package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/latchkey/latchkey/identity/method"
)

// remote is one provider's side of the network.
type remote struct {
	name    string
	client  *http.Client
	timeout time.Duration // of everything one call of Provider does
}

func newRemote(name string, timeout time.Duration, configured ...*url.URL) remote {
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	return remote{name: name, client: NewHTTPClient(timeout, configured...), timeout: timeout}
}

// Response is a response read to its end.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// get sends a GET and reads the response. The error is a *identity.Error; a
// status other than 200 is no error yet.
func (r remote) get(ctx context.Context, url string, header http.Header) (*Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, Failed(r.name, "%w", err)
	}
	for name, values := range header {
		req.Header[name] = values
	}
	return r.do(req)
}

func (r remote) do(req *http.Request) (*Response, error) {
	req.Header.Set("User-Agent", userAgent)
	if req.Header.Get("Accept") == "" {
		req.Header.Set("Accept", "application/json")
	}
	res, err := r.client.Do(req)
	if err != nil {
		return nil, transportError(r.name, err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, transportError(r.name, fmt.Errorf("reading %s: %w", req.URL.Redacted(), err))
	}
	return &Response{Status: res.StatusCode, Header: res.Header, Body: body}, nil
}

// token is what the token endpoint granted. It lives no longer than one proof
// and is never logged.
type token struct{ access, id string }

// tokenRequest is an access token request of RFC 6749 section 4.1.3.
type tokenRequest struct {
	endpoint     string
	clientID     string
	clientSecret string       // "" for a public client
	auth         []clientAuth // in the order to try
	flow         method.Flow
	code         string
}

// clientAuth is how the client shows its secret (OpenID Connect Core section 9).
type clientAuth string

const (
	secretBasic clientAuth = "client_secret_basic"
	secretPost  clientAuth = "client_secret_post"
)

// errInvalidClient is the token endpoint's `invalid_client`.
var errInvalidClient = errors.New("token endpoint: invalid_client")

// refusedCodes say that the code itself is not, or no longer, good. The second
// is GitHub's word for invalid_grant.
var refusedCodes = map[string]bool{"invalid_grant": true, "bad_verification_code": true}

// redeem exchanges the code. It is not oauth2.Config.Exchange, which turns
// timeouts, HTML and oversized answers into one kind of untyped error, and
// quotes the response, a token perhaps, in it.
func (r remote) redeem(ctx context.Context, t tokenRequest) (token, error) {
	for i, auth := range t.auth {
		granted, err := r.redeemBy(ctx, t, auth)
		// Issuers list every method they know, but hold each client to the one it
		// was registered with. The client is checked before the code is used up.
		if !errors.Is(err, errInvalidClient) || i == len(t.auth)-1 {
			return granted, err
		}
	}
	return token{}, Failed(r.name, "no way to authenticate the client")
}

func (r remote) redeemBy(ctx context.Context, t tokenRequest, auth clientAuth) (token, error) {
	basic := auth == secretBasic && t.clientSecret != ""
	form := url.Values{
		"grant_type":    {"authorization_code"},
		"code":          {t.code},
		"redirect_uri":  {t.flow.RedirectURL},
		"code_verifier": {t.flow.Verifier},
	}
	if !basic {
		form.Set("client_id", t.clientID)
		if t.clientSecret != "" {
			form.Set("client_secret", t.clientSecret)
		}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return token{}, Failed(r.name, "%w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if basic { // RFC 6749 section 2.3.1: both parts form-encoded first
		req.SetBasicAuth(url.QueryEscape(t.clientID), url.QueryEscape(t.clientSecret))
	}
	res, err := r.do(req)
	if err != nil {
		return token{}, err
	}
	return r.readToken(res)
}

func (r remote) readToken(res *Response) (token, error) {
	if res.Status == http.StatusTooManyRequests || res.Status >= 500 {
		return token{}, StatusError(r.name, "token endpoint", res)
	}
	reply, ok := parseTokenReply(res)
	if !ok {
		return token{}, Failed(r.name, "token endpoint: status %d with an unreadable body", res.Status)
	}
	// GitHub tells errors with status 200.
	if code := reply.Text("error"); code != "" {
		if refusedCodes[code] {
			return token{}, Unproven(r.name, "token endpoint: %.64q", code)
		}
		if code == "invalid_client" {
			return token{}, Failed(r.name, "%w", errInvalidClient)
		}
		return token{}, Failed(r.name, "token endpoint: status %d, %.64q", res.Status, code)
	}
	if res.Status != http.StatusOK {
		return token{}, StatusError(r.name, "token endpoint", res)
	}
	t := token{access: reply.Text("access_token"), id: reply.Text("id_token")}
	if kind := reply.Text("token_type"); t.access == "" || kind != "" && !strings.EqualFold(kind, "Bearer") {
		return token{}, Failed(r.name, "token endpoint: no bearer token")
	}
	return t, nil
}

// parseTokenReply reads JSON, or the form encoding that GitHub falls back to.
func parseTokenReply(res *Response) (Object, bool) {
	media, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if media != "application/x-www-form-urlencoded" {
		return ParseObject(res.Body)
	}
	values, err := url.ParseQuery(string(res.Body))
	if err != nil {
		return nil, false
	}
	reply := make(Object, len(values))
	for name := range values {
		quoted, err := json.Marshal(values.Get(name))
		if err != nil {
			return nil, false
		}
		reply[name] = quoted
	}
	return reply, true
}

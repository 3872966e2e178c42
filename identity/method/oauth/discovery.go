package oauth

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/sync/singleflight"

	"github.com/latchkey/latchkey/identity/method"
	"github.com/latchkey/latchkey/internal/tracing"
)

// asymmetric are the signatures an ID token may carry. With the HMAC family,
// anybody who knows the client secret could sign, and a verifier that is confused
// about keys would take the public key for the secret.
var asymmetric = []string{
	oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512,
	oidc.ES256, oidc.ES384, oidc.ES512, oidc.EdDSA,
}

// metadata is what Latchkey uses of a discovery document (OpenID Connect
// Discovery section 3).
type metadata struct {
	authorization string
	token         string
	userinfo      string             // "" if there is none
	clientAuth    []oauth2.AuthStyle // in the order to try
	issInResponse bool               // RFC 9207: every authorization response has `iss`
	algorithms    []string
	keys          *oidc.RemoteKeySet
}

// discovery gets a provider's metadata when it is first needed, and keeps it. A
// failure is not kept: the next caller tries again. Callers at the same time
// share one request.
type discovery struct {
	remote remote
	issuer *url.URL
	raw    string // the issuer as configured; compared as a string
	cached atomic.Pointer[metadata]
	flight singleflight.Group
}

func (d *discovery) get(ctx context.Context) (*metadata, error) {
	if m := d.cached.Load(); m != nil {
		return m, nil
	}
	detached := tracing.Detach(ctx)
	done := d.flight.DoChan("", func() (any, error) {
		if m := d.cached.Load(); m != nil { // of a flight that just landed
			return m, nil
		}
		// The first caller may leave; the others still wait for the answer.
		ctx, cancel := context.WithTimeout(detached, d.remote.timeout)
		defer cancel()
		m, err := d.fetch(ctx)
		if err != nil {
			return nil, err
		}
		d.cached.Store(m)
		return m, nil
	})
	select {
	case <-ctx.Done():
		return nil, Unavailable(d.remote.name, "discovery: %w", ctx.Err())
	case res := <-done:
		if res.Err != nil {
			return nil, res.Err
		}
		return res.Val.(*metadata), nil
	}
}

func (d *discovery) fetch(ctx context.Context) (*metadata, error) {
	res, err := d.remote.get(ctx, strings.TrimSuffix(d.raw, "/")+"/.well-known/openid-configuration", nil)
	if err != nil {
		return nil, err
	}
	if res.Status != http.StatusOK {
		return nil, StatusError(d.remote.name, "discovery", res)
	}
	doc, ok := ParseObject(res.Body)
	if !ok {
		return nil, Failed(d.remote.name, "discovery: not a JSON object")
	}
	// Section 4.3: must be identical, or any host could speak for the issuer.
	if got := doc.Text("issuer"); got != d.raw {
		return nil, Failed(d.remote.name, "discovery: issuer is %.128q, want %q", got, d.raw)
	}
	m := &metadata{
		authorization: doc.Text("authorization_endpoint"),
		token:         doc.Text("token_endpoint"),
		userinfo:      doc.Text("userinfo_endpoint"),
		clientAuth:    clientAuthOf(doc.Texts("token_endpoint_auth_methods_supported")),
		issInResponse: doc.IsTrue("authorization_response_iss_parameter_supported"),
	}
	jwks := doc.Text("jwks_uri")
	for what, endpoint := range map[string]string{
		"authorization_endpoint": m.authorization, "token_endpoint": m.token, "jwks_uri": jwks, "userinfo_endpoint": m.userinfo,
	} {
		if err := d.checkEndpoint(endpoint); err != nil && (what != "userinfo_endpoint" || endpoint != "") {
			return nil, Failed(d.remote.name, "discovery: %s: %w", what, err)
		}
	}
	for _, alg := range doc.Texts("id_token_signing_alg_values_supported") {
		if slices.Contains(asymmetric, alg) {
			m.algorithms = append(m.algorithms, alg)
		}
	}
	if len(m.algorithms) == 0 {
		m.algorithms = []string{oidc.RS256} // what every issuer must support
	}
	client := &http.Client{Transport: keyTransport{d.remote}}
	m.keys = oidc.NewRemoteKeySet(oidc.ClientContext(context.Background(), client), jwks) // it keeps the context
	return m, nil
}

// clientAuthOf orders the methods by which a client shows its secret: basic is
// the one every server must know (RFC 6749 section 2.3.1) and to which clients
// are registered by default.
func clientAuthOf(supported []string) []oauth2.AuthStyle {
	var styles []oauth2.AuthStyle
	if len(supported) == 0 || slices.Contains(supported, "client_secret_basic") {
		styles = append(styles, oauth2.AuthStyleInHeader)
	}
	if len(supported) == 0 || slices.Contains(supported, "client_secret_post") || len(styles) == 0 {
		styles = append(styles, oauth2.AuthStyleInParams)
	}
	return styles
}

// checkEndpoint wants a web URL without credentials, and no step down from an
// https issuer to plain http.
func (d *discovery) checkEndpoint(raw string) error {
	u, err := url.Parse(raw)
	if err != nil || !method.WebURL(u) {
		return fmt.Errorf("%.128q is not an http(s) URL", raw)
	}
	if d.issuer.Scheme == "https" && u.Scheme != "https" {
		return fmt.Errorf("%.128q is not https", raw)
	}
	return nil
}

// keyTransport fetches a JWK Set as every other document, and turns all else into
// a typed error. The key set of go-oidc would report an outage and a forged
// signature as the same kind of error, and quote the response in it.
type keyTransport struct{ remote remote }

// RoundTrip implements http.RoundTripper.
func (t keyTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := t.remote.get(req.Context(), req.URL.String(), nil)
	if err != nil {
		return nil, err
	}
	if res.Status != http.StatusOK {
		return nil, StatusError(t.remote.name, "jwks_uri", res)
	}
	var set struct{ Keys []json.RawMessage }
	if err := json.Unmarshal(res.Body, &set); err != nil || set.Keys == nil {
		return nil, Failed(t.remote.name, "jwks_uri: not a JWK Set")
	}
	return &http.Response{
		StatusCode: http.StatusOK, Header: res.Header, Request: req,
		Body: io.NopCloser(bytes.NewReader(res.Body)),
	}, nil
}

package oauth

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method"
)

// OIDCConfig configures an OpenID Connect issuer.
type OIDCConfig struct {
	Name         string // in paths and identities, as "google"
	Issuer       string // exactly as the issuer writes it
	ClientID     string
	ClientSecret string   // "" for a public client
	Scopes       []string // nil is openid, email, profile
	// LinkPrompt is the `prompt` that lets the person choose an account; "" is
	// select_account.
	LinkPrompt string
	// StepUpPrompt is the `prompt` that has the person sign in again; "" is login.
	StepUpPrompt string
	// Authoritative decides whether the issuer is an authority for the address
	// it claims, see Authority. It is asked only when the address is verified; nil
	// is never.
	Authoritative func(Claims) bool
	// EmailVerified reads from the claims whether the address is verified, and
	// whether they say; nil reads `email_verified`.
	EmailVerified func(Object) (verified, said bool)
	Timeout       time.Duration  // of one proof; 0 is DefaultTimeout
	Now           identity.Clock // nil is identity.SystemClock
}

// OIDC proves persons by OpenID Connect (Core 1.0, authorization code flow with
// PKCE S256).
type OIDC struct {
	cfg       OIDCConfig
	remote    remote
	discovery *discovery
}

var _ method.Redirect = (*OIDC)(nil)

// NewOIDC returns the provider. The error names what is wrong in the
// configuration. The issuer's metadata is fetched when first needed.
func NewOIDC(cfg OIDCConfig) (*OIDC, error) {
	if cfg.Name == "" {
		return nil, errors.New("provider has no name")
	}
	if cfg.ClientID == "" {
		return nil, fmt.Errorf("%s: client id is missing", cfg.Name)
	}
	issuer, err := ConfiguredURL(cfg.Name, "issuer", cfg.Issuer)
	if err != nil {
		return nil, err
	}
	if cfg.Scopes == nil {
		cfg.Scopes = []string{oidc.ScopeOpenID, "email", "profile"}
	}
	if !slices.Contains(cfg.Scopes, oidc.ScopeOpenID) {
		return nil, fmt.Errorf("%s: scopes lack %q", cfg.Name, oidc.ScopeOpenID)
	}
	if cfg.LinkPrompt == "" {
		cfg.LinkPrompt = "select_account"
	}
	if cfg.EmailVerified == nil {
		cfg.EmailVerified = func(claims Object) (verified, said bool) {
			return claims.IsTrue("email_verified"), claims.Has("email_verified")
		}
	}
	if cfg.StepUpPrompt == "" {
		cfg.StepUpPrompt = "login"
	}
	if cfg.Now == nil {
		cfg.Now = identity.SystemClock
	}
	r := newRemote(cfg.Name, cfg.Timeout, issuer)
	return &OIDC{cfg: cfg, remote: r, discovery: &discovery{remote: r, issuer: issuer, raw: cfg.Issuer}}, nil
}

// Name implements method.Redirect.
func (p *OIDC) Name() string { return p.cfg.Name }

// AuthCodeURL implements method.Redirect.
func (p *OIDC) AuthCodeURL(ctx context.Context, flow method.Flow) (string, error) {
	m, err := p.discovery.get(ctx)
	if err != nil {
		return "", err
	}
	cfg := p.config(m)
	cfg.RedirectURL = flow.RedirectURL
	options := append(p.interaction(flow), oauth2.S256ChallengeOption(flow.Verifier), oidc.Nonce(flow.Nonce))
	return cfg.AuthCodeURL(flow.State, options...), nil
}

func (p *OIDC) config(m *metadata) oauth2.Config {
	return oauth2.Config{
		ClientID: p.cfg.ClientID, ClientSecret: p.cfg.ClientSecret, Scopes: p.cfg.Scopes,
		Endpoint: oauth2.Endpoint{AuthURL: m.authorization, TokenURL: m.token},
	}
}

// interaction asks for what the purpose needs of the person (OpenID Connect Core
// section 3.1.2.1): a session they have at the issuer would answer for them.
func (p *OIDC) interaction(flow method.Flow) []oauth2.AuthCodeOption {
	var options []oauth2.AuthCodeOption
	switch flow.Purpose {
	case identity.PurposeLink:
		options = append(options, oauth2.SetAuthURLParam("prompt", p.cfg.LinkPrompt))
	case identity.PurposeStepUp:
		options = append(options, oauth2.SetAuthURLParam("prompt", p.cfg.StepUpPrompt), oauth2.SetAuthURLParam("max_age", "0"))
	}
	if flow.LoginHint != "" {
		options = append(options, oauth2.SetAuthURLParam("login_hint", flow.LoginHint))
	}
	return options
}

// Prove implements method.Redirect.
func (p *OIDC) Prove(ctx context.Context, flow method.Flow, callback method.Callback) (identity.Proof, error) {
	if !usableCode(callback.Code) {
		return identity.Proof{}, Unproven(p.cfg.Name, "callback: no usable code")
	}
	ctx, cancel := context.WithTimeout(ctx, p.remote.timeout)
	defer cancel()
	m, err := p.discovery.get(ctx)
	if err != nil {
		return identity.Proof{}, err
	}
	// RFC 9207 section 2.4, before the code goes anywhere: against a provider
	// that passes on another one's response (mix-up).
	if callback.Issuer != p.cfg.Issuer && (callback.Issuer != "" || m.issInResponse) {
		return identity.Proof{}, Unproven(p.cfg.Name, "callback: iss is %.128q", callback.Issuer)
	}
	granted, err := p.remote.exchange(ctx, p.config(m), flow, callback.Code, m.clientAuth...)
	if err != nil {
		return identity.Proof{}, err
	}
	payload, err := p.verify(ctx, m, granted.id, flow.Nonce)
	if err != nil {
		return identity.Proof{}, err
	}
	if err := p.requireNewSignIn(flow, payload); err != nil {
		return identity.Proof{}, err
	}
	profile, err := p.profile(ctx, m, granted.access, payload)
	if err != nil {
		return identity.Proof{}, err
	}
	return p.proof(profile), nil
}

func (p *OIDC) proof(profile Object) identity.Proof {
	verified, said := p.cfg.EmailVerified(profile)
	c := ReadClaims(profile, verified, said)
	proof := identity.Proof{Provider: p.cfg.Name, Subject: c.Subject}
	c.Claim(&proof, p.cfg.Authoritative != nil && p.cfg.Authoritative(c))
	Describe(&proof, profile.Text("picture"), profile.Text("name"))
	return proof
}

// verify checks an ID token as OpenID Connect Core section 3.1.3.7 asks and
// returns its payload. go-oidc checks signature, algorithm, iss, aud, exp, nbf;
// the rest is checked here.
func (p *OIDC) verify(ctx context.Context, m *metadata, raw, nonce string) (Object, error) {
	if raw == "" {
		return nil, Failed(p.cfg.Name, "token endpoint: no id_token")
	}
	now := p.cfg.Now()
	keys := &keySet{remote: m.keys}
	verified, err := oidc.NewVerifier(p.cfg.Issuer, keys, &oidc.Config{
		ClientID:             p.cfg.ClientID,
		SupportedSigningAlgs: m.algorithms,
		Now:                  func() time.Time { return now },
	}).Verify(ctx, raw)
	if err != nil {
		if outage := keys.outage(p.cfg.Name); outage != nil {
			return nil, outage
		}
		return nil, Unproven(p.cfg.Name, "id_token: %w", err)
	}
	var payload Object
	if err := verified.Claims(&payload); err != nil {
		return nil, Unproven(p.cfg.Name, "id_token: %w", err)
	}
	azp := payload.Text("azp")
	switch {
	case subtle.ConstantTimeCompare([]byte(payload.Text("nonce")), []byte(nonce)) != 1 || nonce == "":
		return nil, Unproven(p.cfg.Name, "id_token: nonce is not the one of this flow")
	case azp != p.cfg.ClientID && (payload.Has("azp") || len(verified.Audience) > 1):
		return nil, Unproven(p.cfg.Name, "id_token: azp is %.128q", azp)
	case !now.Before(verified.Expiry):
		return nil, Unproven(p.cfg.Name, "id_token: expired")
	case !payload.Has("iat") || verified.IssuedAt.After(now.Add(identity.ClockSkew)):
		return nil, Unproven(p.cfg.Name, "id_token: iat is missing or in the future")
	case !validSubject(payload.Text("sub")):
		return nil, Unproven(p.cfg.Name, "id_token: unusable sub")
	}
	return payload, nil
}

// requireNewSignIn refuses a step-up that the issuer answered from a session it
// had. Issuers must report `auth_time` when `max_age` was asked for (Core section
// 2), but not all do; those that do not are believed.
func (p *OIDC) requireNewSignIn(flow method.Flow, idToken Object) error {
	if flow.Purpose != identity.PurposeStepUp || !idToken.Has("auth_time") {
		return nil
	}
	seconds, ok := idToken.Number("auth_time")
	if !ok {
		return Unproven(p.cfg.Name, "id_token: auth_time is no number")
	}
	if signedIn := time.Unix(seconds, 0); signedIn.Before(flow.StartedAt.Add(-identity.ClockSkew)) {
		return identity.NewError(identity.CodeProofTooOld, "%s did not ask you to sign in again; sign out there, then try again", p.cfg.Name).
			Wrap(fmt.Errorf("auth_time is %s, the step-up began at %s", signedIn.UTC(), flow.StartedAt.UTC()))
	}
	return nil
}

// profile returns the payload that tells the person's profile and address: the
// ID token, or the UserInfo response where the ID token has no address
// (Core section 5.4: a conforming issuer may give it there only). It is one of
// the two, never a mixture.
func (p *OIDC) profile(ctx context.Context, m *metadata, access string, idToken Object) (Object, error) {
	if idToken.Has("email") || m.userinfo == "" || !slices.Contains(p.cfg.Scopes, "email") {
		return idToken, nil
	}
	res, err := p.remote.get(ctx, m.userinfo, http.Header{"Authorization": {"Bearer " + access}})
	switch {
	case err != nil:
		return nil, err
	case res.Status == http.StatusForbidden || res.Status == http.StatusNotFound:
		return idToken, nil // no address is no obstacle
	case res.Status != http.StatusOK:
		return nil, StatusError(p.cfg.Name, "userinfo", res)
	}
	info, ok := ParseObject(res.Body)
	if !ok {
		return nil, Failed(p.cfg.Name, "userinfo: not a JSON object")
	}
	// Section 5.3.4: against a response that belongs to another person.
	if info.Text("sub") != idToken.Text("sub") {
		return nil, Unproven(p.cfg.Name, "userinfo: sub differs from the ID token's")
	}
	return info, nil
}

// keySet remembers why a key could not be had, which go-oidc's verifier does not
// tell apart from a bad signature.
type keySet struct {
	remote oidc.KeySet
	err    error
}

// VerifySignature implements oidc.KeySet.
func (k *keySet) VerifySignature(ctx context.Context, jwt string) ([]byte, error) {
	payload, err := k.remote.VerifySignature(ctx, jwt)
	k.err = err
	return payload, err
}

// outage returns the error of the network, or nil if the signature is at fault.
func (k *keySet) outage(name string) error {
	var known *identity.Error
	switch {
	case errors.As(k.err, &known):
		return known
	case errors.Is(k.err, context.DeadlineExceeded), errors.Is(k.err, context.Canceled):
		return Unavailable(name, "jwks_uri: %w", k.err)
	}
	return nil
}

// ConfiguredURL reads a URL of the operator. Plain http is allowed: the provider
// may be a neighbour on the same host or inside a private network.
func ConfiguredURL(name, what, raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil || !method.WebURL(u) || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("%s: %s %q is not an http(s) URL without query and userinfo", name, what, raw)
	}
	return u, nil
}

package passkey_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method"
	"github.com/latchkey/latchkey/identity/method/passkey"
	"github.com/latchkey/latchkey/internal/testkit/passkeytest"
)

const (
	domain = "example.com"
	page   = "https://auth.example.com"
)

// kept is a store in memory.
type kept struct {
	handle   []byte
	passkeys map[string]identity.Passkey
}

func (k *kept) InTx(ctx context.Context, fn func(ctx context.Context) error) error { return fn(ctx) }

func (k *kept) Passkey(_ context.Context, credential string) (identity.Passkey, error) {
	p, ok := k.passkeys[credential]
	if !ok {
		return p, identity.ErrNotFound
	}
	return p, nil
}

func (k *kept) IdentitiesOf(context.Context, []identity.ID) ([]identity.Identity, error) {
	var out []identity.Identity
	for id := range k.passkeys {
		out = append(out, identity.Identity{Provider: identity.ProviderPasskey, Subject: id, Passkey: new(k.passkeys[id])})
	}
	return out, nil
}

func (k *kept) PasskeyHandle(_ context.Context, _ identity.ID, handle []byte) ([]byte, error) {
	if k.handle == nil {
		k.handle = handle
	}
	return k.handle, nil
}

// ceremony is a person at a browser, who has one passkey.
type ceremony struct {
	t       *testing.T
	service *passkey.Service
	store   *kept
	by      method.Requester
	passkey *passkeytest.Passkey
}

func begin(t *testing.T, changes ...func(*passkey.Config)) *ceremony {
	t.Helper()
	store := &kept{passkeys: map[string]identity.Passkey{}}
	cfg := passkey.Config{Domain: domain, Name: "Example", Origins: []string{page}}
	for _, change := range changes {
		change(&cfg)
	}
	c := &ceremony{
		t: t, store: store, service: passkey.NewService(cfg, method.NewAttempts("a secret of thirty-two characters"), store, time.Now), passkey: passkeytest.New(t),
		by: method.Requester{Browser: identity.HashSecret("flow"), User: new(identity.NewID()), Session: new(identity.NewID()), Origin: page},
	}
	proof, err := c.create(nil)
	if err != nil {
		t.Fatal(err)
	}
	store.passkeys[proof.Subject] = proof.Passkey.Passkey
	return c
}

func (c *ceremony) options(r passkey.Request) map[string]any {
	c.t.Helper()
	challenge, err := c.service.Challenge(c.t.Context(), r, c.by)
	if err != nil {
		c.t.Fatal(err)
	}
	raw, err := json.Marshal(challenge.Get)
	if r.Creates() {
		raw, err = json.Marshal(challenge.Create)
	}
	var out map[string]any
	if err = errors.Join(err, json.Unmarshal(raw, &out)); err != nil {
		c.t.Fatal(err)
	}
	return out
}

func (c *ceremony) prove(credential map[string]any) (identity.Proof, error) {
	c.t.Helper()
	raw, err := json.Marshal(credential)
	if err != nil {
		c.t.Fatal(err)
	}
	return c.service.Prove(c.t.Context(), raw, "My key", c.by)
}

func (c *ceremony) create(change func(*passkeytest.Answer)) (identity.Proof, error) {
	return c.prove(c.passkey.Create(c.t, c.options(passkey.Request{Purpose: identity.PurposeLink, Name: "ada"}), page, change))
}

func (c *ceremony) use(purpose identity.Purpose, change func(*passkeytest.Answer)) (identity.Proof, error) {
	return c.prove(c.passkey.Get(c.t, c.options(passkey.Request{Purpose: purpose, Existing: true}), page, change))
}

// A passkey is created and used; the proof has what the authenticator said.
func TestCreatedAndUsed(t *testing.T) {
	t.Parallel()
	c := begin(t)
	for _, purpose := range []identity.Purpose{identity.PurposeSignIn, identity.PurposeLink, identity.PurposeStepUp} {
		proof, err := c.use(purpose, nil)
		if err != nil || proof.Subject != base64.RawURLEncoding.EncodeToString(c.passkey.ID) || proof.Purpose != purpose || proof.Passkey.SignCount != int64(c.passkey.Count) {
			t.Errorf("%s: %+v, %v", purpose, proof, err)
		}
	}
	// Whose it is need not be said where the person is known, and only there.
	anonymous := func(a *passkeytest.Answer) { a.Handle = nil }
	if _, err := c.use(identity.PurposeStepUp, anonymous); err != nil {
		t.Error(err)
	}
	// A person need not be verified to sign in, but to verify it's them.
	unverified := func(a *passkeytest.Answer) { a.Flags &^= passkeytest.UserVerified }
	if _, err := c.use(identity.PurposeSignIn, unverified); err != nil {
		t.Error(err)
	}
	if _, err := c.use(identity.PurposeStepUp, unverified); identity.ErrorCode(err) != identity.CodeInvalidProof {
		t.Errorf("a step-up without verification: %v", err)
	}
	if step := c.options(passkey.Request{Purpose: identity.PurposeStepUp}); step["userVerification"] != "required" || len(step["allowCredentials"].([]any)) != 1 {
		t.Errorf("a step-up asks for %v", step)
	}
}

// Where verification is required it is asked for, and passkeys without it prove nothing:
// neither a new one, nor one from before.
func TestVerificationRequired(t *testing.T) {
	t.Parallel()
	c := begin(t, func(cfg *passkey.Config) { cfg.Verified = true })
	unverified := func(a *passkeytest.Answer) { a.Flags &^= passkeytest.UserVerified }
	if selection := c.options(passkey.Request{Purpose: identity.PurposeLink})["authenticatorSelection"].(map[string]any); selection["userVerification"] != "required" {
		t.Errorf("a new passkey is asked for with %v", selection)
	}
	if _, err := c.create(unverified); identity.ErrorCode(err) != identity.CodeInvalidProof {
		t.Errorf("created without verification: %v", err)
	}
	for _, purpose := range []identity.Purpose{identity.PurposeSignIn, identity.PurposeLink, identity.PurposeStepUp} {
		if asked := c.options(passkey.Request{Purpose: purpose, Existing: true}); asked["userVerification"] != "required" {
			t.Errorf("%s asks for %v", purpose, asked)
		}
		if _, err := c.use(purpose, unverified); identity.ErrorCode(err) != identity.CodeInvalidProof {
			t.Errorf("%s without verification: %v", purpose, err)
		}
		if _, err := c.use(purpose, nil); err != nil {
			t.Errorf("%s: %v", purpose, err)
		}
	}
	// By default a key without a PIN can be added, and asks are a preference.
	lax := begin(t)
	if _, err := lax.create(unverified); err != nil {
		t.Error(err)
	}
	if asked := lax.options(passkey.Request{Purpose: identity.PurposeSignIn}); asked["userVerification"] != "preferred" {
		t.Errorf("asks for %v", asked)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	c, other := begin(t), begin(t)
	client := func(name string, value any) func(*passkeytest.Answer) {
		return func(a *passkeytest.Answer) { a.Client[name] = value }
	}
	for name, change := range map[string]func(*passkeytest.Answer){
		"another origin":           client("origin", "https://evil.example"),
		"a related domain":         client("origin", "https://example.com"),
		"in a frame":               client("crossOrigin", true),
		"another type":             client("type", "payment.get"),
		"another challenge":        client("challenge", base64.RawURLEncoding.EncodeToString([]byte("challenge"))),
		"another RP ID":            func(a *passkeytest.Answer) { a.RPID = "evil.example" },
		"no user present":          func(a *passkeytest.Answer) { a.Flags &^= passkeytest.UserPresent },
		"backed up, but cannot be": func(a *passkeytest.Answer) { a.Flags |= passkeytest.BackedUp },
	} {
		if _, err := c.create(change); err == nil {
			t.Errorf("created with %s", name)
		}
		if _, err := c.use(identity.PurposeSignIn, change); err == nil {
			t.Errorf("used with %s", name)
		}
	}
	for name, change := range map[string]func(*passkeytest.Answer){
		"unsigned":             func(a *passkeytest.Answer) { a.Signature = func([]byte) []byte { return nil } },
		"signed by another":    func(a *passkeytest.Answer) { a.Key = other.passkey.Key },
		"the handle of others": func(a *passkeytest.Answer) { a.Handle = other.passkey.Handle },
		"no handle":            func(a *passkeytest.Answer) { a.Handle = nil },
		"an unknown id":        func(a *passkeytest.Answer) { a.ID = other.passkey.ID },
		"can be backed up now": func(a *passkeytest.Answer) { a.Flags |= passkeytest.BackupEligible },
	} {
		if _, err := c.use(identity.PurposeSignIn, change); err == nil {
			t.Errorf("used: %s", name)
		}
	}
	// A challenge is of one browser and one origin, and only a link creates.
	credential := c.passkey.Get(t, c.options(passkey.Request{Purpose: identity.PurposeSignIn}), page, nil)
	for name, by := range map[string]method.Requester{
		"another browser": {Browser: identity.HashSecret("other"), Origin: page},
		"no browser":      {Origin: page},
		"another page":    {Browser: c.by.Browser, Origin: "https://app.example.com"},
	} {
		raw, _ := json.Marshal(credential)
		if _, err := c.service.Prove(t.Context(), raw, "", by); identity.ErrorCode(err) != identity.CodeInvalidProof {
			t.Errorf("%s: %v", name, err)
		}
	}
	signIn := c.options(passkey.Request{Purpose: identity.PurposeSignIn})
	signIn["user"], signIn["rp"] = map[string]any{"id": base64.RawURLEncoding.EncodeToString(c.passkey.Handle)}, map[string]any{"id": domain}
	if _, err := c.prove(passkeytest.New(t).Create(t, signIn, page, nil)); identity.ErrorCode(err) != identity.CodeInvalidProof {
		t.Errorf("a sign-in by what was just created: %v", err)
	}
	c.by.Origin = "https://app.example.com"
	if _, err := c.service.Challenge(t.Context(), passkey.Request{Purpose: identity.PurposeSignIn}, c.by); identity.ErrorCode(err) != identity.CodeInvalidRequest {
		t.Errorf("a challenge for a page without passkeys: %v", err)
	}
}

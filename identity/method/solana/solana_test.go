package solana_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method"
	"github.com/latchkey/latchkey/identity/method/solana"
	"github.com/latchkey/latchkey/internal/testkit/solanatest"
	"github.com/latchkey/latchkey/siwe"
)

var began = time.Date(2026, 3, 14, 15, 9, 26, 535_897_000, time.UTC)

// deployment is a service whose clock a test sets.
type deployment struct {
	*solana.Service
	now time.Time
}

func deploy(t testing.TB, change ...func(*solana.Config)) *deployment {
	t.Helper()
	cfg := solana.Config{TermsVersion: "3", Resources: []string{"https://app.example.com/terms"}, Statement: "I accept the terms."}
	for _, name := range []string{"devnet", "mainnet"} {
		n, ok := solana.NetworkNamed(name)
		if !ok {
			t.Fatalf("no network %s", name)
		}
		cfg.Networks = append(cfg.Networks, n)
	}
	for _, c := range change {
		c(&cfg)
	}
	d := &deployment{now: began}
	d.Service = solana.NewService(cfg, method.NewAttempts("a secret of the operator"), func() time.Time { return d.now })
	return d
}

func requester() method.Requester {
	return method.Requester{Browser: identity.HashSecret("browser"), Origin: "https://app.example.com"}
}

// wallet is one whose key does not change, so that failures repeat.
func wallet(n byte) solanatest.Wallet {
	seed := sha256.Sum256([]byte{n})
	return solanatest.Of(ed25519.NewKeyFromSeed(seed[:]))
}

func challenge(t testing.TB, d *deployment, r solana.Request, at method.Requester) solana.Challenge {
	t.Helper()
	c, err := d.Challenge(r, at)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func signIn(w solanatest.Wallet) solana.Request {
	return solana.Request{Purpose: identity.PurposeSignIn, Address: w.Address}
}

func TestWalletProves(t *testing.T) {
	t.Parallel()
	d, w := deploy(t), wallet(1)
	c := challenge(t, d, signIn(w), requester())
	if !c.ExpiresAt.Equal(began.Truncate(time.Second).Add(method.Lifetime)) || !c.ExpirationTime.Equal(c.ExpiresAt) {
		t.Errorf("expires at %s, the text at %s", c.ExpiresAt, c.ExpirationTime)
	}
	want := "app.example.com wants you to sign in with your Solana account:\n" + w.Address + "\n\nI accept the terms.\n\n" +
		"URI: https://app.example.com\nVersion: 1\nChain ID: solana:devnet\nNonce: " + c.Nonce + "\nIssued At: 2026-03-14T15:09:26.535Z\n" +
		"Expiration Time: 2026-03-14T15:19:26Z\nResources:\n- https://app.example.com/terms"
	if c.Text != want {
		t.Fatalf("asked for\n%s\nwant\n%s", c.Text, want)
	}
	const genesis = "EtWTRABZaYq6iMfeYKouRu166VU2xqa1"
	for name, signature := range map[string]string{
		"base 58": w.Sign(c.Text), "base 64": base64.StdEncoding.EncodeToString(ed25519.Sign(w.Key, []byte(c.Text))),
	} {
		proof, err := d.Prove(c.Text, signature, requester())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if proof.Provider != "solana" || proof.Subject != "solana:"+genesis+":"+w.Address || proof.Purpose != identity.PurposeSignIn || proof.VerifiedEmail() != "" || proof.Terms() != "3" {
			t.Errorf("%s: %+v", name, proof)
		}
		if !slices.Equal(proof.Secret.Hash, identity.HashSecret(c.Nonce)) || !proof.Secret.ExpiresAt.Equal(c.ExpiresAt) {
			t.Errorf("burns %+v", *proof.Secret)
		}
	}
	// A wallet may write the text itself, around the nonce; without the statement there
	// is no consent to the terms. Another network is another identity.
	own := c.Message
	own.Statement, own.Resources, own.Chain = "", nil, "mainnet"
	for _, own.Spaced = range []bool{false, true} {
		text, err := solana.Build(own)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(text, "\n\n\n") != own.Spaced {
			t.Errorf("%q", text)
		}
		proof, err := d.Prove(text, w.Sign(text), requester())
		if err != nil || proof.Terms() != "" || proof.Subject != "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp:"+w.Address {
			t.Errorf("%+v, %v", proof, err)
		}
	}
}

func TestEverySpellingOfANetwork(t *testing.T) {
	t.Parallel()
	d, w := deploy(t), wallet(1)
	for _, chain := range []string{"mainnet", "solana:mainnet", "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp", "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp"} {
		c := challenge(t, d, signIn(w), requester())
		text := strings.Replace(c.Text, "solana:devnet", chain, 1)
		proof, err := d.Prove(text, w.Sign(text), requester())
		if err != nil || proof.Subject != "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp:"+w.Address {
			t.Errorf("%s: %+v, %v", chain, proof, err)
		}
		if n, address, ok := solana.Account(proof.Subject); !ok || n.Name != "mainnet" || address != w.Address {
			t.Errorf("%s reads as %v, %s, %t", proof.Subject, n, address, ok)
		}
	}
	for _, subject := range []string{"", "solana:", "solana:x:" + w.Address, "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp:" + w.Address, "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp"} {
		if n, address, ok := solana.Account(subject); ok {
			t.Errorf("%q reads as %v, %q", subject, n, address)
		}
	}
}

// What comes back is asked whether it fits, by the one rule of package method.
func TestNonceIsOfItsAttempt(t *testing.T) {
	t.Parallel()
	d, w := deploy(t), wallet(1)
	user, session := identity.NewID(), identity.NewID()
	here := requester()
	here.User, here.Session = &user, &session
	r := signIn(w)
	r.Purpose = identity.PurposeLink
	c := challenge(t, d, r, here)
	for what, change := range map[string]func(at *method.Requester){
		"another browser": func(at *method.Requester) { at.Browser = identity.HashSecret("other") },
		"no browser":      func(at *method.Requester) { at.Browser = nil },
		"another session": func(at *method.Requester) { at.Session = new(identity.NewID()) },
		"signed out":      func(at *method.Requester) { at.User, at.Session = nil, nil },
		"expired":         func(*method.Requester) { d.now = c.ExpiresAt },
	} {
		at := here
		change(&at)
		if proof, err := d.Prove(c.Text, w.Sign(c.Text), at); identity.ErrorCode(err) != identity.CodeInvalidProof || proof.Secret != nil {
			t.Errorf("%s: %+v, %v", what, proof, err)
		}
		d.now = began
	}
	if _, err := d.Prove(c.Text, w.Sign(c.Text), here); err != nil {
		t.Errorf("and where it was asked for: %v", err)
	}
	// A nonce for an Ethereum wallet is none for this, and the reverse.
	attempts := method.NewAttempts("a secret of the operator")
	attempt, err := method.Begin(method.ByWallet, identity.ProviderSIWE, identity.PurposeSignIn, requester(), began)
	if err != nil {
		t.Fatal(err)
	}
	other, err := attempts.Seal(attempt)
	if err != nil {
		t.Fatal(err)
	}
	c = challenge(t, d, signIn(w), requester())
	text := strings.Replace(c.Text, c.Nonce, other, 1)
	if _, err := d.Prove(text, w.Sign(text), requester()); identity.ErrorCode(err) != identity.CodeInvalidProof {
		t.Errorf("with the nonce of an Ethereum wallet: %v", err)
	}
	if _, err := attempts.Open(method.ByWallet, c.Nonce, identity.ProviderSIWE, requester(), began); err == nil {
		t.Error("an Ethereum wallet may use the nonce")
	}
}

func TestChallengesThatAreNotGiven(t *testing.T) {
	t.Parallel()
	w := wallet(1)
	off := deploy(t, func(c *solana.Config) { c.Networks = nil })
	if _, err := off.Challenge(signIn(w), requester()); identity.ErrorCode(err) != identity.CodeProviderDisabled {
		t.Errorf("off: %v", err)
	}
	if _, err := off.Prove("text", "signature", requester()); identity.ErrorCode(err) != identity.CodeProviderDisabled {
		t.Errorf("off: %v", err)
	}
	for what, x := range map[string]struct {
		request solana.Request
		code    identity.Code
		field   string
	}{
		"a network that is not accepted": {solana.Request{Purpose: identity.PurposeSignIn, Network: "testnet"}, identity.CodeInvalidRequest, "network"},
		"an Ethereum address":            {solana.Request{Purpose: identity.PurposeSignIn, Address: "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"}, identity.CodeInvalidRequest, siwe.FieldAddress},
		"the system program":             {solana.Request{Purpose: identity.PurposeSignIn, Address: strings.Repeat("1", 32)}, identity.CodeInvalidRequest, siwe.FieldAddress},
		"an address of no key":           {solana.Request{Purpose: identity.PurposeSignIn, Address: offCurve}, identity.CodeInvalidRequest, siwe.FieldAddress},
		"linking, signed out":            {solana.Request{Purpose: identity.PurposeLink}, identity.CodeUnauthenticated, ""},
	} {
		_, err := deploy(t).Challenge(x.request, requester())
		var refused *identity.Error
		if !errors.As(err, &refused) || refused.Code != x.code || refused.Field != x.field {
			t.Errorf("%s: %v", what, err)
		}
		if x.field == "network" && !strings.Contains(refused.Detail, "devnet or mainnet") {
			t.Errorf("which networks there are is not said: %v", err)
		}
	}
}

// Accounts as other systems write them.
func TestImported(t *testing.T) {
	t.Parallel()
	w := wallet(1)
	for id, want := range map[string]string{
		w.Address: "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp:" + w.Address, "web3:solana:" + w.Address: "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp:" + w.Address,
		"solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1:" + w.Address: "solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1:" + w.Address,
		"": "", "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2": "", strings.Repeat("1", 32): "", offCurve: "", w.Address + "1": "", "1" + w.Address: "",
		"solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1:": "", "solana:unknown:" + w.Address: "",
	} {
		if got, ok := solana.Imported(id); got != want || ok != (want != "") {
			t.Errorf("%q is %q, %t", id, got, ok)
		}
	}
}

package wallet_test

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/accounts"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method"
	"github.com/latchkey/latchkey/identity/method/wallet"
	"github.com/latchkey/latchkey/siwe"
)

var began = time.Date(2026, 3, 14, 15, 9, 26, 0, time.UTC)

// deployment is a service whose clock and contracts a test sets.
type deployment struct {
	*wallet.Service
	now       time.Time
	contracts func(chain uint64, account common.Address) error
}

// VerifyContract implements siwe.ContractVerifier.
func (d *deployment) VerifyContract(_ context.Context, chain uint64, account common.Address, _ common.Hash, _ []byte) error {
	return d.contracts(chain, account)
}

func deploy(change ...func(*wallet.Config)) *deployment {
	d := &deployment{now: began, contracts: func(uint64, common.Address) error { return errors.New("no endpoint answers") }}
	cfg := wallet.Config{Chains: []uint64{10, 1}, Statement: "I accept the terms.", TermsVersion: "3", Resources: []string{"https://app.example.com/terms"}}
	for _, c := range change {
		c(&cfg)
	}
	d.Service = wallet.NewService(cfg, method.NewAttempts("a secret of the operator"), d, slog.New(slog.DiscardHandler), func() time.Time { return d.now })
	return d
}

func requester() method.Requester {
	return method.Requester{Browser: identity.HashSecret("browser"), Origin: "https://app.example.com"}
}

func key(t *testing.T) (*ecdsa.PrivateKey, string) {
	t.Helper()
	k, err := crypto.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	return k, crypto.PubkeyToAddress(k.PublicKey).Hex()
}

func sign(t *testing.T, k *ecdsa.PrivateKey, text string) string {
	t.Helper()
	sig, err := crypto.Sign(accounts.TextHash([]byte(text)), k)
	if err != nil {
		t.Fatal(err)
	}
	return hexutil.Encode(sig)
}

func challenge(t *testing.T, d *deployment, r wallet.Request, at method.Requester) wallet.Challenge {
	t.Helper()
	c, err := d.Challenge(r, at)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestWalletProves(t *testing.T) {
	t.Parallel()
	d := deploy()
	k, address := key(t)
	c := challenge(t, d, wallet.Request{Purpose: identity.PurposeSignIn, Address: strings.ToLower(address)}, requester())
	if c.ChainID != 10 || c.Domain != "app.example.com" || c.URI != "https://app.example.com" || c.Statement == "" || !slices.Equal(c.Resources, []string{"https://app.example.com/terms"}) {
		t.Errorf("asked for %+v", c)
	}
	if !c.ExpiresAt.Equal(began.Add(method.Lifetime)) || !c.ExpirationTime.Equal(c.ExpiresAt) {
		t.Errorf("expires at %s, the message at %s", c.ExpiresAt, c.ExpirationTime)
	}
	proof, err := d.Prove(t.Context(), c.Text, sign(t, k, c.Text), requester())
	if err != nil {
		t.Fatal(err)
	}
	if proof.Provider != "siwe" || proof.Subject != "eip155:"+address || proof.Purpose != identity.PurposeSignIn || proof.VerifiedEmail() != "" {
		t.Errorf("proved %+v", proof)
	}
	if *proof.Wallet != (identity.Wallet{Address: address, ChainID: 10, Kind: "eoa", TermsVersion: "3"}) {
		t.Errorf("wallet %+v", *proof.Wallet)
	}
	if !slices.Equal(proof.Secret.Hash, identity.HashSecret(c.Nonce)) || !proof.Secret.ExpiresAt.Equal(c.ExpiresAt) {
		t.Errorf("burns %+v", *proof.Secret)
	}

	// A client may write its own message around the nonce; it agrees to no terms then.
	own := c.Message
	own.Statement, own.Resources = "", nil
	text, err := siwe.Build(own)
	if err != nil {
		t.Fatal(err)
	}
	proof, err = d.Prove(t.Context(), text, sign(t, k, text), requester())
	if err != nil || proof.Wallet.TermsVersion != "" {
		t.Errorf("%+v, %v", proof.Wallet, err)
	}
}

func TestContractWalletIsOfOneChain(t *testing.T) {
	t.Parallel()
	d := deploy()
	k, _ := key(t)
	_, contract := key(t)
	c := challenge(t, d, wallet.Request{Purpose: identity.PurposeSignIn, Address: contract, Chain: 1}, requester())
	signature := sign(t, k, c.Text)
	_, err := d.Prove(t.Context(), c.Text, signature, requester())
	var refused *identity.Error
	if !errors.As(err, &refused) || refused.Code != identity.CodeUnavailable || refused.RetryAfter == 0 {
		t.Errorf("while no endpoint answers: %v", err)
	}
	d.contracts = func(chain uint64, account common.Address) error {
		if chain != 1 || account.Hex() != contract {
			return &siwe.Error{Field: siwe.FieldSignature, Kind: siwe.Rejected, Reason: "is not the wallet's"}
		}
		return nil
	}
	proof, err := d.Prove(t.Context(), c.Text, signature, requester())
	if err != nil || proof.Subject != "eip155:1:"+contract || proof.Wallet.Kind != "contract" {
		t.Errorf("%+v, %v", proof, err)
	}
}

// What comes back is asked whether it fits, by the one rule of package method.
func TestNonceIsOfItsAttempt(t *testing.T) {
	t.Parallel()
	d := deploy()
	k, address := key(t)
	user, session := identity.NewID(), identity.NewID()
	here := requester()
	here.User, here.Session = &user, &session
	c := challenge(t, d, wallet.Request{Purpose: identity.PurposeLink, Address: address}, here)
	signature := sign(t, k, c.Text)
	for what, change := range map[string]func(at *method.Requester){
		"another browser": func(at *method.Requester) { at.Browser = identity.HashSecret("other") },
		"no browser":      func(at *method.Requester) { at.Browser = nil },
		"another session": func(at *method.Requester) { at.Session = new(identity.NewID()) },
		"signed out":      func(at *method.Requester) { at.User, at.Session = nil, nil },
		"expired":         func(*method.Requester) { d.now = began.Add(method.Lifetime) },
	} {
		at := here
		change(&at)
		proof, err := d.Prove(t.Context(), c.Text, signature, at)
		if identity.ErrorCode(err) != identity.CodeInvalidProof || proof.Secret != nil {
			t.Errorf("%s: %+v, %v", what, proof, err)
		}
		d.now = began
	}
	if _, err := d.Prove(t.Context(), c.Text, signature, here); err != nil {
		t.Errorf("and where it was asked for: %v", err)
	}

	// Another page of ours asked: the message is written for that one, with this nonce.
	elsewhere := here
	elsewhere.Origin = "https://other.example.com"
	moved := c.Message
	moved.Domain, moved.URI = "other.example.com", elsewhere.Origin
	text, err := siwe.Build(moved)
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.Prove(t.Context(), text, sign(t, k, text), elsewhere)
	var refused *identity.Error
	if !errors.As(err, &refused) || refused.Code != identity.CodeInvalidProof || refused.Field != siwe.FieldNonce {
		t.Errorf("another origin: %v", err)
	}
}

func TestRefusalsNameTheField(t *testing.T) {
	t.Parallel()
	d := deploy()
	k, address := key(t)
	c := challenge(t, d, wallet.Request{Purpose: identity.PurposeSignIn, Address: address}, requester())
	other := c.Message
	other.ChainID = 5
	chain, err := siwe.Build(other)
	if err != nil {
		t.Fatal(err)
	}
	for what, x := range map[string]struct {
		text, signature string
		code            identity.Code
		field           string
	}{
		"no message":     {"hello", "0x" + strings.Repeat("00", 65), identity.CodeInvalidMessage, siwe.FieldDomain},
		"no hexadecimal": {c.Text, "", identity.CodeInvalidMessage, siwe.FieldSignature},
		"no signature":   {c.Text, "0x", identity.CodeUnavailable, siwe.FieldSignature}, // the chain has to be asked
		"another chain":  {chain, sign(t, k, chain), identity.CodeInvalidProof, siwe.FieldChainID},
		"no such nonce":  {strings.Replace(c.Text, c.Nonce, "abcdefgh12345678", 1), "0x" + strings.Repeat("00", 65), identity.CodeInvalidProof, siwe.FieldNonce},
		"no one's nonce": {strings.Replace(c.Text, c.Nonce, c.Nonce[1:], 1), "0x" + strings.Repeat("00", 65), identity.CodeInvalidProof, siwe.FieldNonce},
	} {
		_, err := d.Prove(t.Context(), x.text, x.signature, requester())
		var refused *identity.Error
		if !errors.As(err, &refused) || refused.Code != x.code || refused.Field != x.field {
			t.Errorf("%s: %v", what, err)
		}
	}
	for what, x := range map[string]struct {
		request wallet.Request
		code    identity.Code
		field   string
	}{
		"a chain that is not accepted": {wallet.Request{Purpose: identity.PurposeSignIn, Chain: 5}, identity.CodeInvalidRequest, siwe.FieldChainID}, // and which are, below
		"no address":                   {wallet.Request{Purpose: identity.PurposeSignIn, Address: "ada.eth"}, identity.CodeInvalidRequest, siwe.FieldAddress},
		"linking, signed out":          {wallet.Request{Purpose: identity.PurposeLink}, identity.CodeUnauthenticated, ""},
	} {
		_, err := d.Challenge(x.request, requester())
		var refused *identity.Error
		if !errors.As(err, &refused) || refused.Code != x.code || refused.Field != x.field {
			t.Errorf("%s: %v", what, err)
		}
		if x.field == siwe.FieldChainID && !strings.Contains(refused.Detail, "OP Mainnet (10) or Ethereum (1)") {
			t.Errorf("which chains there are is not said: %v", err)
		}
	}
}

// The owners of a contract wallet may need hours, and approve on the chain: the signature
// is empty then. The approval counts as it is when the message comes back.
func TestOwnersApproveOnTheChain(t *testing.T) {
	t.Parallel()
	d := deploy(func(c *wallet.Config) { c.Lifetime = 3 * time.Hour })
	_, contract := key(t)
	approved := true
	d.contracts = func(chain uint64, account common.Address) error {
		if !approved || chain != 1 || account.Hex() != contract {
			return &siwe.Error{Field: siwe.FieldSignature, Kind: siwe.Rejected, Reason: "is not the wallet's"}
		}
		return nil
	}
	c := challenge(t, d, wallet.Request{Purpose: identity.PurposeSignIn, Address: contract, Chain: 1}, requester())
	if want := began.Add(3 * time.Hour); !c.ExpiresAt.Equal(want) || !c.ExpirationTime.Equal(want) {
		t.Errorf("expires at %s, the message at %s", c.ExpiresAt, c.ExpirationTime)
	}
	d.now = began.Add(3*time.Hour - 1)
	proof, err := d.Prove(t.Context(), c.Text, "0x", requester())
	if err != nil || proof.Subject != "eip155:1:"+contract || !proof.Secret.ExpiresAt.Equal(c.ExpiresAt) {
		t.Errorf("%+v, %v", proof, err)
	}
	approved = false
	if _, err := d.Prove(t.Context(), c.Text, "0x", requester()); identity.ErrorCode(err) != identity.CodeInvalidProof {
		t.Errorf("after the approval was revoked: %v", err)
	}
	approved, d.now = true, began.Add(3*time.Hour)
	if _, err := d.Prove(t.Context(), c.Text, "0x", requester()); identity.ErrorCode(err) != identity.CodeInvalidProof {
		t.Errorf("too late: %v", err)
	}
}

func TestParseAddress(t *testing.T) {
	t.Parallel()
	const want = "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"
	for _, raw := range []string{want, "0X" + want[2:], strings.ToLower(want), "0x" + strings.ToUpper(want[2:])} {
		if got, err := wallet.ParseAddress(raw); err != nil || got.Hex() != want {
			t.Errorf("%q is %s, %v", raw, got, err)
		}
	}
	for _, raw := range []string{
		"", "0x", want[2:], want + "00", want[:41], "0x0X" + want[4:], "0x" + want, " " + want, want + "\n", "vitalik.eth",
		"0xc02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2", // one letter of the checksum
	} {
		if got, err := wallet.ParseAddress(raw); err == nil || err.Code != identity.CodeInvalidRequest {
			t.Errorf("%q is %s", raw, got)
		}
	}
}

// Accounts as other systems write them.
func TestImported(t *testing.T) {
	t.Parallel()
	const address = "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"
	lower := strings.ToLower(address)
	for _, c := range []struct {
		id    string
		chain int64 // given beside it
		want  int64 // 0 for a refusal
	}{
		{address, 0, 1}, {lower, 0, 1}, {lower, 10, 10}, {lower + ":8453", 0, 8453}, {"eip155:137:" + address, 0, 137},
		{"eip155:137:" + address, 10, 10}, {"web3:ethereum:" + lower, 0, 1}, {lower, -1, 1},
		{"", 0, 0}, {"0x", 0, 0}, {"ada.eth", 0, 0}, {lower + ":" + lower, 0, 0}, {"solana:" + address, 0, 0}, {lower + ":0", 0, 0}, {lower + ":01", 0, 0},
		{"web3:solana:7S3P4HxJpyyigGzodYwHtCxZyUQe9JiBMHyRWXArAaKv", 0, 0}, {"0x" + strings.Repeat("0", 40), 0, 0}, {address[2:], 0, 0},
		{"0xc02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2", 0, 0}, // a wrong checksum
	} {
		subject, w, ok := wallet.Imported(c.id, c.chain)
		want := identity.Wallet{Address: address, ChainID: c.want, Kind: "eoa"}
		if ok != (c.want != 0) || ok && (subject != "eip155:"+address || w != want) {
			t.Errorf("%q on %d: %s, %+v, %t", c.id, c.chain, subject, w, ok)
		}
	}
}

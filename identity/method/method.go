// Package method holds what all sign-in methods share: the attempt that a proof is begun
// for and the rule that a proof must match it (Attempt), the token of an attempt
// (Attempts), where a browser may be sent afterwards (ReturnTo), and how a method
// describes itself (Spec). Each method has a folder below, which turns what a provider
// verified about a person into an identity.Proof. All network calls happen before any
// transaction is opened.
package method

import (
	"context"
	"slices"
	"time"

	"github.com/latchkey/latchkey/identity"
)

// Kind is how a proof comes back.
type Kind string

// The kinds.
const (
	ByRedirect Kind = "redirect" // a provider redirects the browser back, see Redirect
	ByWallet   Kind = "wallet"   // a wallet signs a message
	ByEmail    Kind = "email"    // a mailed link or code is redeemed
	ByBackend  Kind = "backend"  // the application's own backend vouches for the person
	ByPasskey  Kind = "passkey"  // an authenticator signs a challenge
	BySolana   Kind = "solana"   // a Solana wallet signs a text
)

// bindsOrigin reports whether the proof has to come back to the origin that began it.
func (k Kind) bindsOrigin() bool {
	return k == ByWallet || k == ByBackend || k == ByPasskey || k == BySolana
}

// Redirect proves who a person is by sending the browser away and back
// (OAuth 2.0 authorization code grant, RFC 6749 section 4.1).
type Redirect interface {
	// Name is the provider's name in paths, identities and configuration.
	Name() string
	// AuthCodeURL returns where to send the browser. It may ask the provider
	// for its metadata first; CodeProviderUnavailable when that fails.
	AuthCodeURL(ctx context.Context, flow Flow) (string, error)
	// Prove redeems the callback and verifies everything the provider says.
	// The proof carries neither purpose nor single-use secret: those belong to
	// the attempt. CodeInvalidProof when what came back does not
	// hold, CodeProofTooOld when a step-up was answered without the person signing
	// in again, CodeProviderUnavailable or CodeProviderFailed when nothing usable
	// came back in time.
	Prove(ctx context.Context, flow Flow, callback Callback) (identity.Proof, error)
}

// Flow is one round trip through a provider. Nonce and Verifier are derived
// from the state and the browser's flow value, see Attempts.Flow, so nothing is
// stored for them.
type Flow struct {
	State       string // opaque, goes through the browser
	Nonce       string // OpenID Connect nonce, bound to the state
	Verifier    string // PKCE code verifier, RFC 7636, never leaves the server
	RedirectURL string // the callback, built from the public URL
	// Purpose decides what the provider is asked to do with a person it knows
	// already: for a link, to let them choose an account; for a step-up, to have
	// them sign in again.
	Purpose   identity.Purpose
	LoginHint string    // which account the person means, or ""
	StartedAt time.Time // of the round trip
}

// Callback is what the provider's redirect brought back, besides the state.
type Callback struct {
	Code   string
	Issuer string // `iss`, RFC 9207; "" when absent
}

// Offered is a sign-in method that is configured here.
type Offered struct {
	Kind     Kind
	Name     string
	Label    string   // name of a provider for people; "" if pages have their own word
	Redirect Redirect // nil for the other kinds
}

// Offers are the methods that are configured here, in the order to show.
type Offers []Offered

// Redirect returns a provider that people are sent to.
func (o Offers) Redirect(name string) (Redirect, bool) {
	i := slices.IndexFunc(o, func(m Offered) bool { return m.Kind == ByRedirect && m.Name == name })
	if i < 0 {
		return nil, false
	}
	return o[i].Redirect, true
}

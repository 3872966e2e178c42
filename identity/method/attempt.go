package method

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"time"

	"github.com/latchkey/latchkey/identity"
)

// Lifetime is how long an attempt may take: enough for a phone that switches to its
// wallet and back.
const Lifetime = 10 * time.Minute

// Attempt is a proof that someone was asked for: how, by which provider, what for
// and where. What comes back counts only if it fits the attempt it was begun for,
// see Fits.
type Attempt struct {
	Kind     Kind
	Provider string
	Purpose  identity.Purpose
	Options  SignInOptions
	// ReturnTo is where the browser is sent afterwards, as ReturnTo.Check returned
	// it; "" where the page stays.
	ReturnTo  string
	Bound     Binding
	ExpiresAt time.Time
}

// SignInOptions are what a sign-in was begun with, as bits.
type SignInOptions byte

// The options.
const (
	// ForLinkTicket marks a sign-in begun for the link ticket of the browser.
	ForLinkTicket SignInOptions = 1 << iota
	// WithoutAddress marks one whose new account does not claim an address.
	WithoutAddress
)

// Place is where an attempt is begun, and where its proof comes back.
type Place struct {
	// Browser is identity.HashSecret of the browser's flow value, nil without one.
	Browser []byte
	// User and Session are the signed-in user and their session there, or nil.
	User, Session *identity.ID
	// Origin is that of the page which asks.
	Origin string
}

// Require refuses a purpose that acts on a signed-in user where no user is signed in.
func (p Place) Require(purpose identity.Purpose) error {
	if purpose.NeedsSession() && (p.User == nil || p.Session == nil) {
		return identity.NewError(identity.CodeUnauthenticated, "sign in first")
	}
	return nil
}

// Begin starts an attempt at a place. CodeUnauthenticated as from Require;
// CodeInvalidState for a place or purpose that no proof could come back to.
func Begin(kind Kind, provider string, purpose identity.Purpose, at Place, now time.Time) (Attempt, error) {
	if err := at.Require(purpose); err != nil {
		return Attempt{}, err
	}
	a := Begun(kind, provider, purpose, at, now.Add(Lifetime).UTC().Truncate(time.Second))
	if !a.possibleAt(at) {
		return Attempt{}, errInvalidState()
	}
	return a, nil
}

// Begun is an attempt as it was begun at a place, for what is kept in a row.
func Begun(kind Kind, provider string, purpose identity.Purpose, at Place, expires time.Time) Attempt {
	return Attempt{Kind: kind, Provider: provider, Purpose: purpose, Bound: bind(kind, purpose, at), ExpiresAt: expires}
}

// BegunAt is when an attempt that Begin returned was begun.
func (a Attempt) BegunAt() time.Time { return a.ExpiresAt.Add(-Lifetime) }

// SingleUse is how the token of the attempt is burned.
func (a Attempt) SingleUse(token string) identity.SingleUse {
	return identity.SingleUse{Hash: identity.HashSecret(token), ExpiresAt: a.ExpiresAt}
}

// Fits decides whether a proof that comes back from a provider, at a place, is the one
// that the attempt was begun for. There is no other rule of this kind:
//
//   - It is the same provider, before the attempt expires. What the proof is for comes
//     from the attempt alone: nothing that comes back can say otherwise.
//   - It is the same browser, for every purpose; one without a flow value never fits.
//   - It is the same user in the same session, for a purpose that acts on a signed-in
//     user. A sign-in acts on no user: it must not fail because a session ended in
//     another tab meanwhile.
//   - It is the same origin, for a wallet, whose message names it. A redirect and a
//     mail come back to our own pages, wherever they were asked for.
func (a Attempt) Fits(provider string, at Place, now time.Time) bool {
	bound := bind(a.Kind, a.Purpose, at)
	return a.Provider == provider && now.Before(a.ExpiresAt) && a.possibleAt(at) && hmac.Equal(a.Bound[:], bound[:])
}

// possibleAt reports whether the place has all that counts.
func (a Attempt) possibleAt(at Place) bool {
	return slices.Contains(purposes, a.Purpose) && a.Provider != "" &&
		len(at.Browser) > 0 && at.Require(a.Purpose) == nil && (at.Origin != "" || !a.Kind.namesOrigin())
}

// purposes are those that an attempt can have. Tokens hold their index.
var purposes = []identity.Purpose{identity.PurposeSignIn, identity.PurposeLink, identity.PurposeMerge, identity.PurposeStepUp}

// Binding is all of a place that counts for an attempt, as one value.
type Binding [16]byte

// bind hashes what counts, each part behind its length, so that no bytes can move from
// one part to the next.
func bind(kind Kind, purpose identity.Purpose, at Place) Binding {
	parts := [][]byte{[]byte(kind), []byte(purpose), at.Browser, nil, nil, nil}
	if purpose.NeedsSession() && at.User != nil && at.Session != nil {
		parts[3], parts[4] = at.User[:], at.Session[:]
	}
	if kind.namesOrigin() {
		parts[5] = []byte(at.Origin)
	}
	h := sha256.New()
	for _, part := range parts {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		h.Write(part)
	}
	return Binding(h.Sum(nil)[:len(Binding{})])
}

func errInvalidState() *identity.Error {
	return identity.NewError(identity.CodeInvalidState,
		"this sign-in attempt was started in another browser or session, has expired or was already used; start again")
}

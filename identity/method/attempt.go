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

// Attempt is a sign-in, link, merge or step-up that was begun: how, with which
// provider, for which purpose and by whom. A proof counts only if it matches the
// attempt it was begun for, see Matches.
type Attempt struct {
	Kind     Kind
	Provider string
	Purpose  identity.Purpose
	Options  SignInOptions
	// ReturnTo is where the browser is sent afterwards, as ReturnTo.Check returned
	// it, or "".
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

// Requester is who begins an attempt, and who comes back with its proof.
type Requester struct {
	// Browser is identity.HashSecret of the browser's flow value, nil without one.
	Browser []byte
	// User and Session are the signed-in user and their session, or nil.
	User, Session *identity.ID
	// Origin is that of the page that sends the request.
	Origin string
}

// Require returns CodeUnauthenticated for a purpose that acts on a signed-in user if
// no user is signed in.
func (r Requester) Require(purpose identity.Purpose) error {
	if purpose.NeedsSession() && (r.User == nil || r.Session == nil) {
		return identity.NewError(identity.CodeUnauthenticated, "sign in first")
	}
	return nil
}

// Begin returns a new attempt. CodeUnauthenticated as from Require; CodeInvalidState
// if no proof could ever match it.
func Begin(kind Kind, provider string, purpose identity.Purpose, by Requester, now time.Time) (Attempt, error) {
	return BeginFor(kind, provider, purpose, by, now, Lifetime)
}

// BeginFor is Begin for an attempt that may take longer, such as the signature of several
// people.
func BeginFor(kind Kind, provider string, purpose identity.Purpose, by Requester, now time.Time, lifetime time.Duration) (Attempt, error) {
	if err := by.Require(purpose); err != nil {
		return Attempt{}, err
	}
	a := Restore(kind, provider, purpose, by, now.Add(lifetime).UTC().Truncate(time.Second))
	if !a.allows(by) {
		return Attempt{}, errInvalidState()
	}
	return a, nil
}

// Restore returns an attempt that was kept in a row, with what the row says of its
// requester.
func Restore(kind Kind, provider string, purpose identity.Purpose, by Requester, expires time.Time) Attempt {
	return Attempt{Kind: kind, Provider: provider, Purpose: purpose, Bound: bind(kind, purpose, by), ExpiresAt: expires}
}

// StartedAt returns when an attempt of Begin was begun.
func (a Attempt) StartedAt() time.Time { return a.ExpiresAt.Add(-Lifetime) }

// SingleUse returns how the attempt's token is burned.
func (a Attempt) SingleUse(token string) identity.SingleUse {
	return identity.SingleUse{Hash: identity.HashSecret(token), ExpiresAt: a.ExpiresAt}
}

// Matches reports whether a proof of a provider that comes back now, by this requester,
// is the one the attempt was begun for. It is the only such rule:
//
//   - Provider: the same. Purpose: the attempt's, whatever the proof or the request
//     says. Expiry: not reached.
//   - Browser: the same, for every purpose. A browser without a flow value never
//     matches.
//   - Session: the same user in the same session, for a purpose that acts on a
//     signed-in user. It does not count for a sign-in, which must not fail because a
//     session ended in another tab meanwhile.
//   - Origin: the same, for a wallet, because its message names it, for a passkey,
//     because its browser does, and for a backend, which vouches to a page of its own. A redirect or a mailed link always comes back
//     to a page of this service.
func (a Attempt) Matches(provider string, by Requester, now time.Time) bool {
	bound := bind(a.Kind, a.Purpose, by)
	return a.Provider == provider && now.Before(a.ExpiresAt) && a.allows(by) && hmac.Equal(a.Bound[:], bound[:])
}

// allows reports whether the attempt is possible and the requester has all that counts.
func (a Attempt) allows(by Requester) bool {
	return slices.Contains(purposes, a.Purpose) && a.Provider != "" &&
		len(by.Browser) > 0 && by.Require(a.Purpose) == nil && (by.Origin != "" || !a.Kind.bindsOrigin())
}

// purposes are those that an attempt can have. Tokens hold the index.
var purposes = []identity.Purpose{identity.PurposeSignIn, identity.PurposeLink, identity.PurposeMerge, identity.PurposeStepUp}

// Binding is all that counts of a requester, as one value.
type Binding [16]byte

// bind hashes what counts. Each part is preceded by its length, so that no bytes can
// move from one part to the next.
func bind(kind Kind, purpose identity.Purpose, by Requester) Binding {
	parts := [][]byte{[]byte(kind), []byte(purpose), by.Browser, nil, nil, nil}
	if purpose.NeedsSession() && by.User != nil && by.Session != nil {
		parts[3], parts[4] = by.User[:], by.Session[:]
	}
	if kind.bindsOrigin() {
		parts[5] = []byte(by.Origin)
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

package method

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"

	"github.com/latchkey/latchkey/identity"
)

const (
	stateVersion   = 1
	stateOptions   = 2  // a version with a byte of options, which older replicas refuse
	stateRandom    = 16 // bytes; makes every state unique, and so its hash
	stateHeader    = 1 + 8 + stateRandom
	maxStateToken  = 2048 // bytes of base64url
	maxNameBytes   = 64   // of a provider or purpose inside a state
	maxBindingSize = 512  // bytes of a flow cookie or session id
)

// States makes and opens the OAuth `state` (RFC 6749 section 10.12). A state is
// a MAC, not a row: it survives a restart, works on every replica, and a flood
// of them costs no memory. Single use is the caller's part: it inserts
// identity.HashSecret(token) under a unique index, with State.ExpiresAt, in the
// transaction that applies the proof.
type States struct {
	key []byte
	ttl time.Duration
}

// NewStates returns States whose tokens live for ttl (10 minutes suits a
// person). The key is 32 bytes, see identity.DeriveKey.
func NewStates(key []byte, ttl time.Duration) *States {
	return &States{key: key, ttl: ttl}
}

// Binding ties a state to where it was issued.
type Binding struct {
	Browser string // value of the flow cookie; never ""
	// Session is the id of the session, or "". It counts only for purposes that
	// act on a signed-in user: signing in must not fail because a session ended
	// in another tab meanwhile.
	Session string
}

// State is what a token carries. It is readable by the browser and by the
// provider, so nothing in it is secret.
type State struct {
	Provider  string
	Purpose   identity.Purpose
	Options   SignInOptions
	ReturnTo  string    // checked by ReturnTo.Check before it is issued
	ExpiresAt time.Time // set by Issue, whole seconds, UTC
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

// Issue returns a token of at most 2048 bytes of base64url. ExpiresAt of st is
// ignored: it is now plus the configured life. CodeInvalidState when the
// binding lacks what the purpose needs, CodeInvalidReturnTo when ReturnTo is
// longer than the token can carry.
func (s *States) Issue(st State, b Binding, now time.Time) (string, error) {
	if !b.fits(st.Purpose) || !shortName(st.Provider) || !shortName(string(st.Purpose)) {
		return "", errInvalidState()
	}
	payload := make([]byte, stateHeader, stateHeader+2+len(st.Provider)+len(st.Purpose)+len(st.ReturnTo)+sha256.Size)
	payload[0] = stateVersion
	if st.Options != 0 {
		payload[0] = stateOptions
	}
	binary.BigEndian.PutUint64(payload[1:9], uint64(now.Add(s.ttl).Unix()))
	_, _ = rand.Read(payload[9:stateHeader]) // never fails: crypto/rand ends the program instead
	if st.Options != 0 {
		payload = append(payload, byte(st.Options))
	}
	payload = append(payload, byte(len(st.Provider)))
	payload = append(payload, st.Provider...)
	payload = append(payload, byte(len(st.Purpose)))
	payload = append(payload, st.Purpose...)
	payload = append(payload, st.ReturnTo...)
	token := base64.RawURLEncoding.EncodeToString(append(payload, s.mac(payload, st.Purpose, b)...))
	if len(token) > maxStateToken {
		return "", errInvalidReturnTo()
	}
	return token, nil
}

// Open returns what a token carries if it was issued here, for this provider,
// in this browser and session, and has not expired. Everything else is the same
// *identity.Error with CodeInvalidState, so that it tells an attacker nothing.
func (s *States) Open(token, provider string, b Binding, now time.Time) (State, error) {
	if len(token) > maxStateToken {
		return State{}, errInvalidState()
	}
	raw, err := base64.RawURLEncoding.DecodeString(token)
	// The decoder skips line breaks and ignores trailing bits. A second spelling
	// of a used token would have another hash, and so be usable once more.
	if err != nil || base64.RawURLEncoding.EncodeToString(raw) != token || len(raw) < stateHeader+sha256.Size {
		return State{}, errInvalidState()
	}
	payload, mac := raw[:len(raw)-sha256.Size], raw[len(raw)-sha256.Size:]
	st, ok := parseState(payload)
	if !ok || !hmac.Equal(mac, s.mac(payload, st.Purpose, b)) {
		return State{}, errInvalidState()
	}
	if !b.fits(st.Purpose) || st.Provider != provider || !now.Before(st.ExpiresAt) {
		return State{}, errInvalidState()
	}
	return st, nil
}

// StartedAt returns when a state was issued.
func (s *States) StartedAt(st State) time.Time { return st.ExpiresAt.Add(-s.ttl) }

// Flow derives the round trip that belongs to a token: the PKCE verifier (43
// characters, RFC 7636 section 4.1) and the OpenID Connect nonce. Both need the
// key and the browser's flow cookie, so neither follows from what the browser's
// address bar or the provider sees.
func (s *States) Flow(token, browser, redirectURL string) Flow {
	return Flow{
		State:       token,
		Nonce:       base64.RawURLEncoding.EncodeToString(s.sum("nonce", []byte(token), []byte(browser))),
		Verifier:    base64.RawURLEncoding.EncodeToString(s.sum("verifier", []byte(token), []byte(browser))),
		RedirectURL: redirectURL,
	}
}

// Receipt is what a browser keeps of a completed round trip: that this state led
// to this session. Nobody else can make one, and it is good for nothing else.
func (s *States) Receipt(token, session string) string {
	return base64.RawURLEncoding.EncodeToString(s.sum("receipt", []byte(token), []byte(session)))
}

func (s *States) mac(payload []byte, purpose identity.Purpose, b Binding) []byte {
	if !purpose.NeedsSession() {
		b.Session = ""
	}
	return s.sum("state", payload, []byte(b.Browser), []byte(b.Session))
}

// sum is an HMAC-SHA256 over a use and parts, each with its length in front, so
// that no bytes can move from one part to the next.
func (s *States) sum(use string, parts ...[]byte) []byte {
	h := hmac.New(sha256.New, s.key)
	var n [8]byte
	for _, part := range append([][]byte{[]byte(use)}, parts...) {
		binary.BigEndian.PutUint64(n[:], uint64(len(part)))
		h.Write(n[:])
		h.Write(part)
	}
	return h.Sum(nil)
}

// fits reports whether the binding has what the purpose needs.
func (b Binding) fits(p identity.Purpose) bool {
	switch p {
	case identity.PurposeSignIn, identity.PurposeLink, identity.PurposeMerge, identity.PurposeStepUp:
	default:
		return false
	}
	if b.Browser == "" || len(b.Browser) > maxBindingSize || len(b.Session) > maxBindingSize {
		return false
	}
	return b.Session != "" || !p.NeedsSession()
}

func parseState(payload []byte) (State, bool) {
	var options SignInOptions
	names := payload[stateHeader:]
	switch {
	case payload[0] == stateOptions && len(names) > 0:
		options, names = SignInOptions(names[0]), names[1:]
	case payload[0] != stateVersion:
		return State{}, false
	}
	expires := binary.BigEndian.Uint64(payload[1:9])
	provider, rest, ok := cutName(names)
	if !ok {
		return State{}, false
	}
	purpose, rest, ok := cutName(rest)
	if !ok {
		return State{}, false
	}
	return State{
		Provider:  provider,
		Purpose:   identity.Purpose(purpose),
		Options:   options,
		ReturnTo:  string(rest),
		ExpiresAt: time.Unix(int64(expires), 0).UTC(),
	}, true
}

func cutName(b []byte) (name string, rest []byte, ok bool) {
	if len(b) == 0 || int(b[0]) > len(b)-1 {
		return "", nil, false
	}
	n := 1 + int(b[0])
	return string(b[1:n]), b[n:], true
}

func shortName(s string) bool { return s != "" && len(s) <= maxNameBytes }

func errInvalidState() *identity.Error {
	return identity.NewError(identity.CodeInvalidState,
		"this sign-in attempt was started in another browser or session, has expired or was already used; start again")
}

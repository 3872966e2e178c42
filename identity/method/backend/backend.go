// Package backend proves people by an application's own backend. It checks who they are
// in its own way, as by a password, and vouches for them with an API key; Latchkey never
// sees what it checked. The page of the application begins an attempt and hands its flow
// to the backend, the backend gets a ticket for it, and the page brings that back.
package backend

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/apikey"
	"github.com/latchkey/latchkey/identity/method"
)

// TicketLifetime is how long a ticket can be used.
const TicketLifetime = time.Minute

// provider is that of attempts: a page need not know which key will vouch.
const provider = "backend"

const (
	maxSubject = 255
	maxTicket  = 8192 // characters
	useTicket  = "backend ticket"
)

// Store is what the service reads and writes.
type Store interface {
	InTx(ctx context.Context, fn func(ctx context.Context) error) error
	// APIKey returns a key, also one that does not work.
	APIKey(ctx context.Context, id identity.ID) (apikey.Key, error)
	RecordEvents(ctx context.Context, events ...identity.Event) error
}

// Service begins attempts, and makes and proves tickets.
type Service struct {
	store    Store
	attempts *method.Attempts
	sealer   identity.Sealer
	now      identity.Clock
}

// NewService returns the service over a store.
func NewService(store Store, attempts *method.Attempts, secrets []string, now identity.Clock) *Service {
	return &Service{store: store, attempts: attempts, sealer: identity.NewSealer(identity.Secrets(secrets).Keys("backend tickets")...), now: now}
}

// Start begins an attempt and returns its flow, which names no user. Nothing is stored.
func (s *Service) Start(purpose identity.Purpose, by method.Requester) (flow string, expires time.Time, err error) {
	attempt, err := method.Begin(method.ByBackend, provider, purpose, by, s.now())
	if err != nil {
		return "", time.Time{}, err
	}
	flow, err = s.attempts.Seal(attempt)
	return flow, attempt.ExpiresAt, err
}

// Statement is what a backend says of a person.
type Statement struct {
	Flow          string
	Purpose       identity.Purpose // that of the flow
	Provider      string           // the key's
	Subject       string           // the backend's own id of the person
	Email         string           // "" to say nothing of addresses
	EmailVerified bool
	DisplayName   string
}

// Ticket is what a statement is worth.
type Ticket struct {
	Text      string
	ExpiresAt time.Time
	// EmailTrusted reports whether the address counts as verified: the backend says so,
	// and the key may vouch for its domain.
	EmailTrusted bool
}

// ticket is the content of Ticket.Text. It is encrypted, not kept. That it works once is
// up to its flow, which is burned when the proof is applied.
type ticket struct {
	Flow          string      `json:"f"`
	KeyID         identity.ID `json:"k"`
	Provider      string      `json:"p"`
	Subject       string      `json:"s"`
	Email         string      `json:"e,omitempty"`
	EmailVerified bool        `json:"v,omitempty"`
	DisplayName   string      `json:"n,omitempty"`
	ExpiresAt     int64       `json:"x"` // microseconds
}

// Vouch makes a ticket of a statement by a key with ScopeProofsWrite, and records that in
// the audit trail. CodeForbidden for another provider than the key's; CodeInvalidState
// for a flow that was not begun here, has expired, or is for another purpose.
func (s *Service) Vouch(ctx context.Context, k apikey.Key, origin identity.RequestOrigin, st Statement) (Ticket, error) {
	now := s.now()
	email, err := st.check(k)
	if err != nil {
		return Ticket{}, err
	}
	attempt, err := s.attempts.Inspect(method.ByBackend, st.Flow, provider, now)
	if err == nil && attempt.Purpose != st.Purpose {
		err = identity.NewError(identity.CodeInvalidState, "this flow was begun for another purpose: %s", attempt.Purpose).WithField("purpose")
	}
	if err != nil {
		return Ticket{}, err
	}
	out := Ticket{ExpiresAt: now.Add(TicketLifetime), EmailTrusted: email != "" && st.EmailVerified && k.VouchesFor(email)}
	plain, err := json.Marshal(ticket{
		Flow: st.Flow, KeyID: k.ID, Provider: st.Provider, Subject: st.Subject, Email: email, EmailVerified: st.EmailVerified,
		DisplayName: strings.TrimSpace(st.DisplayName), ExpiresAt: out.ExpiresAt.UnixMicro(),
	})
	if err != nil {
		return Ticket{}, err
	}
	out.Text = base64.RawURLEncoding.EncodeToString(s.sealer.Seal(plain, []byte(useTicket)))
	e := k.Actor(origin).Event(identity.ActionProofVouched, now)
	e.Data = identity.Metadata{"provider": st.Provider, "subject": st.Subject, "purpose": st.Purpose, "api_key_id": k.ID, "prefix": k.Prefix}
	if out.EmailTrusted {
		e.Data["address"] = email
	}
	return out, s.store.InTx(ctx, func(ctx context.Context) error { return s.store.RecordEvents(ctx, e) })
}

// check returns the address in canonical form.
func (st Statement) check(k apikey.Key) (email string, err error) {
	invalid := func(field, detail string) error {
		return identity.NewError(identity.CodeInvalidRequest, "%s", detail).WithField(field)
	}
	switch {
	case k.Proves == "" || st.Provider != k.Proves:
		return "", identity.NewError(identity.CodeForbidden, "this key vouches for people as %q only", k.Proves).WithField("provider")
	case st.Subject == "" || !identity.IsLine(st.Subject, maxSubject) || strings.TrimSpace(st.Subject) != st.Subject || strings.HasPrefix(st.Subject, identity.ErasedPrefix):
		return "", invalid("subject", "a subject is your own id of the person: 1 to 255 characters, without control characters or space at its ends")
	case !identity.IsLine(st.DisplayName, 200):
		return "", invalid("display_name", "a name has no control characters")
	case st.Email == "" && st.EmailVerified:
		return "", invalid("email_verified", "there is no address to be verified")
	case st.Email == "":
		return "", nil
	}
	return identity.CanonicalEmail(st.Email)
}

// Prove returns the proof of a ticket that comes back to the browser, session and origin
// that its flow was begun in. CodeInvalidProof for everything else, without a reason. Its
// key has to work still; the code that applies the proof looks at the key again, holding
// its row.
func (s *Service) Prove(ctx context.Context, text string, by method.Requester) (identity.Proof, error) {
	now := s.now()
	t, ok := s.open(text)
	if !ok || now.UnixMicro() >= t.ExpiresAt {
		return identity.Proof{}, errInvalidTicket(nil)
	}
	attempt, err := s.attempts.Open(method.ByBackend, t.Flow, provider, by, now)
	if err != nil {
		return identity.Proof{}, errInvalidTicket(err)
	}
	k, err := s.store.APIKey(ctx, t.KeyID)
	if err != nil && !errors.Is(err, identity.ErrNotFound) {
		return identity.Proof{}, err
	}
	if err != nil || !k.Works(now) || !k.Has(apikey.ScopeProofsWrite) || k.Proves != t.Provider {
		return identity.Proof{}, errInvalidTicket(err)
	}
	return identity.Proof{
		Provider: t.Provider, Subject: t.Subject, Purpose: attempt.Purpose, DisplayName: t.DisplayName,
		Email: t.Email, EmailAuthoritative: t.Email != "" && t.EmailVerified && k.VouchesFor(t.Email), Reported: t.Email != "",
		Secret: new(attempt.SingleUse(t.Flow)), KeyID: &k.ID,
	}, nil
}

func (s *Service) open(text string) (t ticket, ok bool) {
	if len(text) > maxTicket {
		return t, false
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return t, false
	}
	plain, err := s.sealer.Unseal(sealed, []byte(useTicket))
	return t, err == nil && json.Unmarshal(plain, &t) == nil
}

func errInvalidTicket(cause error) *identity.Error {
	return identity.NewError(identity.CodeInvalidProof,
		"this ticket has expired, or was not made for this browser and session: start again").WithField("ticket").Wrap(cause)
}

package token

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strings"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
)

// DefaultRefreshGrace is Options.RefreshGrace where none is given: long enough for a
// device that was offline when the answer came.
const DefaultRefreshGrace = 24 * time.Hour

// familiesPerSession bounds what one session can have kept; the oldest go.
const familiesPerSession = 10

const refreshPrefix = "lkr_"

// Family is the refresh tokens that followed one another since one was given to a
// client of one session. It ends with the session, and with the team session if
// it acts in one.
type Family struct {
	ID            identity.ID
	SessionID     identity.ID
	UserID        identity.ID
	TeamSessionID *identity.ID
	Role          *team.Role // in the team, as last returned; with TeamSessionID
	ClientID      string
	Seed          []byte // 32 random bytes
	Generation    int    // of the token that has not been used yet, from 1
	CreatedAt     time.Time
	RotatedAt     time.Time
	EndedAt       *time.Time
	EndReason     *string
	// KeyID names the key that the token of Generation was made under, so that the
	// same parent gives the same successor while the secret is rotated. Nil before
	// keys were named.
	KeyID *string
}

// RefreshStore keeps families. Changes run in the transaction that InTx opened;
// rows that do not exist are identity.ErrNotFound.
type RefreshStore interface {
	InTx(ctx context.Context, fn func(ctx context.Context) error) error
	InsertRefreshFamily(ctx context.Context, f Family) error
	RefreshFamily(ctx context.Context, id identity.ID) (Family, error)
	// LockRefreshFamily returns a family, holding its row, with what
	// session.PrincipalStore returns for its session and team session: nil if there is
	// none.
	LockRefreshFamily(ctx context.Context, id identity.ID) (Family, *session.Principal, error)
	// UpdateRefreshFamily writes role, generation, rotation and end.
	UpdateRefreshFamily(ctx context.Context, f Family) error
	// TrimRefreshFamilies deletes all families of a session but the newest.
	TrimRefreshFamilies(ctx context.Context, session identity.ID, keep int) error

	// LockSession and EndSessions are as in session.Store.
	LockSession(ctx context.Context, id identity.ID) (session.Session, error)
	EndSessions(ctx context.Context, user identity.ID, which session.SessionSelector, reason string, at time.Time) ([]identity.ID, error)
	RecordEvents(ctx context.Context, events ...identity.Event) error
}

// refreshToken returns the n-th token of a family: a MAC, so that it can be
// returned again and need not be stored. It takes both the seed, which
// is in the database, and a key of LATCHKEY_SECRET to make one.
func (f Family) token(n int, key []byte) string {
	raw := binary.BigEndian.AppendUint32(f.ID[:], uint32(n)) //nolint:gosec // counts uses of one token, from 1
	mac := hmac.New(sha256.New, key)
	mac.Write(f.Seed)
	mac.Write(raw)
	return refreshPrefix + base64.RawURLEncoding.EncodeToString(mac.Sum(raw))
}

const refreshBytes = len(identity.ID{}) + 4 + sha256.Size

// parseRefresh returns which token of which family this claims to be.
func parseRefresh(raw string) (id identity.ID, n int, ok bool) {
	encoded, ours := strings.CutPrefix(raw, refreshPrefix)
	if !ours || len(encoded) != base64.RawURLEncoding.EncodedLen(refreshBytes) {
		return id, 0, false
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	if err != nil {
		return id, 0, false
	}
	copy(id[:], b)
	return id, int(binary.BigEndian.Uint32(b[len(id):])), true
}

// standing is what presenting the n-th token of a family means.
type standing int

const (
	standingCurrent standing = iota // it has not been used: it gives its successor
	standingRetry                   // it has been used, its successor has not: the answer was lost, or two raced
	standingLate                    // as a retry, but after the grace
	standingReused                  // both have been used: two hold what was given to one
)

// standing judges a genuine token. Generation rises only by a use of the token
// that it counts, so the parent of that token is the one whose successor is
// unused.
func (s *Service) standing(f Family, n int, now time.Time) standing {
	switch {
	case n == f.Generation:
		return standingCurrent
	case n < f.Generation-1:
		return standingReused
	case now.Sub(f.RotatedAt) <= s.refreshGrace:
		return standingRetry
	}
	return standingLate
}

// madeUnder returns the key that the token was made under, nil if it was never given
// out.
func (s *Service) madeUnder(f Family, n int, raw string) []byte {
	if n < 1 || n > f.Generation {
		return nil
	}
	return s.refreshKeys.Verifying([]byte(raw), func(key []byte) []byte { return []byte(f.token(n, key)) })
}

// newest returns the newest token of a family, whose parent, or itself, was
// presented and made under a key.
func (s *Service) newest(f Family, under []byte) string {
	for _, key := range s.refreshKeys {
		if f.KeyID != nil && *f.KeyID == identity.KeyID(key) {
			under = key
		}
	}
	return f.token(f.Generation, under)
}

// underPresent has the newest token of a family made under the present secret.
func (s *Service) underPresent(f *Family) { f.KeyID = new(identity.KeyID(s.refreshKeys.Primary())) }

func (s *Service) newFamily(ctx context.Context, p session.Principal, c Client, from identity.RequestOrigin) (string, error) {
	if !c.Offline {
		return "", identity.NewError(identity.CodeUnauthorizedClient, "this client cannot have refresh tokens; LATCHKEY_CLIENTS lists the clients that can")
	}
	now := s.now()
	f := Family{
		ID: identity.NewID(), SessionID: p.Session.ID, UserID: p.User.ID, ClientID: c.ID, Seed: make([]byte, 32),
		Generation: 1, CreatedAt: now, RotatedAt: now,
	}
	_, _ = rand.Read(f.Seed) // never fails
	s.underPresent(&f)
	if p.Team != nil {
		f.TeamSessionID, f.Role = &p.Team.ID, &p.Team.Role
	}
	err := s.store.InTx(ctx, func(ctx context.Context) error {
		cur, err := s.store.LockSession(ctx, f.SessionID)
		if errors.Is(err, identity.ErrNotFound) || err == nil && cur.Status(now) != session.StatusActive {
			return session.ErrUnauthenticated()
		}
		if err != nil {
			return err
		}
		if err := s.store.TrimRefreshFamilies(ctx, f.SessionID, familiesPerSession-1); err != nil {
			return err
		}
		if err := s.store.InsertRefreshFamily(ctx, f); err != nil {
			return err
		}
		return s.store.RecordEvents(ctx, f.event(identity.ActionRefreshCreated, from, now, &f.UserID, ""))
	})
	return s.newest(f, s.refreshKeys.Primary()), err
}

// Refresh gives the successor of a refresh token and a new access token. A token
// works once, but while its successor is unused the same one is returned again,
// for Options.RefreshGrace: an answer was lost, or tabs raced. After that time the
// family ends, because it is unknown who holds the successor. Once the successor
// was used too, two parties hold the same token: the family and its session end.
// It counts as a use of the session but not as a proof.
//
// CodeInvalidGrant if the token does not work, for whatever reason: also once the
// session or the team session has ended, or the role in the team has sunk, which
// end the family. CodePolicyUnsatisfied, which ends nothing, while the team's
// policy does not admit the session.
func (s *Service) Refresh(ctx context.Context, raw, clientID string, from identity.RequestOrigin) (Grant, error) {
	c, err := s.clients.pick(clientID)
	if err != nil {
		return Grant{}, err
	}
	p, next, err := s.rotate(ctx, raw, c, from, func(p session.Principal) error {
		if p.Session.Kind == session.KindApplication {
			return errInvalidGrant()
		}
		return nil
	})
	if err != nil {
		return Grant{}, err
	}
	access, err := s.sign(ctx, p, c)
	return Grant{AccessToken: access, ExpiresIn: AccessLifetime, RefreshToken: next}, err
}

// RefreshApplication gives the successor of a refresh token of an application, by the
// rules of Refresh. admit may refuse, which uses nothing up. It runs while the
// transaction is open, and must ask nothing of a store.
func (s *Service) RefreshApplication(ctx context.Context, raw, clientID string, from identity.RequestOrigin, admit func(p session.Principal) error) (session.Principal, string, error) {
	return s.rotate(ctx, raw, Client{ID: clientID, Offline: true}, from, func(p session.Principal) error {
		if p.Session.Kind != session.KindApplication {
			return errInvalidGrant()
		}
		return admit(p)
	})
}

// NewApplicationFamily returns the first refresh token of an application's session. It
// joins the transaction of ctx.
func (s *Service) NewApplicationFamily(ctx context.Context, p session.Principal, from identity.RequestOrigin) (string, error) {
	return s.newFamily(ctx, p, Client{ID: *p.Session.ClientID, Offline: true}, from)
}

// CanSign refuses, with CodeUnavailable, where nothing can be signed: that is asked
// before something is used up.
func (s *Service) CanSign(ctx context.Context) error {
	_, _, err := s.keys.signer(ctx)
	return err
}

func (s *Service) rotate(ctx context.Context, raw string, c Client, from identity.RequestOrigin, admit func(p session.Principal) error) (session.Principal, string, error) {
	id, n, ok := parseRefresh(raw)
	if !ok {
		return session.Principal{}, "", errInvalidGrant()
	}
	if err := s.CanSign(ctx); err != nil {
		return session.Principal{}, "", err
	}
	var p session.Principal
	var next string
	err := s.store.InTx(ctx, func(ctx context.Context) (err error) {
		next = ""
		f, of, err := s.store.LockRefreshFamily(ctx, id)
		if errors.Is(err, identity.ErrNotFound) {
			return nil
		}
		if err != nil || f.ClientID != c.ID || f.EndedAt != nil {
			return err
		}
		under := s.madeUnder(f, n, raw)
		if under == nil {
			return nil
		}
		now := s.now()
		at := s.standing(f, n, now)
		switch at {
		case standingReused:
			return s.reused(ctx, f, n, from)
		case standingLate:
			return s.end(ctx, f, "retried_too_late", from)
		}
		if p, err = s.sessions.Admit(of, f.TeamSessionID, from); err != nil {
			if identity.ErrorCode(err) == identity.CodeUnauthenticated {
				return s.end(ctx, f, "session_ended", from)
			}
			return err
		}
		if err := admit(p); err != nil {
			return err
		}
		if p.User.ID != f.UserID || p.Session.Restricted || !c.Offline {
			return s.end(ctx, f, "not_allowed_any_more", from)
		}
		if f.Role != nil && f.Role.Above(p.Team.Role) {
			return s.end(ctx, f, "demoted", from)
		}
		if at == standingCurrent {
			f.Generation, f.RotatedAt = f.Generation+1, now
			s.underPresent(&f)
		}
		raised := f.Role != nil && *f.Role != p.Team.Role
		if raised {
			f.Role = &p.Team.Role
		}
		if at == standingCurrent || raised {
			if err := s.store.UpdateRefreshFamily(ctx, f); err != nil {
				return err
			}
		}
		next = s.newest(f, under)
		return nil
	})
	if err != nil {
		return session.Principal{}, "", err
	}
	if next == "" { // and what ended with it has been written
		return session.Principal{}, "", errInvalidGrant()
	}
	return p, next, s.sessions.Use(ctx, p)
}

// reused ends a family of which a used token came back, and its session.
func (s *Service) reused(ctx context.Context, f Family, n int, from identity.RequestOrigin) error {
	now := s.now()
	ended, err := s.store.EndSessions(ctx, f.UserID, session.SessionSelector{Only: &f.SessionID}, "refresh_reused", now)
	if err != nil {
		return err
	}
	e := f.event(identity.ActionRefreshReused, from, now, nil, "")
	e.Data["generation"], e.Data["newest"] = n, f.Generation
	events := []identity.Event{e}
	for _, id := range ended {
		over := f.event(identity.ActionSessionEnded, from, now, nil, "refresh_reused")
		over.Data["ended_session_id"] = id
		events = append(events, over)
	}
	if err := s.store.RecordEvents(ctx, events...); err != nil {
		return err
	}
	return s.end(ctx, f, "reused", from)
}

func (s *Service) end(ctx context.Context, f Family, reason string, from identity.RequestOrigin) error {
	now := s.now()
	f.EndedAt, f.EndReason = &now, &reason
	if err := s.store.UpdateRefreshFamily(ctx, f); err != nil {
		return err
	}
	return s.store.RecordEvents(ctx, f.event(identity.ActionRefreshEnded, from, now, nil, reason))
}

// event tells of the family. Who holds a refresh token need not be the user.
func (f Family) event(action identity.Action, from identity.RequestOrigin, now time.Time, by *identity.ID, reason string) identity.Event {
	e := identity.Event{
		ID: identity.NewID(), At: now, Action: action, ActorID: by, UserID: &f.UserID, SessionID: &f.SessionID,
		IP: from.IP, UserAgent: from.UserAgent, Data: identity.Metadata{"family_id": f.ID, "client_id": f.ClientID},
	}
	if reason != "" {
		e.Data["reason"] = reason
	}
	return e
}

func errInvalidGrant() error {
	return identity.NewError(identity.CodeInvalidGrant, "this refresh token is not valid for this client, or no longer valid: sign in again")
}

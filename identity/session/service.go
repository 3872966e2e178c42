package session

import (
	"context"
	"errors"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/revocation"
)

// Limits are how long a session lives.
type Limits struct {
	Idle     time.Duration // without use
	Lifetime time.Duration // in all
}

// Service issues and ends sessions.
type Service struct {
	store   Store
	cache   *Cache
	limits  Limits
	now     identity.Clock
	jobs    *revocation.Jobs
	maxWalk int
	uses    *uses // nil to write each at once
}

// Option changes what a service does by default.
type Option func(s *Service)

// NewService returns the service over a store, with a cache or nil.
func NewService(store Store, cache *Cache, limits Limits, now identity.Clock, options ...Option) *Service {
	s := &Service{store: store, cache: cache, limits: limits, now: now, jobs: revocation.NewJobs(store, now), maxWalk: maxWalk}
	for _, o := range options {
		o(s)
	}
	return s
}

// Jobs are those that end sessions where they are many, and team sessions.
func (s *Service) Jobs() *revocation.Jobs { return s.jobs }

// EndedByReplacement is why a session ended in whose browser somebody signed in.
const EndedByReplacement = "replaced"

// Issue makes a session for a user who has just proved an identity, and returns
// it with its token. Where it takes the place of a live one, because its token goes
// where the other's was kept, that one ends: its rightful
// holder no longer has its token. It runs in the caller's transaction, and the event of the new session is
// the caller's to record there.
func (s *Service) Issue(ctx context.Context, via identity.Identity, origin identity.RequestOrigin, replaces *Session) (Session, string, error) {
	now := s.now()
	token, hash := identity.NewSecret()
	out := Session{
		ID: identity.NewID(), Kind: KindBrowser, UserID: via.UserID, IdentityID: &via.ID, KeyID: via.KeyID, TokenHash: hash,
		Methods: Methods{via.Provider}, IP: origin.IP, UserAgent: origin.UserAgent,
		CreatedAt: now, AuthenticatedAt: now, LastSeenAt: now, ExpiresAt: now.Add(s.limits.Lifetime),
	}
	out.IdleExpiresAt = s.idleExpiry(out, now)
	return out, token, s.insert(ctx, out, replaces)
}

// insert stores a new session and ends the one that it replaces. A session that
// has ended already is left as it is.
func (s *Service) insert(ctx context.Context, out Session, replaces *Session) error {
	if err := s.store.InsertSession(ctx, out); err != nil || replaces == nil {
		return err
	}
	if replaces.UserID == out.UserID { // the same person in the same browser: applications go on
		if err := s.store.AdoptApplications(ctx, replaces.ID, out.ID); err != nil {
			return err
		}
	}
	ended, err := s.store.EndSessions(ctx, replaces.UserID, SessionSelector{Only: &replaces.ID}, EndedByReplacement, out.CreatedAt)
	if err != nil || len(ended) == 0 {
		return err
	}
	// It belongs to the history of that session's user, who may not be the new one's.
	return s.store.RecordEvents(ctx, identity.Event{
		ID: identity.NewID(), At: out.CreatedAt, Action: identity.ActionSessionEnded,
		ActorID: &replaces.UserID, UserID: &replaces.UserID, SessionID: &replaces.ID, IP: out.IP, UserAgent: out.UserAgent,
		Data: identity.Metadata{"ended_session_id": replaces.ID, "reason": EndedByReplacement},
	})
}

// restrictedLifetime is enough time to add a sign-in method.
const restrictedLifetime = time.Hour

// IssueRestricted creates a session for a user who signed in with a recovery code.
// It can only add a sign-in method, see Session.Restricted, and is
// short. It replaces a session as Issue does, and runs in the caller's transaction.
func (s *Service) IssueRestricted(ctx context.Context, user identity.ID, method string, origin identity.RequestOrigin, replaces *Session) (Session, string, error) {
	return s.issueRestricted(ctx, user, nil, nil, method, origin, replaces)
}

// IssueLeaving is Issue for a user who is leaving: in the session they can come back,
// and nothing else. It is short.
func (s *Service) IssueLeaving(ctx context.Context, via identity.Identity, origin identity.RequestOrigin, replaces *Session) (Session, string, error) {
	return s.issueRestricted(ctx, via.UserID, &via.ID, via.KeyID, via.Provider, origin, replaces)
}

func (s *Service) issueRestricted(ctx context.Context, user identity.ID, via, key *identity.ID, method string, origin identity.RequestOrigin, replaces *Session) (Session, string, error) {
	now := s.now()
	token, hash := identity.NewSecret()
	out := Session{
		ID: identity.NewID(), Kind: KindBrowser, UserID: user, IdentityID: via, KeyID: key, TokenHash: hash, Methods: Methods{method}, Restricted: true,
		IP: origin.IP, UserAgent: origin.UserAgent, CreatedAt: now, AuthenticatedAt: now, LastSeenAt: now,
		ExpiresAt: now.Add(min(restrictedLifetime, s.limits.Lifetime)),
	}
	out.IdleExpiresAt = s.idleExpiry(out, now)
	return out, token, s.insert(ctx, out, replaces)
}

// Renew adds a proof of an identity to a session and rotates its token; without an
// identity it only rotates, as after a merge. The session becomes recently
// verified only where verified says so: linking an identity does not. The old
// token stops working in the caller's transaction. CodeUnauthenticated if the
// session ended, expired or was rotated meanwhile.
func (s *Service) Renew(ctx context.Context, seen Session, via *identity.Identity, verified bool) (Session, string, error) {
	now := s.now()
	cur, err := s.store.LockSession(ctx, seen.ID)
	if err != nil && !errors.Is(err, identity.ErrNotFound) {
		return Session{}, "", err
	}
	s.uses.on(&cur)
	if err != nil || cur.Status(now) != StatusActive || string(cur.TokenHash) != string(seen.TokenHash) {
		return Session{}, "", ErrUnauthenticated()
	}
	token, hash := identity.NewSecret()
	cur.TokenHash, cur.LastSeenAt = hash, now
	if verified {
		cur.AuthenticatedAt, cur.LongestPause = now, 0
	}
	if via != nil {
		cur.Methods = cur.Methods.With(via.Provider)
		if cur.IdentityID == nil || *cur.IdentityID != via.ID {
			cur.ProvenBy = cur.ProvenBy.With(via.ID)
		}
		if via.KeyID != nil {
			cur.KeyID = via.KeyID
		}
		if cur.Restricted { // a proof has made it a session like any other
			cur.Restricted, cur.ExpiresAt = false, cur.CreatedAt.Add(s.limits.Lifetime)
		}
	}
	cur.IdleExpiresAt = s.idleExpiry(cur, now)
	return cur, token, s.store.UpdateSession(ctx, cur)
}

// Ending returns the refusal of a token that is not of an active session: with how the
// session ended, if the row is kept still.
func (s *Service) Ending(ctx context.Context, token string) error {
	refused := ErrUnauthenticated()
	ending, err := s.store.EndingByToken(ctx, identity.HashSecret(token))
	switch {
	case err == nil:
		refused.Ending = &ending
	case !errors.Is(err, identity.ErrNotFound):
		return err
	}
	return refused
}

// Authenticate returns the principal of a token, with one read or none. Any token
// that does not work now is CodeUnauthenticated, without a reason; a store that
// does not answer is an error, never a guess. A team session that the team's policy
// refuses from where the request came, is in Refused instead of Team.
func (s *Service) Authenticate(ctx context.Context, token string, origin identity.RequestOrigin) (Principal, error) {
	hash := identity.HashSecret(token)
	for attempt := 0; ; attempt++ {
		now := s.now()
		if p, ok := s.remembered(hash, now); ok {
			return p.Admitted(origin, now), nil
		}
		mark := s.cache.mark()
		p, err := s.store.PrincipalByToken(ctx, hash)
		if errors.Is(err, identity.ErrNotFound) {
			return Principal{}, ErrUnauthenticated()
		}
		if err != nil {
			return Principal{}, err
		}
		s.uses.on(&p.Session)
		if p.Session.Status(now) != StatusActive {
			return Principal{}, ErrUnauthenticated()
		}
		if !p.User.Active() {
			if p.Leaving = p.Session.Restricted; p.Leaving {
				if p.Leaving, err = s.store.Leaving(ctx, p.User.ID); err != nil {
					return Principal{}, err
				}
			}
			if !p.Leaving {
				return Principal{}, ErrUnauthenticated()
			}
		}
		current, err := s.use(ctx, &p, origin, now)
		if err != nil {
			return Principal{}, err
		}
		if current && !p.Leaving {
			s.cache.put(hash, p, mark)
		}
		if current || attempt > 0 {
			return p.Admitted(origin, now), nil
		}
	}
}

// remembered returns the principal of a token without a read. What is remembered is
// no reason to refuse, nor to record a use: another replica may have seen the session
// in use since.
func (s *Service) remembered(tokenHash []byte, now time.Time) (Principal, bool) {
	p, ok := s.cache.get(tokenHash)
	return p, ok && p.Session.Status(now) == StatusActive && p.User.Active() && !isUse(p, now)
}

// grain is how often uses of a session are recorded.
func grain(p Principal) time.Duration {
	if p.Team != nil && p.Team.Policy.Idle > 0 {
		return min(seenEvery, p.Team.Policy.Idle/2)
	}
	return seenEvery
}

// isUse reports whether a check of a session is recorded as a use of it.
func isUse(p Principal, now time.Time) bool { return now.Sub(p.Session.LastSeenAt) >= grain(p) }

// use records that the session is used. False means that somebody else has noted a
// later use since p was read: then its pauses are not what they seem, and it is to
// be read again.
func (s *Service) use(ctx context.Context, p *Principal, origin identity.RequestOrigin, now time.Time) (bool, error) {
	if !isUse(*p, now) {
		return true, nil
	}
	cur := &p.Session
	pause := now.Sub(cur.LastSeenAt)
	u := Use{
		Session: cur.ID, Was: cur.LastSeenAt, At: now, IdleExpires: s.idleExpiry(*cur, now),
		Proven: cur.AuthenticatedAt, Pause: max(cur.LongestPause, pause), IP: origin.IP,
	}
	// Until it is written, others decide by the use before; and so does everyone if
	// it is lost. That must be no reason to refuse.
	alone := !now.Add(max(pause, usesWait)).Before(cur.IdleExpiresAt) ||
		p.Team != nil && p.Team.Policy.Idle > 0 && pause >= grain(*p)+usesWait
	u.on(cur)
	p.Memo = nil
	if !alone && s.uses.add(u) {
		return true, nil
	}
	return s.store.TouchSession(ctx, u)
}

func (s *Service) idleExpiry(cur Session, now time.Time) time.Time {
	idle := now.Add(s.limits.Idle)
	if idle.After(cur.ExpiresAt) {
		return cur.ExpiresAt
	}
	return idle
}

// List returns the user's active sessions, newest first.
func (s *Service) List(ctx context.Context, user identity.ID, p identity.Page) ([]Session, *identity.ID, error) {
	rows, err := s.store.ActiveSessions(ctx, user, s.now(), p)
	rows, next := identity.Next(rows, p, func(s Session) identity.ID { return s.ID })
	return rows, next, err
}

// maxWalk is how many sessions one page of a list looks through for those that no
// index finds.
const maxWalk = 20_000

// ListAll returns everyone's sessions, for operators. A page of those that no index
// finds may have fewer than the limit, or none, and still a next one.
func (s *Service) ListAll(ctx context.Context, f Filter, p identity.Page) ([]Listed, *identity.ID, error) {
	now, walks := s.now(), f.walks()
	if walks && f.Network.IsValid() { // by its index, unless too many are there
		crowded, err := s.store.Crowded(ctx, f.Network, s.maxWalk)
		if err != nil {
			return nil, nil, err
		}
		walks = crowded
	}
	if walks {
		var err error
		if f.Oldest, err = s.store.LookThrough(ctx, f, now, p.After, s.maxWalk); err != nil {
			return nil, nil, err
		}
		f.Walk = true
	}
	rows, err := s.store.Sessions(ctx, f, now, p)
	rows, next := identity.Next(rows, p, func(l Listed) identity.ID { return l.ID })
	if next == nil {
		next = f.Oldest
	}
	return rows, next, err
}

// SignOut ends the actor's own session. It is no error if it has ended already.
func (s *Service) SignOut(ctx context.Context, actor identity.Actor) error {
	_, err := s.end(ctx, actor, SessionSelector{Only: &actor.SessionID}, "signed_out")
	return err
}

// End ends one of the actor's sessions; identity.ErrNotFound if there is no
// such open session of theirs.
func (s *Service) End(ctx context.Context, actor identity.Actor, id identity.ID) error {
	ended, err := s.end(ctx, actor, SessionSelector{Only: &id}, "ended_by_user")
	if err == nil && ended == 0 {
		return identity.ErrNotFound
	}
	return err
}

// EndOthers ends every session of the actor but the one in hand.
func (s *Service) EndOthers(ctx context.Context, actor identity.Actor) error {
	var job *revocation.Job
	err := s.store.InTx(ctx, func(ctx context.Context) (err error) {
		others := Revocation{Filter: Filter{UserID: &actor.UserID, Except: &actor.SessionID, Status: StatusActive}}
		if job, err = s.startEnding(ctx, actor, others, "ended_by_user", s.now()); err == nil && job == nil {
			_, err = s.end(ctx, actor, SessionSelector{Except: &actor.SessionID}, "ended_by_user")
		}
		return err
	})
	s.jobs.Wake(job)
	return err
}

func (s *Service) end(ctx context.Context, actor identity.Actor, which SessionSelector, reason string) (int, error) {
	now := s.now()
	var ended []identity.ID
	err := s.store.InTx(ctx, func(ctx context.Context) (err error) {
		if ended, err = s.store.EndSessions(ctx, actor.UserID, which, reason, now); err != nil || len(ended) == 0 {
			return err
		}
		events := make([]identity.Event, len(ended))
		for i, id := range ended {
			events[i] = actor.Event(identity.ActionSessionEnded, now)
			events[i].UserID = &actor.UserID
			events[i].Data = identity.Metadata{"ended_session_id": id, "reason": reason}
		}
		return s.store.RecordEvents(ctx, events...)
	})
	return len(ended), err
}

// ErrUnauthenticated returns the refusal for a request without a valid session.
func ErrUnauthenticated() *identity.Error {
	return identity.NewError(identity.CodeUnauthenticated, "sign in first")
}

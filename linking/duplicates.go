package linking

import (
	"context"
	"time"

	"github.com/latchkey/latchkey/identity"
)

// DuplicateKind says how sure it is that two users are one person.
type DuplicateKind string

// The kinds of candidates. Address and spelling are about verified addresses; a
// hint is about what people may write about themselves, and proves nothing.
const (
	DuplicateAddress  DuplicateKind = "address"
	DuplicateSpelling DuplicateKind = "spelling"
	DuplicateHint     DuplicateKind = "hint"
	// DuplicateSignIn is noted when one signs in with an address that the other
	// owns. The person merges by proving it; no job and no API key does.
	DuplicateSignIn DuplicateKind = "sign_in"
)

// Certain reports whether a verified address says that the two are one person,
// so that the pair needs no review. An unknown kind is not certain.
func (k DuplicateKind) Certain() bool { return k == DuplicateAddress || k == DuplicateSpelling }

// maxNoted bounds the pairs that are noted for one user at sign-in.
const maxNoted = 5

// Duplicate is a pair of users who may be one person.
type Duplicate struct {
	ID        identity.ID
	FirstID   identity.ID // less than SecondID, so that a pair is one row
	SecondID  identity.ID
	Kind      DuplicateKind
	Reason    string
	CreatedAt time.Time
	Address   string       // sign_in: the address that both show
	NotedFor  *identity.ID // sign_in: who signed in; the other owns Address
}

// NewDuplicate returns the candidate for a pair in either order.
func NewDuplicate(a, b identity.ID, kind DuplicateKind, reason string, at time.Time) Duplicate {
	if b.String() < a.String() {
		a, b = b, a
	}
	return Duplicate{ID: identity.NewID(), FirstID: a, SecondID: b, Kind: kind, Reason: reason, CreatedAt: at}
}

// Event is the audit event of a pair that is found.
func (d Duplicate) Event() identity.Event {
	return identity.Event{
		ID: identity.NewID(), At: d.CreatedAt, Action: identity.ActionDuplicateFound,
		Data: identity.Metadata{"users": []identity.ID{d.FirstID, d.SecondID}, "kind": d.Kind},
	}
}

// Candidate is a duplicate with its users as they are now: survivors in place
// of those who have been merged, the older first.
type Candidate struct {
	Duplicate
	Users [2]identity.User
}

// DuplicateStore reads the candidates.
type DuplicateStore interface {
	// Duplicates lists candidates, oldest first, one more than the page asks for.
	Duplicates(ctx context.Context, p identity.Page) ([]Duplicate, error)
	// DuplicatesBetween lists the candidates that are about two users, under any
	// id that each of them has had.
	DuplicatesBetween(ctx context.Context, a, b identity.ID) ([]Duplicate, error)
	// Survivors returns who the users are by now, by the ids asked for.
	Survivors(ctx context.Context, ids []identity.ID) (map[identity.ID]identity.User, error)
	// NoteDuplicate notes a pair unless it is known, or most pairs are noted for
	// the same user already. It reports whether the pair is new.
	NoteDuplicate(ctx context.Context, d Duplicate, most int) (noted bool, err error)
	// DuplicatesFor lists the pairs noted for a user whose address is still
	// someone else's, oldest first.
	DuplicatesFor(ctx context.Context, user identity.ID) ([]Duplicate, error)
}

// noteDuplicate notes that the user who signs in and the owner of the proof's
// address may be one person.
func (s *Service) noteDuplicate(ctx context.Context, a Submission, d Decision) error {
	n := NewDuplicate(d.User, d.Duplicate, DuplicateSignIn, "signed in with an address that the other owns", s.now())
	n.Address, n.NotedFor = a.Proof.VerifiedEmail(), &d.User
	noted, err := s.store.NoteDuplicate(ctx, n, maxNoted)
	if err != nil || !noted {
		return err
	}
	e := n.Event()
	e.UserID, e.IP, e.UserAgent = &d.User, a.Origin.IP, a.Origin.UserAgent
	return s.store.RecordEvents(ctx, e)
}

// PossibleDuplicates lists, for the user themselves, other accounts that may be
// theirs: an address that they signed in with belongs to each. It says nothing
// else of these accounts.
func (s *Service) PossibleDuplicates(ctx context.Context, user identity.ID) ([]Duplicate, error) {
	return s.store.DuplicatesFor(ctx, user)
}

// Candidates lists pairs of active users who may be one person, oldest first. A
// pair that has become one user is left out, and is back when that is undone.
func (s *Service) Candidates(ctx context.Context, p identity.Page) ([]Candidate, *identity.ID, error) {
	out := []Candidate{}
	for {
		rows, err := s.store.Duplicates(ctx, p)
		if err != nil {
			return nil, nil, err
		}
		rows, next := identity.Next(rows, p, func(d Duplicate) identity.ID { return d.ID })
		found, err := s.resolve(ctx, rows)
		if err != nil {
			return nil, nil, err
		}
		out = append(out, found...)
		// Merged pairs leave gaps. A page may be short, but is not empty while
		// there is more.
		if next == nil || len(out) > 0 {
			return out, next, nil
		}
		p.After = next
	}
}

// Candidate returns a duplicate as it is now; nil when it is settled.
func (s *Service) Candidate(ctx context.Context, d Duplicate) (*Candidate, error) {
	found, err := s.resolve(ctx, []Duplicate{d})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}

func (s *Service) resolve(ctx context.Context, rows []Duplicate) ([]Candidate, error) {
	var ids []identity.ID
	for _, d := range rows {
		ids = append(ids, d.FirstID, d.SecondID)
	}
	now, err := s.store.Survivors(ctx, ids)
	if err != nil {
		return nil, err
	}
	var out []Candidate
	for _, d := range rows {
		a, b := now[d.FirstID], now[d.SecondID]
		if a.ID == b.ID || !a.Active() || !b.Active() {
			continue
		}
		// As a merge decides who survives.
		if b.CreatedAt.Before(a.CreatedAt) || b.CreatedAt.Equal(a.CreatedAt) && b.ID.String() < a.ID.String() {
			a, b = b, a
		}
		out = append(out, Candidate{Duplicate: d, Users: [2]identity.User{a, b}})
	}
	return out, nil
}

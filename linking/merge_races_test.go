package linking_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/identity/teamsession"
	"github.com/latchkey/latchkey/internal/testkit"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
	"github.com/latchkey/latchkey/linking"
	"github.com/latchkey/latchkey/storage"
)

// watched is a store that keeps what PostgreSQL says of deadlocks: it resolves
// them after a second, and the transaction runs again as if nothing was.
type watched struct {
	*storage.DB
	mu        sync.Mutex
	deadlocks []error
}

func (w *watched) InTx(ctx context.Context, fn func(ctx context.Context) error) error {
	return w.DB.InTx(ctx, func(ctx context.Context) error {
		err := fn(ctx)
		if err != nil && strings.Contains(err.Error(), "40P01") {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.deadlocks = append(w.deadlocks, err)
		}
		return err
	})
}

// scene is what one race is about: a is merged into b, while something happens
// to a. c and z are others, z was merged into a before.
type scene struct {
	*world   // the replica of the merge
	rival    *world
	sessions *session.Service // the rival's
	inTeams  *teamsession.Service
	teams    *team.Service
	watched  []*watched

	t              *testing.T
	subject        string // of a's identity
	bSubject       string // of b's
	address        string
	a, b, c, owner *session.Principal
	token, bToken  string
	wallet         identity.Identity // a's other identity
	team, other    identity.ID
	invitation     identity.ID // to a, to the other team
	z              identity.ID
	undoable       identity.ID // the merge of z into a

	result linking.Result // of a proof by the rival
	made   identity.ID    // by the rival
}

func newScene(t *testing.T, d *storagetest.Database, replicas []*watched) *scene {
	t.Helper()
	s := &scene{t: t, watched: replicas, subject: storagetest.Word(), world: newWorldOver(d, replicas[0], linking.PolicyAuto)}
	s.rival = newWorldOver(d, replicas[1], linking.PolicyAuto)
	s.sessions = session.NewService(replicas[1], nil, session.Limits{Idle: time.Hour, Lifetime: time.Hour}, d.Clock.Now)
	s.inTeams = teamsession.NewService(replicas[1], s.sessions, d.Clock.Now)
	s.teams = team.NewService(replicas[1], d.Clock.Now)
	s.address = strings.ToLower(storagetest.Word()) + "@example.com"

	s.owner, s.c = s.signIn(t, "google", storagetest.Word()), s.signIn(t, "google", storagetest.Word())
	s.bSubject = storagetest.Word()
	b := s.must(t, s.proof(identity.PurposeSignIn, "google", s.bSubject), nil)
	s.b, s.bToken = principal(b), b.Token
	s.z = s.signIn(t, "github", storagetest.Word()).User.ID
	s.a = s.signIn(t, "google", s.subject, vouched(s.address))
	r := s.must(t, s.proof(identity.PurposeLink, "siwe", storagetest.Address(), wallet), s.a)
	s.a, s.token = principal(r), r.Token
	all, err := d.IdentitiesOf(t.Context(), []identity.ID{s.a.User.ID})
	if err != nil || len(all) != 2 {
		t.Fatalf("%v, %v", all, err)
	}
	s.wallet = all[1]
	p, err := s.service.AdminMerge(t.Context(), nil, s.z, s.a.User.ID, linking.MergeChoices{Survivor: &s.a.User.ID}, false)
	if err != nil {
		t.Fatal(err)
	}
	s.undoable = p.ID
	s.team, s.other = d.Team(t, s.owner.User.ID).ID, d.Team(t, s.owner.User.ID).ID
	d.Member(t, s.team, s.a.User.ID, team.RoleAdmin)
	s.invitation = d.Invite(t, s.other, s.owner.User.ID, func(i *team.Invitation) { i.Email = &s.address }).ID
	return s
}

func (s *scene) actor(p *session.Principal) identity.Actor {
	return p.Actor(s.Clock.Now(), identity.RequestOrigin{})
}

// role is b's in a team, "" if they are not in it.
func (s *scene) role(id identity.ID) team.Role {
	m, err := s.Membership(s.t.Context(), id, s.b.User.ID)
	if err != nil && !errors.Is(err, identity.ErrNotFound) {
		s.t.Error(err)
	}
	return m.Role
}

func (s *scene) prove(p identity.Proof, current *session.Principal) (err error) {
	s.result, err = s.rival.apply(s.t, p, current)
	return err
}

func (s *scene) merge(w *world, from, into identity.ID) error {
	_, err := w.service.AdminMerge(s.t.Context(), nil, from, into, linking.MergeChoices{Survivor: &into}, false)
	return err
}

// rivals are what happens while a is merged into b: with which codes each may
// lose, and what must be so afterwards.
var rivals = map[string]struct {
	run   func(s *scene) error
	codes []identity.Code
	then  func(s *scene, won bool) bool
	merge []identity.Code // with which the merge may lose
}{
	"sign-in": {
		run: func(s *scene) error { return s.prove(s.proof(identity.PurposeSignIn, "google", s.subject), nil) },
		then: func(s *scene, won bool) bool {
			_, err := s.sessions.Authenticate(s.t.Context(), s.result.Token, identity.RequestOrigin{})
			return won && (err == nil) == (s.result.User.ID == s.b.User.ID)
		},
	},
	"sign-in by the address": {
		run: func(s *scene) error {
			return s.prove(s.proof(identity.PurposeSignIn, "issuer", s.subject, vouched(s.address)), nil)
		},
		then: func(s *scene, won bool) bool { return won && s.rival.owner(s.t, "issuer", s.subject) == s.b.User.ID },
	},
	"link": {
		run:   func(s *scene) error { return s.prove(s.proof(identity.PurposeLink, "issuer", s.subject), s.a) },
		codes: []identity.Code{identity.CodeUnauthenticated},
		then: func(s *scene, won bool) bool {
			return !won || s.rival.owner(s.t, "issuer", s.subject) == s.b.User.ID
		},
	},
	"unlink": {
		run:   func(s *scene) error { return s.rival.service.Unlink(s.t.Context(), s.actor(s.a), s.wallet.ID) },
		codes: []identity.Code{identity.CodeNotFound},
		then: func(s *scene, won bool) bool {
			_, err := s.DB.Identity(s.t.Context(), s.wallet.ID)
			return won == errors.Is(err, identity.ErrNotFound)
		},
	},
	"enter": {
		run: func(s *scene) error {
			_, _, err := s.inTeams.Enter(s.t.Context(), s.actor(s.a), s.team, false)
			return err
		},
		codes: []identity.Code{identity.CodeNotFound, identity.CodeUnauthenticated},
	},
	"remove": {
		run: func(s *scene) error {
			return s.teams.Remove(s.t.Context(), s.actor(s.owner), s.team, s.a.User.ID)
		},
		codes: []identity.Code{identity.CodeNotFound},
		then:  func(s *scene, won bool) bool { return won == (s.role(s.team) == "") },
	},
	"accept": {
		run: func(s *scene) error {
			_, err := s.teams.Accept(s.t.Context(), s.actor(s.a), s.invitation)
			return err
		},
		codes: []identity.Code{identity.CodeNotFound},
		then: func(s *scene, won bool) bool {
			if won {
				return s.role(s.other) == team.RoleMember
			}
			_, err := s.teams.Accept(s.t.Context(), s.actor(s.b), s.invitation) // it is b's now
			return err == nil
		},
	},
	"role": {
		run: func(s *scene) error {
			_, err := s.teams.ChangeRole(s.t.Context(), s.actor(s.owner), s.team, s.a.User.ID, team.RoleMember, false)
			return err
		},
		codes: []identity.Code{identity.CodeNotFound},
		then:  func(s *scene, won bool) bool { return won == (s.role(s.team) == team.RoleMember) },
	},
	"create a team": {
		run: func(s *scene) error {
			mine, err := s.teams.Create(s.t.Context(), s.actor(s.a), "Keys")
			s.made = mine.ID
			return err
		},
		codes: []identity.Code{identity.CodeNotFound},
		then:  func(s *scene, won bool) bool { return won == (s.role(s.made) == team.RoleOwner) },
	},
	"check": {
		run: func(s *scene) error {
			_, err := s.sessions.Authenticate(s.t.Context(), s.token, identity.RequestOrigin{})
			return err
		},
		codes: []identity.Code{identity.CodeUnauthenticated},
	},
	"sign-out": {
		run: func(s *scene) error { return s.sessions.SignOut(s.t.Context(), s.actor(s.a)) },
	},
	"undo": {
		run: func(s *scene) error {
			_, err := s.rival.service.UndoMerge(s.t.Context(), s.actor(s.a), s.undoable, false)
			return err
		},
		codes: []identity.Code{identity.CodeMergeMovedOn, identity.CodeNotFound},
		then: func(s *scene, won bool) bool {
			u, err := s.DB.User(s.t.Context(), s.z)
			return err == nil && won == (u.ID == s.z)
		},
	},
	"the same": {
		run:   func(s *scene) error { return s.merge(s.rival, s.a.User.ID, s.b.User.ID) },
		codes: []identity.Code{identity.CodeMergeRefused},
		merge: []identity.Code{identity.CodeMergeRefused},
	},
	"the opposite": {
		run:   func(s *scene) error { return s.merge(s.rival, s.b.User.ID, s.a.User.ID) },
		codes: []identity.Code{identity.CodeMergeRefused},
		merge: []identity.Code{identity.CodeMergeRefused},
	},
	"another into it": {
		run:   func(s *scene) error { return s.merge(s.rival, s.c.User.ID, s.a.User.ID) },
		codes: []identity.Code{identity.CodeMergeRefused},
		then: func(s *scene, won bool) bool {
			u, err := s.DB.User(s.t.Context(), s.c.User.ID)
			return err == nil && won == (u.ID == s.b.User.ID)
		},
	},
}

// TestMergeRaces merges a into b while something else happens to a, on two
// replicas: both are done as if one came first, and the loser learns why.
func TestMergeRaces(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		replicas := []*watched{{DB: d.DB}, {DB: storagetest.Connect(t, d.URL)}}
		for name, rival := range rivals {
			for range 6 {
				s := newScene(t, d, replicas)
				var merged, lost error
				testkit.Together(2, func(n int) {
					if n == 0 {
						merged = s.merge(s.world, s.a.User.ID, s.b.User.ID)
					} else {
						lost = rival.run(s)
					}
				})
				s.loses(name, lost, rival.codes)
				s.loses("merge during "+name, merged, rival.merge)
				if merged != nil && lost != nil {
					t.Errorf("%s: both have lost: %v, %v", name, merged, lost)
				}
				if rival.then != nil && !rival.then(s, lost == nil) {
					t.Errorf("%s (%v) has come to something else", name, lost)
				}
				if name == "the opposite" && lost == nil {
					s.over(name, s.b, s.a, s.bToken)
				} else {
					s.over(name, s.a, s.b, s.token)
				}
			}
		}
	})
}

func (s *scene) loses(what string, err error, codes []identity.Code) {
	s.t.Helper()
	code := identity.ErrorCode(err)
	if errors.Is(err, identity.ErrNotFound) {
		code = identity.CodeNotFound
	}
	if err != nil && !slices.Contains(codes, code) {
		s.t.Errorf("%s: %v, want one of %v", what, err, codes)
	}
}

// over checks what must be so after every race: gone leads to the survivor, and
// the token they had does not work.
func (s *scene) over(what string, gone, survivor *session.Principal, token string) {
	s.t.Helper()
	u, err := s.DB.User(s.t.Context(), gone.User.ID)
	if err != nil || u.ID != survivor.User.ID {
		s.t.Errorf("%s: %s leads to %s, %v; want %s", what, gone.User.ID, u.ID, err, survivor.User.ID)
	}
	_, err = s.sessions.Authenticate(s.t.Context(), token, identity.RequestOrigin{})
	storagetest.WantCode(s.t, what+": the old token", err, identity.CodeUnauthenticated)
	s.sound(what)
}

// Two people redeem the tickets they have of each other at once, each wanting
// to survive: one does, and neither waits for the other forever.
func TestTicketsOfEachOtherRedeemedAtOnce(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		replicas := []*watched{{DB: d.DB}, {DB: storagetest.Connect(t, d.URL)}}
		for range 10 {
			s := newScene(t, d, replicas)
			people, names, tokens := []*session.Principal{s.a, s.b}, []string{s.subject, s.bSubject}, []string{s.token, s.bToken}
			var ids [2]identity.ID
			holder := func(n int) linking.TicketHolder {
				return linking.TicketHolder{Principal: *people[n], BrowserHash: s.browser}
			}
			for n := range people {
				_, err := s.apply(t, s.proof(identity.PurposeLink, "google", names[1-n]), people[n])
				var refusal *identity.Error
				if !errors.As(err, &refusal) || refusal.Ticket == "" {
					t.Fatalf("no ticket: %v", err)
				}
				p, err := s.service.PreviewMerge(t.Context(), holder(n), refusal.Ticket, linking.MergeChoices{})
				if err != nil {
					t.Fatal(err)
				}
				ids[n] = p.ID
			}
			var errs [2]error
			testkit.Together(2, func(n int) {
				w := []*world{s.world, s.rival}[n]
				_, _, errs[n] = w.service.ConfirmMerge(t.Context(), holder(n), ids[n], linking.MergeChoices{Survivor: &people[n].User.ID})
			})
			if (errs[0] == nil) == (errs[1] == nil) {
				t.Errorf("one of both must have lost: %v", errs)
			}
			for _, err := range errs {
				s.loses("a ticket", err, []identity.Code{identity.CodeTicketInvalid, identity.CodeMergeRefused})
			}
			won := 0
			if errs[0] != nil {
				won = 1
			}
			s.over("tickets", people[1-won], people[won], tokens[1-won])
			_, err := s.sessions.Authenticate(t.Context(), tokens[won], identity.RequestOrigin{})
			storagetest.WantCode(t, "the token of before the merge", err, identity.CodeUnauthenticated)
		}
	})
}

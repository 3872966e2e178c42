package linking_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
	"github.com/latchkey/latchkey/linking"
)

// human is someone at a keyboard, with a browser, accounts at providers, a wallet
// and mailboxes of their own.
type human string

const (
	honest   human = "ada"
	friend   human = "bob"
	attacker human = "eve"
)

var humans = []human{honest, friend, attacker}

// entry is a line of the diary: what someone proved, and what owners did. It is all
// that the truth is made of; nothing in it is read from the service.
type entry struct {
	what    string      // "proof", "unlink", "remove" or "settle"
	by      string      // the identity, as key has it
	address string      // that the proof vouched for, or that was removed or settled
	said    bool        // the provider said something about addresses
	linked  bool        // the identity was added, or linked once more
	account identity.ID // zero: the proof was refused
}

// siege is a history in which an attacker tries everything, between what others do.
type siege struct {
	*world
	t        *testing.T
	r        *rapid.T
	policy   linking.Policy
	prefix   string
	sessions *session.Service
	teams    *team.Service

	corp    human // who runs the domain at which two others have mailboxes
	diary   []entry
	home    map[string]identity.ID // of an identity: the account that it was linked to
	into    map[identity.ID]identity.ID
	people  map[identity.ID]map[human]bool // who got into an account, rightly
	devices []*device
	tickets []loot
	merges  []identity.ID
	team    identity.ID
	members map[human]bool
	invited []letter
}

type device struct {
	who   human
	token string
}

// loot is a ticket that a refusal gave, for anyone to try.
type loot struct {
	who         human
	token, kind string
	proof       identity.Proof
}

type letter struct {
	id      identity.ID
	address string
}

// TestAnAttackerGetsNothing lets an attacker act among honest people. The attacker
// has accounts at every provider, mailboxes, a wallet, at times a domain that was
// others' and is theirs again later, and every ticket that was ever given to
// anyone. They must never end in an account, hold an identity or an address, or be
// in a team, that the rules of docs/linking.md do not give them for what they have
// proven. What that is, is read from a diary of proofs and of nothing else.
func TestAnAttackerGetsNothing(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		n := 0
		rapid.Check(t, func(r *rapid.T) {
			n++
			s := &siege{
				t: t, r: r, policy: pick(r, "policy", []linking.Policy{linking.PolicyAuto, linking.PolicyAuto, linking.PolicyConfirm, linking.PolicyOff}),
				prefix: fmt.Sprintf("w%d-", n), home: map[string]identity.ID{}, into: map[identity.ID]identity.ID{},
				people: map[identity.ID]map[human]bool{}, members: map[human]bool{honest: true}, corp: honest,
			}
			s.world = newWorld(d, s.policy)
			s.sessions = session.NewService(d.DB, nil, session.Limits{Idle: 1000 * time.Hour, Lifetime: 2000 * time.Hour}, d.Clock.Now)
			s.teams = team.NewService(d.DB, d.Clock.Now)
			s.begin()
			for range 25 {
				d.Clock.Advance(time.Microsecond)
				s.step()
				s.check()
			}
		})
	})
}

// begin gives everyone an account, and the honest one a team.
func (s *siege) begin() {
	for _, h := range humans {
		s.apply(h, s.account(h, identity.PurposeSignIn, "google", 1, s.address(h, "home"), true), nil, "")
	}
	by := s.on(honest)
	mine, err := s.teams.Create(s.t.Context(), by.Actor(s.Clock.Now(), identity.RequestOrigin{}), "Keys")
	if err != nil {
		s.r.Fatal(err)
	}
	s.team = mine.ID
}

func (s *siege) step() {
	if between(s.r, "world", 0, 9) == 0 {
		s.corp = pick(s.r, "domain", []human{honest, attacker})
		return
	}
	who := pick(s.r, "who", []human{attacker, attacker, attacker, honest, honest, friend})
	acts := map[string]func(human){
		"prove": s.prove, "merge": s.merge, "accept link": s.acceptLink, "undo": s.undo, "unlink": s.unlink, "remove": s.remove,
		"settle": s.settle, "invite": s.invite, "join": s.join, "wait": func(human) { s.Clock.Advance(session.RecentlyVerifiedFor) },
	}
	acts[pick(s.r, "act", []string{
		"prove", "prove", "prove", "prove", "prove", "prove", "prove", "prove", "merge", "merge", "accept link", "accept link",
		"undo", "unlink", "remove", "settle", "invite", "join", "join", "wait",
	})](who)
}

// address is a mailbox of someone: at home it is theirs for good, at corp it
// belongs to the owner of the domain.
func (s *siege) address(h human, at string) string {
	return s.prefix + string(h) + "@" + at + ".example"
}

func (s *siege) controls(h human, address string) bool {
	if strings.HasSuffix(address, "@corp.example") {
		if s.corp == attacker {
			return h == attacker
		}
	}
	return strings.HasPrefix(address, s.prefix+string(h)+"@")
}

// account is a proof by one of someone's accounts at a provider, which shows an
// address.
func (s *siege) account(h human, purpose identity.Purpose, provider string, n int, address string, vouches bool) identity.Proof {
	p := s.proof(purpose, provider, fmt.Sprintf("%s%s%d", s.prefix, h, n))
	p.Email, p.EmailAuthoritative, p.Reported = address, vouches, true
	return p
}

// anyProof is a proof that someone can make: an address is vouched for only while
// it is in their hands.
func (s *siege) anyProof(h human, purpose identity.Purpose) (identity.Proof, bool) {
	owner, at := pick(s.r, "address of", humans), pick(s.r, "address at", []string{"home", "corp"})
	address := s.address(owner, at)
	switch provider := pick(s.r, "provider", []string{"google", "google", "github", "siwe", "email"}); provider {
	case "siwe":
		p := s.proof(purpose, provider, s.prefix+string(h))
		wallet(&p)
		return p, true
	case "email":
		p := s.proof(purpose, provider, address, vouched(address))
		return p, s.controls(h, address)
	default:
		p := s.account(h, purpose, provider, between(s.r, "account", 1, 2), address, s.controls(h, address))
		if between(s.r, "silent", 0, 4) == 0 {
			p.Email, p.EmailAuthoritative, p.Reported = "", false, false
		}
		return p, true
	}
}

func (s *siege) browserOf(h human) []byte { return identity.HashSecret(string(h) + "'s browser") }

// on draws the current principal of one of someone's devices; nil if there is none.
func (s *siege) on(h human) *session.Principal {
	_, p := s.device(h)
	return p
}

func (s *siege) device(h human) (*device, *session.Principal) {
	mine := slices.DeleteFunc(slices.Clone(s.devices), func(d *device) bool { return d.who != h })
	if len(mine) == 0 {
		return nil, nil
	}
	d := pick(s.r, "device", mine)
	p, err := s.sessions.Authenticate(s.t.Context(), d.token, identity.RequestOrigin{})
	if err != nil {
		return d, nil
	}
	return d, &p
}

// now is the account that has become of one.
func (s *siege) now(id identity.ID) identity.ID {
	for {
		next, merged := s.into[id]
		if !merged {
			return id
		}
		id = next
	}
}

func (s *siege) isIn(h human, id identity.ID) bool { return s.people[s.now(id)][h] }

func (s *siege) letIn(h human, id identity.ID) {
	id = s.now(id)
	if s.people[id] == nil {
		s.people[id] = map[human]bool{}
	}
	s.people[id][h] = true
}

// check looks at everything that anyone has.
func (s *siege) check() {
	for _, d := range s.devices {
		if p, err := s.sessions.Authenticate(s.t.Context(), d.token, identity.RequestOrigin{}); err == nil && !s.isIn(d.who, p.User.ID) {
			s.r.Fatalf("%s has a session of %v", d.who, s.people[s.now(p.User.ID)])
		}
	}
	rows := s.query(fmt.Sprintf(`
		SELECT 'identity', provider || ' ' || subject || ' ' || CAST(user_id AS text) FROM identities WHERE subject LIKE '%[1]s%%'
		UNION ALL SELECT 'address', address || ' ' || CAST(user_id AS text) FROM emails WHERE address LIKE '%[1]s%%'
		UNION ALL SELECT 'member', CAST(user_id AS text) FROM memberships WHERE team_id = '%[2]s'`, s.prefix, s.team))
	for _, row := range rows {
		words := strings.Fields(row[1])
		id, err := uuid.Parse(words[len(words)-1])
		if err != nil {
			s.r.Fatal(err)
		}
		in := s.people[s.now(id)]
		switch row[0] {
		case "identity":
			k := words[0] + " " + words[1]
			if home, linked := s.home[k]; !linked || s.now(home) != id {
				s.r.Fatalf("%s is of %s, and was linked to %s", k, id, home)
			}
			who := human(strings.TrimRight(strings.TrimPrefix(words[1], s.prefix), "12"))
			if words[0] != identity.ProviderEmail && !in[who] {
				s.r.Fatalf("%s of %s is in the hands of %v:\n%s", k, who, in, s.story())
			}
		case "address":
			if !s.owns(id, words[0]) {
				s.r.Fatalf("%s is in the hands of %v, for nothing:\n%s", words[0], in, s.story())
			}
		case "member":
			if !slices.ContainsFunc(humans, func(h human) bool { return in[h] && s.members[h] }) {
				s.r.Fatalf("%v are in the team of %v", in, s.members)
			}
		}
	}
}

func (s *siege) query(query string) [][2]string {
	h := history{world: s.world, t: s.t, r: s.r}
	return h.query(query)
}

// story is the diary, for who reads a failure.
func (s *siege) story() string {
	var out strings.Builder
	for _, e := range s.diary {
		fmt.Fprintf(&out, "  %+v\n", e)
	}
	return out.String()
}

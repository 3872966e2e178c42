// Package demo fills a development server with people, teams and a month of
// sign-ins, so that every page has something to show. The same seed gives the same
// people in the same states; only the times follow the clock.
package demo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/identity/teamsession"
	"github.com/latchkey/latchkey/linking"
)

// How much there is of everything.
const (
	members   = 100 // of the large team
	visitors  = 12  // of the small one, who are in the large one too
	sessions  = 250 // in the large team
	strangers = 10  // in no team: they came with an import
	days      = 30
	invited   = 6
)

const (
	day = 24 * time.Hour
	// The subject of a person at a provider is subjects and their number.
	subjects = 770_000_000_000
	// source is what the import is called.
	source = "auth0"
)

// Store is where the people go.
type Store interface {
	InTx(ctx context.Context, fn func(ctx context.Context) error) error
	IdentityOwner(ctx context.Context, provider, subject string) (identity.Identity, identity.User, error)
	Import(ctx context.Context, b identity.ImportBatch) error
	InsertTeam(ctx context.Context, t team.Team) error
	InsertMemberships(ctx context.Context, ms []team.Membership) error
	InsertInvitation(ctx context.Context, i team.Invitation) (bool, error)
	SetTeamPolicy(ctx context.Context, id identity.ID, p team.Policy, by identity.ID, at time.Time) error
	InsertSession(ctx context.Context, s session.Session) error
	InsertTeamSession(ctx context.Context, t teamsession.Session) error
	RecordDuplicates(ctx context.Context, pairs []linking.Duplicate) error
	RecordEvents(ctx context.Context, events ...identity.Event) error
	MembershipsWithTeam(ctx context.Context, user identity.ID, p identity.Page) ([]team.MembershipWithTeam, error)
}

// Roles are the people to sign in as, in the order in which they are listed.
var Roles = []string{"owner", "admin", "member", "operator"}

// subjectOf is the Google account of one of Roles.
func subjectOf(role string) string {
	for i, r := range Roles {
		if r == role {
			return strconv.Itoa(subjects + i)
		}
	}
	return ""
}

// person is someone of the seed.
type person struct {
	user       identity.User
	identities []identity.Identity
	imported   bool
}

// seed builds everything that one transaction writes.
type seed struct {
	random *rand.Rand
	now    time.Time
	people []person
	batch  identity.ImportBatch
	large  team.Team
	small  team.Team
}

// Seed fills the store, unless it has been filled before.
func Seed(ctx context.Context, store Store, now time.Time) error {
	return store.InTx(ctx, func(ctx context.Context) error {
		_, _, err := store.IdentityOwner(ctx, identity.ProviderGoogle, subjectOf("owner"))
		if err == nil || !errors.Is(err, identity.ErrNotFound) {
			return err
		}
		s := &seed{random: rand.New(rand.NewPCG(20, 26)), now: now} //nolint:gosec // the same people each time
		s.addPeople()
		if err := store.Import(ctx, s.batch); err != nil {
			return fmt.Errorf("people: %w", err)
		}
		if err := s.addTeams(ctx, store); err != nil {
			return fmt.Errorf("teams: %w", err)
		}
		if err := s.addSessions(ctx, store); err != nil {
			return fmt.Errorf("sessions: %w", err)
		}
		if err := store.RecordDuplicates(ctx, s.duplicates()); err != nil {
			return fmt.Errorf("duplicates: %w", err)
		}
		return s.addHistory(ctx, store)
	})
}

// id returns a UUIDv7 of a time, the same for the same seed and time.
func (s *seed) id(at time.Time) (id identity.ID) {
	for i := range id {
		id[i] = byte(s.random.Uint32() & 0xff)
	}
	ms := at.UnixMilli()
	for i := range 6 {
		id[i] = byte(ms >> (40 - 8*i) & 0xff)
	}
	id[6], id[8] = 0x70|id[6]&0x0f, 0x80|id[8]&0x3f
	return id
}

// before is a time in the last so many days, to the second. More of it is recent.
func (s *seed) before(most time.Duration) time.Time {
	x := s.random.Float64()
	return s.now.Add(-time.Duration(x * x * float64(most))).Truncate(time.Second)
}

func pick(s *seed, from []string) string { return from[s.random.IntN(len(from))] }

func (s *seed) addPeople() {
	s.add(0, "Dana Whitfield", "dana.whitfield@harborlabs.example")
	s.add(1, "Maximilian Oberhuber-Lindqvist", "maximilian.oberhuber-lindqvist@research.harborlabs.example")
	s.add(2, "Olivia Hartmann", "olivia.hartmann@harborlabs.example")
	s.add(3, "Ines Opitz", "ines.opitz@harborlabs.example")
	s.batch.Users[3].Operator = true
	s.people[3].user.Operator = true
	for n := len(s.people); n < members+strangers+1; n++ { // the operator is in no team
		switch {
		case n%9 == 0:
			s.addWallet(n, "")
		case n%20 == 7:
			s.add(n, whole[n/20%len(whole)], fmt.Sprintf("person.%d@harborlabs.example", n))
		default:
			g, f := given[n%len(given)], family[n*7%len(family)]
			s.add(n, g+" "+f, address(g, f, n))
		}
	}
}

// address is what a company would give to someone of this name.
func address(given, family string, n int) string {
	plain := func(s string) string {
		return strings.Map(func(r rune) rune {
			if r >= 'a' && r <= 'z' {
				return r
			}
			return -1
		}, strings.ToLower(s))
	}
	if n%11 == 0 { // thirty letters and more
		return fmt.Sprintf("%s.%s.external.consulting.%d@partners.harborlabs.example", plain(given), plain(family), n)
	}
	return fmt.Sprintf("%s.%s%d@harborlabs.example", plain(given), plain(family), n)
}

// add makes a person with a Google account, and some with more.
func (s *seed) add(n int, name, email string) {
	p := s.newPerson(n, name)
	p.imported = n > members
	s.identity(&p, identity.ProviderGoogle, strconv.Itoa(subjects+n), email)
	if n > 3 && n%3 == 0 {
		s.identity(&p, identity.ProviderGitHub, strconv.Itoa(4_100_000+n), email)
	}
	if n%10 == 4 {
		s.wallet(&p)
	}
	s.keep(p, email)
}

// addWallet makes a person of whom nothing but a wallet is known.
func (s *seed) addWallet(n int, name string) {
	p := s.newPerson(n, name)
	s.wallet(&p)
	s.keep(p, "")
}

func (s *seed) newPerson(n int, name string) person {
	at := s.now.Add(-time.Duration(400-3*n) * day / 2).Truncate(time.Second)
	return person{user: identity.User{ID: s.id(at), DisplayName: name, Status: identity.StatusActive, CreatedAt: at, UpdatedAt: at}}
}

func (s *seed) identity(p *person, provider, subject, email string) {
	at := p.user.CreatedAt.Add(time.Duration(len(p.identities)) * day)
	p.identities = append(p.identities, identity.Identity{
		ID: s.id(at), UserID: p.user.ID, Provider: provider, Subject: subject, Email: email, EmailAuthoritative: email != "",
		CreatedAt: at, LastUsedAt: s.before(10 * day),
	})
}

func (s *seed) wallet(p *person) {
	raw := make([]byte, common.AddressLength)
	for i := range raw {
		raw[i] = byte(s.random.Uint32() & 0xff)
	}
	address, kind, chain := common.BytesToAddress(raw).Hex(), "eoa", int64(1)
	s.identity(p, identity.ProviderSIWE, "eip155:"+address, "")
	i := &p.identities[len(p.identities)-1]
	i.WalletAddress, i.WalletKind, i.WalletChainID, i.IsPrimary = &address, &kind, &chain, true
}

func (s *seed) keep(p person, email string) {
	s.people = append(s.people, p)
	b := &s.batch
	b.Users = append(b.Users, p.user)
	b.Identities = append(b.Identities, p.identities...)
	data := identity.Metadata{"provider": p.identities[0].Provider, "reason": "new_person"}
	if p.imported {
		data = identity.Metadata{"reason": "imported", "from": source, "source_id": p.identities[0].Subject}
		b.Imported = append(b.Imported, identity.Imported{Origin: source, SourceID: p.identities[0].Subject, UserID: p.user.ID, Email: email, ImportedAt: p.user.CreatedAt})
	}
	b.Events = append(b.Events, s.event(p, identity.ActionUserCreated, p.user.CreatedAt, data))
	if email == "" {
		return
	}
	b.Emails = append(b.Emails, identity.Email{Address: email, UserID: p.user.ID, Source: p.identities[0].Provider, VerifiedAt: p.user.CreatedAt})
	for _, i := range p.identities {
		if i.Email == email {
			b.Vouchers = append(b.Vouchers, identity.Voucher{
				ID: s.id(i.CreatedAt), Address: email, Provider: i.Provider, Subject: i.Subject, UserID: &p.user.ID, FirstAt: i.CreatedAt, LastAt: i.LastUsedAt,
			})
		}
	}
}

func (s *seed) event(p person, action identity.Action, at time.Time, data identity.Metadata) identity.Event {
	return identity.Event{
		ID: s.id(at), At: at, Action: action, ActorID: &p.user.ID, UserID: &p.user.ID, IP: s.address(), UserAgent: pick(s, devices), Data: data,
	}
}

// address is of a network for documentation (RFC 5737, RFC 3849).
func (s *seed) address() string {
	if s.random.IntN(6) == 0 {
		return fmt.Sprintf("2001:db8:4f1:%x::%x", s.random.IntN(0xff)+1, s.random.IntN(0xffff)+1)
	}
	return fmt.Sprintf("%s.%d", pick(s, []string{"192.0.2", "198.51.100", "203.0.113"}), s.random.IntN(254)+1)
}

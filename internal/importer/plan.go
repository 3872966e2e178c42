package importer

import (
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/linking"
)

// plan is what a batch of people becomes. Making it writes nothing.
type plan struct {
	facts  *facts
	origin string
	now    time.Time
	batch  identity.ImportBatch
	pairs  []linking.Duplicate
	paired map[[2]identity.ID]int // index in pairs
	report *Report
}

func newPlan(f *facts, o Options) *plan {
	return &plan{facts: f, origin: o.Origin, now: o.Now(), report: NewReport(), paired: map[[2]identity.ID]int{}}
}

func (p *plan) add(people []Person) {
	for _, person := range people {
		p.report.Read++
		p.person(person)
	}
}

// newcomer is a person that is being imported.
type newcomer struct {
	Person
	user     identity.User
	here     bool   // was a user before
	address  string // canonical, or "" for none that can be used
	owner    *identity.ID
	ways     []way
	accounts []Account // of ways
}

func (p *plan) person(from Person) {
	switch {
	case !usableID(from.ID):
		p.report.skip("user whose id is no text of up to 255 bytes", clip(from.ID))
		return
	case p.facts.imported[from.ID]:
		p.report.Already++
		return
	case from.Refused != "":
		p.report.skip("user "+from.Refused, from.ID)
		return
	}
	n := newcomer{Person: from}
	p.readAddress(&n)
	p.readWays(&n)
	if !p.settle(&n) {
		return
	}
	p.facts.imported[n.ID] = true
	p.keep(n)
	p.claim(n)
	p.hint(n)
}

func (p *plan) readAddress(n *newcomer) {
	if n.Email == "" {
		return
	}
	address, err := identity.CanonicalEmail(n.Email)
	switch {
	case err != nil:
		p.report.skip("address that is not valid", n.ID)
		n.Verified = false
	case placeholder(address):
		n.Verified = false
	default:
		n.address = address
		if !n.Verified {
			p.report.skip("address that the source has not verified", n.ID)
		}
		if owner, taken := p.facts.claimed[address]; taken && n.Verified {
			n.owner = &owner
		}
	}
	if n.address == "" {
		n.Verified = false
	}
}

// readWays maps the accounts. An e-mail identity needs the address: verified,
// and not another user's.
func (p *plan) readWays(n *newcomer) {
	email := false
	have := map[[2]string]bool{}
	for _, a := range n.Accounts {
		w, reason := readAccount(a)
		switch {
		case reason != "":
			p.report.skip(reason, n.ID)
		case w.provider == identity.ProviderEmail:
			email = true
		case !have[[2]string{w.provider, w.subject}]:
			have[[2]string{w.provider, w.subject}] = true
			n.ways, n.accounts = append(n.ways, w), append(n.accounts, a)
		}
	}
	if n.Verified && n.owner == nil && (email || len(n.ways) == 0) {
		n.ways = append(n.ways, way{provider: identity.ProviderEmail, subject: n.address})
		n.accounts = append(n.accounts, Account{Email: n.address})
	}
}

// settle finds who the person is here: the owner of one of the identities, or
// a new user.
func (p *plan) settle(n *newcomer) bool {
	var ways []way
	var accounts []Account
	var others []identity.ID
	for i, w := range n.ways {
		owner, taken := p.facts.owners[[2]string{w.provider, w.subject}]
		switch {
		case !taken:
			ways, accounts = append(ways, w), append(accounts, n.accounts[i])
		case !n.here:
			n.here, n.user = true, p.facts.users[owner]
		case owner != n.user.ID:
			others = append(others, owner)
		}
	}
	switch {
	case n.here && !n.user.Active():
		p.report.skip("user who is disabled here", n.ID)
		return false
	case n.here && n.user.Operator && len(ways) > 0:
		// Identities of another system must not become sign-in methods of this
		// service's operators.
		p.report.skip("user who is an operator here and has further identities in the source", n.ID)
		return false
	case !n.here && len(ways) == 0 && n.owner != nil:
		p.report.skip("user with no sign-in method but an address that another user owns", n.ID)
		return false
	case !n.here && len(ways) == 0:
		p.report.skip("user with no usable identity", n.ID)
		return false
	}
	n.ways, n.accounts = ways, accounts
	if n.here {
		p.report.Attached++
	} else {
		n.user = p.newUser(n.Person)
	}
	for _, other := range others {
		p.report.skip("identity that another user has", n.ID)
		p.pair(n.user.ID, other, linking.DuplicateHint, "one user of "+p.origin+" has identities of both")
	}
	return true
}

func (p *plan) newUser(from Person) identity.User {
	created := p.now
	if c := from.CreatedAt; c != nil && c.Before(p.now) {
		created = *c
	}
	u := identity.User{
		ID: identity.NewID(), DisplayName: identity.OneLine(from.Name, maxName), AvatarURL: cleanAvatar(from.Image),
		Status: identity.StatusActive, CreatedAt: created, UpdatedAt: p.now,
	}
	p.batch.Users = append(p.batch.Users, u)
	p.facts.users[u.ID] = u
	p.report.Created++
	return u
}

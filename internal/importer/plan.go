package importer

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/linking"
)

// plan is what a batch of people becomes. Making it writes nothing.
type plan struct {
	facts  *facts
	o      Options
	shared map[key]string // accounts that several people of the source have: who keeps it
	now    time.Time
	batch  identity.ImportBatch
	bans   []ban
	pairs  []linking.Duplicate
	paired map[[2]identity.ID]int // index in pairs
	notes  []noteRow              // for the batches after, in a dry run
	report *Report
}

// ban is somebody who is to be suspended.
type ban struct {
	user  identity.ID
	until *time.Time
	from  Person
}

func newPlan(f *facts, shared map[key]string, o Options) *plan {
	return &plan{facts: f, o: o, shared: shared, now: o.Now(), report: NewReport(), paired: map[[2]identity.ID]int{}}
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
	user      identity.User
	here      bool // was a user before
	known     bool // came with an earlier import
	addresses []address
	accounts  []linkedAccount // what becomes identities
	sources   []linkedAccount // all that may have brought an address, also what cannot be an identity
	shares    []identity.ID   // users who have an account of this person
	why       map[identity.ID]string
	waiting   []pending
}

// address is one of a newcomer's, canonical.
type address struct {
	Address
	canonical string
	verified  bool         // by the source, or by choice
	owner     *identity.ID // who has it
}

// primary is the address that identities show which have none of their own.
func (n newcomer) primary() string {
	if len(n.addresses) == 0 {
		return ""
	}
	return n.addresses[0].canonical
}

func (p *plan) skip(n Person, reason string) {
	p.report.enter(Entry{Skipped: true, Reason: reason, ID: n.ID, Line: n.Line})
}

func (p *plan) note(n Person, reason, value string, line int) {
	p.report.enter(Entry{Reason: reason, ID: n.ID, Line: max(line, 0), Value: mask(value)})
}

func (p *plan) person(from Person) {
	for _, f := range from.Faults {
		f.ID = from.ID
		p.report.fault(f)
	}
	switch {
	case !usableID(from.ID):
		p.skip(from, "the id is no text of 1 to 255 bytes, or begins with "+identity.ErasedPrefix)
		return
	case rounded(from.ID):
		p.skip(from, "the id was rounded by a spreadsheet: export it as text")
		return
	case from.Deleted:
		p.report.Deleted++
		return
	}
	n := newcomer{Person: from, why: map[identity.ID]string{}}
	if before, known := p.facts.imported[from.ID]; known {
		p.report.Already++
		n.known, n.here, n.user = true, true, p.facts.users[before]
		p.again(&n)
		p.remember(noteRow{noteDone, n.ID, n.user.ID.String(), string(n.user.Status)})
		return
	}
	p.readAccounts(&n)
	p.readAddresses(&n)
	p.leaveShared(&n)
	p.emailIdentities(&n)
	if !p.settle(&n) {
		return
	}
	p.facts.imported[n.ID] = n.user.ID
	p.facts.cameAs[n.user.ID] = append(p.facts.cameAs[n.user.ID], n.ID)
	p.remember(noteRow{noteDone, n.ID, n.user.ID.String(), string(n.user.Status)})
	p.keep(&n)
	p.claim(&n)
	p.pairShared(&n)
	p.hint(&n)
}

func (p *plan) remember(r noteRow) {
	if p.o.DryRun {
		p.notes = append(p.notes, r)
	}
}

// readAccounts maps the accounts. Of two that are the same the first counts.
func (p *plan) readAccounts(n *newcomer) {
	have := map[key]bool{}
	for _, a := range n.Accounts {
		l, reason := p.o.Providers.read(a)
		n.sources = append(n.sources, l)
		switch {
		case reason != "":
			p.note(n.Person, reason, a.Subject, a.Line)
		case !have[l.key()]:
			have[l.key()] = true
			n.accounts = append(n.accounts, l)
		}
	}
}

// readAddresses decides which addresses count as verified.
func (p *plan) readAddresses(n *newcomer) {
	have := map[string]bool{}
	for _, a := range n.Addresses {
		if a.Email == "" {
			continue
		}
		canonical, err := identity.CanonicalEmail(a.Email)
		switch {
		case err != nil:
			p.note(n.Person, "address that is not valid", a.Email, a.Line)
			continue
		case placeholder(canonical), have[canonical]:
			continue
		}
		have[canonical] = true
		p.readAddress(n, address{Address: a, canonical: canonical, verified: a.Verified && !a.Vetoed})
	}
	// An account of a trusted provider may have an address that the person has not.
	for _, a := range n.sources {
		if a.shown != "" && !have[a.shown] && !a.Denied && p.o.Trust.covers(a.provider, a.shown) {
			have[a.shown] = true
			p.readAddress(n, address{Address: Address{Email: a.Email}, canonical: a.shown})
		}
	}
}

// choices are what is reported as a choice of trust.
var choices = []struct {
	flag  string
	trust Trust
}{
	{"--trust google", Trust{Providers: map[string][]string{identity.ProviderGoogle: nil}}},
	{"--trust github", Trust{Providers: map[string][]string{identity.ProviderGitHub: nil}}},
	{"--trust google,github", Trust{Providers: map[string][]string{identity.ProviderGoogle: nil, identity.ProviderGitHub: nil}}},
}

func (p *plan) readAddress(n *newcomer, a address) {
	if !a.verified {
		p.report.Unverified++
		for _, c := range choices {
			if c.trust.proves(n.sources, a.canonical) && !a.Vetoed {
				p.report.Choices[c.flag]++
			}
		}
		p.report.Choices["--trust-addresses"]++
		a.verified = p.o.Trust.Addresses || !a.Vetoed && p.o.Trust.proves(n.sources, a.canonical)
		switch {
		case a.verified:
			p.report.Trusted++
		case a.Vetoed:
			p.note(n.Person, "address that the source calls verified in one place and not verified in another: not taken for verified", a.Email, a.Line)
		default:
			p.note(n.Person, "address that the source has not verified", a.Email, a.Line)
		}
	}
	if owner, taken := p.facts.claimed[a.canonical]; taken {
		a.owner = &owner
	}
	n.addresses = append(n.addresses, a)
}

// emailIdentities makes sign-in methods of the e-mail accounts: of addresses that are
// verified and free. Somebody without another method gets one for their address.
func (p *plan) emailIdentities(n *newcomer) {
	var kept []linkedAccount
	mailed := map[string]bool{}
	for _, a := range n.accounts {
		if a.provider != identity.ProviderEmail {
			kept = append(kept, a)
			continue
		}
		if a.subject == "" {
			a.subject = n.primary()
		}
		mailed[a.subject] = true
	}
	others := len(kept)
	for _, a := range n.addresses {
		if !a.verified || a.owner != nil || !mailed[a.canonical] && (others > 0 || len(kept) > 0) {
			continue
		}
		kept = append(kept, linkedAccount{
			Account: Account{Provider: identity.ProviderEmail, Email: a.Email, Line: a.Line}, provider: identity.ProviderEmail, subject: a.canonical, shown: a.canonical,
		})
	}
	n.accounts = kept
}

// leaveShared leaves an account that several people of the source have to the one with
// the best claim. Two people of the source stay two, and the pair is noted.
func (p *plan) leaveShared(n *newcomer) {
	n.accounts = slices.DeleteFunc(n.accounts, func(a linkedAccount) bool {
		owner, taken := p.facts.owners[a.key()]
		winner, several := p.shared[a.key()]
		switch {
		case taken && len(p.facts.cameAs[owner]) > 0:
			n.shares = append(n.shares, owner)
			n.why[owner] = p.shareReason(n, a, p.facts.cameAs[owner][0])
		case several && winner != n.ID: // the user here who has it, or a new one, is the winner
			n.waiting = append(n.waiting, pending{source: winner, user: linking.Duplicate{Reason: p.shareReason(n, a, winner)}})
		default:
			return false
		}
		p.note(n.Person, "account that another user of the source has, too", a.Subject, a.Line)
		return true
	})
}

// settle finds who the person is here: the owner of one of the identities, or a new
// user.
func (p *plan) settle(n *newcomer) bool {
	var kept []linkedAccount
	var others []identity.ID
	for _, a := range n.accounts {
		owner, taken := p.facts.owners[a.key()]
		switch {
		case !taken:
			kept = append(kept, a)
		case !n.here:
			n.here, n.user = true, p.facts.users[owner]
			p.remember(noteRow{noteOwner, a.provider + " " + a.subject, owner.String(), n.ID})
		case owner != n.user.ID:
			others = append(others, owner)
		}
	}
	var left string
	switch {
	case n.here && !n.user.Active():
		left = "user who is suspended here"
	case n.here && n.Ban != nil:
		left = "user who is banned in the source and was here before: decide about them here"
	case n.here && n.user.Operator && len(kept) > 0:
		// Identities of another system must not become sign-in methods of this
		// service's operators.
		left = "user who is an operator here and has further identities in the source"
	case !n.here && len(kept) == 0:
		left = p.unusable(n)
	}
	if left != "" {
		p.skip(n.Person, left)
		return false
	}
	n.accounts = kept
	if n.here {
		p.leaveRemoved(n)
		p.report.Attached++
	} else {
		n.user = p.newUser(n)
	}
	for _, other := range others {
		p.note(n.Person, "account that another user here has", "", 0)
		n.shares = append(n.shares, other)
		n.why[other] = "one user of " + p.o.Origin + " has identities of both"
	}
	return true
}

// leaveRemoved leaves out what the person removed here: it does not come back.
func (p *plan) leaveRemoved(n *newcomer) {
	unlinked, had := p.facts.unlinked[n.user.ID], p.facts.vouched[n.user.ID]
	n.accounts = slices.DeleteFunc(n.accounts, func(a linkedAccount) bool {
		removed := unlinked[a.key()] || a.provider == identity.ProviderEmail && had[a.subject]
		if removed {
			p.note(n.Person, "account that the user removed here", a.subject, a.Line)
		}
		return removed
	})
	n.addresses = slices.DeleteFunc(n.addresses, func(a address) bool {
		removed := a.verified && a.owner == nil && had[a.canonical]
		if removed {
			p.note(n.Person, "address that the user removed here", a.Email, a.Line)
		}
		return removed
	})
}

// unusable says why no user can be made of a person.
func (p *plan) unusable(n *newcomer) string {
	switch {
	case len(n.shares) > 0 || len(n.waiting) > 0:
		return "no sign-in method of their own: another user of the source has the account"
	case len(n.addresses) > 0 && n.addresses[0].verified && n.addresses[0].owner != nil:
		return "no sign-in method but an address that another user owns"
	case len(n.sources) > 0:
		return "no account that Latchkey can sign in, and no verified address"
	}
	return "no account and no verified address"
}

func (p *plan) shareReason(n *newcomer, a linkedAccount, other string) string {
	return fmt.Sprintf("both have the same %s account in %s, where they are the users %s and %s", a.provider, p.o.Origin,
		strconv.QuoteToASCII(clip(other)), strconv.QuoteToASCII(clip(n.ID)))
}

func (p *plan) newUser(n *newcomer) identity.User {
	created := p.now
	if c := n.CreatedAt; c != nil && c.Before(p.now) {
		created = *c
	}
	u := identity.User{
		ID: identity.NewID(), DisplayName: identity.OneLine(n.Name, maxName), AvatarURL: cleanAvatar(n.Image),
		Status: identity.StatusActive, CreatedAt: created, UpdatedAt: p.now,
	}
	if n.Image != "" && u.AvatarURL == "" {
		p.note(n.Person, "picture that is no https address", n.Image, 0)
	}
	if id, ok := keptID(n.ID); p.o.KeepIDs {
		switch {
		case !ok:
			p.note(n.Person, "id that is no UUID: the user has a new one", n.ID, 0)
		case p.facts.taken[id.String()]:
			p.note(n.Person, "id that another user here has: the user has a new one", n.ID, 0)
		default:
			u.ID = id
		}
	}
	if p.facts.taken["ext:"+n.ID] {
		p.note(n.Person, "id that is another user's external_id here", n.ID, 0)
	} else {
		u.ExternalID = new(n.ID)
	}
	for _, k := range []string{u.ID.String(), "ext:" + n.ID} {
		p.facts.taken[k] = true
		p.remember(noteRow{noteTaken, k, "", ""})
	}
	if n.Onboarded != nil {
		at := *n.Onboarded
		if at.After(p.now) {
			at = p.now
		}
		u.OnboardedAt = &at
	}
	u.Metadata, u.AppMetadata = p.metadata(n.Person, "metadata", n.Metadata), p.metadata(n.Person, "app_metadata", n.AppMetadata)
	if n.Ban != nil {
		u.Status, u.SuspendedUntil = identity.StatusDisabled, n.Ban.Until
		p.report.Suspended++
	}
	p.batch.Users = append(p.batch.Users, u)
	p.facts.users[u.ID] = u
	p.report.Created++
	return u
}

// metadata returns what can be kept of a person's metadata.
func (p *plan) metadata(n Person, field string, m identity.Metadata) identity.RawMetadata {
	if len(m) == 0 {
		return ""
	}
	exact(map[string]any(m))
	if err := identity.CheckMetadata(m); err != nil {
		p.report.enter(Entry{Reason: field + " that cannot be kept: " + err.Error(), ID: n.ID, Line: n.Line})
		return ""
	}
	return m.Raw()
}

package importer

import (
	"slices"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/linking"
)

// keep adds the person's identities and remembers their source.
func (p *plan) keep(n *newcomer) {
	primary := primaryWallet(n)
	var names []string
	for i, a := range n.accounts {
		id := identity.Identity{
			ID: identity.NewID(), UserID: n.user.ID, Provider: a.provider, Subject: a.subject, Label: n.user.DisplayName,
			Email: shownBy(n, i), EmailAuthoritative: a.provider == identity.ProviderEmail,
			CreatedAt: n.user.CreatedAt, LastUsedAt: n.user.CreatedAt,
		}
		if a.wallet != nil {
			id.WalletAddress, id.WalletChainID, id.WalletKind = &a.wallet.Address, &a.wallet.ChainID, &a.wallet.Kind
			id.IsPrimary = !n.here && i == primary
		}
		if n.here {
			id.CreatedAt, id.LastUsedAt = p.now, p.now
			p.event(n, identity.ActionIdentityLinked, identity.Metadata{"provider": a.provider})
		}
		names = append(names, a.provider)
		p.batch.Identities = append(p.batch.Identities, id)
		p.facts.owners[a.key()] = n.user.ID
		p.remember(noteRow{noteOwner, a.provider + " " + a.subject, n.user.ID.String(), n.ID})
		p.report.Identities++
	}
	if n.known {
		return
	}
	if !n.here {
		p.event(n, identity.ActionUserCreated, identity.Metadata{"providers": names})
		if n.Ban != nil {
			data := identity.Metadata{}
			if n.Ban.Until != nil {
				data["until"] = n.Ban.Until
			}
			p.event(n, identity.ActionUserSuspended, data)
		}
	}
	from := identity.Imported{Origin: p.o.Origin, SourceID: n.ID, UserID: n.user.ID, ImportedAt: p.now}
	if i := slices.IndexFunc(n.addresses, func(a address) bool { return a.verified }); i >= 0 {
		from.Email = n.addresses[i].Email
	}
	p.batch.Imported = append(p.batch.Imported, from)
}

// primaryWallet is the index of the wallet that the source calls primary, else
// of the first.
func primaryWallet(n *newcomer) int {
	first := slices.IndexFunc(n.accounts, func(a linkedAccount) bool { return a.wallet != nil })
	for i, a := range n.accounts {
		if a.wallet != nil && a.Primary {
			return i
		}
	}
	return first
}

// shownBy is the address an identity shows: its own, else the person's. On a
// wallet that is only so when there is nowhere else to keep it.
func shownBy(n *newcomer, i int) string {
	if own := n.accounts[i].shown; own != "" {
		return own
	}
	if n.accounts[i].wallet != nil && slices.ContainsFunc(n.accounts, func(a linkedAccount) bool { return a.wallet == nil }) {
		return ""
	}
	return n.primary()
}

// claim gives the person the verified addresses, unless another user has them.
func (p *plan) claim(n *newcomer) {
	for _, a := range n.addresses {
		switch {
		case !a.verified:
		case a.owner == nil:
			p.batch.Emails = append(p.batch.Emails, identity.Email{
				Address: a.canonical, UserID: n.user.ID, Source: p.o.Origin, VerifiedAt: p.now,
			})
			p.batch.Vouchers = append(p.batch.Vouchers, p.voucher(n, a.canonical))
			p.facts.claimed[a.canonical] = n.user.ID
			p.facts.spelled[n.user.ID] = append(p.facts.spelled[n.user.ID], a.Email)
			p.remember(noteRow{noteClaim, a.canonical, n.user.ID.String(), a.Email})
			p.report.Addresses++
		case *a.owner != n.user.ID:
			p.note(n.Person, "address that another user owns", a.Email, a.Line)
			kind, reason := linking.DuplicateAddress, "the same verified address"
			spelled := p.facts.spelled[*a.owner]
			if len(spelled) == 0 {
				spelled = []string{a.canonical}
			}
			if !slices.Contains(spelled, a.Email) {
				kind, reason = linking.DuplicateSpelling, "the same verified address in another spelling"
			}
			if p.trustedOnly(a) {
				kind, reason = linking.DuplicateHint, "the same address, which one of them has by the choice of trust at the import"
			}
			p.pair(n.user.ID, *a.owner, kind, reason)
		}
	}
}

// trustedOnly reports whether only the operator's choice says that the address is the
// person's: that is not certain enough to merge users by.
func (p *plan) trustedOnly(a address) bool { return !a.Verified || a.Vetoed }

// voucher is what makes the address the person's: their e-mail identity, where
// they have one for it, else the import.
func (p *plan) voucher(n *newcomer, address string) identity.Voucher {
	v := identity.Voucher{
		ID: identity.NewID(), Address: address, Provider: identity.ImportProvider(p.o.Origin), Subject: n.ID,
		UserID: &n.user.ID, FirstAt: p.now, LastAt: p.now,
	}
	for _, a := range n.accounts {
		if a.provider == identity.ProviderEmail && a.subject == address {
			v.Provider, v.Subject = a.provider, a.subject
		}
	}
	return v
}

// pairShared notes the users who have an account of this person.
func (p *plan) pairShared(n *newcomer) {
	for _, other := range n.shares {
		p.pair(n.user.ID, other, linking.DuplicateHint, n.why[other])
	}
	for _, w := range n.waiting {
		w.user.FirstID = n.user.ID
		p.report.pending = append(p.report.pending, w)
	}
}

// hint notes who else may be this person, by what proves nothing.
func (p *plan) hint(n *newcomer) {
	left := hintsPerPerson
	note := func(other identity.ID, reason string) {
		if other != n.user.ID && left > 0 {
			left--
			p.pair(n.user.ID, other, linking.DuplicateHint, reason)
		}
	}
	for _, a := range n.addresses {
		if a.owner != nil && !a.verified {
			note(*a.owner, "shows an address that the other has verified")
		}
		for _, other := range p.facts.shown[a.canonical] {
			note(other, "the same address, not verified")
		}
	}
	host := hostOf(n.user.AvatarURL)
	for _, other := range p.facts.named[n.user.DisplayName] {
		if other.host == host {
			note(other.id, "the same name, and pictures at the same place")
		}
	}
	for i := range n.accounts {
		shown := shownBy(n, i)
		p.facts.show(shown, n.user.ID)
		if shown != "" {
			p.remember(noteRow{noteShown, shown, n.user.ID.String(), ""})
		}
	}
	p.facts.name(n.user.DisplayName, n.user.AvatarURL, n.user.ID)
	if n.user.DisplayName != "" && host != "" {
		p.remember(noteRow{noteNamed, n.user.DisplayName, n.user.ID.String(), host})
	}
}

// pair notes two users as one candidate, by the surest kind there is.
func (p *plan) pair(a, b identity.ID, kind linking.DuplicateKind, reason string) {
	d := linking.NewDuplicate(a, b, kind, reason, p.now)
	key := [2]identity.ID{d.FirstID, d.SecondID}
	at, known := p.paired[key]
	switch {
	case !known:
		p.paired[key] = len(p.pairs)
		p.pairs = append(p.pairs, d)
	case p.pairs[at].Kind == linking.DuplicateHint && kind != linking.DuplicateHint:
		p.report.Pairs[linking.DuplicateHint]--
		p.pairs[at] = d
	default:
		return
	}
	p.report.Pairs[kind]++
}

func (p *plan) event(n *newcomer, action identity.Action, data identity.Metadata) {
	data["reason"], data["from"], data["source_id"] = "imported", p.o.Origin, n.ID
	p.batch.Events = append(p.batch.Events, identity.Event{
		ID: identity.NewID(), At: p.now, Action: action, UserID: &n.user.ID, Data: data,
	})
}

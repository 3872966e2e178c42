package importer

import (
	"slices"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/linking"
)

// keep adds the person's identities and remembers their source.
func (p *plan) keep(n newcomer) {
	primary := primaryWallet(n)
	var names []string
	for i, w := range n.ways {
		id := identity.Identity{
			ID: identity.NewID(), UserID: n.user.ID, Provider: w.provider, Subject: w.subject, Label: n.user.DisplayName,
			Email: shownBy(n, i), EmailAuthoritative: w.provider == identity.ProviderEmail,
			CreatedAt: n.user.CreatedAt, LastUsedAt: n.user.CreatedAt,
		}
		if w.wallet != nil {
			id.WalletAddress, id.WalletChainID, id.WalletKind = &w.wallet.Address, &w.wallet.ChainID, &w.wallet.Kind
			id.IsPrimary = !n.here && i == primary
		}
		if n.here {
			id.CreatedAt, id.LastUsedAt = p.now, p.now
			p.event(n, identity.ActionIdentityLinked, identity.Metadata{"provider": w.provider})
		}
		names = append(names, w.provider)
		p.batch.Identities = append(p.batch.Identities, id)
		p.facts.owners[[2]string{w.provider, w.subject}] = n.user.ID
		p.report.Identities++
	}
	if !n.here {
		p.event(n, identity.ActionUserCreated, identity.Metadata{"providers": names})
	}
	from := identity.Imported{Origin: p.origin, SourceID: n.ID, UserID: n.user.ID, ImportedAt: p.now}
	if n.Verified {
		from.Email = n.Email
	}
	p.batch.Imported = append(p.batch.Imported, from)
}

// primaryWallet is the index of the wallet that the source calls primary, else
// of the first.
func primaryWallet(n newcomer) int {
	first := slices.IndexFunc(n.ways, func(w way) bool { return w.wallet != nil })
	for i, w := range n.ways {
		if w.wallet != nil && n.accounts[i].Primary {
			return i
		}
	}
	return first
}

// shownBy is the address an identity shows: its own, else the person's. On a
// wallet that is only so when there is nowhere else to keep it.
func shownBy(n newcomer, i int) string {
	if own, err := identity.CanonicalEmail(n.accounts[i].Email); err == nil && !placeholder(own) {
		return own
	}
	if n.ways[i].wallet != nil && slices.ContainsFunc(n.ways, func(w way) bool { return w.wallet == nil }) {
		return ""
	}
	return n.address
}

// claim gives the person the verified address, unless another user has it.
func (p *plan) claim(n newcomer) {
	if !n.Verified {
		return
	}
	switch {
	case n.owner == nil:
		p.batch.Emails = append(p.batch.Emails, identity.Email{
			Address: n.address, UserID: n.user.ID, Source: p.origin, VerifiedAt: p.now,
		})
		p.batch.Vouchers = append(p.batch.Vouchers, p.voucher(n))
		p.facts.claimed[n.address] = n.user.ID
		p.facts.spelled[n.user.ID] = append(p.facts.spelled[n.user.ID], n.Email)
		p.report.Addresses++
	case *n.owner != n.user.ID:
		p.report.skip("address that another user owns", n.ID)
		kind, reason := linking.DuplicateAddress, "the same verified address"
		spelled := p.facts.spelled[*n.owner]
		if len(spelled) == 0 {
			spelled = []string{n.address}
		}
		if !slices.Contains(spelled, n.Email) {
			kind, reason = linking.DuplicateSpelling, "the same verified address in another spelling"
		}
		p.pair(n.user.ID, *n.owner, kind, reason)
	}
}

// voucher is what makes the address the person's: their e-mail identity, where
// they have one for it, else the import.
func (p *plan) voucher(n newcomer) identity.Voucher {
	v := identity.Voucher{
		ID: identity.NewID(), Address: n.address, Provider: identity.ImportProvider(p.origin), Subject: n.ID,
		UserID: &n.user.ID, FirstAt: p.now, LastAt: p.now,
	}
	for _, w := range n.ways {
		if w.provider == identity.ProviderEmail && w.subject == n.address {
			v.Provider, v.Subject = w.provider, w.subject
		}
	}
	return v
}

// hint notes who else may be this person, by what proves nothing.
func (p *plan) hint(n newcomer) {
	left := hintsPerPerson
	note := func(other identity.ID, reason string) {
		if other != n.user.ID && left > 0 {
			left--
			p.pair(n.user.ID, other, linking.DuplicateHint, reason)
		}
	}
	if owner, taken := p.facts.claimed[n.address]; taken && !n.Verified && n.address != "" {
		note(owner, "shows an address that the other has verified")
	}
	for _, other := range p.facts.shown[n.address] {
		note(other, "the same address, not verified")
	}
	host := hostOf(n.user.AvatarURL)
	for _, other := range p.facts.named[n.user.DisplayName] {
		if other.host == host {
			note(other.id, "the same name, and pictures at the same place")
		}
	}
	for i := range n.ways {
		p.facts.show(shownBy(n, i), n.user.ID)
	}
	p.facts.name(n.user.DisplayName, n.user.AvatarURL, n.user.ID)
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

func (p *plan) event(n newcomer, action identity.Action, data identity.Metadata) {
	data["reason"], data["from"], data["source_id"] = "imported", p.origin, n.ID
	p.batch.Events = append(p.batch.Events, identity.Event{
		ID: identity.NewID(), At: p.now, Action: action, UserID: &n.user.ID, Data: data,
	})
}

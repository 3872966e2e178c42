package importer

import (
	"context"
	"slices"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
)

// again looks for what has changed about a person since an earlier import brought
// them, and takes it over if that is asked for. What people removed here does not come
// back.
func (p *plan) again(n *newcomer) {
	said := p.report // the first import has said what is odd about these values
	p.report = NewReport()
	p.readAccounts(n)
	p.readAddresses(n)
	p.report = said
	// Addresses first: an e-mail identity goes with a new one only.
	n.addresses = slices.DeleteFunc(n.addresses, func(a address) bool {
		return !a.verified || a.owner != nil || p.facts.vouched[n.user.ID][a.canonical]
	})
	mailed := slices.ContainsFunc(n.accounts, func(a linkedAccount) bool { return a.provider == identity.ProviderEmail })
	n.accounts = slices.DeleteFunc(n.accounts, func(a linkedAccount) bool {
		_, taken := p.facts.owners[a.key()]
		winner, several := p.shared[a.key()]
		return a.provider == identity.ProviderEmail || taken || several && winner != n.ID || p.facts.unlinked[n.user.ID][a.key()]
	})
	over := n.Ban == nil && n.user.Status == identity.StatusDisabled && n.user.SuspendedUntil != nil
	banned := n.Ban != nil && (n.user.Active() || p.facts.returning[n.user.ID] || n.user.Status == identity.StatusDisabled && n.Ban.outlasts(n.user.SuspendedUntil))
	if len(n.addresses)+len(n.accounts) == 0 && !banned && !over {
		return
	}
	p.report.Changes[ChangeIdentity] += len(n.accounts)
	p.report.Changes[ChangeAddress] += len(n.addresses)
	if banned {
		p.report.Changes[ChangeBan]++
	}
	if over {
		p.report.Changes[ChangeOver]++
	}
	if !p.o.Update {
		return
	}
	switch {
	case banned && n.user.Operator:
		p.skip(n.Person, "banned in the source since, and an operator here: decide about them here")
		return
	case banned:
		p.bans = append(p.bans, ban{n.user.ID, n.Ban.Until, n.Person})
	case len(n.addresses)+len(n.accounts) == 0:
		return
	case n.user.Operator:
		p.skip(n.Person, "changed in the source, and an operator here: nothing is linked to operators")
		return
	case !n.user.Active():
		p.skip(n.Person, "changed in the source, and suspended here: nothing is linked to them")
		return
	}
	if mailed {
		for _, a := range n.addresses {
			n.accounts = append(n.accounts, linkedAccount{provider: identity.ProviderEmail, subject: a.canonical, shown: a.canonical})
		}
	}
	p.keep(n)
	p.claim(n)
}

// suspend suspends who was banned in the source since, unless a team would have no
// owner then. Their rows have been held since the plan was made.
func (r *run) suspend(ctx context.Context, p *plan) error {
	for _, b := range p.bans {
		if err := r.store.LockTeamsOf(ctx, b.user); err != nil {
			return err
		}
		ownerless, err := r.store.OwnerlessWithout(ctx, b.user)
		if err != nil {
			return err
		}
		if len(ownerless) > 0 {
			p.skip(b.from, "banned in the source since, and the only active owner of a team here: give the team another owner, then suspend them")
			continue
		}
		if err := r.store.Suspend(ctx, b.user, b.until, p.now); err != nil {
			return err
		}
		if p.facts.returning[b.user] {
			if err := r.store.SetRestoresTo(ctx, b.user, identity.StatusDisabled); err != nil {
				return err
			}
		}
		if _, err := r.store.EndSessions(ctx, b.user, session.SessionSelector{}, "suspended", p.now); err != nil {
			return err
		}
		if err := r.store.KillTickets(ctx, b.user, p.now); err != nil {
			return err
		}
		data := identity.Metadata{"reason": "imported", "from": r.o.Origin, "source_id": b.from.ID}
		if b.until != nil {
			data["until"] = b.until
		}
		if err := r.store.RecordEvents(ctx, identity.Event{
			ID: identity.NewID(), At: p.now, Action: identity.ActionUserSuspended, UserID: &b.user, Data: data,
		}); err != nil {
			return err
		}
	}
	return nil
}

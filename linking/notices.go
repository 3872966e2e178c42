package linking

import (
	"context"
	"strings"

	"github.com/latchkey/latchkey/identity"
)

// notify informs the owner of an account of what is done to it, at the addresses
// that it has now: call it before addresses are added or removed.
func (s *Service) notify(ctx context.Context, kind identity.NoticeKind, user identity.ID, what string, origin identity.RequestOrigin) error {
	if s.notices == nil {
		return nil
	}
	to, err := s.store.EmailsOf(ctx, user)
	if err != nil {
		return err
	}
	return s.notifyAt(ctx, kind, to, what, origin)
}

// notifyAt is notify for given addresses.
func (s *Service) notifyAt(ctx context.Context, kind identity.NoticeKind, to []string, what string, origin identity.RequestOrigin) error {
	if s.notices == nil || len(to) == 0 {
		return nil
	}
	return s.notices.Notify(ctx, identity.Notice{Kind: kind, To: to, What: what, At: s.now(), Origin: origin})
}

// name is how a notice names a sign-in method.
func name(i identity.Identity) string {
	switch {
	case i.WalletAddress != nil:
		return "wallet " + *i.WalletAddress
	case i.Provider == identity.ProviderSolana:
		return "Solana wallet " + i.Subject[strings.LastIndex(i.Subject, ":")+1:]
	case i.Provider == identity.ProviderPasskey && i.Label != "":
		return "passkey (" + i.Label + ")"
	case i.Provider == identity.ProviderPasskey:
		return "a passkey"
	case i.Email != "":
		return i.Provider + " (" + i.Email + ")"
	}
	return i.Provider + " (" + i.Subject + ")"
}

// mergeNotice is what a notice says of a merge.
func mergeNotice(p Preview) string {
	if len(p.Gains) == 0 {
		return "It gained no rights by that."
	}
	what := "It gained:"
	for _, g := range p.Gains {
		switch g.Kind {
		case "operator":
			what += " operator of this service;"
		default:
			what += " " + string(g.Role) + " of the team " + g.TeamName + ";"
		}
	}
	return what
}

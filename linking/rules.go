package linking

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/latchkey/latchkey/identity"
)

// SignUp is who may create an account.
type SignUp string

// The rules about creating accounts.
const (
	SignUpOpen    SignUp = "open"    // everybody
	SignUpInvited SignUp = "invited" // who has an open invitation to a team
	SignUpClosed  SignUp = "closed"  // no one
)

// Rules decide who may create an account. People who have one are not affected.
type Rules struct {
	// SignUp is SignUpOpen if it is empty. A value that is unknown counts as
	// SignUpClosed.
	SignUp SignUp
	// Domains are those whose verified addresses may create an account, canonical
	// and without their subdomains; none for any. A proof without a verified
	// address has no domain.
	Domains []string
}

// RuleStore is what the rules ask for.
type RuleStore interface {
	// Invited reports whether there is an invitation that the owner of the address
	// or of the externally owned wallet could accept; each may be "".
	Invited(ctx context.Context, address, wallet string, now time.Time) (bool, error)
}

// gatherRules adds what the rules say about an account that the proof would create.
func (s *Service) gatherRules(ctx context.Context, p identity.Proof, k *lockedFacts) error {
	if k.facts.Purpose != identity.PurposeSignIn || k.identity != nil || k.facts.AddressOwner != nil {
		return nil
	}
	rules, address := s.rules(p.Provider), p.VerifiedEmail()
	k.facts.SignUp = rules.SignUp
	k.facts.ForeignDomain = len(rules.Domains) > 0 && !slices.Contains(rules.Domains, identity.EmailDomain(address))
	if rules.SignUp != SignUpInvited {
		return nil
	}
	wallet := ""
	if account, ok := strings.CutPrefix(p.Subject, "eip155:"); ok && p.Provider == identity.ProviderSIWE {
		wallet = account
	}
	var err error
	k.facts.Invited, err = s.store.Invited(ctx, address, wallet, s.now())
	return err
}

// mayCreate returns why the rules do not let the proof create an account; "" if they
// do.
func (f Facts) mayCreate() (Reason, identity.Code) {
	switch {
	case f.SignUp == SignUpInvited && !f.Invited, f.SignUp != "" && f.SignUp != SignUpOpen && f.SignUp != SignUpInvited:
		return ReasonSignUpClosed, identity.CodeSignUpClosed
	case f.ForeignDomain:
		return ReasonDomainNotAllowed, identity.CodeDomainNotAllowed
	}
	return "", ""
}

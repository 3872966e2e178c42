package linking_test

import (
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
	"github.com/latchkey/latchkey/linking"
)

const (
	invitedWallet  = "eip155:0x52908400098527886E0F7030069857D2E4169EE7"
	strangerWallet = "eip155:0x8617E340B3D01FA5F11F306F4090FD50E238070D"
)

func TestRulesDecideWhoCreatesAnAccount(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		w := newWorld(d, linking.PolicyAuto)
		owner := w.signIn(t, "google", "owner", vouched("owner@corp.example"))
		member := w.signIn(t, "github", "member", vouched("member@corp.example"))
		crew := d.Team(t, owner.User.ID)
		d.Member(t, crew.ID, member.User.ID, team.RoleOwner)
		invite := func(edit func(i *team.Invitation)) {
			d.Invite(t, crew.ID, owner.User.ID, func(i *team.Invitation) { i.Email, i.Role = nil, team.RoleMember }, edit)
		}
		ada, gone, account := "ada@corp.example", "gone@corp.example", invitedWallet[len("eip155:"):]
		invite(func(i *team.Invitation) { i.Email = &ada })
		invite(func(i *team.Invitation) { i.Wallet = &account })
		invite(func(i *team.Invitation) { i.Email, i.ExpiresAt = &gone, d.Clock.Now() })
		sessions := session.NewService(d.DB, nil, session.Limits{Idle: time.Hour, Lifetime: time.Hour}, d.Clock.Now)
		under := func(rules linking.Rules) *linking.Service {
			return linking.NewService(d.DB, sessions, linking.Options{
				Policy: linking.PolicyAuto, Rules: rules, RulesFor: map[string]linking.Rules{"free": {}},
				Usable: func(string) bool { return true }, UndoFor: undoFor,
			}, d.Clock.Now)
		}
		invited, closed := under(linking.Rules{SignUp: linking.SignUpInvited}), under(linking.Rules{SignUp: linking.SignUpClosed})
		domains := under(linking.Rules{Domains: []string{"corp.example"}})
		both := under(linking.Rules{SignUp: linking.SignUpInvited, Domains: []string{"other.example"}})

		check := func(name string, s *linking.Service, p identity.Proof, want linking.Reason) {
			t.Helper()
			e, err := s.Explain(t.Context(), p, nil)
			if err != nil || e.Decision.Reason != want {
				t.Errorf("%s: %+v, %v; want %s", name, e.Decision, err, want)
			}
		}
		proof := func(provider, subject string, edit ...func(*identity.Proof)) identity.Proof {
			return w.proof(identity.PurposeSignIn, provider, subject, edit...)
		}
		check("invited", invited, proof("google", "1", vouched("ada@corp.example")), linking.ReasonNewPerson)
		check("invited, an address that is only shown", invited, proof("google", "1", shown("ada@corp.example")), linking.ReasonSignUpClosed)
		check("not invited", invited, proof("google", "1", vouched("bob@corp.example")), linking.ReasonSignUpClosed)
		check("no address", invited, proof("google", "1"), linking.ReasonSignUpClosed)
		check("an invitation that expired", invited, proof("google", "1", vouched("gone@corp.example")), linking.ReasonSignUpClosed)
		check("an invited wallet", invited, proof(identity.ProviderSIWE, invitedWallet), linking.ReasonNewPerson)
		check("another wallet", invited, proof(identity.ProviderSIWE, strangerWallet), linking.ReasonSignUpClosed)
		check("a contract at the invited address", invited, proof(identity.ProviderSIWE, "eip155:1:"+invitedWallet[len("eip155:"):]), linking.ReasonSignUpClosed)
		check("a provider that is named like a wallet", invited, proof("google", invitedWallet), linking.ReasonSignUpClosed)
		check("closed, invited", closed, proof("google", "1", vouched("ada@corp.example")), linking.ReasonSignUpClosed)
		check("closed, a provider with rules of its own", closed, proof("free", "1", vouched("bob@corp.example")), linking.ReasonNewPerson)
		check("closed, somebody's identity", closed, proof("github", "member", vouched("member@corp.example")), linking.ReasonIdentityOwned)
		check("closed, somebody's address", closed, proof("google", "1", vouched("member@corp.example")), linking.ReasonSameAddress)
		check("the domain", domains, proof("google", "1", vouched("bob@corp.example")), linking.ReasonNewPerson)
		check("another domain", domains, proof("google", "1", vouched("bob@other.example")), linking.ReasonDomainNotAllowed)
		check("a subdomain", domains, proof("google", "1", vouched("bob@mail.corp.example")), linking.ReasonDomainNotAllowed)
		check("a domain that ends alike", domains, proof("google", "1", vouched("bob@evilcorp.example")), linking.ReasonDomainNotAllowed)
		check("the domain, only shown", domains, proof("google", "1", shown("bob@corp.example")), linking.ReasonDomainNotAllowed)
		check("a wallet has no domain", domains, proof(identity.ProviderSIWE, strangerWallet), linking.ReasonDomainNotAllowed)
		check("invited, another domain", both, proof("google", "1", vouched("ada@corp.example")), linking.ReasonDomainNotAllowed)

		// A refusal creates nothing, and says why in the trail.
		p := proof("google", "refused", vouched("bob@corp.example"))
		_, err := closed.Apply(t.Context(), linking.Submission{Proof: p, BrowserHash: w.browser})
		if identity.ErrorCode(err) != identity.CodeSignUpClosed {
			t.Errorf("closed: %v", err)
		}
		if _, _, err := d.IdentityOwner(t.Context(), "google", "refused"); err == nil {
			t.Error("a refused proof has a user")
		}
		var reasons int
		if err := d.SQL.QueryRowContext(t.Context(), `SELECT count(*) FROM audit_events WHERE CAST(data AS TEXT) LIKE '%sign_up_closed%'`).Scan(&reasons); err != nil || reasons != 1 {
			t.Errorf("%d events have the reason, %v", reasons, err)
		}

		// An invitation whose sender is suspended could not be accepted.
		if err := d.Exec("UPDATE users SET status = 'disabled' WHERE id = ?", owner.User.ID); err != nil {
			t.Fatal(err)
		}
		check("invited by somebody who is suspended", invited, proof("google", "1", vouched("ada@corp.example")), linking.ReasonSignUpClosed)
	})
}

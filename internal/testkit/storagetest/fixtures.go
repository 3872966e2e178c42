package storagetest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/audit"
	"github.com/latchkey/latchkey/identity/client"
	"github.com/latchkey/latchkey/identity/method/email"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/identity/teamsession"
)

// Word returns a word that no other test has.
func Word() string { return rand.Text() }

// Address returns a wallet address in the spelling of EIP-55 in length only: no
// one here computes the checksum.
func Address() string {
	var b [20]byte
	_, _ = rand.Read(b[:])
	return "0x" + hex.EncodeToString(b[:])
}

// Do runs fn in a transaction that must succeed.
func (d *Database) Do(t *testing.T, fn func(ctx context.Context) error) {
	t.Helper()
	if err := d.InTx(context.WithoutCancel(t.Context()), fn); err != nil {
		t.Fatal(err)
	}
}

// User makes an active user with one identity, who thereby is sound.
func (d *Database) User(t *testing.T, edit ...func(u *identity.User)) identity.User {
	t.Helper()
	now := d.Clock.Now()
	u := identity.User{
		ID: identity.NewID(), DisplayName: "Ada", Status: identity.StatusActive,
		CreatedAt: now, UpdatedAt: now,
	}
	for _, e := range edit {
		e(&u)
	}
	d.Do(t, func(ctx context.Context) error { return d.InsertUser(ctx, u) })
	if u.Status != identity.StatusMerged {
		d.Identity(t, u.ID, "github", Word())
	}
	return u
}

// Identity gives a user an identity that is not a wallet.
func (d *Database) Identity(t *testing.T, user identity.ID, provider, subject string) identity.Identity {
	t.Helper()
	now := d.Clock.Now()
	i := identity.Identity{
		ID: identity.NewID(), UserID: user, Provider: provider, Subject: subject, CreatedAt: now, LastUsedAt: now,
	}
	d.Do(t, func(ctx context.Context) error { return d.InsertIdentity(ctx, i) })
	return i
}

// Wallet gives a user a wallet.
func (d *Database) Wallet(t *testing.T, user identity.ID, edit ...func(i *identity.Identity)) identity.Identity {
	t.Helper()
	now, address := d.Clock.Now(), Address()
	i := identity.Identity{
		ID: identity.NewID(), UserID: user, Provider: identity.ProviderSIWE, Subject: "eip155:" + address,
		WalletAddress: &address, WalletChainID: new(int64(1)), WalletKind: new("eoa"), CreatedAt: now, LastUsedAt: now,
	}
	for _, e := range edit {
		e(&i)
	}
	d.Do(t, func(ctx context.Context) error { return d.InsertIdentity(ctx, i) })
	return i
}

// Email gives a user a verified address.
func (d *Database) Email(t *testing.T, user identity.ID, address string) identity.Email {
	t.Helper()
	e := identity.Email{Address: address, UserID: user, Source: "google", VerifiedAt: d.Clock.Now()}
	d.Do(t, func(ctx context.Context) error { return d.Claim(ctx, e) })
	return e
}

// Claim gives a user an address, which an import vouches for.
func (d *Database) Claim(ctx context.Context, e identity.Email) error {
	if err := d.InsertEmail(ctx, e); err != nil {
		return err
	}
	return d.InsertVoucher(ctx, identity.Voucher{
		ID: identity.NewID(), Address: e.Address, Provider: identity.ImportProvider("test"), Subject: e.UserID.String(),
		UserID: &e.UserID, FirstAt: e.VerifiedAt, LastAt: e.VerifiedAt,
	})
}

// Session signs a user in.
func (d *Database) Session(t *testing.T, user identity.ID, edit ...func(s *session.Session)) session.Session {
	t.Helper()
	now := d.Clock.Now()
	_, hash := identity.NewSecret()
	s := session.Session{Kind: session.KindBrowser,
		ID: identity.NewID(), UserID: user, TokenHash: hash, Methods: session.Methods{"github"},
		IP: "192.0.2.1", UserAgent: "test", CreatedAt: now, AuthenticatedAt: now, LastSeenAt: now,
		IdleExpiresAt: now.Add(time.Hour), ExpiresAt: now.Add(24 * time.Hour),
	}
	for _, e := range edit {
		e(&s)
	}
	d.Do(t, func(ctx context.Context) error { return d.InsertSession(ctx, s) })
	return s
}

// Team makes a team with an owner.
func (d *Database) Team(t *testing.T, owner identity.ID) team.Team {
	t.Helper()
	now := d.Clock.Now()
	out := team.Team{ID: identity.NewID(), Name: "Keys", CreatedAt: now, UpdatedAt: now}
	d.Do(t, func(ctx context.Context) error {
		if err := d.InsertTeam(ctx, out); err != nil {
			return err
		}
		_, err := d.InsertMembership(ctx, team.Membership{TeamID: out.ID, UserID: owner, Role: team.RoleOwner, CreatedAt: now})
		return err
	})
	return out
}

// Member puts a user into a team.
func (d *Database) Member(t *testing.T, id, user identity.ID, role team.Role) team.Membership {
	t.Helper()
	m := team.Membership{TeamID: id, UserID: user, Role: role, CreatedAt: d.Clock.Now()}
	d.Do(t, func(ctx context.Context) error {
		inserted, err := d.InsertMembership(ctx, m)
		if err == nil && !inserted {
			t.Errorf("user %s was a member already", user)
		}
		return err
	})
	return m
}

// TeamSession lets a session act in a team.
func (d *Database) TeamSession(t *testing.T, id identity.ID, s session.Session) teamsession.Session {
	t.Helper()
	ts := teamsession.Session{ID: identity.NewID(), TeamID: id, SessionID: s.ID, UserID: s.UserID, CreatedAt: d.Clock.Now()}
	d.Do(t, func(ctx context.Context) error { return d.InsertTeamSession(ctx, ts) })
	return ts
}

// Invite makes an open invitation.
func (d *Database) Invite(t *testing.T, id, by identity.ID, edit ...func(i *team.Invitation)) team.Invitation {
	t.Helper()
	now := d.Clock.Now()
	i := team.Invitation{
		ID: identity.NewID(), TeamID: id, Role: team.RoleMember, InvitedBy: by, CreatedAt: now, ExpiresAt: now.Add(time.Hour),
	}
	for _, e := range edit {
		e(&i)
	}
	if i.Email == nil && i.Wallet == nil {
		i.Email = new(Word() + "@example.com")
	}
	d.Do(t, func(ctx context.Context) error {
		inserted, err := d.InsertInvitation(ctx, i)
		if err == nil && !inserted {
			t.Error("there was an open invitation already")
		}
		return err
	})
	return i
}

// Event is an event of a team, or of none for nil.
func (d *Database) Event(team *identity.ID, edit ...func(e *identity.Event)) identity.Event {
	e := identity.Event{
		ID: identity.NewID(), At: d.Clock.Now(), Action: identity.ActionTeamUpdated, TeamID: team,
		ActorID: new(identity.NewID()), IP: "192.0.2.1", UserAgent: "agent", Data: identity.Metadata{"word": Word()},
	}
	for _, change := range edit {
		change(&e)
	}
	return e
}

// Record writes events in one transaction.
func (d *Database) Record(t *testing.T, events ...identity.Event) {
	t.Helper()
	d.Do(t, func(ctx context.Context) error { return d.RecordEvents(ctx, events...) })
}

// Seal seals every event that is committed.
func (d *Database) Seal(t *testing.T) {
	t.Helper()
	if err := audit.NewService(d.DB).SealAll(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// RecordChained writes events as releases did that knew no seals: each with its
// hash, at the end of a transaction that holds the chain's head.
func (d *Database) RecordChained(t *testing.T, chain identity.ID, events ...identity.Event) {
	t.Helper()
	tx, err := d.SQL.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	do := func(query string, args ...any) {
		t.Helper()
		if _, err := tx.ExecContext(t.Context(), d.placeholders(query), args...); err != nil {
			t.Fatal(err)
		}
	}
	head := audit.Head{Chain: chain, Hash: audit.Genesis()}
	do(`INSERT INTO audit_heads (chain, seq, hash) VALUES (?, ?, ?) ON CONFLICT (chain) DO UPDATE SET seq = audit_heads.seq + EXCLUDED.seq`,
		chain.String(), len(events), head.Hash)
	if err := tx.QueryRowContext(t.Context(), d.placeholders("SELECT seq, hash FROM audit_heads WHERE chain = ?"), chain.String()).Scan(&head.Seq, &head.Hash); err != nil {
		t.Fatal(err)
	}
	head.Seq -= int64(len(events))
	for _, e := range events {
		r, err := audit.Follow(e, head.Seq, head.Hash)
		if err != nil {
			t.Fatal(err)
		}
		data, err := e.Data.Value()
		if err != nil {
			t.Fatal(err)
		}
		text := func(id *identity.ID) any {
			if id == nil {
				return nil
			}
			return id.String()
		}
		do(`INSERT INTO audit_events (id, at, action, actor_id, user_id, team_id, session_id, ip, user_agent, data, seq, prev_hash, hash)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, e.ID.String(), e.At.UTC().Format("2006-01-02 15:04:05.999999999-07:00"), string(e.Action),
			text(e.ActorID), text(e.UserID), text(e.TeamID), text(e.SessionID), e.IP, e.UserAgent, data, *r.Seq, r.PrevHash, r.Hash)
		head.Seq, head.Hash = *r.Seq, r.Hash
	}
	do("UPDATE audit_heads SET hash = ? WHERE chain = ?", head.Hash, chain.String())
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
}

// Breaks seals, verifies a chain, or all for nil, and returns what is broken.
func (d *Database) Breaks(t *testing.T, chain *identity.ID, expect ...string) (breaks []string, events int, heads []audit.Head) {
	t.Helper()
	expected := map[string]bool{}
	for _, e := range expect {
		expected[e] = true
	}
	d.Seal(t)
	events, err := audit.NewService(d.DB).Verify(t.Context(), chain, audit.Report{
		Broken: func(b audit.Break) { breaks = append(breaks, b.String()) },
		Whole:  func(h audit.Head) { heads = append(heads, h) },
		Expect: expected,
	})
	if err != nil {
		t.Fatal(err)
	}
	for e := range expected {
		breaks = append(breaks, "not found: "+e)
	}
	return breaks, events, heads
}

// Unguarded does what the schema forbids with audit events.
func (d *Database) Unguarded(t *testing.T, statements ...string) {
	t.Helper()
	var off []string
	for _, table := range []string{"audit_events", "audit_heads", "audit_seals", "audit_progress", "audit_former_hashes"} {
		if d.Engine == Postgres {
			off = append(off, "ALTER TABLE "+table+" DISABLE TRIGGER USER")
			continue
		}
		for _, guard := range []string{"no_update", "no_delete", "no_return"} {
			off = append(off, "DROP TRIGGER IF EXISTS "+table+"_"+guard)
		}
	}
	for _, s := range append(off, statements...) {
		if err := d.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// Challenge makes an open challenge for signing in.
func (d *Database) Challenge(t *testing.T, address string, edit ...func(c *email.Challenge)) email.Challenge {
	t.Helper()
	now := d.Clock.Now()
	_, browser := identity.NewSecret()
	_, token := identity.NewSecret()
	c := email.Challenge{
		ID: identity.NewID(), Address: address, Purpose: identity.PurposeSignIn, BrowserHash: browser,
		TokenHash: token, CodeHash: identity.HashSecret("code"), HasCode: true, CreatedAt: now, ExpiresAt: now.Add(email.Lifetime),
	}
	for _, e := range edit {
		e(&c)
	}
	d.Do(t, func(ctx context.Context) error { return d.InsertChallenge(ctx, c) })
	return c
}

// ProofMail notes a mail that leaves now.
func (d *Database) ProofMail(t *testing.T, mailbox []byte, edit ...func(m *email.Mail)) email.Mail {
	t.Helper()
	m := email.Mail{ID: identity.NewID(), Mailbox: mailbox, LeavesAt: d.Clock.Now()}
	for _, e := range edit {
		e(&m)
	}
	d.Do(t, func(ctx context.Context) error { return d.InsertMail(ctx, m) })
	return m
}

// OAuthClient inserts a public client, edited.
func (d *Database) OAuthClient(t *testing.T, edit ...func(c *client.Client)) client.Client {
	t.Helper()
	now := d.Clock.Now()
	c := client.Client{
		ID: identity.NewID().String(), Name: "An app", Kind: client.Public, RedirectURIs: client.Words{"https://app.example.com/cb"},
		Grants: client.Words{client.GrantCode}, Scopes: client.StandardScopes, IDTokenAlg: "RS256", CreatedAt: now, UpdatedAt: now,
	}
	for _, e := range edit {
		e(&c)
	}
	d.Do(t, func(ctx context.Context) error { return d.InsertClient(ctx, c) })
	return c
}

package linking_test

import (
	"context"
	"errors"
	"strconv"
	"testing"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
	"github.com/latchkey/latchkey/linking"
)

// Who may merge whom, row by row: whichever of the two is an operator and
// whichever survives, only the command line merges them.
func TestOperatorsAreMergedOnTheCommandLineOnly(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		w := newWorld(d, linking.PolicyAuto)
		operator := d.User(t, func(u *identity.User) { u.Operator = true })
		d.Wallet(t, operator.ID)
		key := identity.NewID()
		actors := map[string]*identity.Actor{
			"operator": {UserID: operator.ID, SessionID: w.Database.Session(t, operator.ID).ID, RecentlyVerified: true},
			"API key":  {KeyID: &key, RecentlyVerified: true},
		}
		for _, operators := range [][2]bool{{false, false}, {true, false}, {false, true}, {true, true}} {
			subject := storagetest.Word()
			a, b := w.signIn(t, "google", storagetest.Word()), w.signIn(t, "google", subject)
			ids := []identity.ID{a.User.ID, b.User.ID}
			for n, p := range []*session.Principal{a, b} {
				makeOperator(t, d, p.User.ID, operators[n])
			}
			note(t, d, ids[0], ids[1], linking.DuplicateAddress)
			involved := operators[0] || operators[1]
			want := func(what string, err error, code identity.Code) {
				t.Helper()
				if identity.ErrorCode(err) != code || code == "" && err != nil {
					t.Errorf("operators %v, %s: %v, want %q", operators, what, err, code)
				}
			}
			refused := identity.Code("")
			if involved {
				refused = identity.CodeOperatorMerge
			}
			for name, actor := range actors {
				for _, survivor := range ids {
					for _, dryRun := range []bool{true, false} {
						if !dryRun && !involved {
							continue // it would be carried out: below
						}
						before := rows(t, d)
						_, err := w.service.AdminMerge(t.Context(), actor, ids[0], ids[1], linking.MergeChoices{Survivor: &survivor}, dryRun)
						want(name+", dry run "+strconv.FormatBool(dryRun), err, refused)
						if rows(t, d) != before {
							t.Errorf("operators %v, %s: a refused merge or a dry run has changed something", operators, name)
						}
					}
				}
			}
			// The person who proved both. The ticket is given all the same: it says
			// that both are proven, not who they are.
			_, err := w.apply(t, w.proof(identity.PurposeLink, "google", subject), a)
			ticket := ticketOf(t, err)
			holder := linking.TicketHolder{Principal: *a, BrowserHash: w.browser}
			preview, err := w.service.PreviewMerge(t.Context(), holder, ticket, linking.MergeChoices{})
			want("preview by the person", err, refused)
			if !involved {
				// An operator is made between looking and confirming.
				makeOperator(t, d, ids[1], true)
				_, _, err = w.service.ConfirmMerge(t.Context(), holder, preview.ID, linking.MergeChoices{Fingerprint: preview.Fingerprint})
				want("confirm by the person", err, identity.CodeOperatorMerge)
				makeOperator(t, d, ids[1], false)
			}

			merged, err := w.service.AdminMerge(t.Context(), nil, ids[0], ids[1], linking.MergeChoices{Survivor: &ids[0]}, false)
			want("the command line", err, "")
			if merged.Survivor.Operator != involved {
				t.Errorf("operators %v: the survivor is an operator: %v", operators, merged.Survivor.Operator)
			}
			// Undoing makes the source an operator again, or takes something off one.
			code := identity.Code("")
			if operators[1] {
				code = identity.CodeOperatorMerge
			}
			for name, actor := range actors {
				expect := code
				if name == "API key" {
					expect = refused
				}
				if expect != "" {
					_, err := w.service.UndoMerge(t.Context(), *actor, merged.ID, true)
					want("undo by "+name, err, expect)
				}
			}
			_, err = w.service.UndoAnyMerge(t.Context(), merged.ID)
			want("undo on the command line", err, "")
			for n, id := range ids {
				if u, err := d.DB.User(t.Context(), id); err != nil || u.ID != id || u.Operator != operators[n] {
					t.Errorf("operators %v: after the undo %d is %+v, %v", operators, n, u, err)
				}
			}
		}
	})
}

// An API key merges what the duplicates report is sure of, and only where neither
// of the two gains anything.
func TestAnAPIKeyMergesWithoutGain(t *testing.T) {
	none := team.Role("")
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		w := newWorld(d, linking.PolicyAuto)
		key := identity.NewID()
		actor := &identity.Actor{KeyID: &key, RecentlyVerified: true}
		owner := w.signIn(t, "google", storagetest.Word()).User.ID
		for name, c := range map[string]struct {
			kind  linking.DuplicateKind // "" for none
			roles [2]team.Role          // in one team; survivor last
			code  identity.Code
		}{
			"by address":                  {linking.DuplicateAddress, [2]team.Role{}, ""},
			"by spelling":                 {linking.DuplicateSpelling, [2]team.Role{}, ""},
			"not in the report":           {"", [2]team.Role{}, identity.CodeForbidden},
			"by a hint":                   {linking.DuplicateHint, [2]team.Role{}, identity.CodeForbidden},
			"both are admins":             {linking.DuplicateAddress, [2]team.Role{team.RoleAdmin, team.RoleAdmin}, ""},
			"the survivor gains a team":   {linking.DuplicateAddress, [2]team.Role{team.RoleMember, none}, identity.CodeForbidden},
			"the source gains a team":     {linking.DuplicateAddress, [2]team.Role{none, team.RoleMember}, identity.CodeForbidden},
			"the survivor gains a role":   {linking.DuplicateAddress, [2]team.Role{team.RoleAdmin, team.RoleMember}, identity.CodeForbidden},
			"the source gains a role":     {linking.DuplicateAddress, [2]team.Role{team.RoleMember, team.RoleOwner}, identity.CodeForbidden},
			"gain, and not in the report": {"", [2]team.Role{team.RoleAdmin, none}, identity.CodeForbidden},
		} {
			source, survivor := w.signIn(t, "google", storagetest.Word()).User.ID, w.signIn(t, "google", storagetest.Word()).User.ID
			id := d.Team(t, owner).ID
			for n, user := range []identity.ID{source, survivor} {
				if c.roles[n] != none {
					d.Member(t, id, user, c.roles[n])
				}
			}
			if c.kind != "" {
				note(t, d, survivor, source, c.kind)
			}
			if _, err := w.service.AdminMerge(t.Context(), actor, source, survivor, linking.MergeChoices{Survivor: &survivor}, true); err != nil {
				t.Errorf("%s: a dry run: %v", name, err)
			}
			before := rows(t, d)
			_, err := w.service.AdminMerge(t.Context(), actor, source, survivor, linking.MergeChoices{Survivor: &survivor}, false)
			if identity.ErrorCode(err) != c.code || c.code == "" && err != nil {
				t.Errorf("%s: %v, want %q", name, err, c.code)
			}
			if c.code != "" && rows(t, d) != before {
				t.Errorf("%s: a refused merge has changed something", name)
			}
		}

		// Nor does it take anything off who became an operator since.
		x, y := w.signIn(t, "google", storagetest.Word()).User.ID, w.signIn(t, "google", storagetest.Word()).User.ID
		note(t, d, x, y, linking.DuplicateAddress)
		merged, err := w.service.AdminMerge(t.Context(), actor, x, y, linking.MergeChoices{Survivor: &y}, false)
		if err != nil {
			t.Fatal(err)
		}
		makeOperator(t, d, y, true)
		_, err = w.service.UndoMerge(t.Context(), *actor, merged.ID, true)
		storagetest.WantCode(t, "undo by a key", err, identity.CodeOperatorMerge)
		makeOperator(t, d, y, false)
		if _, err = w.service.UndoMerge(t.Context(), *actor, merged.ID, true); err != nil {
			t.Error(err)
		}

		// A pair is the same pair after one of it was merged into another.
		a, b, c := w.signIn(t, "google", storagetest.Word()).User.ID, w.signIn(t, "google", storagetest.Word()).User.ID, w.signIn(t, "google", storagetest.Word()).User.ID
		note(t, d, a, b, linking.DuplicateAddress)
		if _, err := w.service.AdminMerge(t.Context(), nil, a, c, linking.MergeChoices{Survivor: &c}, false); err != nil {
			t.Fatal(err)
		}
		if _, err := w.service.AdminMerge(t.Context(), actor, b, c, linking.MergeChoices{}, false); err != nil {
			t.Error(err)
		}
	})
}

func note(t *testing.T, d *storagetest.Database, a, b identity.ID, kind linking.DuplicateKind) {
	t.Helper()
	d.Do(t, func(ctx context.Context) error {
		return d.RecordDuplicates(ctx, []linking.Duplicate{linking.NewDuplicate(a, b, kind, "why", d.Clock.Now())})
	})
}

func makeOperator(t *testing.T, d *storagetest.Database, id identity.ID, operator bool) {
	t.Helper()
	if err := d.Exec("UPDATE users SET operator = ? WHERE id = ?", operator, id.String()); err != nil {
		t.Fatal(err)
	}
}

// ticketOf is the ticket that a refusal gave.
func ticketOf(t *testing.T, err error) string {
	t.Helper()
	var refusal *identity.Error
	if !errors.As(err, &refusal) || refusal.Ticket == "" {
		t.Fatalf("no ticket: %v", err)
	}
	return refusal.Ticket
}

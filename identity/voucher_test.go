package identity_test

import (
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
)

// Whether a voucher is reason to doubt a proof by GitHub, account 1, of an address of
// its owner. That a voucher has ended makes no difference.
func TestWhatContestsAProof(t *testing.T) {
	owner, other := identity.NewID(), identity.NewID()
	for _, r := range []struct {
		name              string
		provider, subject string
		user, settledBy   *identity.ID
		contests          bool
	}{
		{"the owner's", "google", "1", &owner, nil, false},
		{"the owner's, by this account", "github", "1", &owner, nil, false},
		{"the owner's, by another account of the provider", "github", "2", &owner, nil, true},
		{"the owner's, by another account of the provider, settled", "github", "2", &owner, &owner, true},
		{"another user's", "google", "1", &other, nil, true},
		{"another user's, by this account", "github", "1", &other, nil, true},
		{"another user's, settled by the owner", "google", "1", &other, &owner, false},
		{"another user's, settled by another owner", "google", "1", &other, &other, true},
		{"refused", "google", "1", nil, nil, true},
		{"refused, by this account", "github", "1", nil, nil, false},
		{"refused, settled by the owner", "google", "1", nil, &owner, false},
		{"refused, settled by another owner", "google", "1", nil, &other, true},
	} {
		for ended, at := range map[bool]*time.Time{false: nil, true: new(time.Now())} {
			v := identity.Voucher{Provider: r.provider, Subject: r.subject, UserID: r.user, SettledBy: r.settledBy, EndedAt: at}
			if got := v.Contests("github", "1", owner); got != r.contests {
				t.Errorf("%s, ended %v: contests %v, want %v", r.name, ended, got, r.contests)
			}
		}
	}
}

package teamsession

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
)

// Tightening never ends fewer: whatever the looser policy ends, the stricter one
// ends, too. What is left satisfies it and, if it is exclusive, is one a member.
func TestTighteningNeverEndsFewer(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	users := []identity.ID{identity.NewID(), identity.NewID(), identity.NewID()}
	minutes := func(t *rapid.T, name string) time.Duration {
		return time.Duration(rapid.IntRange(0, 60).Draw(t, name)) * time.Minute
	}
	policy := func(t *rapid.T) team.Policy {
		return team.Policy{
			MaxAge: minutes(t, "max age"), Idle: minutes(t, "idle"), Exclusive: rapid.Bool().Draw(t, "exclusive"),
			RequiredProviders: rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"google", "siwe"}), 0, 2, rapid.ID).Draw(t, "providers"),
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		open := rapid.SliceOf(rapid.Custom(func(t *rapid.T) Listed {
			l := Listed{Session: Session{ID: identity.NewID(), UserID: rapid.SampledFrom(users).Draw(t, "user")}}
			l.Behind = session.Session{
				CreatedAt: now.Add(-minutes(t, "age")), LastSeenAt: now.Add(-minutes(t, "seen")),
				Methods: rapid.SliceOfDistinct(rapid.SampledFrom([]string{"google", "siwe"}), rapid.ID).Draw(t, "methods"),
			}
			l.Role = new(rapid.SampledFrom([]team.Role{team.RoleOwner, team.RoleMember}).Draw(t, "role"))
			if rapid.Bool().Draw(t, "glass") {
				l.BreakGlassUntil = new(now.Add(minutes(t, "until")))
			}
			return l
		})).Draw(t, "open")
		loose, strict := policy(t), policy(t)
		strict.MaxAge, strict.Idle = shorter(loose.MaxAge, strict.MaxAge), shorter(loose.Idle, strict.Idle)
		strict.Exclusive = strict.Exclusive || loose.Exclusive
		strict.RequiredProviders = append(strict.RequiredProviders, loose.RequiredProviders...)
		if !strict.AtLeast(loose) {
			t.Fatalf("%+v is looser than %+v", strict, loose)
		}
		ends := map[identity.ID]bool{}
		for _, l := range policyEnds(strict, open, now) {
			ends[l.ID] = true
		}
		for _, l := range policyEnds(loose, open, now) {
			if !ends[l.ID] {
				t.Fatalf("%+v ends what %+v does not", loose, strict)
			}
		}
		left := map[identity.ID]int{}
		for _, l := range open {
			if ends[l.ID] {
				continue
			}
			e := session.ActiveTeamSession{Role: *l.Role, Policy: strict, BreakGlassUntil: l.BreakGlassUntil}
			if left[l.UserID]++; left[l.UserID] > 1 && strict.Exclusive || e.Refuses(l.Behind, identity.RequestOrigin{}, now) != nil {
				t.Fatalf("%+v leaves %+v", strict, l)
			}
		}
	})
}

// shorter is the stricter of two limits, of which zero is none.
func shorter(a, b time.Duration) time.Duration {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}

package teamsession

import (
	"context"
	"time"

	"github.com/latchkey/latchkey/identity"
)

// What figures are about.
const (
	// FigureDays is the number of days that are counted one by one.
	FigureDays = 30
	// ActiveFor is how long after its last use a session counts as in use.
	ActiveFor = 15 * time.Minute
)

// Figures are the numbers that those who manage a team look at.
type Figures struct {
	Members     int
	Invitations int // open
	Sessions    int // active
	ActiveNow   int // of these, used within ActiveFor
	LastDay     int // people with a session that was used in the last day
	Refused     int // by the policy
	Providers   map[string]int
	// Started are the times at which team sessions began in the last FigureDays days.
	Started []time.Time
}

// Figures counts the members and sessions of a team, for those who manage it.
func (s *Service) Figures(ctx context.Context, actor identity.Actor, id identity.ID) (Figures, error) {
	policy, err := s.managed(ctx, actor, id)
	if err != nil {
		return Figures{}, err
	}
	return s.store.TeamFigures(ctx, id, policy, s.now())
}

// PerDay counts times by their day (UTC), for each of the last FigureDays days until
// now, oldest first.
func PerDay(times []time.Time, now time.Time) (days [FigureDays]time.Time, counts [FigureDays]int) {
	today := now.UTC().Truncate(24 * time.Hour)
	for i := range days {
		days[i] = today.AddDate(0, 0, i+1-FigureDays)
	}
	for _, at := range times {
		if i := int(at.UTC().Sub(days[0]) / (24 * time.Hour)); i >= 0 && i < FigureDays && !at.Before(days[0]) {
			counts[i]++
		}
	}
	return days, counts
}

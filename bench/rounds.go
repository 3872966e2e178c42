package main

import (
	"context"
	"fmt"
	"time"
)

// side is one of the servers that are compared.
type side struct {
	child *child
	// round does some of the work and returns how much, and how long the
	// measured part of it took.
	round func(ctx context.Context, lasting time.Duration) (requests int, took time.Duration, err error)

	rates []float64 // requests per second, one a round
	cpu   []float64 // seconds of the server's CPU for each request, one a round
}

// interleave measures the sides in turn, in short rounds, so that whatever else
// the machine does hits all of them alike. The order turns round each time.
func interleave(ctx context.Context, o options, sides ...*side) error {
	lasting := o.duration / time.Duration(o.rounds)
	for i := -1; i < o.rounds; i++ { // round -1 warms up
		for j := range sides {
			s := sides[j]
			if i%2 != 0 {
				s = sides[len(sides)-1-j]
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			before, cpuErr := cpuTime(s.child.pid())
			n, took, err := s.round(ctx, lasting)
			if err != nil {
				return fmt.Errorf("%s: %w", s.child.name, err)
			}
			if i < 0 {
				continue
			}
			s.rates = append(s.rates, float64(n)/took.Seconds())
			if after, err := cpuTime(s.child.pid()); cpuErr == nil && err == nil {
				s.cpu = append(s.cpu, (after-before).Seconds()/float64(n))
			}
		}
	}
	return nil
}

// against is the throughput of s for each request of the other, round by round.
func (s *side) against(other *side) (median, low, high float64) {
	ratios := make([]float64, len(s.rates))
	for i := range ratios {
		ratios[i] = s.rates[i] / other.rates[i]
	}
	return quantile(ratios, 0.5), quantile(ratios, 0.25), quantile(ratios, 0.75)
}

// compare adds the row of s against the hand-written side. The server's CPU time
// a request says the same in another way, which busy neighbours disturb less.
func (t *table) compare(what string, aim float64, s, bare *side) {
	median, low, high := s.against(bare)
	how := fmt.Sprintf("quartiles %.2f to %.2f of %d rounds", low, high, len(s.rates))
	if len(s.cpu) > 0 && len(bare.cpu) > 0 {
		how += fmt.Sprintf("; %.2f times the server CPU a request", quantile(s.cpu, 0.5)/quantile(bare.cpu, 0.5))
	}
	t.atLeast(aim, median, what, "%s", how)
}

package main

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// side is one of the servers that are compared.
type side struct {
	child *child
	// round does some of the work, of which the meter sees the measured part,
	// and returns how many requests that were.
	round func(ctx context.Context, m *meter, lasting time.Duration) (requests int, err error)
	// postgres is where its backends are, if not in the database of all.
	postgres *pgx.Conn

	// One a round, each a request: seconds, and CPU seconds of the server, of the load
	// generator and of all.
	wall, server, own, all []float64
	took                   []float64 // seconds of each, see meter
}

// stretches is how many there are of a side that is measured alone.
const stretches = 4

// alone is interleave in a few long stretches: what a server does behind requests,
// such as chaining audit events, falls into its own time.
func alone(ctx context.Context, o options, databaseURL string, sides ...*side) ([]*side, error) {
	o.rounds = stretches
	again := make([]*side, len(sides))
	for i, s := range sides {
		again[i] = &side{child: s.child, round: s.round, postgres: s.postgres}
	}
	return again, interleave(ctx, o, databaseURL, again...)
}

// longestWarmUp bounds the rounds that are not measured.
const longestWarmUp = time.Second / 3

// interleave measures the sides in turn, in short rounds, so that whatever else
// the machine does hits all of them alike. The order turns round each time.
func interleave(ctx context.Context, o options, databaseURL string, sides ...*side) error {
	conn, err := pgx.Connect(ctx, databaseURL)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	lasting := o.duration / time.Duration(o.rounds)
	for i := -2; i < o.rounds; i++ { // the first two warm up
		for j := range sides {
			s := sides[j]
			if i%2 != 0 {
				s = sides[len(sides)-1-j]
			}
			m := &meter{server: s.child.pid(), postgres: cmp.Or(s.postgres, conn)}
			length := lasting
			if i < 0 {
				length = min(lasting, longestWarmUp)
			}
			n, err := s.round(ctx, m, length)
			if err != nil {
				return fmt.Errorf("%s: %w", s.child.name, err)
			}
			if i < 0 {
				continue
			}
			s.wall, s.took = append(s.wall, m.wall.Seconds()/float64(n)), append(s.took, m.took...)
			if !m.noCPU {
				s.server = append(s.server, m.serverCPU.Seconds()/float64(n))
				s.own = append(s.own, m.ownCPU.Seconds()/float64(n))
				s.all = append(s.all, m.allCPU.Seconds()/float64(n))
			}
		}
	}
	return nil
}

// compare adds the row of s against the hand-written side: its throughput for
// each request of the other, round by round. The CPU time of all processes says
// the same where the machine is busy with nothing else, and says it even where
// it is: neighbours take time but use no CPU of ours.
func (t *table) compare(what string, aim float64, s, bare *side) {
	ratios := ratiosOf(bare.wall, s.wall)
	how := fmt.Sprintf("quartiles %.2f to %.2f of %d rounds; %.0f and %.0f a second", quantile(ratios, 0.25), quantile(ratios, 0.75), len(ratios),
		1/quantile(s.wall, 0.5), 1/quantile(bare.wall, 0.5))
	if s.hasCPU(bare) {
		how += fmt.Sprintf("; by CPU time of all %.2f, of the server alone %.2f",
			quantile(ratiosOf(bare.all, s.all), 0.5), quantile(ratiosOf(bare.server, s.server), 0.5))
	}
	t.atLeast(aim, quantile(ratios, 0.5), what, "%s", how)
}

// compareCPU adds the row of the CPU time of server and PostgreSQL for a request of
// the hand-written side, against that of s. The load generator is in neither.
func (t *table) compareCPU(what string, aim float64, s, bare *side) {
	if !s.hasCPU(bare) {
		return
	}
	mine, theirs := s.serverAndPostgres(), bare.serverAndPostgres()
	t.atLeast(aim, quantile(ratiosOf(theirs, mine), 0.5), what+", by CPU time", "server and PostgreSQL, %.0f and %.0f us each",
		1e6*quantile(mine, 0.5), 1e6*quantile(theirs, 0.5))
}

func (s *side) hasCPU(other *side) bool {
	return len(s.all) == len(s.wall) && len(other.all) == len(s.wall)
}

func (s *side) serverAndPostgres() []float64 {
	out := make([]float64, len(s.all))
	for i := range out {
		out[i] = s.all[i] - s.own[i]
	}
	return out
}

// grows adds the row of s against few: its time for each request of the other.
func (t *table) grows(aim float64, what string, s, few *side) {
	ratios := ratiosOf(s.wall, few.wall)
	how := fmt.Sprintf("quartiles %.2f to %.2f of %d rounds; %.3f ms each", quantile(ratios, 0.25), quantile(ratios, 0.75), len(ratios), 1000*quantile(s.wall, 0.5))
	if len(s.all) == len(s.wall) && len(few.all) == len(s.wall) {
		how += fmt.Sprintf("; by CPU time of all %.2f", quantile(ratiosOf(s.all, few.all), 0.5))
	}
	t.atMost(aim, quantile(ratios, 0.5), what, "%s", how)
}

func ratiosOf(a, b []float64) []float64 {
	out := make([]float64, len(a))
	for i := range out {
		out[i] = a[i] / b[i]
	}
	return out
}

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

	// One a round, each a request: seconds, and CPU seconds of the server and of all.
	wall, server, all []float64
}

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
			n, err := s.round(ctx, m, lasting)
			if err != nil {
				return fmt.Errorf("%s: %w", s.child.name, err)
			}
			if i < 0 {
				continue
			}
			s.wall = append(s.wall, m.wall.Seconds()/float64(n))
			if !m.noCPU {
				s.server = append(s.server, m.serverCPU.Seconds()/float64(n))
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
	how := fmt.Sprintf("quartiles %.2f to %.2f of %d rounds", quantile(ratios, 0.25), quantile(ratios, 0.75), len(ratios))
	if len(s.all) == len(s.wall) && len(bare.all) == len(s.wall) {
		how += fmt.Sprintf("; by CPU time of all %.2f, of the server alone %.2f",
			quantile(ratiosOf(bare.all, s.all), 0.5), quantile(ratiosOf(bare.server, s.server), 0.5))
	}
	t.atLeast(aim, quantile(ratios, 0.5), what, "%s", how)
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

package siwe

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"
)

// healthInterval is how long an endpoint's last contact counts as its health.
const healthInterval = 30 * time.Second

// ChainHealth reports whether contract wallets of a chain can be verified now.
type ChainHealth struct {
	ChainID   uint64
	Endpoints []EndpointHealth
}

// EndpointHealth is the result of the last contact with an endpoint.
type EndpointHealth struct {
	Name      string // host and port of the URL
	Available bool
	Reason    string // why it is not available; safe to show
	CheckedAt time.Time
}

// Available reports whether at least one endpoint is.
func (h ChainHealth) Available() bool {
	return slices.ContainsFunc(h.Endpoints, func(e EndpointHealth) bool { return e.Available })
}

// Health returns the state of each chain, by chain id. Endpoints without contact
// for 30 seconds are asked for their chain id first, all at the same time, each
// within the call timeout. It is cheap enough for readiness checks and metrics.
func (c *Contracts) Health(ctx context.Context) []ChainHealth {
	var wg sync.WaitGroup
	health := make([]ChainHealth, 0, len(c.chains))
	for id, ch := range c.chains {
		for _, e := range ch.endpoints {
			if e.claimProbe(ch.now()) {
				wg.Go(func() {
					ctx, cancel := context.WithTimeout(ctx, ch.timeout)
					defer cancel()
					err := e.probe(ctx, ch.id)
					if err != nil {
						err = describe(err)
					}
					e.record(ch.now(), err)
				})
			}
		}
		health = append(health, ChainHealth{ChainID: id})
	}
	wg.Wait()
	slices.SortFunc(health, func(a, b ChainHealth) int { return cmp.Compare(a.ChainID, b.ChainID) })
	for i := range health {
		for _, e := range c.chains[health[i].ChainID].endpoints {
			health[i].Endpoints = append(health[i].Endpoints, e.health())
		}
	}
	return health
}

// claimProbe reports whether a probe is due. It returns true to one caller only.
func (e *endpoint) claimProbe(now time.Time) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if fresh := now.Add(-healthInterval); e.contact.After(fresh) || e.probed.After(fresh) {
		return false
	}
	e.probed = now
	return true
}

func (e *endpoint) health() EndpointHealth {
	e.mu.Lock()
	defer e.mu.Unlock()
	h := EndpointHealth{Name: e.name, CheckedAt: e.contact}
	switch {
	case e.contact.IsZero():
		h.Reason = "not asked yet"
	case e.failure != nil:
		h.Reason = e.failure.Error()
	default:
		h.Available = true
	}
	return h
}

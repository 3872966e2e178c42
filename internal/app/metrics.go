package app

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/latchkey/latchkey/api"
	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/feed"
	"github.com/latchkey/latchkey/identity/figures"
	"github.com/latchkey/latchkey/identity/method"
	"github.com/latchkey/latchkey/identity/session"
	webhooks "github.com/latchkey/latchkey/identity/webhook"
	"github.com/latchkey/latchkey/internal/metrics"
	"github.com/latchkey/latchkey/internal/outbox"
	"github.com/latchkey/latchkey/internal/tracing"
	"github.com/latchkey/latchkey/storage"
)

// watch has the metrics show the state of this app from now on.
func watch(parts Parts, remembered *session.Cache, kept *figures.Kept, deps api.Deps) {
	db, now := parts.DB, parts.Now
	sources := metrics.Sources{
		Build:     metrics.Build{Version: parts.Version, Go: runtime.Version(), Database: parts.Config.Engine()},
		Ready:     func(ctx context.Context) error { return canAnswer(ctx, parts) },
		Schema:    func(ctx context.Context) (metrics.Schema, error) { return schema(db.Schema(ctx)) },
		Lost:      func() metrics.Lost { return metrics.Lost(db.Outages()) },
		Pools:     func() []metrics.Pool { return pools(db.Pools()) },
		Cache:     func() metrics.Cache { return metrics.Cache(remembered.State()) },
		Streams:   deps.Feed.Watchers,
		Unchained: func(ctx context.Context) (time.Duration, error) { return deps.Audit.Behind(ctx, now()) },
		Blocked:   func(ctx context.Context) (time.Duration, error) { return deps.Events.Behind(ctx, now()) },
		Archive:   func(ctx context.Context) (metrics.Archive, error) { return archive(ctx, db, now) },
		Figures:   func() (metrics.Figures, bool) { return counts(kept) },
		Backlog:   func() (metrics.Backlog, bool) { return backlog(kept, now) },
	}
	if deps.RPCHealth != nil {
		sources.RPCs = func(ctx context.Context) []metrics.RPC { return rpcs(ctx, deps) }
	}
	parts.Metrics.Watch(sources)
	db.OnSealed(func(action identity.Action, n int) { parts.Metrics.Events(string(action), n) })
	for _, action := range feed.Actions() {
		parts.Metrics.Events(string(action), 0)
	}
	for _, m := range deps.Methods {
		if m.Kind == method.ByRedirect {
			parts.Metrics.Providers(m.Name)
		}
	}
}

// canAnswer returns why requests cannot be answered, as /readyz does.
func canAnswer(ctx context.Context, parts Parts) error {
	if parts.Draining != nil && parts.Draining() {
		return errStopping
	}
	return parts.DB.Ready(ctx)
}

var errStopping = errors.New("this replica is stopping")

func schema(s storage.Schema, err error) (metrics.Schema, error) {
	return metrics.Schema{Pending: s.Pending, Newer: s.Newer, Changed: len(s.Changed), ReadOnly: s.ReadOnly}, err
}

func pools(all []storage.Pool) []metrics.Pool {
	out := make([]metrics.Pool, len(all))
	for i, p := range all {
		out[i] = metrics.Pool(p)
	}
	return out
}

func archive(ctx context.Context, db *storage.DB, now identity.Clock) (metrics.Archive, error) {
	a, err := db.Archived(ctx)
	out := metrics.Archive{Events: int(a.Events)}
	if !a.Left.IsZero() {
		out.Oldest = max(0, now().Sub(a.Left))
	}
	return out, err
}

// rpcs returns the endpoints by chain and host. Of several at one host, with other keys,
// one that is available counts.
func rpcs(ctx context.Context, deps api.Deps) []metrics.RPC {
	var out []metrics.RPC
	for _, chain := range deps.RPCHealth(ctx) {
		id := strconv.FormatUint(chain.ChainID, 10)
		for _, e := range chain.Endpoints {
			i := slices.IndexFunc(out, func(r metrics.RPC) bool { return r.Chain == id && r.Endpoint == e.Name })
			if i < 0 {
				out = append(out, metrics.RPC{Chain: id, Endpoint: e.Name, Up: e.Available})
				continue
			}
			out[i].Up = out[i].Up || e.Available
		}
	}
	return out
}

func counts(kept *figures.Kept) (metrics.Figures, bool) {
	n, at, counted := kept.Counts()
	return metrics.Figures{
		At: at, Users: n.Users, Sessions: n.Sessions, TeamSessions: n.TeamSessions, Teams: n.Teams, Duplicates: n.Duplicates,
		Webhooks: n.Webhooks, FailingWebhooks: n.FailingWebhooks, LostDeliveries: n.LostDeliveries,
	}, counted
}

func backlog(kept *figures.Kept, now identity.Clock) (metrics.Backlog, bool) {
	b, counted := kept.Backlog()
	waiting := func(w figures.Waiting) metrics.Waiting {
		out := metrics.Waiting{N: w.N}
		if w.Oldest != nil {
			out.Oldest = max(0, now().Sub(*w.Oldest))
		}
		return out
	}
	out := metrics.Backlog{Tasks: map[string]metrics.Waiting{}, Deliveries: waiting(b.Deliveries)}
	for _, kind := range identity.TaskKinds {
		out.Tasks[string(kind)] = waiting(b.Tasks[kind])
	}
	return out, counted
}

// observeTasks notes the attempts at tasks of these kinds.
func observeTasks(parts Parts, kinds ...identity.TaskKind) outbox.Option {
	for _, kind := range kinds {
		parts.Metrics.Tasks(string(kind))
	}
	return outbox.Observe(func(kind identity.TaskKind, outcome outbox.Outcome, took time.Duration) {
		parts.Metrics.Task(string(kind), string(outcome), took)
	})
}

// observeDeliveries notes the attempts to deliver to webhooks.
func observeDeliveries(parts Parts) func(webhooks.DeliveryStatus, time.Duration) {
	outcomes := map[webhooks.DeliveryStatus]string{webhooks.Delivered: "delivered", webhooks.Pending: "retry", webhooks.Failed: "failed"}
	return func(after webhooks.DeliveryStatus, took time.Duration) { parts.Metrics.Delivery(outcomes[after], took) }
}

// rpcTransport is how Ethereum endpoints are asked.
func rpcTransport(parts Parts) http.RoundTripper {
	return parts.Metrics.RPC(tracing.Transport(http.DefaultTransport))
}

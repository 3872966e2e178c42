package metrics

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// scrapeTimeout is shorter than any scraper's patience.
const scrapeTimeout = 2 * time.Second

var described []*prometheus.Desc

func desc(name, help string, labels ...string) *prometheus.Desc {
	d := prometheus.NewDesc(name, help, labels, nil)
	described = append(described, d)
	return d
}

var (
	buildInfo = desc("latchkey_build_info", "1, with the version of the binary, that of Go, and the database engine.", "version", "go", "database")
	ready     = desc("latchkey_ready", "1 if requests can be answered, as /readyz says, else 0.")

	databaseUp       = desc("latchkey_database_up", "1 if the database answered within 2 seconds, else 0.")
	databaseReadOnly = desc("latchkey_database_read_only", "1 if the database takes no changes, else 0.")
	databaseLost     = desc("latchkey_database_failures_total",
		"Transactions that the database did not finish: too_long (broken off, as when a synchronous standby is lost), locked (by somebody who is stuck), read_only, full (its disk or its connections).",
		"reason")
	poolConns  = desc("latchkey_database_connections", "Connections to the database by pool and state: used or idle. SQLite has a pool for reads, and one connection for writes.", "pool", "state")
	poolMax    = desc("latchkey_database_connections_max", "The most connections that a pool opens.", "pool")
	poolWaits  = desc("latchkey_database_connection_waits_total", "How often a call waited for a connection, because none was idle.", "pool")
	poolWaited = desc("latchkey_database_connection_wait_seconds_total", "How long calls waited for a connection, together.", "pool")
	pending    = desc("latchkey_schema_pending_migrations", "Migrations of this binary that are not applied.")
	newer      = desc("latchkey_schema_newer_migrations", "Applied migrations of a newer release, as during a rolling upgrade.")
	changed    = desc("latchkey_schema_changed_migrations", "Migrations that were applied with another text than this binary has.")

	cacheTrusted = desc("latchkey_session_cache_trusted", "1 while session checks may be answered from memory, 0 while each reads the database.")
	cacheEntries = desc("latchkey_session_cache_entries", "Sessions that are remembered.")
	cacheBytes   = desc("latchkey_session_cache_bytes", "About how much memory they take.")
	cacheChecks  = desc("latchkey_session_cache_checks_total", "Session checks by result: hit (answered from memory) or miss.", "result")
	streams      = desc("latchkey_event_streams", "Streams of events that are open.")

	auditUnchained = desc("latchkey_audit_unchained_seconds",
		"Age of the oldest audit event that is not chained yet; 0 without one. It grows while a transaction that writes does not end.")
	feedBlocked = desc("latchkey_feed_blocked_seconds",
		"Age of the oldest audit event that the feed of events was not made of yet; 0 without one. It grows while a transaction that writes does not end.")
	auditArchived = desc("latchkey_audit_archived_events",
		"Events of the audit trail that were exported to files of the archive (LATCHKEY_AUDIT_RETENTION).")
	auditOldest = desc("latchkey_audit_oldest_seconds",
		"Age of the oldest event of the audit trail; 0 without one. With LATCHKEY_AUDIT_RETENTION it grows beyond that, by more than a day, while events cannot be archived.")
	rpcUp = desc("latchkey_ethereum_rpc_up", "1 if the endpoint answered last, else 0.", "chain_id", "endpoint")

	countedAt    = desc("latchkey_counted_timestamp_seconds", "When users, sessions, teams and webhooks were last counted, Unix time. The larger the database, the more rarely.")
	users        = desc("latchkey_users", "Users, without those that were merged into another.")
	sessions     = desc("latchkey_sessions", "Active sessions.")
	teamSessions = desc("latchkey_team_sessions", "Active sessions in teams.")
	teams        = desc("latchkey_teams", "Teams.")
	duplicates   = desc("latchkey_open_duplicates", "Pairs of users who may be one person and are still to be decided about.")
	webhooks     = desc("latchkey_webhooks", "Webhooks by state: enabled, or failing, which are among the enabled.", "state")
	lost         = desc("latchkey_webhook_lost_deliveries", "Deliveries to webhooks that were given up in the last 24 hours.")

	tasks         = desc("latchkey_outbox_tasks", "Tasks that wait in the outbox, by kind.", "kind")
	oldestTask    = desc("latchkey_outbox_oldest_task_seconds", "Age of the oldest task that waits, by kind; 0 without one.", "kind")
	deliveries    = desc("latchkey_webhook_pending_deliveries", "Deliveries to webhooks that wait.")
	oldestPending = desc("latchkey_webhook_oldest_pending_seconds", "Age of the oldest delivery that waits; 0 without one.")
)

// scraped collects what is asked for at each scrape.
type scraped struct{ sources *atomic.Pointer[Sources] }

// Describe implements prometheus.Collector.
func (scraped) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range described {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (s scraped) Collect(ch chan<- prometheus.Metric) {
	src := s.sources.Load()
	if src == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	e := emitter{ch}
	e.gauge(buildInfo, 1, src.Build.Version, src.Build.Go, src.Build.Database)
	var asked sync.WaitGroup
	ask(&asked, src.Ready != nil, func() { e.truth(ready, src.Ready(ctx) == nil) })
	ask(&asked, src.Schema != nil, func() { e.schema(src.Schema(ctx)) })
	ask(&asked, src.Unchained != nil, func() { e.age(auditUnchained)(src.Unchained(ctx)) })
	ask(&asked, src.Blocked != nil, func() { e.age(feedBlocked)(src.Blocked(ctx)) })
	ask(&asked, src.Archive != nil, func() { e.archive(src.Archive(ctx)) })
	ask(&asked, src.RPCs != nil, func() {
		for _, r := range src.RPCs(ctx) {
			e.truth(rpcUp, r.Up, r.Chain, r.Endpoint)
		}
	})
	e.memory(src)
	asked.Wait()
}

func ask(asked *sync.WaitGroup, there bool, question func()) {
	if there {
		asked.Go(question)
	}
}

// emitter sends metrics to one scrape.
type emitter struct{ ch chan<- prometheus.Metric }

func (e emitter) gauge(d *prometheus.Desc, value float64, labels ...string) {
	e.ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
}

func (e emitter) counter(d *prometheus.Desc, value float64, labels ...string) {
	e.ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, value, labels...)
}

func (e emitter) truth(d *prometheus.Desc, is bool, labels ...string) {
	value := 0.0
	if is {
		value = 1
	}
	e.gauge(d, value, labels...)
}

func (e emitter) age(d *prometheus.Desc) func(time.Duration, error) {
	return func(age time.Duration, err error) {
		if err == nil {
			e.gauge(d, age.Seconds())
		}
	}
}

func (e emitter) schema(s Schema, err error) {
	e.truth(databaseUp, err == nil)
	if err != nil {
		return
	}
	e.truth(databaseReadOnly, s.ReadOnly)
	e.gauge(pending, float64(s.Pending))
	e.gauge(newer, float64(s.Newer))
	e.gauge(changed, float64(s.Changed))
}

func (e emitter) archive(a Archive, err error) {
	if err == nil {
		e.gauge(auditArchived, float64(a.Events))
		e.gauge(auditOldest, a.Oldest.Seconds())
	}
}

// memory sends what the process knows without asking.
func (e emitter) memory(src *Sources) {
	if src.Lost != nil {
		l := src.Lost()
		for reason, n := range map[string]uint64{"too_long": l.TooLong, "locked": l.Locked, "read_only": l.ReadOnly, "full": l.Full} {
			e.counter(databaseLost, float64(n), reason)
		}
	}
	if src.Pools != nil {
		for _, p := range src.Pools() {
			e.gauge(poolConns, float64(p.Used), p.Name, "used")
			e.gauge(poolConns, float64(p.Idle), p.Name, "idle")
			e.gauge(poolMax, float64(p.Max), p.Name)
			e.counter(poolWaits, float64(p.Waits), p.Name)
			e.counter(poolWaited, p.Waited.Seconds(), p.Name)
		}
	}
	if src.Cache != nil {
		c := src.Cache()
		e.truth(cacheTrusted, c.Trusted)
		e.gauge(cacheEntries, float64(c.Entries))
		e.gauge(cacheBytes, float64(c.Bytes))
		e.counter(cacheChecks, float64(c.Hits), "hit")
		e.counter(cacheChecks, float64(c.Misses), "miss")
	}
	if src.Streams != nil {
		e.gauge(streams, float64(src.Streams()))
	}
	if src.Figures != nil {
		if f, counted := src.Figures(); counted {
			e.figures(f)
		}
	}
	if src.Backlog != nil {
		if b, counted := src.Backlog(); counted {
			for kind, w := range b.Tasks {
				e.gauge(tasks, float64(w.N), kind)
				e.gauge(oldestTask, w.Oldest.Seconds(), kind)
			}
			e.gauge(deliveries, float64(b.Deliveries.N))
			e.gauge(oldestPending, b.Deliveries.Oldest.Seconds())
		}
	}
}

func (e emitter) figures(f Figures) {
	e.gauge(countedAt, float64(f.At.Unix()))
	e.gauge(users, float64(f.Users))
	e.gauge(sessions, float64(f.Sessions))
	e.gauge(teamSessions, float64(f.TeamSessions))
	e.gauge(teams, float64(f.Teams))
	e.gauge(duplicates, float64(f.Duplicates))
	e.gauge(webhooks, float64(f.Webhooks), "enabled")
	e.gauge(webhooks, float64(f.FailingWebhooks), "failing")
	e.gauge(lost, float64(f.LostDeliveries))
}

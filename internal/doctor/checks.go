package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/latchkey/latchkey/identity/audit"
	"github.com/latchkey/latchkey/internal/config"
	"github.com/latchkey/latchkey/storage"
)

// database checks that the storage answers and is migrated, and notes its clock.
func (e *examination) database(ctx context.Context) []Result {
	const name = "database"
	if e.cfg.Engine() == "sqlite" {
		path := strings.TrimPrefix(e.cfg.DatabaseURL.Reveal(), "sqlite://")
		// Opening it would create it, and doctor changes nothing.
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return []Result{{name, Warn, fmt.Sprintf("%s is not there yet", path), "nothing, if this is the first start: serve creates it; else check LATCHKEY_DATABASE_URL and the working directory"}}
		}
	}
	unreachable := func(err error) []Result {
		return []Result{{name, Fail, fmt.Sprintf("%s does not answer: %v", e.cfg.DatabaseURL, err), "start it, or correct LATCHKEY_DATABASE_URL"}}
	}
	db, err := e.OpenDatabase(ctx, e.cfg)
	if err != nil {
		return unreachable(err)
	}
	defer func() { _ = db.Close() }()
	if err := db.Ping(ctx); err != nil {
		return unreachable(err)
	}
	results := []Result{ok(name, "%s answers", e.cfg.DatabaseURL)}
	sent := e.Now()
	if now, err := db.Now(ctx); err != nil {
		results = append(results, Result{name, Warn, fmt.Sprintf("could not read its time: %v", err), "check the permissions of its user"})
	} else if e.cfg.Engine() != "sqlite" { // which has our own clock
		e.noteClock("the database", now, sent, 0)
	}
	if e.cfg.Engine() != "sqlite" {
		results = append(results, route(db.Route(ctx)))
	}
	s, err := db.Schema(ctx)
	results = append(results, schema(s, err))
	if err == nil && s.Pending == 0 && len(s.Changed) == 0 {
		results = append(results, e.trail(db.Backlog(ctx)), e.archive(db.Archived(ctx)))
		if e.Sealed != nil {
			results = append(results, e.secret(ctx))
		}
	}
	return results
}

func route(r storage.Route, err error) Result {
	const name = "connections"
	prepared := "each statement is planned at each call"
	if r.Prepared {
		prepared = "the frequent statements are prepared"
	}
	switch {
	case err != nil:
		return Result{name, Fail, fmt.Sprintf("not all of them reach the database: %v", err), "correct LATCHKEY_DATABASE_DIRECT_URL"}
	case r.DirectIsPooled && r.HasDirect:
		return Result{name, Warn, "LATCHKEY_DATABASE_DIRECT_URL goes through a pooler", "let it lead to PostgreSQL itself; until then sessions are not remembered"}
	case r.Pooled && !r.HasDirect:
		return Result{name, Warn, "go through a pooler, so sessions are not remembered and every check reads; " + prepared, "set LATCHKEY_DATABASE_DIRECT_URL to the same database without the pooler"}
	case r.Pooled:
		return ok(name, "go through a pooler, migrations and news of changes past it; %s", prepared)
	}
	return ok(name, "lead straight to PostgreSQL %s; %s", r.Version, prepared)
}

func schema(s storage.Schema, err error) Result {
	const name = "schema"
	switch {
	case err != nil:
		return Result{name, Fail, fmt.Sprintf("cannot be read: %v", err), "check that the database is Latchkey's own, and the permissions of its user"}
	case len(s.Changed) > 0:
		return Result{name, Fail, "a different version was applied of " + strings.Join(s.Changed, ", "), "use the release that migrated this database, or restore it from a backup"}
	case s.ReadOnly:
		return Result{name, Fail, "cannot be changed: the database is read-only", "point LATCHKEY_DATABASE_URL to the primary, as with target_session_attrs=read-write"}
	case s.Pending > 0:
		return Result{name, Warn, fmt.Sprintf("%d migrations are pending", s.Pending), "run `latchkey migrate up`, or start serve, which does it"}
	case s.Newer > 0:
		return ok(name, "is up to date, with %d migrations of a newer release", s.Newer)
	}
	return ok(name, "is up to date")
}

// unchainedWarn is many times what chaining takes while a service runs.
const unchainedWarn = time.Minute

// trail checks that audit events are chained.
func (e *examination) trail(b audit.Backlog, err error) Result {
	const name = "audit trail"
	age := e.Now().Sub(b.Oldest).Round(time.Second)
	switch {
	case err != nil:
		return Result{name, Fail, fmt.Sprintf("cannot be read: %v", err), "check the permissions of the database's user"}
	case b.NotWhole > 0:
		return Result{name, Fail, fmt.Sprintf("%d chains are broken, so personal values of old events in them stay in plain", b.NotWhole), "run `latchkey audit verify`"}
	case b.Rewriting > 0:
		return Result{name, Warn, fmt.Sprintf("personal values of old events are being put behind keys in %d chains", b.Rewriting), "keep a service running until that is done"}
	case b.Events == 0 || age < unchainedWarn:
		return ok(name, "is chained")
	case b.HeldBy != "":
		return Result{name, Warn, fmt.Sprintf("%d events have not been chained for %s: they, the feed and webhooks wait for %s", b.Events, age, b.HeldBy), "end that transaction, or wait until it ends"}
	}
	return Result{name, Warn, fmt.Sprintf("%d events have not been chained for %s", b.Events, age), "start the service, or look for \"could not chain\" in its log"}
}

// archiveSlack is how much longer than the retention events may stay: archives end with
// a day.
const archiveSlack = 2 * 24 * time.Hour

// archive checks that old events of the trail are archived, if they are to be.
func (e *examination) archive(a audit.Archived, err error) Result {
	const name = "audit archive"
	retention := time.Duration(e.cfg.AuditRetention)
	switch {
	case err != nil:
		return Result{name, Fail, fmt.Sprintf("cannot be read: %v", err), "check the permissions of the database's user"}
	case retention == 0 && a.Files == 0:
		return ok(name, "is off: events stay in the trail for good")
	case retention == 0:
		return ok(name, "has %d events up to %s; what came since stays", a.Events, a.Newest.Format(time.DateOnly))
	}
	if info, err := os.Stat(e.cfg.AuditArchiveDir); err != nil || !info.IsDir() {
		return Result{name, Fail, fmt.Sprintf("%s is no directory, so old events are not archived", e.cfg.AuditArchiveDir), "make it, writable for the service, or correct LATCHKEY_AUDIT_ARCHIVE_DIR"}
	}
	if !a.Left.IsZero() && e.Now().Sub(a.Left) > retention+archiveSlack {
		return Result{name, Warn, fmt.Sprintf("events from %s are still in the trail", a.Left.Format(time.DateOnly)), "start the service, or look for \"could not archive\" in its log"}
	}
	if a.Files == 0 {
		return ok(name, "is empty: no event is old enough")
	}
	return ok(name, "has %d events in %d files, up to %s", a.Events, a.Files, a.Newest.Format(time.DateOnly))
}

// secret checks that what is sealed in the database opens.
func (e *examination) secret(ctx context.Context) Result {
	const name = "secret"
	s, err := e.Sealed(ctx, e.cfg)
	switch {
	case err != nil:
		return Result{name, Fail, fmt.Sprintf("what is sealed cannot be read: %v", err), "check the permissions of the database's user"}
	case s.Neither > 0:
		return Result{name, Fail, fmt.Sprintf("LATCHKEY_SECRET does not open %d of %d signing keys and waiting mails", s.Neither, s.Neither+s.Previous+s.Present),
			"set the value that the other replicas have, or the old one as LATCHKEY_SECRET_PREVIOUS; if it is lost, run `latchkey keys rotate --compromised`"}
	case s.Previous > 0:
		return Result{name, Warn, fmt.Sprintf("%d signing keys and waiting mails are sealed under LATCHKEY_SECRET_PREVIOUS", s.Previous), "run `latchkey keys reseal` before it is taken away"}
	case e.cfg.SecretPrevious != "":
		return Result{name, Warn, "opens all that is sealed, and LATCHKEY_SECRET_PREVIOUS is still set", "take it away after the longest idle time of a session (LATCHKEY_SESSION_IDLE)"}
	}
	return ok(name, "opens all that is sealed: %d signing keys and waiting mails", s.Present)
}

// redis checks that replicas can share their rate limits.
func (e *examination) redis(ctx context.Context) []Result {
	const name = "redis"
	if e.cfg.RedisURL == "" {
		return []Result{ok(name, "is not configured: each replica limits on its own")}
	}
	if err := e.PingRedis(ctx, e.cfg.RedisURL.Reveal()); err != nil {
		return []Result{{name, Warn, fmt.Sprintf("%s does not answer, so each replica limits on its own: %v", e.cfg.RedisURL, err), "start it, or correct LATCHKEY_REDIS_URL"}}
	}
	return []Result{ok(name, "%s answers", e.cfg.RedisURL)}
}

// publicURL checks that the public host resolves. It does not connect: in many
// networks a service cannot reach itself by its public address.
func (e *examination) publicURL(ctx context.Context) []Result {
	const name = "public URL"
	host := e.cfg.PublicURL.Hostname()
	if config.Loopback(host) {
		return []Result{ok(name, "%s is this machine", e.cfg.PublicURL.String())}
	}
	addresses, err := e.LookupHost(ctx, host)
	if err != nil || len(addresses) == 0 {
		return []Result{{name, Fail, fmt.Sprintf("%s does not resolve: %v", host, err), "correct LATCHKEY_PUBLIC_URL, or add the name to DNS"}}
	}
	return []Result{ok(name, "%s resolves to %s", host, strings.Join(addresses, ", "))}
}

// sample is one reading of another clock.
type sample struct {
	of          string
	ahead       time.Duration // its time less ours
	uncertainty time.Duration
}

// noteClock keeps a reading of another clock: it showed then, at a time between sent
// and now of ours, in units of step.
func (e *examination) noteClock(of string, then, sent time.Time, step time.Duration) {
	if then.IsZero() {
		return
	}
	trip := e.Now().Sub(sent)
	middle := sent.Add(trip / 2)
	s := sample{of: of, ahead: then.Add(step / 2).Sub(middle), uncertainty: trip/2 + step/2}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.samples = append(e.samples, s)
}

const (
	// skewWarn is far more than NTP allows: something is wrong with it.
	skewWarn = 5 * time.Second
	// skewFail makes messages and ID tokens look expired or not yet valid.
	skewFail = 60 * time.Second
)

// clock compares our clock with those that the other checks have read.
func (e *examination) clock() []Result {
	const name = "clock"
	if len(e.samples) == 0 {
		return []Result{ok(name, "there is no other clock to compare with")}
	}
	var results []Result
	for _, s := range e.samples {
		off := s.ahead.Abs() - s.uncertainty
		if off < skewWarn {
			continue
		}
		level := Warn
		if off >= skewFail {
			level = Fail
		}
		way := "behind"
		if s.ahead < 0 {
			way = "ahead of"
		}
		results = append(results, Result{
			name, level, fmt.Sprintf("is %s %s that of %s", s.ahead.Abs().Round(time.Second), way, s.of),
			"synchronise the clocks by NTP; expiry of messages, tokens and sessions depends on it",
		})
	}
	if len(results) == 0 {
		results = append(results, ok(name, "agrees with %d others", len(e.samples)))
	}
	return results
}

// reason returns an error of the HTTP client without its URL: the URLs of RPC
// endpoints have keys.
func reason(err error) error {
	if ue, ok := errors.AsType[*url.Error](err); ok {
		return ue.Err
	}
	return err
}

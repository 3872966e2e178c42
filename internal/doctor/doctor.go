// Package doctor checks the configuration and what it points to, and reports what
// is wrong and how to fix it. It changes nothing.
package doctor

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/latchkey/latchkey/identity/audit"
	"github.com/latchkey/latchkey/identity/method"
	"github.com/latchkey/latchkey/internal/app"
	"github.com/latchkey/latchkey/internal/config"
	"github.com/latchkey/latchkey/internal/methods"
	"github.com/latchkey/latchkey/storage"
)

// Level is the severity of a result.
type Level string

// With a warning Latchkey works, but probably not as intended. With a failure it,
// or a part of it, does not work.
const (
	OK   Level = "ok"
	Warn Level = "warn"
	Fail Level = "fail"
)

// checkTimeout bounds every check, so that a check that hangs becomes a failure.
const checkTimeout = 10 * time.Second

// Result is the result of a check.
type Result struct {
	Check   string
	Level   Level
	Message string // what was found
	Fix     string // how to fix it; "" with OK
}

// Database is the storage as doctor uses it.
type Database interface {
	Ping(ctx context.Context) error
	// Now is the clock of the database server.
	Now(ctx context.Context) (time.Time, error)
	// Schema compares the database's schema with what this binary knows.
	Schema(ctx context.Context) (storage.Schema, error)
	// Route looks at what lies between here and the server.
	Route(ctx context.Context) (storage.Route, error)
	// Backlog reports what of the audit trail is not chained yet.
	Backlog(ctx context.Context) (audit.Backlog, error)
	// Archived reports what was taken out of the audit trail.
	Archived(ctx context.Context) (audit.Archived, error)
	Close() error
}

// Deps are the connections of the checks to the outside.
type Deps struct {
	OpenDatabase func(ctx context.Context, cfg config.Config) (Database, error)
	// Sealed reports what the secrets open of the database; nil to leave that out.
	Sealed    func(ctx context.Context, cfg config.Config) (app.Sealed, error)
	HTTP      *http.Client
	PingRedis func(ctx context.Context, redisURL string) error
	// Traces returns where traces are sent, "" for nowhere, and whether they are taken
	// there. A *otlp.Wrong is a variable that the service does not start on. nil to leave
	// that out.
	Traces     func(ctx context.Context) (endpoint string, err error)
	LookupHost func(ctx context.Context, host string) ([]string, error) // net.Resolver
	Now        func() time.Time
}

// examination is one run over one configuration.
type examination struct {
	Deps
	cfg config.Config

	mu      sync.Mutex
	samples []sample // readings of other clocks
}

// check is one independent check with its results.
type check func(ctx context.Context) []Result

// Run runs all checks, at the same time. Only that of the clock comes after the
// others, because it compares the clocks that they read.
func Run(ctx context.Context, cfg config.Config, deps Deps) []Result {
	e := &examination{Deps: deps, cfg: cfg}
	checks := []check{e.configuration, e.database, e.publicURL}
	for _, p := range cfg.Providers {
		checks = append(checks, func(ctx context.Context) []Result { return e.provider(ctx, p) })
	}
	for _, s := range methods.All() {
		switch s.Kind {
		case method.ByRedirect: // with the issuers that are configured by name, above
		case method.ByEmail:
			checks = append(checks, e.mail)
		case method.ByWallet:
			for _, chain := range cfg.SIWEChains {
				checks = append(checks, func(ctx context.Context) []Result { return e.chain(ctx, chain) })
			}
		}
	}
	checks = append(checks, e.redis, e.traces)
	answers := make([][]Result, len(checks))
	var wg sync.WaitGroup
	for i, check := range checks {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, checkTimeout)
			defer cancel()
			answers[i] = check(ctx)
		})
	}
	wg.Wait()
	var results []Result
	for _, a := range answers {
		results = append(results, a...)
	}
	return append(results, e.clock()...)
}

// Unusable returns the results of a configuration that cannot be loaded. Nothing
// else can be checked then.
func Unusable(err *config.Error) []Result {
	var results []Result
	for _, p := range err.Problems {
		what, fix, _ := strings.Cut(p.Message, "; ")
		results = append(results, Result{"configuration", Fail, p.Variable + ": " + what, fix})
	}
	return results
}

func (e *examination) configuration(context.Context) []Result {
	results := []Result{ok("configuration", "all variables are usable")}
	for _, w := range e.cfg.Warnings() {
		what, fix, _ := strings.Cut(w, "; ")
		results = append(results, Result{"configuration", Warn, what, fix})
	}
	return results
}

// Print writes the results and reports whether one of them is a failure.
func Print(w io.Writer, results []Result) (failed bool, err error) {
	for _, r := range results {
		line := fmt.Sprintf("%-4s  %-13s  %s\n", r.Level, r.Check, visible(r.Message))
		if r.Fix != "" {
			line += fmt.Sprintf("%21s> %s\n", "", visible(r.Fix))
		}
		if _, err := io.WriteString(w, line); err != nil {
			return failed, err
		}
		failed = failed || r.Level == Fail
	}
	return failed, nil
}

// visible escapes control characters, which a server can have put into its answer
// to control the terminal.
func visible(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return s
	}
	quoted := strconv.Quote(s)
	return quoted[1 : len(quoted)-1]
}

func ok(check, format string, args ...any) Result {
	return Result{Check: check, Level: OK, Message: fmt.Sprintf(format, args...)}
}

// Command bench measures what Latchkey promises about speed and memory, in one
// go, against a PostgreSQL on the same machine:
//
//	go run ./bench
//
// It prints ratios: against a handler written by hand for the same work, or
// against the aim itself. See README.md for how each is measured.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

type options struct {
	parts       string
	duration    time.Duration
	rounds      int
	connections int
	signIns     int
	users       int
	importUsers int
	active      int
	binaries    string
	profile     string
	fsync       bool
	strict      bool
}

// part is one thing to measure. Parts share nothing but the machine, so any
// choice of them gives the same figures.
type part struct {
	name, about string
	run         func(ctx context.Context, m *machine, t *table) error
}

var parts = []part{
	{"session", "GET /v1/session against a handler by hand", measureSession},
	{"revoke", "the end of a session until every replica refuses it", measureRevoke},
	{"sessions", "checks among 1,000,000 sessions, and a team of 10,000", measureSessions},
	{"sqlite", "GET /v1/session on SQLite against a handler by hand", measureSQLite},
	{"signin", "challenge and verify of a wallet against a handler by hand", measureSignIn},
	{"tail", "the slowest sign-ins at 256 connections", measureTail},
	{"refresh", "refreshing tokens against a handler by hand", measureRefresh},
	{"sealer", "chaining audit events", measureSealer},
	{"uses", "writing the last use of -active active sessions", measureUses},
	{"oauth", "code exchange, refresh and userinfo, and a flood of authorization requests", measureOAuth},
	{"events", "sign-ins with a webhook against without, deliveries and the feed", measureEvents},
	{"statements", "what they ask of the database", measureStatements},
	{"memory", "resident memory after many sign-ins, and under a flood of challenges", measureMemory},
	{"start", "start to the first healthy answer, memory at rest, size", measureStart},
	{"verify", "siwe.Verify against the cryptography in it", measureVerify},
	{"merge", "merging two users, and undoing it, as the rows that move grow", measureMerge},
	{"decision", "deciding about a sign-in as users grow from 10,000 to 1,000,000", measureDecision},
	{"scale", "checks, sign-ins, lists, sweeping and ending everything among -users users against 10,000", measureScale},
	{"import", "importing -import-users users into PostgreSQL and SQLite", measureImport},
	{"refuse", "CPU time to refuse a 10 MB body", measureRefuse},
	{profilePart, "a CPU profile for deploy/build, into -profile", takeProfile},
}

// profilePart measures nothing, so it is no part of all.
const profilePart = "profile"

func main() {
	if len(os.Args) > 1 && os.Args[1] == bareCommand {
		exit(serveBare())
	}
	var o options
	flag.StringVar(&o.parts, "parts", "all", "comma separated: "+strings.Join(partNames(), ", "))
	flag.DurationVar(&o.duration, "duration", 20*time.Second, "measured time of each side of each comparison")
	flag.IntVar(&o.rounds, "rounds", 60, "interleaved rounds that the time is cut into")
	flag.IntVar(&o.connections, "connections", 16, "connections of the load generator")
	flag.IntVar(&o.signIns, "sign-ins", 100_000, "sign-ins of the part memory")
	flag.IntVar(&o.users, "users", 20_000, "users of the part scale, such as 3000000")
	flag.IntVar(&o.importUsers, "import-users", 100_000, "users of the part import, such as 1000000")
	flag.IntVar(&o.active, "active", 200_000, "sessions of the part uses, such as 1000000")
	flag.StringVar(&o.binaries, "binary", "", "a built latchkey instead of ./cmd/latchkey; several, comma separated, are compared with each other")
	flag.StringVar(&o.profile, "profile", "", "where the part profile writes, such as deploy/latchkey.pgo")
	flag.BoolVar(&o.fsync, "fsync", true, "let a private PostgreSQL sync to disk, as in production")
	flag.BoolVar(&o.strict, "strict", false, "exit 1 if an aim is missed")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	missed, err := run(ctx, o)
	if err == nil && missed > 0 && o.strict {
		err = fmt.Errorf("%d aims missed", missed)
	}
	exit(err)
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func run(ctx context.Context, o options) (missed int, err error) {
	chosen, err := choose(o.parts)
	if err != nil {
		return 0, err
	}
	m, err := newMachine(ctx, o)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, m.close()) }()
	fmt.Println(m.describe())

	t := &table{}
	for _, p := range chosen {
		fmt.Fprintf(os.Stderr, "%s: %s ...\n", p.name, p.about)
		switch err := p.run(ctx, m, t); {
		case errors.Is(err, errors.ErrUnsupported):
			t.note("%s: skipped: %v", p.name, err)
		case err != nil:
			return 0, fmt.Errorf("%s: %w%s", p.name, err, m.lastLog())
		}
	}
	return t.print(os.Stdout), nil
}

func choose(names string) ([]part, error) {
	if names == "all" {
		return slices.DeleteFunc(slices.Clone(parts), func(p part) bool { return p.name == profilePart }), nil
	}
	var chosen []part
	for name := range strings.SplitSeq(names, ",") {
		i := slices.IndexFunc(parts, func(p part) bool { return p.name == strings.TrimSpace(name) })
		if i < 0 {
			return nil, fmt.Errorf("there is no part %q; there are %s", name, strings.Join(partNames(), ", "))
		}
		chosen = append(chosen, parts[i])
	}
	return chosen, nil
}

func partNames() []string {
	names := make([]string, len(parts))
	for i, p := range parts {
		names[i] = p.name
	}
	return names
}

// label tells several binaries apart in the table; a single one needs no name.
func label(m *machine, binary string) string {
	if len(m.binaries) == 1 {
		return ""
	}
	return " [" + filepath.Base(binary) + "]"
}

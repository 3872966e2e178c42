package storage_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/audit"
	"github.com/latchkey/latchkey/identity/feed"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/identity/webhook"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
	"github.com/latchkey/latchkey/storage"
)

// large are the tables of which a list must not read everything. The others are
// small in every deployment.
var large = []string{
	"users", "identities", "emails", "sessions", "team_sessions", "memberships", "invitations", "audit_events",
	"refresh_families", "vouchers", "duplicates", "merges", "tickets", "burned_secrets", "job_items",
	"client_grants", "feed", "webhook_deliveries",
}

// rows is how many each large table has: enough for the planner to see a difference.
const rows = 3000

// crowded is a database with many rows that are not asked for, and a few that are.
type crowded struct {
	*storagetest.Database
	user identity.User
	team team.Team
	in   session.Session
	now  time.Time
}

func crowdOf(t *testing.T, d *storagetest.Database) crowded {
	t.Helper()
	c := crowded{Database: d, user: d.User(t), now: d.Clock.Now()}
	c.team = d.Team(t, c.user.ID)
	c.in = d.Session(t, c.user.ID, func(s *session.Session) { s.IP = "203.0.113.9" })
	d.TeamSession(t, c.team.ID, c.in)
	d.Email(t, c.user.ID, "ada@example.com")
	d.Invite(t, c.team.ID, c.user.ID)
	e := d.Event(&c.team.ID)
	d.Record(t, e)
	if d.Engine == storagetest.SQLite { // whose planner goes by the schema alone
		return c
	}
	other, big := d.User(t), d.Team(t, c.user.ID)
	d.Unsound() // the rows are there to be passed over
	fill := strings.NewReplacer("THE_USER", "'"+other.ID.String()+"'::uuid", "THE_TEAM", "'"+big.ID.String()+"'::uuid", "ROWS", fmt.Sprint(rows),
		"MADE", "'2026-02-01'::timestamptz + n * interval '1 second'").Replace(`
		SET session_replication_role = replica; -- no checks of foreign keys
		CREATE TEMPORARY TABLE ids AS SELECT n, gen_random_uuid() AS id, gen_random_uuid() AS second FROM generate_series(1, ROWS) AS n;
		INSERT INTO users (id, display_name, created_at, updated_at) SELECT id, 'u' || n, MADE, MADE FROM ids;
		INSERT INTO users (id, display_name, created_at, updated_at) SELECT second, 'u' || n, MADE, MADE FROM ids;
		INSERT INTO identities (id, user_id, provider, subject, email, created_at, last_used_at) SELECT gen_random_uuid(), id, 'github', n::text, n || '@e.com', MADE, MADE FROM ids;
		INSERT INTO identities (id, user_id, provider, subject, wallet_address, wallet_chain_id, wallet_kind, created_at, last_used_at)
			SELECT gen_random_uuid(), id, 'siwe', n::text, n::text, 1, 'eoa', MADE, MADE FROM ids;
		INSERT INTO emails (address, user_id, source, verified_at) SELECT n || '@example.com', id, 'google', MADE FROM ids;
		INSERT INTO vouchers (id, address, provider, subject, user_id, first_vouched_at, last_vouched_at)
			SELECT gen_random_uuid(), n || '@example.com', 'import:test', n::text, id, MADE, MADE FROM ids;
		INSERT INTO vouchers (id, address, provider, subject, first_vouched_at, last_vouched_at)
			SELECT gen_random_uuid(), n || '@example.com', 'github', 'refused ' || n, MADE, MADE FROM ids;
		INSERT INTO memberships (team_id, user_id, role, created_at) SELECT THE_TEAM, id, 'member', MADE FROM ids;
		INSERT INTO sessions (id, user_id, token_hash, methods, ip, ip_key, device, created_at, authenticated_at, last_seen_at, idle_expires_at, expires_at)
			SELECT second, id, sha256(n::text::bytea), 'github', '192.0.2.1', '\x00000000000000000000ffffc0000201', 'Firefox on Linux', MADE, MADE, MADE, '2099-01-01', '2099-01-01' FROM ids;
		INSERT INTO team_sessions (id, team_id, session_id, user_id, created_at) SELECT gen_random_uuid(), THE_TEAM, second, id, MADE FROM ids;
		INSERT INTO invitations (id, team_id, email, role, invited_by, created_at, expires_at) SELECT gen_random_uuid(), THE_TEAM, n || '@x.com', 'member', THE_USER, MADE, '2099-01-01' FROM ids;
		INSERT INTO audit_events (id, at, action, actor_id, user_id, session_id, ip) SELECT gen_random_uuid(), MADE, 'session.created', id, id, second, '192.0.2.1' FROM ids;
		INSERT INTO refresh_families (id, session_id, user_id, client_id, seed, generation, created_at, rotated_at)
			SELECT gen_random_uuid(), second, id, 'web', sha256('x'), 1, MADE, MADE FROM ids;
		INSERT INTO duplicates (id, first_id, second_id, kind, reason, created_at) SELECT gen_random_uuid(), least(id, second), greatest(id, second), 'hint', 'r', MADE FROM ids;
		INSERT INTO merges (id, source_id, survivor_id, plan, confirmed_at, undo_until) SELECT gen_random_uuid(), id, second, '{}', MADE, MADE FROM ids;
		INSERT INTO tickets (id, token_hash, kind, owner_id, browser_hash, proof, created_at, expires_at)
			SELECT gen_random_uuid(), sha256(n::text::bytea), 'link', id, sha256('x'), '{}', MADE, '2099-01-01' FROM ids;
		INSERT INTO client_grants (id, user_id, client_id, scopes, resources, created_at, updated_at)
			SELECT gen_random_uuid(), id, 'web', 'openid', '', MADE, MADE FROM ids;
		INSERT INTO feed (seq, id, type, at, user_id, data) SELECT n, id, 'session.created', MADE, id, '{}' FROM ids;
		INSERT INTO webhook_deliveries (id, webhook_id, seq, status, created_at, next_attempt_at)
			SELECT gen_random_uuid(), THE_TEAM, n, 'delivered', MADE, MADE FROM ids;
		INSERT INTO burned_secrets (hash, expires_at) SELECT sha256(n::text::bytea), '2099-01-01' FROM ids;
		INSERT INTO jobs (id, kind, reason, created_at, finished_at) SELECT id, 'end_sessions', 'r', MADE, '2099-01-01' FROM ids;
		INSERT INTO job_items (job_id, item_id) SELECT id, second FROM ids;
		SET session_replication_role = DEFAULT;
		ANALYZE`)
	if _, err := d.SQL.ExecContext(t.Context(), fill); err != nil {
		t.Fatal(err)
	}
	return c
}

// lists is every list with each of its filters, asked for what is rare.
func (c crowded) lists() map[string]func(ctx context.Context) error {
	page := identity.Page{Limit: 50}
	rare := identity.NewID()
	out := map[string]func(ctx context.Context) error{}
	add := func(name string, call func(ctx context.Context) error) { out[name] = call }

	sessions := map[string]session.Filter{
		"": {}, "user": {UserID: &c.user.ID}, "active": {Status: session.StatusActive}, "ids": {IDs: []identity.ID{c.in.ID}},
		"network": {Network: netip.MustParsePrefix("203.0.113.0/24")}, "newer": {NewerThan: time.Minute}, "older": {OlderThan: 300 * 24 * time.Hour},
		"user, active": {UserID: &c.user.ID, Status: session.StatusActive}, "user, device": {UserID: &c.user.ID, Device: "x"},
		"key": {KeyID: &rare}, "network, provider": {Network: netip.MustParsePrefix("203.0.113.0/24"), Provider: "x"},
	}
	for name, f := range sessions {
		add("sessions by "+name, func(ctx context.Context) error { _, err := c.DB.Sessions(ctx, f, c.now, page); return err })
		// Of a team, whose sessions have an index of their own.
		for _, status := range []session.Status{"", session.StatusActive, session.StatusExpired, session.StatusRevoked} {
			f := f
			f.Status = status
			add("team sessions by "+name+", "+string(status), func(ctx context.Context) error {
				_, err := c.DB.TeamSessions(ctx, c.team.ID, f, c.now, page)
				return err
			})
		}
		if name != "" && name != "active" {
			add("count of sessions by "+name, func(ctx context.Context) error { _, err := c.CountSessions(ctx, f, c.now); return err })
			add("count of team sessions by "+name, func(ctx context.Context) error {
				_, err := c.CountTeamSessions(ctx, c.team.ID, f, c.now)
				return err
			})
		}
	}
	add("my sessions", func(ctx context.Context) error { _, err := c.ActiveSessions(ctx, c.user.ID, c.now, page); return err })

	early, late := c.now.AddDate(-1, 0, 0), c.now.AddDate(1, 0, 0)
	for name, f := range map[string]audit.Filter{
		"": {}, "team": {TeamID: &c.team.ID}, "user": {UserID: &c.user.ID}, "actor": {ActorID: &c.user.ID}, "session": {SessionID: &rare},
		"action": {Action: "rare.action"}, "address": {IP: "203.0.113.9"}, "from": {From: &late}, "to": {To: &early},
		"user, action": {UserID: &c.user.ID, Action: "rare.action"}, "team, actor": {TeamID: &c.team.ID, ActorID: &c.user.ID},
	} {
		add("audit by "+name, func(ctx context.Context) error { _, err := c.Events(ctx, f, page); return err })
	}
	add("my history", func(ctx context.Context) error { _, err := c.EventsOf(ctx, []identity.ID{c.user.ID}, page); return err })

	for name, f := range map[string]identity.UserFilter{"": {}, "address": {Email: "ada@example.com"}, "wallet": {Wallet: "0x1"}} {
		add("users by "+name, func(ctx context.Context) error { _, err := c.DB.Users(ctx, f, page); return err })
	}
	add("identities", func(ctx context.Context) error { _, err := c.Identities(ctx, c.user.ID, page); return err })
	add("emails", func(ctx context.Context) error { _, err := c.Emails(ctx, c.user.ID); return err })
	add("members", func(ctx context.Context) error { _, err := c.Members(ctx, c.team.ID, page); return err })
	add("my teams", func(ctx context.Context) error { _, err := c.TeamsOf(ctx, c.user.ID, page); return err })
	add("a user's teams", func(ctx context.Context) error { _, err := c.MembershipsWithTeam(ctx, c.user.ID, page); return err })
	add("invitations", func(ctx context.Context) error { _, err := c.OpenInvitations(ctx, c.team.ID, c.now, page); return err })
	add("my invitations", func(ctx context.Context) error { _, err := c.InvitationsFor(ctx, c.user.ID, c.now, page); return err })
	add("duplicates", func(ctx context.Context) error { _, err := c.Duplicates(ctx, page); return err })
	add("duplicates of a user", func(ctx context.Context) error { _, err := c.DuplicatesFor(ctx, c.user.ID); return err })
	add("merges", func(ctx context.Context) error { _, err := c.Merges(ctx, nil, page); return err })
	add("merges of a user", func(ctx context.Context) error { _, err := c.Merges(ctx, &c.user.ID, page); return err })
	add("former ids", func(ctx context.Context) error { _, err := c.MergedFrom(ctx, []identity.ID{c.user.ID}); return err })
	add("what applications may do", func(ctx context.Context) error { _, err := c.ClientGrants(ctx, c.user.ID, page); return err })
	add("refused proofs", func(ctx context.Context) error { _, err := c.RefusedProofs(ctx, c.user.ID, early, 9); return err })
	add("keys", func(ctx context.Context) error { _, err := c.APIKeys(ctx, nil, page); return err })
	add("keys of a team", func(ctx context.Context) error { _, err := c.APIKeys(ctx, &c.team.ID, page); return err })
	add("webhooks", func(ctx context.Context) error { _, err := c.Webhooks(ctx, page); return err })
	add("deliveries", func(ctx context.Context) error { _, err := c.Deliveries(ctx, rare, webhook.Failed, page); return err })
	add("feed", func(ctx context.Context) error { _, err := c.FeedEvents(ctx, rows-9, rows, nil, 9); return err })
	add("feed by type", func(ctx context.Context) error {
		_, err := c.FeedEvents(ctx, 0, rows, []feed.Type{"rare"}, 9)
		return err
	})
	add("applications", func(ctx context.Context) error { _, err := c.Clients(ctx, "", 50); return err })
	add("open jobs", func(ctx context.Context) error { _, err := c.HasOpenJob(ctx); return err })
	return out
}

// paged are the methods that list by pages, each of which lists has; but for Teams,
// which counts all members, and the search of Users: both read every row for a rare text.
var paged = []string{
	"APIKeys", "ActiveSessions", "ClientGrants", "Deliveries", "Duplicates", "Events", "EventsOf", "Identities", "InvitationsFor", "Members",
	"MembershipsWithTeam", "Merges", "OpenInvitations", "Sessions", "TeamSessions", "Teams", "TeamsOf", "Users", "Webhooks",
}

// A list that is added is one whose plan is looked at, too.
func TestEachListIsPlanned(t *testing.T) {
	t.Parallel()
	var found []string
	for m := range reflect.TypeFor[*storage.DB]().Methods() {
		for in := range m.Type.Ins() {
			if in == reflect.TypeFor[identity.Page]() {
				found = append(found, m.Name)
			}
		}
	}
	slices.Sort(found)
	storagetest.Same(t, found, paged)
}

// walks are lists that read on along the newest rows until a page is full: nearly
// every row meets the filter.
var walks = []string{"sessions by active", "sessions by ", "duplicates"}

// Every list and filter reads by an index what it shows, however many rows there are
// besides. Lists of sessions by device or provider alone do not: they walk along
// the newest, a bounded number of them (see session.Service.ListAll).
func TestListsGoByIndexes(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		c := crowdOf(t, d)
		var asked []string
		storage.Spy(d.DB, func(query string) { asked = append(asked, query) })
		for name, list := range c.lists() {
			asked = nil
			if err := list(t.Context()); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if len(asked) == 0 {
				t.Fatalf("%s: nothing is asked", name)
			}
			for _, query := range asked {
				for _, scan := range c.scans(t, query, slices.Contains(walks, name)) {
					t.Errorf("%s reads all of %s:\n%s", name, scan, query)
				}
			}
		}
	})
}

// Lists by time go by ids on SQLite, from where rows of these times are, and sort
// nothing.
func TestListsByTimeGoByIDs(t *testing.T) {
	t.Parallel()
	d := storagetest.Open(t, storagetest.SQLite)
	c := crowdOf(t, d)
	page, early, late := identity.Page{Limit: 50}, c.now.Add(-time.Hour), c.now.Add(time.Hour)
	var asked []string
	storage.Spy(d.DB, func(query string) { asked = append(asked, query) })
	for name, list := range map[string]func() (int, error){
		"older": func() (int, error) {
			rows, err := c.DB.Sessions(t.Context(), session.Filter{OlderThan: time.Nanosecond}, late, page)
			return len(rows), err
		},
		"newer": func() (int, error) {
			rows, err := c.DB.Sessions(t.Context(), session.Filter{NewerThan: 2 * time.Hour}, late, page)
			return len(rows), err
		},
		"from": func() (int, error) {
			rows, err := c.Events(t.Context(), audit.Filter{From: &early}, page)
			return len(rows), err
		},
		"to": func() (int, error) {
			rows, err := c.Events(t.Context(), audit.Filter{To: &late}, page)
			return len(rows), err
		},
	} {
		asked = nil
		if n, err := list(); err != nil || n == 0 {
			t.Errorf("%s: %d rows, %v", name, n, err)
		}
		for _, query := range asked {
			if plan := c.Plan(t, query); strings.Contains(plan, "B-TREE") || len(c.scans(t, query, false)) > 0 {
				t.Errorf("%s: %s\n%s", name, query, plan)
			}
		}
	}
}

// Every hot statement goes by indexes, also as PostgreSQL plans it once for all
// parameters.
func TestHotStatementsGoByIndexes(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		c := crowdOf(t, d)
		statements := d.HotStatements()
		if len(statements) < 10 {
			t.Fatalf("there are only %d", len(statements))
		}
		d.SQL.SetMaxOpenConns(1)
		for name, query := range statements {
			if d.Engine == storagetest.Postgres {
				query = prepared(t, c, name, query)
			} else {
				query = parameter.ReplaceAllString(query, "NULL")
			}
			for _, scan := range c.scans(t, query, false) {
				t.Errorf("%s reads all of %s", name, scan)
			}
		}
	})
}

var parameter = regexp.MustCompile(`\?\d+`)

// prepared prepares a statement and returns how it is run, with NULL for all its
// parameters.
func prepared(t *testing.T, c crowded, name, query string) string {
	t.Helper()
	for _, s := range []string{"SET plan_cache_mode = force_generic_plan", "PREPARE " + name + " AS " + query} {
		if _, err := c.SQL.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	n := 0
	for strings.Contains(query, fmt.Sprintf("$%d", n+1)) {
		n++
	}
	return "EXECUTE " + name + " (" + strings.TrimSuffix(strings.Repeat("NULL, ", n), ", ") + ")"
}

var sqliteScan = regexp.MustCompile(`(?m)^SCAN (\w+)(.*)$`)

// scans are the large tables of which a query reads every row. With walk it may
// read them in the order of an index, to stop when it has enough.
func (c crowded) scans(t *testing.T, query string, walk bool) (out []string) {
	t.Helper()
	if c.Engine == storagetest.SQLite {
		for _, m := range sqliteScan.FindAllStringSubmatch(c.Plan(t, query), -1) {
			table := tableOf(query, m[1])
			ordered := strings.Contains(m[2], "USING") && (walk || !strings.Contains(strings.ToUpper(query), " WHERE "))
			if slices.Contains(large, table) && !ordered {
				out = append(out, table+" ("+m[0]+")")
			}
		}
		return out
	}
	var text string
	if err := c.SQL.QueryRowContext(t.Context(), "EXPLAIN (FORMAT JSON) "+query).Scan(&text); err != nil {
		t.Fatal(err)
	}
	var plans []struct{ Plan node }
	if err := json.Unmarshal([]byte(text), &plans); err != nil {
		t.Fatal(err)
	}
	plans[0].Plan.each(func(n node) {
		whole := n.Type == "Seq Scan" || strings.HasPrefix(n.Type, "Index") && n.Cond == "" && n.Filter != "" && !walk
		if slices.Contains(large, n.Table) && whole {
			out = append(out, fmt.Sprintf("%s (%s, %s)", n.Table, n.Type, n.Filter))
		}
	})
	return out
}

// tableOf is the table of an alias in a query.
func tableOf(query, alias string) string {
	m := regexp.MustCompile(`"?(\w+)"? AS "?` + alias + `"?\b`).FindStringSubmatch(query)
	if m == nil {
		return alias
	}
	return m[1]
}

// node is a step of PostgreSQL's plan.
type node struct {
	Type   string `json:"Node Type"`
	Table  string `json:"Relation Name"`
	Cond   string `json:"Index Cond"`
	Filter string
	Plans  []node
}

func (n node) each(f func(n node)) {
	f(n)
	for _, p := range n.Plans {
		p.each(f)
	}
}

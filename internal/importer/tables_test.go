package importer_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/internal/importer"
)

// Adapters and applications name tables in many ways. %q is a table by its name in
// Auth.js's documentation.
func TestTablesAreFound(t *testing.T) {
	t.Parallel()
	const users = `(id %s, name text, email text, "emailVerified" %s, image text)`
	const accounts = `("userId" %s, type text, provider text, "providerAccountId" text)`
	for what, tt := range map[string]struct {
		engine          string
		before          string
		users, accounts string // names, quoted
		snake           bool
		settings        importer.Settings
		query           string
	}{
		"Prisma":   {engine: "sqlite", users: `"User"`, accounts: `"Account"`},
		"Drizzle":  {engine: "sqlite", users: `"user"`, accounts: `"account"`},
		"TypeORM":  {engine: "sqlite", users: `users`, accounts: `accounts`, snake: true},
		"a prefix": {engine: "sqlite", users: `t3app_user`, accounts: `t3app_account`},
		"a prefix that is said": {
			engine: "sqlite", before: `create table old_users (id text, email text, "emailVerified" text); create table old_accounts ("userId" text, provider text, "providerAccountId" text)`,
			users: `new_users`, accounts: `new_accounts`, settings: importer.Settings{TablePrefix: "new_"},
		},
		"another table of the name": {engine: "sqlite", before: `create table users (login text)`, users: `"user"`, accounts: `"account"`},
		"Supabase's adapter":        {engine: "postgres", before: `create schema next_auth; create schema auth; create table auth.users (id uuid, email text)`, users: `next_auth.users`, accounts: `next_auth.accounts`},
		"a schema of Prisma's":      {engine: "postgres", before: `create schema app; create table "User" (id text, email text, "emailVerified" text); create table "Account" ("userId" text, provider text, "providerAccountId" text)`, users: `app."User"`, accounts: `app."Account"`, query: "schema=app&pgbouncer=true"},
		"a schema that is said":     {engine: "postgres", before: `create schema a; create schema b; create table a.users (id text, email text, "emailVerified" text); create table a.accounts ("userId" text, provider text, "providerAccountId" text)`, users: `b.users`, accounts: `b.accounts`, settings: importer.Settings{Schema: "b"}},
	} {
		id, verified, first, second := "text", "text", "'a'", "'b'"
		if tt.engine == "postgres" {
			id, verified = "uuid", "timestamptz"
			first, second = "'00000000-0000-0000-0000-00000000000a'", "'00000000-0000-0000-0000-00000000000b'"
		}
		u, a := strings.Replace(strings.Replace(users, "%s", id, 1), "%s", verified, 1), strings.Replace(accounts, "%s", id, 1)
		if tt.snake {
			u = strings.ReplaceAll(u, `"emailVerified"`, "email_verified")
			a = strings.NewReplacer(`"userId"`, "user_id", `"providerAccountId"`, "provider_account_id").Replace(a)
		}
		statements := []string{
			"create table " + tt.users + " " + u, "create table " + tt.accounts + " " + a,
			"insert into " + tt.users + " values (" + first + ", 'Ada', 'ada@example.com', '2023-01-02', null), (" + second + ", 'Bob', 'bob@example.com', null, null)",
			"insert into " + tt.accounts + " values (" + first + ", 'oauth', 'google', '1001')",
		}
		if tt.before != "" {
			statements = append(strings.Split(tt.before, "; "), statements...)
		}
		source := newSource(t, tt.engine, statements...)
		if tt.query != "" {
			separator := "?"
			if strings.Contains(source, "?") {
				separator = "&"
			}
			source += separator + tt.query
		}
		people, _ := peopleOf(t, importer.AuthJS, source, func(s *importer.Settings) { s.Schema, s.TablePrefix = tt.settings.Schema, tt.settings.TablePrefix })
		wantPeople(t, what, people, strings.Trim(first, "'")+" Ada ada@example.com+ google:1001", strings.Trim(second, "'")+" Bob bob@example.com")
	}
}

// Values that only PostgreSQL has stop no import.
func TestOddValuesOfPostgreSQL(t *testing.T) {
	t.Parallel()
	source := newSource(t, "postgres",
		`create schema auth`, `create type role as enum ('user', 'boss')`,
		`create table auth.users (id uuid primary key, email varchar, email_confirmed_at timestamptz, raw_user_meta_data jsonb, raw_app_meta_data jsonb, created_at timestamptz, banned_until timestamptz, is_sso_user boolean, is_anonymous boolean, deleted_at timestamptz, kind role, tags text[], points numeric)`,
		`create table auth.identities (provider_id text, user_id uuid, identity_data jsonb, provider text)`,
		`insert into auth.users values
			('00000000-0000-0000-0000-000000000001', 'a@example.com', now(), '{"full_name": "Ada", "theme": "dark", "sub": "x"}', '{"provider": "google", "providers": ["google"], "plan": "pro"}', '-infinity', 'infinity', false, false, null, 'boss', '{a,b}', 1.5),
			('00000000-0000-0000-0000-000000000002', 'b@example.com', '0044-03-15 BC', '"text"', null, '0044-03-15 BC', null, false, false, null, null, null, null),
			('00000000-0000-0000-0000-000000000003', 'c@example.com', now(), '{}', '{}', now(), '2999-01-01', null, null, null, 'user', null, null),
			('00000000-0000-0000-0000-000000000004', 'd@example.com', now(), '{}', '{}', now(), null, true, false, null, 'user', null, null),
			('00000000-0000-0000-0000-000000000005', 'e@example.com', now(), '{}', '{}', now(), null, false, true, null, 'user', null, null)`,
		`insert into auth.identities values ('7', '00000000-0000-0000-0000-000000000002', '[]', 'github')`)
	people, _ := peopleOf(t, importer.Supabase, source, func(s *importer.Settings) { s.Metadata = []string{"kind", "tags", "points"} })
	wantPeople(t, "people", people,
		"00000000-0000-0000-0000-000000000001 Ada a@example.com+ banned", "00000000-0000-0000-0000-000000000002  b@example.com github:7",
		"00000000-0000-0000-0000-000000000003  c@example.com+ banned 2999-01-01", "00000000-0000-0000-0000-000000000004  d@example.com",
		"00000000-0000-0000-0000-000000000005 ")
	ada := people[0]
	if ada.AppMetadata["kind"] != "boss" || ada.AppMetadata["points"] != json.Number("1.5") || ada.AppMetadata["plan"] != "pro" || len(ada.AppMetadata) != 4 ||
		len(ada.Metadata) != 1 || ada.Metadata["theme"] != "dark" {
		t.Errorf("Ada is %+v", ada)
	}
}

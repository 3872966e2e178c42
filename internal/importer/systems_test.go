package importer_test

import (
	"testing"

	"github.com/latchkey/latchkey/internal/importer"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

// The tables as the adapters' documentation has them.
var authjsPostgres = []string{
	`CREATE TABLE accounts (
		id SERIAL, "userId" INTEGER NOT NULL, type VARCHAR(255) NOT NULL, provider VARCHAR(255) NOT NULL,
		"providerAccountId" VARCHAR(255) NOT NULL, refresh_token TEXT, access_token TEXT, expires_at BIGINT,
		id_token TEXT, scope TEXT, session_state TEXT, token_type TEXT, PRIMARY KEY (id))`,
	`CREATE TABLE users (
		id SERIAL, name VARCHAR(255), email VARCHAR(255), "emailVerified" TIMESTAMPTZ, image TEXT, PRIMARY KEY (id))`,
	`INSERT INTO users (name, email, "emailVerified", image) VALUES
		('Ada', 'ada@example.com', now(), 'https://pics.example/a'), ('Bob', 'bob@example.com', NULL, NULL), (NULL, 'cy@example.com', NULL, NULL)`,
	`INSERT INTO accounts ("userId", type, provider, "providerAccountId", access_token) VALUES
		(1, 'oauth', 'google', '1001', 'secret'), (2, 'oauth', 'github', '2002', 'secret'), (2, 'oauth', 'twitch', '9', 'secret')`,
}

// Drizzle's tables on SQLite: singular names, times as milliseconds.
var authjsSQLite = []string{
	"CREATE TABLE `user` (`id` text PRIMARY KEY NOT NULL, `name` text, `email` text, `emailVerified` integer, `image` text)",
	"CREATE TABLE `account` (`userId` text NOT NULL, `type` text NOT NULL, `provider` text NOT NULL, `providerAccountId` text NOT NULL, `access_token` text, PRIMARY KEY(`provider`, `providerAccountId`))",
	"INSERT INTO `user` VALUES ('a', 'Ada', 'ada@example.com', 1700000000000, 'https://pics.example/a'), ('b', 'Bob', 'bob@example.com', NULL, NULL), ('c', NULL, 'cy@example.com', NULL, NULL)",
	"INSERT INTO `account` VALUES ('a', 'oauth', 'google', '1001', 'secret'), ('b', 'oauth', 'github', '2002', 'secret'), ('b', 'oauth', 'twitch', '9', 'secret')",
}

func TestAuthJS(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		for engine, statements := range map[string][]string{"postgres": authjsPostgres, "sqlite": authjsSQLite} {
			report := bring(t, d, importer.AuthJS, newSource(t, engine, statements...), func(o *importer.Options) { o.DryRun = true })
			if got := counts(report); got != [6]int{3, 2, 0, 0, 2, 1} {
				t.Errorf("%s: counts %v", engine, got)
			}
			wantNamed(t, report, map[string]int{"no account and no verified address": 1}, map[string]int{
				"address that the source has not verified": 2, `account of a provider that Latchkey does not have: "twitch"`: 1,
			})
		}
		bring(t, d, importer.AuthJS, newSource(t, "postgres", authjsPostgres...))
		if u := owner(t, d, "google", "1001"); u.DisplayName != "Ada" || u.AvatarURL != "https://pics.example/a" || *u.PrimaryEmail != "ada@example.com" {
			t.Errorf("Ada is %+v", u)
		}
		if u := owner(t, d, "github", "2002"); u.PrimaryEmail != nil {
			t.Errorf("Bob has the address %s, which was not verified", *u.PrimaryEmail)
		}
	})
}

// What Better Auth's own migration makes, with the siwe and admin plugins.
func betterAuth(boolean, date, yes, no string) []string {
	return []string{
		`create table "user" ("id" text not null primary key, "name" text not null, "email" text not null unique, "emailVerified" ` + boolean +
			` not null, "image" text, "createdAt" ` + date + ` not null, "updatedAt" ` + date + ` not null, "banned" ` + boolean + `, "banExpires" ` + date + `)`,
		`create table "account" ("id" text not null primary key, "accountId" text not null, "providerId" text not null, "userId" text not null references "user" ("id") on delete cascade, "password" text, "createdAt" ` + date + ` not null)`,
		`create table "walletAddress" ("id" text not null primary key, "userId" text not null references "user" ("id"), "address" text not null, "chainId" integer not null, "isPrimary" ` + boolean + `, "createdAt" ` + date + ` not null)`,
		`insert into "user" values ('a', 'Ada', 'ada@example.com', ` + yes + `, null, '2021-02-03T04:05:06.000Z', '2021-02-03T04:05:06.000Z', null, null),
			('b', '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed', '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed@example.com', ` + no + `, null, '2021-02-03T04:05:06.000Z', '2021-02-03T04:05:06.000Z', ` + no + `, null),
			('c', 'Cy', 'cy@example.com', ` + yes + `, null, '2021-02-03T04:05:06.000Z', '2021-02-03T04:05:06.000Z', ` + yes + `, null)`,
		`insert into "account" values ('1', 'a', 'credential', 'a', 'hash', '2021-02-03'),
			('2', '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed:1', 'siwe', 'b', null, '2021-02-03'), ('3', '77', 'github', 'c', null, '2021-02-03')`,
		`insert into "walletAddress" values ('1', 'b', '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed', 1, ` + no + `, '2021-02-03'),
			('2', 'b', '0xfb6916095ca1df60bb79ce92ce3ea74c37c5d359', 10, ` + yes + `, '2021-02-03')`,
	}
}

func TestBetterAuth(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		for _, source := range []string{
			newSource(t, "sqlite", betterAuth("integer", "date", "1", "0")...),
			newSource(t, "postgres", betterAuth("boolean", "timestamptz", "true", "false")...),
		} {
			report := bring(t, d, importer.BetterAuth, source, func(o *importer.Options) { o.DryRun = true })
			if got := counts(report); got != [6]int{3, 3, 0, 0, 4, 2} || report.Suspended != 1 {
				t.Errorf("counts %v, %d suspended", got, report.Suspended)
			}
			wantNamed(t, report, nil, nil)
		}
		bring(t, d, importer.BetterAuth, newSource(t, "sqlite", betterAuth("integer", "date", "1", "0")...))
		if u := owner(t, d, "github", "77"); u.Active() || u.SuspendedUntil != nil {
			t.Errorf("Cy is banned in the source, and here %+v", u)
		}
		if u := owner(t, d, "email", "ada@example.com"); u.CreatedAt.Year() != 2021 {
			t.Errorf("Ada is %+v", u)
		}
		second, err := d.IdentitiesBySubject(t.Context(), "siwe", []string{"eip155:0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"})
		if err != nil || len(second) != 1 || !second[0].IsPrimary || *second[0].WalletChainID != 10 || second[0].Email != "" {
			t.Errorf("wallet %+v %v", second, err)
		}
	})
}

const hexWallet = "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"

var supabase = []string{
	`CREATE SCHEMA auth`,
	`CREATE TABLE auth.users (
		instance_id uuid, id uuid NOT NULL PRIMARY KEY, aud varchar(255), role varchar(255), email varchar(255), encrypted_password varchar(255),
		email_confirmed_at timestamptz, raw_app_meta_data jsonb, raw_user_meta_data jsonb, created_at timestamptz, banned_until timestamptz,
		is_sso_user boolean NOT NULL DEFAULT false, deleted_at timestamptz, is_anonymous boolean NOT NULL DEFAULT false)`,
	`CREATE TABLE auth.identities (
		provider_id text NOT NULL, user_id uuid NOT NULL REFERENCES auth.users ON DELETE CASCADE, identity_data jsonb NOT NULL, provider text NOT NULL,
		last_sign_in_at timestamptz, created_at timestamptz, email text GENERATED ALWAYS AS (lower(identity_data ->> 'email')) STORED,
		id uuid NOT NULL DEFAULT gen_random_uuid() PRIMARY KEY, UNIQUE (provider_id, provider))`,
	`INSERT INTO auth.users (id, email, email_confirmed_at, raw_user_meta_data, created_at, is_sso_user, deleted_at, banned_until) VALUES
		('00000000-0000-0000-0000-000000000001', 'ada@example.com', now(), '{"full_name": "Ada", "avatar_url": "https://pics.example/a"}', '2022-01-01', false, NULL, NULL),
		('00000000-0000-0000-0000-000000000002', NULL, NULL, '[]', '2022-01-01', false, NULL, NULL),
		('00000000-0000-0000-0000-000000000003', 'cy@example.com', now(), NULL, '2022-01-01', true, NULL, NULL),
		('00000000-0000-0000-0000-000000000004', 'di@example.com', now(), '{}', '2022-01-01', false, now(), NULL),
		('00000000-0000-0000-0000-000000000005', 'ed@example.com', now(), '{}', '2022-01-01', false, NULL, '2999-01-01')`,
	`INSERT INTO auth.identities (provider_id, user_id, identity_data, provider) VALUES
		('00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-000000000001', '{"email": "ada@example.com"}', 'email'),
		('3003', '00000000-0000-0000-0000-000000000001', '{"email": "ada@work.example"}', 'google'),
		('web3:ethereum:` + hexWallet + `', '00000000-0000-0000-0000-000000000002', '{"custom_claims": {"address": "` + hexWallet + `", "chain": "ethereum", "network": "10"}}', 'web3'),
		('cy', '00000000-0000-0000-0000-000000000003', '{}', 'sso:11111111-1111-1111-1111-111111111111')`,
}

func TestSupabase(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		report := bring(t, d, importer.Supabase, newSource(t, "postgres", supabase...))
		if got := counts(report); got != [6]int{5, 3, 0, 0, 4, 2} || report.Suspended != 1 || report.Deleted != 1 {
			t.Errorf("counts %v, %d suspended, %d deleted", got, report.Suspended, report.Deleted)
		}
		wantNamed(t, report, map[string]int{"no account that Latchkey can sign in, and no verified address": 1}, map[string]int{
			"address that the source has not verified": 1, `account of a provider that Latchkey does not have: "sso:11111111-1111-1111-1111-111111111111"`: 1,
		})
		if u := owner(t, d, "email", "ed@example.com"); u.Active() || u.SuspendedUntil == nil || u.SuspendedUntil.Year() != 2999 {
			t.Errorf("Ed is banned until 2999 in the source, and here %+v", u)
		}
		ada := owner(t, d, "google", "3003")
		if ada.DisplayName != "Ada" || *ada.PrimaryEmail != "ada@example.com" || ada.ID != owner(t, d, "email", "ada@example.com").ID {
			t.Errorf("Ada is %+v", ada)
		}
		w, err := d.IdentitiesBySubject(t.Context(), "siwe", []string{"eip155:0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"})
		if err != nil || len(w) != 1 || *w[0].WalletChainID != 10 || !w[0].IsPrimary {
			t.Errorf("wallet %+v %v", w, err)
		}
	})
}

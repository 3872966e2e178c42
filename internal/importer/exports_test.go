package importer_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/internal/importer"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

// Users as Clerk's Backend API documents them.
const clerkUsers = `[
	{"id": "user_1", "object": "user", "first_name": "Ada", "last_name": "Lovelace", "username": null, "image_url": "https://img.clerk.com/a", "has_image": true,
		"primary_email_address_id": "idn_2", "primary_web3_wallet_id": "idn_5", "created_at": 1654012591514, "banned": false, "locked": false,
		"email_addresses": [
			{"id": "idn_1", "email_address": "ada@old.example", "verification": {"status": "unverified", "strategy": "email_code"}},
			{"id": "idn_2", "email_address": "ada@example.com", "verification": {"status": "verified", "strategy": "from_oauth_google"}},
			{"id": "idn_3", "email_address": "ada@work.example", "verification": {"status": "verified", "strategy": "email_code"}}],
		"external_accounts": [
			{"object": "external_account", "provider": "oauth_google", "provider_user_id": "1001", "email_address": "ada@example.com", "verification": {"status": "verified"}},
			{"object": "google_account", "google_id": "1001", "email_address": "ada@example.com"},
			{"object": "external_account", "provider": "oauth_github", "provider_user_id": "7", "verification": {"status": "unverified"}}],
		"web3_wallets": [
			{"id": "idn_5", "web3_wallet": "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "verification": {"status": "verified"}},
			{"id": "idn_6", "web3_wallet": "0xfb6916095ca1df60bb79ce92ce3ea74c37c5d359", "verification": null}],
		"public_metadata": {"plan": "pro", "onboardingComplete": true}, "private_metadata": {"crm": {"id": 5}}, "unsafe_metadata": {"theme": "dark"}},
	{"id": "user_2", "username": "bob", "image_url": "https://img.clerk.com/drawn", "has_image": false, "email_addresses": [], "external_accounts": [], "banned": true}
]`

func TestClerk(t *testing.T) {
	t.Parallel()
	want := []string{
		"user_1 Ada Lovelace ada@example.com+ ada@old.example ada@work.example+ google:1001 google:1001 siwe:0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
		"user_2 bob banned",
	}
	for what, content := range map[string]string{
		"a list":  clerkUsers,
		"a page":  `{"data": ` + clerkUsers + `, "total_count": 2}`,
		"by line": strings.ReplaceAll(strings.ReplaceAll(strings.Trim(clerkUsers, "[]\n"), "\n", ""), `},	{"id": "user_2"`, "}\n"+`{"id": "user_2"`),
	} {
		people, _ := peopleOf(t, importer.Clerk, writeFile(t, "users.json", content), func(s *importer.Settings) { s.Metadata = []string{"private_metadata.crm.id"} })
		wantPeople(t, what, people, want...)
		ada := people[0]
		if ada.CreatedAt.Year() != 2022 || ada.Onboarded == nil || ada.Image != "https://img.clerk.com/a" || people[1].Image != "" ||
			!reflect.DeepEqual(ada.Metadata, identity.Metadata{"theme": "dark"}) ||
			!reflect.DeepEqual(ada.AppMetadata, identity.Metadata{"plan": "pro", "onboardingComplete": true, "private_metadata.crm.id": json.Number("5")}) {
			t.Errorf("%s: Ada is %+v", what, ada)
		}
	}
	people, _ := peopleOf(t, importer.Clerk, writeFile(t, "users.csv",
		"id,first_name,last_name,username,primary_email_address,primary_phone_number,verified_email_addresses,unverified_email_addresses,verified_phone_numbers,unverified_phone_numbers,totp_secret,password_digest,password_hasher\n"+
			"user_1,Ada,Lovelace,ada,ada@example.com,,\"ada@example.com,ada@work.example\",ada@old.example,,,,,\nuser_2,,,bob,bob@example.com,,,bob@example.com,,,,,\n"))
	wantPeople(t, "the dashboard's", people, "user_1 Ada Lovelace ada@example.com+ ada@work.example+ ada@old.example", "user_2 bob bob@example.com")
}

func TestAuth0(t *testing.T) {
	t.Parallel()
	lines := []string{
		`{"user_id": "google-oauth2|1001", "email": "ada@example.com", "email_verified": true, "name": "Ada", "picture": "https://pics.example/a", "created_at": "2021-02-03T04:05:06.789Z", "identities": [{"provider": "google-oauth2", "user_id": "1001", "connection": "google-oauth2", "isSocial": true}, {"provider": "github", "user_id": 77, "connection": "github", "profileData": {"email": "ada@work.example", "email_verified": false}}], "user_metadata": {"theme": "dark"}, "app_metadata": {"plan": "pro"}}`,
		`{"user_id": "auth0|5f7", "email": "bob@example.com", "email_verified": false, "name": "bob@example.com", "given_name": "Bob", "blocked": true, "identities": [{"provider": "auth0", "user_id": "5f7", "connection": "Username-Password-Authentication", "isSocial": false}]}`,
		`{"user_id": "oauth2|siwe|eip155:1:0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"}`,
		`{"user_id": `,
	}
	want := []string{
		"google-oauth2|1001 Ada ada@example.com+ google-oauth2:1001 github:77", "auth0|5f7 Bob bob@example.com email banned",
		"oauth2|siwe|eip155:1:0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed  siwe:eip155:1:0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
	}
	people, faults := peopleOf(t, importer.Auth0, writeFile(t, "users.json", strings.Join(lines, "\n")))
	wantPeople(t, "by line", people, want...)
	if got := reasons(faults); got != "line 4 entry that is no JSON object" {
		t.Errorf("faults %s", got)
	}
	if a := people[0].Accounts[1]; !a.Denied || a.Email != "ada@work.example" || people[0].AppMetadata["plan"] != "pro" || people[0].Metadata["theme"] != "dark" {
		t.Errorf("Ada is %+v", people[0])
	}
	people, _ = peopleOf(t, importer.Auth0, writeFile(t, "users.csv", "user_id,email,email_verified,name,blocked\ngoogle-oauth2|1001,ada@example.com,true,Ada,\nauth0|5f7,bob@example.com,false,Bob,true\n"))
	wantPeople(t, "CSV", people, "google-oauth2|1001 Ada ada@example.com+ google-oauth2:1001", "auth0|5f7 Bob bob@example.com email banned")
}

func TestFirebase(t *testing.T) {
	t.Parallel()
	people, faults := peopleOf(t, importer.Firebase, writeFile(t, "users.json", `{"users": [
		{"localId": "a", "email": "ada@gmail.com", "emailVerified": true, "displayName": "Ada", "photoUrl": "https://pics.example/a", "createdAt": "1500000000000", "customAttributes": "{\"admin\":true}",
			"providerUserInfo": [{"providerId": "google.com", "rawId": "1001", "email": "ada@gmail.com"}, {"providerId": "phone", "rawId": "+15551234"}]},
		{"localId": "b", "email": "bob@example.com", "emailVerified": false, "passwordHash": "x", "salt": "y", "disabled": true, "providerUserInfo": []}
	]}`))
	wantPeople(t, "JSON", people, "a Ada ada@gmail.com+ google:1001 phone:+15551234", "b  bob@example.com email banned")
	if people[0].CreatedAt.Year() != 2017 || people[0].AppMetadata["admin"] != true || len(faults) > 0 {
		t.Errorf("Ada is %+v %v", people[0], faults)
	}
	row := func(id, email, verified, name, google, github, created, disabled string) string {
		fields := make([]string, 28)
		fields[0], fields[1], fields[2], fields[5], fields[7], fields[19], fields[23], fields[26] = id, email, verified, name, google, github, created, disabled
		fields[27] = `"{""plan"":""pro""}"`
		return strings.Join(fields, ",")
	}
	people, faults = peopleOf(t, importer.Firebase, writeFile(t, "users.csv", strings.Join([]string{
		row("a", "ada@gmail.com", "true", "Ada", "1001", "7", "1500000000000", "false"), row("b", "", "false", "", "", "8", "", "true"),
		row("c", "", "", "", "", "9", "", "perhaps"), "too,short",
	}, "\n")))
	wantPeople(t, "CSV", people, "a Ada ada@gmail.com+ google:1001 github:7", "b  github:8 banned", "c  github:9 banned")
	if people[0].AppMetadata["plan"] != "pro" || len(faults) != 2 {
		t.Errorf("%+v\n%s", people[0].AppMetadata, reasons(faults))
	}
}

// What mongoexport writes of the collections of Auth.js's and Better Auth's adapters.
func TestMongoExport(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"users.json": `{"_id":{"$oid":"64a1"},"name":"Ada","email":"ada@example.com","emailVerified":{"$date":"2023-01-02T03:04:05.000Z"},"image":null,"plan":"pro"}
{"_id":{"$oid":"64a2"},"name":"Bob","email":"bob@example.com","emailVerified":null,"banned":true}
`,
		"app.accounts.json": `[{"_id":{"$oid":"1"},"userId":{"$oid":"64a1"},"type":"oauth","provider":"google","providerAccountId":"1001","access_token":"secret"},
{"_id":{"$oid":"2"},"userId":{"$oid":"64a2"},"provider":"github","providerAccountId":"7"},
{"_id":{"$oid":"3"},"userId":{"$oid":"gone"},"provider":"github","providerAccountId":"8"}]`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, source := range []string{dir, filepath.Join(dir, "users.json")} {
		people, faults := peopleOf(t, importer.AuthJS, source, func(s *importer.Settings) { s.Metadata = []string{"plan"} })
		wantPeople(t, source, people, "64a1 Ada ada@example.com+ google:1001", "64a2 Bob bob@example.com github:7 banned")
		if got := reasons(faults); got != `"gone" account of a user who is not in the export` || people[0].AppMetadata["plan"] != "pro" {
			t.Errorf("%s %+v", got, people[0])
		}
	}
}

// Exports have entries of no one, account ids as numbers of many digits, and what
// cannot be taken over.
func TestOddExports(t *testing.T) {
	t.Parallel()
	people, faults := peopleOf(t, importer.Clerk, writeFile(t, "users.json", `[null, 7, {"id": "1", "totp_enabled": true, "public_metadata": {"n": 12345678901234567890},
		"enterprise_accounts": [{"provider": "saml_okta", "provider_user_id": "ada", "email_address": "ada@corp.example"}]}]`))
	wantPeople(t, "Clerk", people, "1  saml_okta:ada")
	if got := reasons(faults); strings.Count(got, "entry that is no JSON object") != 2 || strings.Count(got, "second factors and passkeys are not taken over") != 1 || len(faults) != 3 {
		t.Errorf("Clerk: %s", got)
	}
	people, _ = peopleOf(t, importer.Auth0, writeFile(t, "users.ndjson", `{"user_id": "google-oauth2|108123456789012345678", "identities": [{"provider": "google-oauth2", "user_id": 108123456789012345678}]}`))
	wantPeople(t, "Auth0", people, "google-oauth2|108123456789012345678  google-oauth2:108123456789012345678")
	people, faults = peopleOf(t, importer.Auth0, writeFile(t, "users.csv", "user_id,email,email_verified,name\n'auth0|5f7,'ada@example.com,'true,'Ada\n"))
	wantPeople(t, "Auth0's CSV", people, "auth0|5f7 Ada ada@example.com+ email")
	if len(faults) > 0 {
		t.Errorf("Auth0's CSV: %s", reasons(faults))
	}
}

// Integers of metadata keep all their digits.
func TestLargeNumbers(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		source := newSource(t, "sqlite", `create table users (id text, email text, emailVerified text, discord_id bigint, seats int)`,
			`create table accounts (userId text, provider text, providerAccountId text)`, `insert into users values ('1', null, null, 175928847299117063, 5)`,
			`insert into accounts values ('1', 'google', '1'), ('gone', 'google', '2')`)
		report := bringWith(t, d, importer.AuthJS, source, importer.Settings{Metadata: []string{"discord_id", "seats"}}, importer.Options{Origin: "x", Batch: 10, Now: d.Clock.Now})
		if got := owner(t, d, "google", "1").AppMetadata; got != `{"discord_id":175928847299117063,"seats":5}` && got != `{"seats":5,"discord_id":175928847299117063}` {
			t.Errorf("it is %s", got)
		}
		wantNamed(t, report, map[string]int{"rows of table accounts whose user is not in the source": 1}, nil)
	})
}

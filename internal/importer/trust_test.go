package importer_test

import (
	"strings"
	"testing"

	"github.com/latchkey/latchkey/internal/importer"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
	"github.com/latchkey/latchkey/linking"
)

func trust(t *testing.T, values ...string) importer.Trust {
	t.Helper()
	out, err := importer.ParseTrust(values)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// An address that the source does not call verified counts only by choice, and the
// report says what each choice would count.
func TestTrust(t *testing.T) {
	everything := importer.Trust{Addresses: true}
	okta := importer.Providers{"okta": "okta"}
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		for name, tt := range map[string]struct {
			accounts string // lines of provider,subject
			email    string
			trust    map[bool][]importer.Trust // by whether it counts
		}{
			"google, gmail": {"google,1", "a@gmail.com", map[bool][]importer.Trust{
				true:  {trust(t, "google"), trust(t, "google", "github"), everything},
				false: {{}, trust(t, "github")},
			}},
			"google, elsewhere": {"google,2", "b@example.com", map[bool][]importer.Trust{
				true:  {trust(t, "google=example.com"), everything},
				false: {trust(t, "google"), trust(t, "google=other.example")},
			}},
			"github":         {"github,3", "c@example.com", map[bool][]importer.Trust{true: {trust(t, "github")}, false: {trust(t, "google")}}},
			"github noreply": {"github,4", "4+c@users.noreply.github.com", map[bool][]importer.Trust{false: {trust(t, "github")}}},
			"an issuer":      {"okta,5", "e@acme.com", map[bool][]importer.Trust{true: {trust(t, "okta=acme.com+acme.org")}, false: {trust(t, "okta=acme.org")}}},
			// Which of the two brought the address is not known.
			"a trusted and another": {"github,6\ndiscord,7", "f@example.com", map[bool][]importer.Trust{true: {everything}, false: {trust(t, "github")}}},
			"a trusted and one that is not here": {"github,8\ntwitch,9", "g@example.com", map[bool][]importer.Trust{
				false: {trust(t, "github")},
			}},
			"a trusted and a form":   {"github,10\ncredential,x", "h@example.com", map[bool][]importer.Trust{false: {trust(t, "github")}}},
			"a trusted and a wallet": {"github,11\nwallet,0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "i@example.com", map[bool][]importer.Trust{true: {trust(t, "github")}}},
			"two trusted":            {"github,12\ngoogle,13", "j@gmail.com", map[bool][]importer.Trust{true: {trust(t, "github", "google")}, false: {trust(t, "github"), trust(t, "google")}}},
			// The source contradicts itself.
			"vetoed":      {"google,15,true\ngoogle,15,false", "k@gmail.com", map[bool][]importer.Trust{true: {everything}, false: {{}, trust(t, "google")}}},
			"placeholder": {"github,14", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed@example.com", map[bool][]importer.Trust{false: {everything}}},
		} {
			lines := []string{"id,email,email_verified,provider,subject"}
			for _, account := range strings.Split(tt.accounts, "\n") {
				provider, subject, _ := strings.Cut(account, ",")
				subject, verified, said := strings.Cut(subject, ",")
				if !said {
					verified = "false"
				}
				lines = append(lines, strings.Join([]string{"1", tt.email, verified, provider, subject}, ","))
			}
			source := newFile(t, lines...)
			for counts, trusts := range tt.trust {
				for _, choice := range trusts {
					report := bring(t, d, importer.CSV, source, func(o *importer.Options) { o.DryRun, o.Trust, o.Providers = true, choice, okta })
					if (report.Addresses == 1) != counts || (report.Trusted == 1) != counts {
						t.Errorf("%s with %+v: %d addresses", name, choice, report.Addresses)
					}
				}
			}
		}
		report := bring(t, d, importer.CSV, newFile(t, "id,email,provider,subject", "1,a@gmail.com,google,1", "2,b@gmail.com,github,2", "3,c@example.com,github,3", "4,d@example.com,google,4"))
		for choice, want := range map[string]int{"--trust google": 1, "--trust github": 2, "--trust google,github": 3, "--trust-addresses": 4} {
			if got := report.Choices[choice]; got != want {
				t.Errorf("%s would count %d, want %d", choice, got, want)
			}
		}
		if report.Unverified != 4 || report.Trusted != 0 || report.Addresses != 0 {
			t.Errorf("%+v", report)
		}
	})
	for _, wrong := range []string{"", "okta", "okta=", "google=x", "Goo gle", "okta=a b.com"} {
		if _, err := importer.ParseTrust([]string{wrong}); err == nil {
			t.Errorf("--trust %q is taken", wrong)
		}
	}
}

// Pairs that share an address only by the choice of trust are no certain duplicates.
func TestTrustMergesNoOne(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		report := bring(t, d, importer.CSV, newFile(t, "id,email,email_verified,provider,subject", "1,a@example.com,true,github,1", "2,a@example.com,false,github,2", "3,a@example.com,true,github,3"),
			func(o *importer.Options) { o.Trust.Addresses = true })
		if report.Pairs[linking.DuplicateAddress] != 1 {
			t.Errorf("pairs %v", report.Pairs)
		}
	})
}

// The address of a provider's account is one more address of the person, if the
// provider is trusted for it. One that the provider calls unverified never is.
func TestAddressOfAnAccount(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		source := writeFile(t, "users.json", `[{"user_id": "auth0|1", "email": "ada@example.com", "email_verified": true, "identities": [
			{"provider": "auth0", "user_id": "1"},
			{"provider": "google-oauth2", "user_id": "1001", "profileData": {"email": "ada@gmail.com", "email_verified": true}},
			{"provider": "github", "user_id": "7", "profileData": {"email": "ada@hub.example", "email_verified": false}}]}]`)
		report := bring(t, d, importer.Auth0, source, func(o *importer.Options) { o.Trust = trust(t, "google", "github") })
		ada := owner(t, d, "google", "1001")
		emails, err := d.Emails(t.Context(), ada.ID)
		if err != nil || len(emails) != 2 || emails[0].Address != "ada@example.com" || emails[1].Address != "ada@gmail.com" {
			t.Errorf("addresses %+v %v", emails, err)
		}
		if *ada.PrimaryEmail != "ada@example.com" || report.Addresses != 2 || owner(t, d, "email", "ada@example.com").ID != ada.ID {
			t.Errorf("%+v %+v", ada, report)
		}
	})
}

// A spreadsheet rounds long numbers: such ids and accounts are not taken over.
func TestRoundedNumbers(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		report := bring(t, d, importer.CSV, newFile(t, "id,provider,subject", "1.02E+20,github,1", "2,google,1.09876E+20", "2,github,2", "1E5,github,3"))
		if got := counts(report); got != [6]int{3, 2, 0, 0, 2, 0} {
			t.Errorf("counts %v", got)
		}
		wantNamed(t, report, map[string]int{"the id was rounded by a spreadsheet: export it as text": 1}, map[string]int{"account id that a spreadsheet has rounded": 1})
	})
}

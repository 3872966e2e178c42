package importer

import (
	"strings"

	"github.com/latchkey/latchkey/identity"
)

// auth0Person reads a user as Auth0 exports one, and as its Management API gives one.
func (s *spool) auth0Person(m map[string]any) Person {
	p := Person{ID: firstOf(m, "user_id", "Id", "id"), Name: firstOf(m, "name", "Name", "nickname", "Nickname"), Image: firstOf(m, "picture", "Picture")}
	email := firstOf(m, "email", "Email")
	if strings.EqualFold(p.Name, email) { // Auth0 repeats it where there is no name
		p.Name = strings.TrimSpace(firstOf(m, "given_name", "Given Name") + " " + firstOf(m, "family_name", "Family Name"))
	}
	raw := m["email_verified"]
	if raw == nil {
		raw = m["Email Verified"]
	}
	verified, known := truth(raw)
	if email != "" {
		p.Addresses = []Address{{Email: email, Verified: verified && known, Said: known}}
	}
	for _, v := range list(m["identities"]) {
		i := object(v)
		profile := object(i["profileData"])
		a := auth0Account(text(i["provider"]), text(i["user_id"]))
		a.Email = text(profile["email"])
		if is, known := truth(profile["email_verified"]); profile["email_verified"] != nil {
			a.Denied = !is || !known
		}
		p.Accounts = append(p.Accounts, a)
	}
	if len(p.Accounts) == 0 {
		p.byID()
	}
	if len(list(m["multifactor"])) > 0 {
		p.Faults = append(p.Faults, Fault{Reason: leftFactors})
	}
	created := m["created_at"]
	if created == nil {
		created = m["Created At"]
	}
	r := record{"created": created}
	if v, have := m["blocked"]; have {
		r["blocked"] = v
	}
	readCommon(r, &p, s.settings.Now(), func(name string) string { return name })
	p.Metadata = identity.Metadata(object(m["user_metadata"]))
	for k, v := range object(m["app_metadata"]) {
		p.app(k, v)
	}
	p.readOnboarded(object(m["app_metadata"])["onboarded"], s.settings.Now())
	return p
}

// auth0Account is an account by Auth0's names. A user of a database has a password,
// which is not taken over, and verifies the address by mail.
func auth0Account(provider, id string) Account {
	a := Account{Provider: provider, Subject: id}
	switch {
	case provider == "auth0" || provider == "email":
		a.Provider, a.Subject = identity.ProviderEmail, ""
	case provider == "oauth2" && strings.HasPrefix(id, "siwe|"):
		a.Provider, a.Subject = identity.ProviderSIWE, strings.TrimPrefix(id, "siwe|")
	}
	return a
}

// byID reads the account that the id names: provider|id.
func (p *Person) byID() {
	if provider, id, ok := strings.Cut(p.ID, "|"); ok {
		p.Accounts = append(p.Accounts, auth0Account(provider, id))
	}
}

// auth0Row reads a line of a CSV file of Auth0, which may have an apostrophe before each
// value, so that spreadsheets take none for a formula.
func (s *spool) auth0Row(r row) Person {
	if strings.HasPrefix(r.get("id"), "'") {
		for i, v := range r.fields {
			r.fields[i] = strings.TrimPrefix(v, "'")
		}
	}
	p := s.csvPerson(r)
	if r.get("provider") == "" || r.get("subject") == "" {
		p.Accounts = nil
		p.byID()
	}
	return p
}

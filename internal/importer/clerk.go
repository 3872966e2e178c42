package importer

import (
	"strings"

	"github.com/latchkey/latchkey/identity"
)

const unproven = "account that the source has not verified"

// clerkPerson reads a user as Clerk's Backend API and command line give one.
func (s *spool) clerkPerson(m map[string]any) Person {
	p := Person{ID: text(m["id"]), Image: firstOf(m, "image_url", "profile_image_url")}
	if has, known := truth(m["has_image"]); m["has_image"] != nil && known && !has {
		p.Image = "" // drawn by Clerk of the initials
	}
	p.Name = strings.TrimSpace(text(m["first_name"]) + " " + text(m["last_name"]))
	if p.Name == "" {
		p.Name = text(m["username"])
	}
	primary := text(m["primary_email_address_id"])
	for _, v := range list(m["email_addresses"]) {
		e := object(v)
		a := Address{Email: text(e["email_address"]), Verified: text(object(e["verification"])["status"]) == "verified", Said: true}
		if primary != "" && text(e["id"]) == primary {
			p.Addresses = append([]Address{a}, p.Addresses...)
		} else {
			p.Addresses = append(p.Addresses, a)
		}
	}
	for _, v := range list(m["external_accounts"]) {
		e := object(v)
		a := Account{
			Provider: strings.TrimPrefix(firstOf(e, "provider", "object"), "oauth_"), Email: text(e["email_address"]),
			Subject: text(e["provider_user_id"]),
		}
		a.Provider = strings.TrimSuffix(a.Provider, "_account")
		if a.Subject == "" {
			a.Subject = text(e[a.Provider+"_id"])
		}
		if status := text(object(e["verification"])["status"]); status != "" && status != "verified" {
			p.Faults = append(p.Faults, Fault{Reason: unproven, Value: a.Subject})
			continue // the person never came back from the provider
		}
		p.Accounts = append(p.Accounts, a)
	}
	for _, v := range append(list(m["enterprise_accounts"]), list(m["saml_accounts"])...) {
		e := object(v)
		p.Accounts = append(p.Accounts, Account{Provider: text(e["provider"]), Subject: text(e["provider_user_id"]), Email: text(e["email_address"])})
	}
	if totp, _ := truth(m["totp_enabled"]); totp || len(list(m["passkeys"])) > 0 {
		p.Faults = append(p.Faults, Fault{Reason: leftFactors})
	}
	for _, v := range list(m["web3_wallets"]) {
		w := object(v)
		if text(object(w["verification"])["status"]) != "verified" {
			p.Faults = append(p.Faults, Fault{Reason: unproven, Value: text(w["web3_wallet"])})
		} else {
			p.Accounts = append(p.Accounts, Account{
				Provider: "siwe", Subject: text(w["web3_wallet"]), Primary: text(w["id"]) == text(m["primary_web3_wallet_id"]),
			})
		}
	}
	r := record{"created": m["created_at"]}
	for name, column := range map[string]string{"banned": "banned", "deleted": "deleted"} {
		if v, have := m[column]; have {
			r[name] = v
		}
	}
	readCommon(r, &p, s.settings.Now(), func(name string) string { return name })
	p.Metadata = identity.Metadata(object(m["unsafe_metadata"]))
	public := object(m["public_metadata"])
	for k, v := range public {
		p.app(k, v)
	}
	for _, name := range []string{"onboarded", "onboardingComplete", "onboarding_complete", "onboardingCompleted"} {
		p.readOnboarded(public[name], s.settings.Now())
	}
	return p
}

// clerkRow reads a line of the CSV file of Clerk's dashboard. It has no accounts at
// other providers.
func (s *spool) clerkRow(r row) Person {
	p := s.csvPerson(r)
	split := func(list string) []string {
		return strings.FieldsFunc(list, func(c rune) bool { return strings.ContainsRune(",;| []\"'", c) })
	}
	verified := split(r.get("verifiedlist"))
	p.Addresses = nil
	add := func(email string, verified bool) {
		a := Address{Email: email, Verified: verified, Said: true, Line: r.line}
		for _, have := range p.Addresses {
			if sameAddress(a.Email, have.Email) {
				return
			}
		}
		p.Addresses = append(p.Addresses, a)
	}
	if primary := r.get("email"); primary != "" {
		is := false
		for _, v := range verified {
			is = is || strings.EqualFold(v, primary)
		}
		add(primary, is)
	}
	for _, v := range verified {
		add(v, true)
	}
	for _, v := range split(r.get("unverifiedlist")) {
		add(v, false)
	}
	return p
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

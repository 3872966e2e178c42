package importer

import (
	"slices"
	"strings"
	"time"

	"github.com/latchkey/latchkey/identity"
)

var supabase = layout{
	schema: "auth", postgresOnly: true,
	users: []string{"users"},
	fields: []field{
		need("id", "id"), need("email", "email"), need("verified", "email_confirmed_at", "confirmed_at"), need("meta", "raw_user_meta_data"),
		maybe("app", "raw_app_meta_data"), maybe("created", "created_at"), maybe("sso", "is_sso_user"), maybe("anonymous", "is_anonymous"),
	},
	person: supabasePerson,
	children: []children{{
		names: []string{"identities"},
		// Before provider_id there was the provider's id in id.
		fields: []field{need("user", "user_id"), need("provider", "provider"), need("subject", "provider_id", "id"), need("data", "identity_data")},
		add:    supabaseIdentity,
	}},
	unread: []string{"mfa_factors"},
}

// profileKeys are what Supabase copies from a provider into raw_user_meta_data, beside
// what the application keeps there.
var profileKeys = []string{
	"iss", "sub", "name", "full_name", "user_name", "preferred_username", "email", "email_verified", "phone_verified", "avatar_url",
	"picture", "provider_id", "custom_claims", "nickname", "slug",
}

func supabasePerson(u record, p *Person, now time.Time) {
	meta, app := object(u["meta"]), object(u["app"])
	p.Name = firstOf(meta, "full_name", "name", "user_name", "preferred_username")
	p.Image = firstOf(meta, "avatar_url", "picture")
	p.readOnboarded(meta["onboarded"], now)
	for k, v := range meta {
		if slices.Contains(profileKeys, k) {
			continue
		}
		if p.Metadata == nil {
			p.Metadata = identity.Metadata{}
		}
		p.Metadata[k] = v
	}
	delete(p.AppMetadata, "role") // "authenticated": PostgreSQL's, not the application's
	for k, v := range app {
		if k != "provider" && k != "providers" {
			p.app(k, v)
		}
	}
	// A customer's own identity provider said so, of any address it likes.
	if is, known := truth(u["sso"]); is || !known {
		for i := range p.Addresses {
			p.Addresses[i].Verified = false
		}
	}
	if is, known := truth(u["anonymous"]); is || !known {
		p.Addresses = nil
	}
}

func supabaseIdentity(r record, p *Person) {
	a := Account{Provider: text(r["provider"]), Subject: text(r["subject"])}
	data := object(r["data"])
	a.Email, _ = data["email"].(string)
	verified, said := data["email_verified"]
	is, known := truth(verified)
	a.Denied = said && verified != nil && (!is || !known)
	if claims, ok := data["custom_claims"].(map[string]any); ok && a.Provider == "web3" {
		a.ChainID = p.readChain(claims["network"], "identity_data", 0) // the chain's id
	}
	p.Accounts = append(p.Accounts, a)
	// While "Confirm email" is off Supabase sets email_confirmed_at at every sign-up. The
	// identity by e-mail knows whether a mail was answered.
	for i, address := range p.Addresses {
		if a.Provider == "email" && a.Denied && sameAddress(a.Email, address.Email) {
			p.Addresses[i].Vetoed = true
		}
	}
}

// object reads a JSON object; what is none has nothing in it.
func object(v any) map[string]any {
	if m, ok := v.(map[string]any); ok {
		return m
	}
	out, _ := decodeObject([]byte(text(v))) // what is no object has nothing to read
	return out
}

func firstOf(meta map[string]any, names ...string) string {
	for _, name := range names {
		if s, ok := meta[name].(string); ok && strings.TrimSpace(s) != "" {
			return s
		}
	}
	return ""
}

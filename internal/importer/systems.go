package importer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The systems that are known.
const (
	AuthJS     = "authjs"
	BetterAuth = "better-auth"
	Supabase   = "supabase"
	CSV        = "csv"
)

// Open opens a source: postgres://..., sqlite://path or a CSV file.
func Open(ctx context.Context, system, source string) (Source, error) {
	if system == CSV {
		return openCSV(source)
	}
	layout, known := systems[system]
	if !known {
		return nil, fmt.Errorf("--from: want %s, %s, %s or %s", AuthJS, BetterAuth, Supabase, CSV)
	}
	d, err := openDatabase(ctx, source)
	if err != nil {
		return nil, err
	}
	if layout.postgresOnly && !d.postgres {
		return nil, errors.Join(fmt.Errorf("--source: %s is on PostgreSQL only", system), d.Close())
	}
	s := &pages{database: d, layout: layout}
	if err := s.find(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("this does not look like %s: %w", system, err), d.Close())
	}
	return s, nil
}

// layout is how a system stores users and their accounts.
type layout struct {
	schema       string // "" for the search path
	postgresOnly bool
	users        []string
	fields       []field
	person       func(u record, p *Person)
	children     []children
}

// children is a table that belongs to the users.
type children struct {
	names    []string
	optional bool
	fields   []field
	account  func(r record) Account
}

var systems = map[string]layout{
	AuthJS: {
		users: []string{"users", "user"},
		fields: []field{
			need("id", "id"), maybe("name", "name"), need("email", "email"), need("verified", "emailVerified"),
			maybe("image", "image"), maybe("created", "createdAt"),
		},
		children: []children{{
			names: []string{"accounts", "account"},
			fields: []field{
				// The first versions called it provider_id.
				need("user", "userId"), need("provider", "provider", "providerId"), need("subject", "providerAccountId"),
			},
			account: func(r record) Account {
				return Account{Provider: text(r["provider"]), Subject: text(r["subject"])}
			},
		}},
	},
	BetterAuth: {
		users: []string{"user", "users"},
		fields: []field{
			need("id", "id"), maybe("name", "name"), need("email", "email"), need("verified", "emailVerified"),
			maybe("image", "image"), maybe("created", "createdAt"),
			maybe("banned", "banned"), maybe("banned_until", "banExpires"), maybe("anonymous", "isAnonymous"),
		},
		person: func(u record, p *Person) {
			until := moment(u["banned_until"])
			if truth(u["banned"]) && (until == nil || until.After(time.Now())) {
				p.Refused = "who is banned in the source"
			}
			if truth(u["anonymous"]) {
				p.Verified = false // the address was made up
			}
		},
		children: []children{
			{
				names:  []string{"account", "accounts"},
				fields: []field{need("user", "userId"), need("provider", "providerId"), need("subject", "accountId")},
				account: func(r record) Account {
					return Account{Provider: text(r["provider"]), Subject: text(r["subject"])}
				},
			},
			{
				names: []string{"walletAddress", "walletAddresses"}, optional: true,
				fields: []field{need("user", "userId"), need("address", "address"), maybe("chain", "chainId"), maybe("primary", "isPrimary")},
				account: func(r record) Account {
					chain, _ := strconv.ParseInt(text(r["chain"]), 10, 64)
					return Account{Provider: "siwe", Subject: text(r["address"]), ChainID: chain, Primary: truth(r["primary"])}
				},
			},
		},
	},
	Supabase: {
		schema: "auth", postgresOnly: true,
		users: []string{"users"},
		fields: []field{
			need("id", "id"), need("email", "email"), need("verified", "email_confirmed_at"), need("meta", "raw_user_meta_data"),
			maybe("created", "created_at"), maybe("sso", "is_sso_user"), maybe("deleted", "deleted_at"), maybe("banned_until", "banned_until"),
		},
		person: supabasePerson,
		children: []children{{
			names: []string{"identities"},
			// Before provider_id there was the provider's id in id.
			fields:  []field{need("user", "user_id"), need("provider", "provider"), need("subject", "provider_id", "id"), need("data", "identity_data")},
			account: supabaseAccount,
		}},
	},
}

func supabasePerson(u record, p *Person) {
	var meta map[string]any
	_ = json.Unmarshal([]byte(text(u["meta"])), &meta) // what is no object has no name in it
	p.Name = firstOf(meta, "full_name", "name", "user_name", "preferred_username")
	p.Image = firstOf(meta, "avatar_url", "picture")
	until := moment(u["banned_until"])
	switch {
	case moment(u["deleted"]) != nil:
		p.Refused = "who is deleted in the source"
	case until != nil && until.After(time.Now()):
		p.Refused = "who is banned in the source"
	case truth(u["sso"]):
		p.Verified = false // a customer's own identity provider said so, of any address it likes
	}
}

func supabaseAccount(r record) Account {
	a := Account{Provider: text(r["provider"]), Subject: text(r["subject"])}
	var data struct {
		Email  string         `json:"email"`
		Claims map[string]any `json:"custom_claims"`
	}
	_ = json.Unmarshal([]byte(text(r["data"])), &data) // it is for display, and provider_id decides
	a.Email = data.Email
	// Of a wallet "network" is the chain's id.
	if network, ok := data.Claims["network"].(string); ok && a.Provider == "web3" {
		a.ChainID, _ = strconv.ParseInt(network, 10, 64)
	}
	return a
}

func firstOf(meta map[string]any, names ...string) string {
	for _, name := range names {
		if s, ok := meta[name].(string); ok && strings.TrimSpace(s) != "" {
			return s
		}
	}
	return ""
}

package importer

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// The systems that are known.
const (
	AuthJS     = "authjs"
	BetterAuth = "better-auth"
	Supabase   = "supabase"
	Clerk      = "clerk"
	Auth0      = "auth0"
	Firebase   = "firebase"
	CSV        = "csv"
)

// Systems lists them.
func Systems() []string {
	return []string{AuthJS, BetterAuth, Supabase, Clerk, Auth0, Firebase, CSV}
}

// Settings are what the operator says about a source.
type Settings struct {
	Schema      string   // of the tables, "" for the one of the URL
	TablePrefix string   // of the names of tables
	Metadata    []string // columns that become app_metadata
	Now         func() time.Time
}

// dumps are the names of files that only a database can read.
var dumps = []string{".sql", ".dump", ".gz", ".zip", ".tar", ".bson"}

var systems = map[string]layout{AuthJS: authJS, BetterAuth: betterAuth, Supabase: supabase}

// Open opens a source: a database by its URL, or a file.
func Open(ctx context.Context, system, source string, settings Settings) (Source, error) {
	if !slices.Contains(Systems(), system) {
		return nil, fmt.Errorf("--from: want one of %s", strings.Join(Systems(), ", "))
	}
	if settings.Now == nil {
		settings.Now = time.Now
	}
	layout, tables := systems[system]
	if tables && isExport(source) && (layout.postgresOnly || slices.Contains(dumps, strings.ToLower(filepath.Ext(source)))) {
		return nil, fmt.Errorf("--source: %s is read from a database by its URL: restore a dump into one first", system)
	}
	if !tables || isExport(source) {
		return openFile(ctx, system, source, settings)
	}
	d, err := openDatabase(ctx, source)
	if err != nil {
		return nil, err
	}
	if layout.postgresOnly && d.engine != postgres {
		return nil, errors.Join(fmt.Errorf("--source: %s is on PostgreSQL only", system), d.Close())
	}
	s := &pages{database: d, layout: layout, settings: settings, now: settings.Now}
	if err := s.find(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("this does not look like %s: %w", system, err), d.Close())
	}
	return s, nil
}

var authJS = layout{
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
		add: addAccount,
	}},
	unread: []string{"authenticator"},
}

func addAccount(r record, p *Person) {
	p.Accounts = append(p.Accounts, Account{Provider: text(r["provider"]), Subject: text(r["subject"])})
}

var betterAuth = layout{
	users: []string{"user", "users"},
	fields: []field{
		need("id", "id"), maybe("name", "name"), need("email", "email"), need("verified", "emailVerified"),
		maybe("image", "image"), maybe("created", "createdAt"), maybe("anonymous", "isAnonymous"),
	},
	person: func(u record, p *Person, _ time.Time) {
		if is, known := truth(u["anonymous"]); is || !known {
			p.Addresses = nil // the address was made up
		}
	},
	children: []children{
		{
			names:  []string{"account", "accounts"},
			fields: []field{need("user", "userId"), need("provider", "providerId"), need("subject", "accountId")},
			add:    addAccount,
		},
		{
			names: []string{"walletAddress", "walletAddresses"}, optional: true,
			fields: []field{need("user", "userId"), need("address", "address"), maybe("chain", "chainId"), maybe("primary", "isPrimary")},
			add: func(r record, p *Person) {
				primary, _ := truth(r["primary"])
				a := Account{Provider: "siwe", Subject: text(r["address"]), Primary: primary}
				a.ChainID = p.readChain(r["chain"], "chainId", 0)
				p.Accounts = append(p.Accounts, a)
			},
		},
	},
	teams: &teamLayout{
		teams:       []string{"organization", "organizations"},
		members:     []string{"member", "members"},
		invitations: []string{"invitation", "invitations"},
	},
	unread: []string{"passkey", "twoFactor", "ssoProvider"},
}

package importer

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/latchkey/latchkey/identity"
)

// firebasePerson reads a user of `firebase auth:export` in JSON.
func (s *spool) firebasePerson(m map[string]any) Person {
	p := Person{ID: firstOf(m, "localId", "uid"), Name: text(m["displayName"]), Image: firstOf(m, "photoUrl", "photoURL")}
	verified, known := truth(m["emailVerified"])
	if email := text(m["email"]); email != "" {
		p.Addresses = []Address{{Email: email, Verified: verified && known, Said: true}}
	}
	accounts := list(m["providerUserInfo"])
	if accounts == nil {
		accounts = list(m["providerData"])
	}
	for _, v := range accounts {
		i := object(v)
		p.Accounts = append(p.Accounts, firebaseAccount(text(i["providerId"]), firstOf(i, "rawId", "uid"), text(i["email"])))
	}
	if text(m["passwordHash"]) != "" {
		p.Accounts = append(p.Accounts, Account{Provider: identity.ProviderEmail})
	}
	if len(list(m["mfaInfo"])) > 0 {
		p.Faults = append(p.Faults, Fault{Reason: leftFactors})
	}
	created := m["createdAt"]
	if created == nil {
		created = object(m["metadata"])["creationTime"]
	}
	r := record{"created": created}
	if v, have := m["disabled"]; have {
		r["disabled"] = v
	}
	readCommon(r, &p, s.settings.Now(), func(name string) string { return name })
	claims := m["customAttributes"]
	if claims == nil {
		claims = m["customClaims"]
	}
	for k, v := range object(claims) {
		p.app(k, v)
	}
	return p
}

func firebaseAccount(provider, id, email string) Account {
	switch provider {
	case "password", "emailLink":
		return Account{Provider: identity.ProviderEmail}
	case "google.com":
		provider = identity.ProviderGoogle
	case "github.com":
		provider = identity.ProviderGitHub
	}
	return Account{Provider: provider, Subject: id, Email: email}
}

// The columns of `firebase auth:export` in CSV, which has no header. Each provider has
// id, address, name and picture.
const (
	firebaseID = iota
	firebaseEmail
	firebaseVerified
	firebasePassword
	firebaseSalt
	firebaseName
	firebasePhoto
	firebaseGoogle
	firebaseCreated  = 23
	firebaseDisabled = 26
	firebaseClaims   = 27
)

var firebaseProviders = []string{identity.ProviderGoogle, "facebook.com", "twitter.com", identity.ProviderGitHub}

func (s *spool) firebaseCSV(ctx context.Context, from io.Reader) error {
	in := &records{in: bufio.NewReaderSize(from, 1<<16), comma: ',', lazy: true}
	misshapen := func(fields []string) string {
		if len(fields) <= firebaseCreated {
			return "line with fewer fields than auth:export writes"
		}
		return ""
	}
	for {
		fields, err := in.read(misshapen)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if broken, ok := errors.AsType[*brokenLine](err); ok {
			s.found = append(s.found, Fault{Skipped: true, Reason: broken.reason, Line: broken.line})
			continue
		}
		if err != nil {
			return fmt.Errorf("--source: %w", err)
		}
		if err := s.add(ctx, s.firebaseRow(fields, in.line)); err != nil {
			return err
		}
	}
}

func (s *spool) firebaseRow(fields []string, line int) Person {
	m := map[string]any{
		"localId": fields[firebaseID], "email": fields[firebaseEmail], "emailVerified": fields[firebaseVerified],
		"passwordHash": fields[firebasePassword], "displayName": fields[firebaseName], "photoUrl": fields[firebasePhoto],
		"createdAt": fields[firebaseCreated],
	}
	if len(fields) > firebaseClaims {
		m["disabled"], m["customAttributes"] = fields[firebaseDisabled], fields[firebaseClaims]
	}
	p := s.firebasePerson(m)
	p.Line = line
	for i, provider := range firebaseProviders {
		at := firebaseGoogle + 4*i
		if id := fields[at]; id != "" {
			p.Accounts = append(p.Accounts, firebaseAccount(provider, id, fields[at+1]))
		}
	}
	return p
}

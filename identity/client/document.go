package client

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/token"
)

// Document is what a client publishes about itself at the URL that is its id
// (draft-ietf-oauth-client-id-metadata-document).
type Document struct {
	id           string
	name         string
	redirectURIs Words
	grants       Words
	scopes       Words // nil for any
	idTokenAlg   string
	hash         []byte // of its members, whatever their order
}

// Client returns the client that the document describes, where known are the resources
// that there are: a public one that is never trusted.
func (d Document) Client(known []Resource) Client {
	c := Client{
		ID: d.id, Name: d.name, Kind: Public, RedirectURIs: d.redirectURIs, Grants: d.grants, Scopes: StandardScopes, IDTokenAlg: d.idTokenAlg,
		DocumentHash: d.hash,
	}
	for _, r := range known {
		c.Resources, c.Scopes = append(c.Resources, r.URI), c.Scopes.With(r.Scopes)
	}
	if d.scopes != nil {
		c.Scopes = slices.DeleteFunc(slices.Clone(c.Scopes), func(s string) bool { return !slices.Contains(d.scopes, s) })
	}
	return c
}

// documentURL reads an id that can be the URL of a document. overHTTP reports which may
// be http.
func documentURL(id string, overHTTP func(u *url.URL) bool) (*url.URL, bool) {
	if !strings.HasPrefix(id, "https://") && !strings.HasPrefix(id, "http://") { // most ids
		return nil, false
	}
	u, fault := parse(id)
	if fault != "" || checkHost(u) != "" || u.Path == "" {
		return nil, false
	}
	return u, u.Scheme == "https" || overHTTP(u)
}

// published are the members of a document by their names, which are exact.
type published map[string]json.RawMessage

// read decodes a member, and reports whether it is there. null is as if it were not.
func (p published) read(name string, into any) (bool, error) {
	raw, ok := p[name]
	if !ok || string(raw) == "null" {
		return false, nil
	}
	if json.Unmarshal(raw, into) != nil {
		return false, errors.New(name + " is not of its type")
	}
	return true, nil
}

// ParseDocument reads a document that was fetched from the URL id. The error says, to
// people, what is wrong with it.
func ParseDocument(id string, raw []byte) (Document, error) {
	u, err := url.Parse(id)
	if err != nil {
		return Document{}, err
	}
	var p published
	if !utf8.Valid(raw) || json.Unmarshal(raw, &p) != nil || p == nil {
		return Document{}, errors.New("it is not a JSON object")
	}
	d := Document{id: id}
	if d.hash, err = hashJSON(raw); err != nil {
		return Document{}, errors.New("it is not a JSON object")
	}
	for _, read := range []func(published, *url.URL) error{d.readID, d.readName, d.readAuth, d.readGrants, d.readRedirects, d.readScopes} {
		if err := read(p, u); err != nil {
			return Document{}, err
		}
	}
	return d, nil
}

// hashJSON returns a hash of what a document says: its spaces and the order of its
// members change nothing.
func hashJSON(raw []byte) ([]byte, error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var all any
	if err := decoder.Decode(&all); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows")
	}
	canonical, err := json.Marshal(all)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(canonical)
	return sum[:], nil
}

func (d *Document) readID(p published, _ *url.URL) error {
	var id string
	if ok, err := p.read("client_id", &id); err != nil || !ok || id != d.id { // section 4.1
		return errors.New("its client_id is not its own URL")
	}
	return nil
}

func (d *Document) readName(p published, u *url.URL) error {
	if ok, err := p.read("client_name", &d.name); err != nil {
		return err
	} else if !ok {
		d.name = u.Host
	}
	if d.name = strings.TrimSpace(d.name); d.name == "" || !identity.IsLine(d.name, maxName) {
		return errors.New("its client_name is not a line of 1 to 100 characters")
	}
	return nil
}

// readAuth refuses documents of clients that authenticate: a secret cannot be agreed on
// by a document, and keys of clients are not supported.
func (d *Document) readAuth(p published, _ *url.URL) error {
	var method string
	if ok, err := p.read("token_endpoint_auth_method", &method); err != nil {
		return err
	} else if ok && method != "none" {
		return errors.New("its token_endpoint_auth_method is not none")
	}
	for _, name := range []string{"client_secret", "client_secret_expires_at"} {
		if _, ok := p[name]; ok {
			return errors.New("it has " + name)
		}
	}
	d.idTokenAlg = string(token.IDTokenAlgs[0])
	if _, err := p.read("id_token_signed_response_alg", &d.idTokenAlg); err != nil {
		return err
	}
	if !slices.Contains(token.IDTokenAlgs, token.Alg(d.idTokenAlg)) {
		return errors.New("its id_token_signed_response_alg is not supported")
	}
	return nil
}

// readGrants keeps the grants that such a client can have. Those of a document that
// names none are as in RFC 7591, section 2.
func (d *Document) readGrants(p published, _ *url.URL) error {
	grants, responses := []string{GrantCode}, []string{"code"}
	if _, err := p.read("grant_types", &grants); err != nil {
		return err
	}
	if _, err := p.read("response_types", &responses); err != nil {
		return err
	}
	if !slices.Contains(grants, GrantCode) || !slices.Contains(responses, "code") {
		return errors.New("it is not for the authorization code grant")
	}
	for _, g := range []string{GrantCode, GrantRefresh} {
		if slices.Contains(grants, g) {
			d.grants = append(d.grants, g)
		}
	}
	return nil
}

// readRedirects keeps the redirect URIs on the host of the document, or on a loopback
// address: no other can be known to be the client's. Many documents list more.
func (d *Document) readRedirects(p published, u *url.URL) error {
	var all []string
	if _, err := p.read("redirect_uris", &all); err != nil {
		return err
	}
	for _, uri := range all {
		to, fault := parse(uri)
		if fault != "" || checkRedirect(uri, false) != "" {
			continue
		}
		if to.Scheme == "https" && to.Hostname() == u.Hostname() || to.Scheme == "http" && isLoopback(to.Hostname()) {
			d.redirectURIs = d.redirectURIs.With([]string{uri})
		}
	}
	switch {
	case len(d.redirectURIs) == 0:
		return errors.New("none of its redirect_uris is on its host, or on a loopback address")
	case len(d.redirectURIs) > maxURIs:
		return errors.New("it has too many redirect_uris")
	}
	return nil
}

func (d *Document) readScopes(p published, _ *url.URL) error {
	var scope string
	ok, err := p.read("scope", &scope)
	if ok {
		d.scopes = append(Words{}, strings.Fields(scope)...)
	}
	return err
}

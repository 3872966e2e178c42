package client

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/latchkey/latchkey/identity"
)

const (
	// registeredPrefix begins the ids of clients that registered themselves.
	registeredPrefix = "reg_"
	// maxRegistration bounds what such a client says of itself, in bytes of JSON: its id
	// holds that, and is part of addresses and tokens.
	maxRegistration = 1000
	maxRegisteredID = 2000
	useRegistration = "registered client"
)

// Registrations gives ids to clients that register themselves (RFC 7591). An id holds
// what the client said of itself, sealed (RFC 7591, appendix A.5.2). Nothing is kept
// until a person agrees, so that a flood of registrations fills nothing; then the client
// is kept as one that describes itself.
type Registrations struct {
	sealer identity.Sealer
	now    identity.Clock
}

// NewRegistrations returns what seals by keys that every replica has.
func NewRegistrations(sealer identity.Sealer, now identity.Clock) *Registrations {
	return &Registrations{sealer, now}
}

// RegisteredItself reports whether an id is that of a client that registered itself.
func RegisteredItself(id string) bool { return strings.HasPrefix(id, registeredPrefix) }

// registration is what an id holds.
type registration struct {
	Name         string `json:"n"`
	RedirectURIs Words  `json:"r"`
	Grants       Words  `json:"g"`
	Scopes       *Words `json:"s,omitempty"` // nil for any
	IDTokenAlg   string `json:"a"`
	At           int64  `json:"t"` // seconds; two that say the same are two clients
}

// Registered is the answer to a client that registered itself.
type Registered struct {
	ID           string
	At           time.Time
	Name         string
	RedirectURIs Words
	Grants       Words
	Scopes       Words // nil for those that it may have at all
	IDTokenAlg   string
}

// Register reads client metadata (RFC 7591, section 2). What is not supported is ignored;
// the answer says what the client has. All are public, whatever they ask for.
// CodeInvalidRedirectURI or CodeInvalidClientMetadata.
func (r *Registrations) Register(raw []byte) (Registered, error) {
	var p published
	if !utf8.Valid(raw) || json.Unmarshal(raw, &p) != nil || p == nil {
		return Registered{}, invalidMetadata(errors.New("it is not a JSON object"))
	}
	delete(p, "token_endpoint_auth_method")
	var d Document
	if err := d.readNativeRedirects(p); err != nil {
		return Registered{}, identity.NewError(identity.CodeInvalidRedirectURI, "the application cannot be registered: %s", err).WithField("redirect_uris")
	}
	first, err := url.Parse(d.redirectURIs[0])
	if err != nil {
		return Registered{}, err
	}
	if first.Host == "" {
		first.Host = first.Scheme // the name of an app that gives none
	}
	for _, read := range []func(published, *url.URL) error{d.readName, d.readAuth, d.readGrants, d.readScopes} {
		if err := read(p, first); err != nil {
			return Registered{}, invalidMetadata(err)
		}
	}
	said := registration{d.name, d.redirectURIs, d.grants, nil, d.idTokenAlg, r.now().Unix()}
	if d.scopes != nil {
		said.Scopes = &d.scopes
	}
	id, err := r.seal(said)
	return Registered{id, time.Unix(said.At, 0).UTC(), d.name, d.redirectURIs, d.grants, d.scopes, d.idTokenAlg}, err
}

func (r *Registrations) seal(said registration) (string, error) {
	plain, err := json.Marshal(said)
	if err != nil {
		return "", err
	}
	if len(plain) > maxRegistration {
		return "", invalidMetadata(errors.New("it says more than is kept: register fewer redirect URIs"))
	}
	sealed, err := r.sealer.SealText(useRegistration, said)
	return registeredPrefix + sealed, err
}

// open reads an id, and reports whether it was given here.
func (r *Registrations) open(id string) (Document, bool) {
	var said registration
	text, ok := strings.CutPrefix(id, registeredPrefix)
	if !ok || len(id) > maxRegisteredID || !r.sealer.OpenText(useRegistration, text, &said) {
		return Document{}, false
	}
	plain, err := json.Marshal(said)
	hash := sha256.Sum256(plain)
	d := Document{id: id, name: said.Name, redirectURIs: said.RedirectURIs, grants: said.Grants, idTokenAlg: said.IDTokenAlg, hash: hash[:]}
	if said.Scopes != nil {
		d.scopes = *said.Scopes
	}
	return d, err == nil
}

// readNativeRedirects reads redirect URIs of a client that has no host of its own. Each
// has to be one that a public client may have.
func (d *Document) readNativeRedirects(p published) error {
	if _, err := p.read("redirect_uris", &d.redirectURIs); err != nil {
		return err
	}
	if len(d.redirectURIs) == 0 || len(d.redirectURIs) > maxURIs {
		return errors.New("it needs from 1 to 50 redirect_uris")
	}
	for i, uri := range d.redirectURIs {
		if fault := checkRedirect(uri, true); fault != "" {
			return errors.New(identity.OneLine(uri, 200) + " " + fault)
		}
		if slices.Contains(d.redirectURIs[:i], uri) {
			return errors.New(identity.OneLine(uri, 200) + " is listed twice")
		}
	}
	return nil
}

func invalidMetadata(err error) error {
	return identity.NewError(identity.CodeInvalidClientMetadata, "the application cannot be registered: %s", err)
}

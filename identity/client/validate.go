package client

import (
	"net/url"
	"slices"
	"strings"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/token"
)

// How much one client may have.
const (
	maxURIs   = 50
	maxScopes = 100
	maxClaims = 50
	maxName   = 100
)

var allGrants = []string{GrantCode, GrantRefresh, GrantDevice}

// complete fills in what a new client leaves out.
func (c *Client) complete() {
	c.Name = strings.TrimSpace(c.Name)
	if c.Kind == "" {
		c.Kind = Confidential
	}
	if len(c.Grants) == 0 {
		c.Grants = Words{GrantCode, GrantRefresh}
	}
	if len(c.Scopes) == 0 {
		c.Scopes = StandardScopes
	}
	if c.IDTokenAlg == "" {
		c.IDTokenAlg = string(token.IDTokenAlgs[0])
	}
}

// validate refuses, with CodeInvalidRequest and the field, a client that could not be
// served or would open a hole. known are the resources that there are; allowed
// reports where logout tokens may be sent over http.
func (c Client) validate(known []Resource, allowed func(u *url.URL) bool) error {
	if c.Name == "" || !identity.IsLine(c.Name, maxName) {
		return invalid("name", "a client's name has 1 to 100 characters and no control characters")
	}
	if c.Kind != Public && c.Kind != Confidential {
		return invalid("kind", "a client is public or confidential")
	}
	if c.LogoURI != "" {
		if u, fault := parse(c.LogoURI); fault != "" || u.Scheme != "https" || checkHost(u) != "" {
			return invalid("logo_uri", "a logo is an https URL")
		}
	}
	if c.BackchannelURI != "" {
		if fault := checkBackchannel(c.BackchannelURI, allowed); fault != "" {
			return invalid("backchannel_logout_uri", c.BackchannelURI+" "+fault)
		}
	}
	if err := c.validateLists(known); err != nil {
		return err
	}
	if !slices.Contains(token.IDTokenAlgs, token.Alg(c.IDTokenAlg)) {
		return invalid("id_token_alg", "ID tokens are signed by RS256, ES256 or EdDSA")
	}
	return nil
}

func (c Client) validateLists(known []Resource) error {
	for _, l := range []struct {
		field string
		uris  Words
	}{{"redirect_uris", c.RedirectURIs}, {"post_logout_uris", c.PostLogoutURIs}} {
		if err := checkList(l.field, l.uris, maxURIs); err != nil {
			return err
		}
		for _, uri := range l.uris {
			if fault := checkRedirect(uri, c.Kind == Public); fault != "" {
				return invalid(l.field, identity.OneLine(uri, 200)+" "+fault)
			}
		}
	}
	if err := checkList("grants", c.Grants, len(allGrants)); err != nil {
		return err
	}
	for _, g := range c.Grants {
		if !slices.Contains(allGrants, g) {
			return invalid("grants", "a client has the grants "+strings.Join(allGrants, ", "))
		}
	}
	if !c.Has(GrantCode) && !c.Has(GrantDevice) {
		return invalid("grants", "a client needs authorization_code or "+GrantDevice+" to sign anybody in")
	}
	if c.Has(GrantCode) && len(c.RedirectURIs) == 0 {
		return invalid("redirect_uris", "a client needs a redirect URI")
	}
	if err := checkList("claims", c.Claims, maxClaims); err != nil {
		return err
	}
	for _, name := range c.Claims {
		if !isClaim(name) {
			return invalid("claims", identity.OneLine(name, 100)+" is none of email, name, onboarded and app_metadata.NAME")
		}
	}
	if err := checkList("resources", c.Resources, maxURIs); err != nil {
		return err
	}
	scopes := slices.Clone(StandardScopes)
	for _, uri := range c.Resources {
		i := slices.IndexFunc(known, func(r Resource) bool { return r.URI == uri })
		if i < 0 {
			return invalid("resources", identity.OneLine(uri, 200)+" is no resource: add it by `latchkey resource create`")
		}
		scopes = scopes.With(known[i].Scopes)
	}
	if err := checkList("scopes", c.Scopes, maxScopes); err != nil {
		return err
	}
	for _, s := range c.Scopes {
		if !slices.Contains(scopes, s) {
			return invalid("scopes", identity.OneLine(s, 100)+" is none of "+strings.Join(StandardScopes, ", ")+", and no scope of the client's resources")
		}
	}
	return nil
}

// checkList refuses more than limit, and the same twice.
func checkList(field string, list Words, limit int) error {
	if len(list) > limit {
		return invalid(field, "there are too many of them")
	}
	for i, s := range list {
		if slices.Contains(list[:i], s) {
			return invalid(field, identity.OneLine(s, 200)+" is listed twice")
		}
	}
	return nil
}

// validate refuses a resource with CodeInvalidRequest and the field.
func (r Resource) validate() error {
	u, fault := parse(r.URI)
	if fault != "" {
		return invalid("uri", fault)
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())) {
		return invalid("uri", "a resource is an https URI, or an http one on a loopback address")
	}
	if fault := checkHost(u); fault != "" {
		return invalid("uri", fault)
	}
	if !identity.IsLine(r.Name, maxName) {
		return invalid("name", "a resource's name has at most 100 characters and no control characters")
	}
	if err := checkList("scopes", r.Scopes, maxScopes); err != nil {
		return err
	}
	for _, s := range r.Scopes {
		if !isScope(s) || slices.Contains(StandardScopes, s) {
			return invalid("scopes", identity.OneLine(s, 100)+" is no scope that a resource can have")
		}
	}
	return nil
}

// isClaim reports whether a client can have name among its claims: an attribute of a
// person, or a member of what the application has written about them.
func isClaim(name string) bool {
	switch name {
	case ClaimEmail, ClaimName, ClaimOnboarded:
		return true
	}
	member, ok := strings.CutPrefix(name, ClaimOfApp)
	return ok && isScope(member)
}

// isScope reports whether s is a scope-token of RFC 6749, section 3.3.
func isScope(s string) bool {
	return s != "" && len(s) <= 100 && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' })
}

func invalid(field, detail string) error {
	return identity.NewError(identity.CodeInvalidRequest, "%s", detail).WithField(field)
}

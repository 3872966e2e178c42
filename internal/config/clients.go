package config

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

var clientID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// parseClients takes CLIENT_ID=AUDIENCE. An audience is an absolute URI (RFC 8707,
// section 2), compared as a string by the services that check tokens.
func parseClients(s string) (Clients, error) {
	parts, err := list(s)
	if err != nil {
		return nil, err
	}
	var clients Clients
	for i, p := range parts {
		id, audience, ok := strings.Cut(p, "=")
		id, audience = strings.TrimSpace(id), strings.TrimSpace(audience)
		if !ok || !clientID.MatchString(id) {
			return nil, fmt.Errorf("element %d is not CLIENT_ID=AUDIENCE; use the form web=https://api.example.com, with letters, digits, dots, hyphens and underscores in the id", i+1)
		}
		if u, err := url.Parse(audience); err != nil || u.Scheme == "" || u.Fragment != "" || u.User != nil || strings.ContainsAny(audience, " \"<>\\^`{|}") {
			return nil, fmt.Errorf("element %d, of client %s, has %.100q for an audience; give an absolute URI, such as https://api.example.com", i+1, id, audience)
		}
		if slices.ContainsFunc(clients, func(c Client) bool { return c.ID == id }) {
			return nil, fmt.Errorf("names client %s twice", id)
		}
		clients = append(clients, Client{id, audience})
	}
	return clients, nil
}

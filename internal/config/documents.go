package config

import (
	"net/url"
	"strings"
)

// DocumentHosts are the hosts whose applications may describe themselves: nil for any.
type DocumentHosts Hosts

func parseDocumentHosts(s string) (DocumentHosts, error) {
	switch strings.TrimSpace(s) {
	case "any":
		return nil, nil
	case "none":
		return DocumentHosts{}, nil
	}
	hosts, err := parseHosts(s)
	return DocumentHosts(hosts), err
}

// TakesDocuments reports whether any application may describe itself.
func (c Config) TakesDocuments() bool {
	return c.ClientDocumentHosts == nil || len(c.ClientDocumentHosts) > 0
}

// TakesDocument reports whether the application at a URL may describe itself.
func (c Config) TakesDocument(u *url.URL) bool {
	return c.ClientDocumentHosts == nil || Hosts(c.ClientDocumentHosts).Has(u)
}

// PrivateDocument reports whether a URL of an application that describes itself may lead
// to an address that is not public.
func (c Config) PrivateDocument(u *url.URL) bool {
	return Hosts(c.ClientDocumentHosts).Has(u) || c.LocalDocument(u)
}

// LocalDocument reports whether a URL is one of this machine, in development mode: it may
// be http.
func (c Config) LocalDocument(u *url.URL) bool { return c.Dev && Loopback(u.Hostname()) }

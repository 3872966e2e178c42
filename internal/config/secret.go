package config

import (
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"strings"
)

const redacted = "[redacted]"

// Secret is a value that must not be shown. Whatever prints it, by any verb of
// fmt, by log/slog or as JSON, prints that it is redacted; only Reveal gives it.
type Secret string

// Reveal returns the value itself.
func (s Secret) Reveal() string { return string(s) }

// String says only whether there is a value.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return redacted
}

// Format implements fmt.Formatter. Without it, a verb that is none for strings
// (%d) would print the value in its complaint.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue implements slog.LogValuer.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText redacts in JSON and everything else that encodes text.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// SecretURL is a URL that may have a password in it. Printed, it keeps the
// scheme, the host and the path, which identify it to an operator.
type SecretURL string

// Reveal returns the value itself.
func (u SecretURL) Reveal() string { return string(u) }

// String leaves out userinfo, query and fragment.
func (u SecretURL) String() string {
	if u.scheme() == "sqlite" {
		return string(u) // a file has no password
	}
	parsed, err := url.Parse(string(u))
	if err != nil {
		return Secret(u).String()
	}
	return (&url.URL{Scheme: parsed.Scheme, Host: parsed.Host, Path: parsed.Path}).String()
}

// Format implements fmt.Formatter.
func (u SecretURL) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, u.String()) }

// LogValue implements slog.LogValuer.
func (u SecretURL) LogValue() slog.Value { return slog.StringValue(u.String()) }

// MarshalText redacts in JSON and everything else that encodes text.
func (u SecretURL) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

func (u SecretURL) scheme() string {
	scheme, _, _ := strings.Cut(string(u), "://")
	return scheme
}

// RPCs are JSON-RPC endpoints by chain id, in the order to try. Providers put
// their key into the path, so only the hosts are printed.
type RPCs map[uint64][]string

// String has chain=host for each endpoint.
func (r RPCs) String() string {
	var out []string
	for _, chain := range slices.Sorted(maps.Keys(r)) {
		for _, endpoint := range r[chain] {
			out = append(out, fmt.Sprintf("%d=%s", chain, HostOf(endpoint)))
		}
	}
	return strings.Join(out, ",")
}

// Format implements fmt.Formatter.
func (r RPCs) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, r.String()) }

// LogValue implements slog.LogValuer.
func (r RPCs) LogValue() slog.Value { return slog.StringValue(r.String()) }

// MarshalText redacts in JSON and everything else that encodes text.
func (r RPCs) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// HostOf returns scheme and host of a URL, which may be shown where the whole
// may not.
func HostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return redacted
	}
	return u.Scheme + "://" + u.Host
}

package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"

	"github.com/latchkey/latchkey/identity"
)

// WebURL is an absolute http or https URL without userinfo, query and fragment,
// in the very spelling the operator gave: an issuer is compared as a string.
type WebURL string

// Delay is a duration that may be 0.
type Delay time.Duration

// Retention is for how long something is kept; 0 is for good.
type Retention time.Duration

// Factor multiplies; 0 is off.
type Factor float64

// Domains are the domains of addresses, canonical.
type Domains []string

// Origins are origins in the spelling browsers send them in.
type Origins []string

var parsers = map[reflect.Type]env.ParserFunc{
	reflect.TypeFor[url.URL]():             parser(parseOrigin),
	reflect.TypeFor[WebURL]():              parser(parseWebURL),
	reflect.TypeFor[Domains]():             parser(parseDomains),
	reflect.TypeFor[HookSecrets]():         parser(parseHookSecrets),
	reflect.TypeFor[Hosts]():               parser(parseHosts),
	reflect.TypeFor[DocumentHosts]():       parser(parseDocumentHosts),
	reflect.TypeFor[OnboardedBy]():         parser(oneOf(OnboardedByUser, OnboardedByBackend)),
	reflect.TypeFor[PasskeyVerification](): parser(oneOf(PasskeyVerificationPreferred, PasskeyVerificationRequired)),
	reflect.TypeFor[OnFailure]():           parser(oneOf(OnFailureDeny, OnFailureAllow)),
	reflect.TypeFor[AllowedDomains]():      parser(parseAllowedDomains),
	reflect.TypeFor[Origins]():             parser(parseOrigins),
	reflect.TypeFor[[]netip.Prefix]():      parser(parsePrefixes),
	reflect.TypeFor[[]uint64]():            parser(parseChains),
	reflect.TypeFor[RPCs]():                parser(parseRPCs),
	reflect.TypeFor[SolanaNetworks]():      parser(parseSolanaNetworks),
	reflect.TypeFor[time.Duration]():       parser(parseDuration),
	reflect.TypeFor[Delay]():               parser(parseDelay),
	reflect.TypeFor[Retention]():           parser(parseRetention),
	reflect.TypeFor[Factor]():              parser(parseFactor),
	reflect.TypeFor[LogLevel]():            parser(parseLogLevel),
	reflect.TypeFor[Clients]():             parser(parseClients),
	reflect.TypeFor[TokenAlg]():            parser(oneOf(TokenEdDSA, TokenES256)),
	reflect.TypeFor[Linking]():             parser(oneOf(LinkingAuto, LinkingConfirm, LinkingOff)),
	reflect.TypeFor[SignUp]():              parser(oneOf(SignUpOpen, SignUpInvited, SignUpClosed)),
	reflect.TypeFor[LogFormat]():           parser(oneOf(LogJSON, LogText)),
}

func parser[T any](parse func(string) (T, error)) env.ParserFunc {
	return func(s string) (any, error) { return parse(s) }
}

// parse fills the tagged fields and reports what cannot be read.
func parse(c *Config, values map[string]string, problems *problems) {
	err := env.ParseWithOptions(c, env.Options{Environment: values, FuncMap: parsers})
	all, ok := errors.AsType[env.AggregateError](err)
	if !ok {
		return
	}
	for _, err := range all.Errors {
		field, message := "", "cannot be read"
		if pe, ok := errors.AsType[env.ParseError](err); ok {
			field, message = pe.Name, pe.Err.Error()
		}
		problems.add(byField(field).Name, "%s", message)
	}
}

// list splits at commas. Spaces around the elements do not matter; an empty
// element does, because something was meant to be there.
func list(s string) ([]string, error) {
	parts := strings.Split(s, ",")
	for i, p := range parts {
		if parts[i] = strings.TrimSpace(p); parts[i] == "" {
			return nil, errors.New("has an empty element; separate the elements by single commas")
		}
	}
	return parts, nil
}

func parseDomains(s string) (Domains, error) {
	parts, err := list(s)
	if err != nil {
		return nil, err
	}
	for i, p := range parts {
		address, err := identity.CanonicalEmail("postmaster@" + p)
		if err != nil || strings.Contains(p, "@") {
			return nil, fmt.Errorf("%.100q is not a domain; use the form example.com,example.org", p)
		}
		parts[i] = identity.EmailDomain(address)
	}
	return parts, nil
}

// anyDomain allows every domain, and proofs without an address.
const anyDomain = "any"

func parseAllowedDomains(s string) (AllowedDomains, error) {
	if strings.TrimSpace(s) == anyDomain {
		return AllowedDomains{}, nil
	}
	domains, err := parseDomains(s)
	return AllowedDomains(domains), err
}

func parseChains(s string) ([]uint64, error) {
	parts, err := list(s)
	if err != nil {
		return nil, err
	}
	chains := make([]uint64, len(parts))
	for i, p := range parts {
		if chains[i], err = parseChain(p); err != nil {
			return nil, err
		}
		if slices.Contains(chains[:i], chains[i]) {
			return nil, fmt.Errorf("names chain %d twice", chains[i])
		}
	}
	return chains, nil
}

// parseChain takes 1 to 2^63-1, in the one spelling a message has it in.
func parseChain(s string) (uint64, error) {
	n, err := strconv.ParseUint(s, 10, 63)
	if err != nil || n == 0 || strconv.FormatUint(n, 10) != s {
		return 0, fmt.Errorf("%.40q is not a chain id; use decimal numbers above 0, such as 1,8453", s)
	}
	return n, nil
}

// parseRPCs never quotes an endpoint: there is a key in most of them.
func parseRPCs(s string) (RPCs, error) {
	parts, err := list(s)
	if err != nil {
		return nil, err
	}
	rpcs := RPCs{}
	for i, p := range parts {
		id, endpoint, ok := strings.Cut(p, "=")
		chain, err := parseChain(strings.TrimSpace(id))
		if !ok || err != nil {
			return nil, fmt.Errorf("element %d is not CHAIN=URL; use the form 1=https://rpc.example,8453=https://base.example", i+1)
		}
		endpoint = strings.TrimSpace(endpoint)
		u, err := url.Parse(endpoint)
		if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Hostname() == "" || u.Fragment != "" {
			return nil, fmt.Errorf("element %d, of chain %d, has no usable URL; use http:// or https:// with a host", i+1, chain)
		}
		if slices.Contains(rpcs[chain], endpoint) {
			return nil, fmt.Errorf("element %d repeats an endpoint of chain %d", i+1, chain)
		}
		rpcs[chain] = append(rpcs[chain], endpoint)
	}
	return rpcs, nil
}

func parsePrefixes(s string) ([]netip.Prefix, error) {
	parts, err := list(s)
	if err != nil {
		return nil, err
	}
	prefixes := make([]netip.Prefix, len(parts))
	for i, p := range parts {
		if a, err := netip.ParseAddr(p); err == nil && a.Zone() == "" {
			a = a.Unmap()
			prefixes[i] = netip.PrefixFrom(a, a.BitLen())
			continue
		}
		prefix, err := netip.ParsePrefix(p)
		if err != nil {
			return nil, fmt.Errorf("%.60q is not an address or range; use the form 10.0.0.0/8 or 192.0.2.7", p)
		}
		if prefix.Addr().Is4In6() {
			return nil, fmt.Errorf("%.60q is an IPv4 range written as IPv6; write it as IPv4", p)
		}
		if prefix != prefix.Masked() {
			return nil, fmt.Errorf("%.60q has bits set beyond its length; write %s for the range or %s for the one address", p, prefix.Masked(), prefix.Addr())
		}
		prefixes[i] = prefix
	}
	return prefixes, nil
}

func parseDelay(s string) (Delay, error) {
	if d, err := time.ParseDuration(s); err == nil && d == 0 {
		return 0, nil
	}
	d, err := parseDuration(s)
	return Delay(d), err
}

func parseDuration(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0, fmt.Errorf("%.40q is not a duration; use a number with a unit, such as 30m or 168h", s)
	}
	if d <= 0 {
		return 0, fmt.Errorf("%.40q is not above zero", s)
	}
	return d, nil
}

// maxRetention is as many days as a time.Duration holds with room to spare.
const maxRetention = 100_000 * 24 * time.Hour

// parseRetention takes a duration that may be in days, or off.
func parseRetention(s string) (Retention, error) {
	if s == "off" {
		return 0, nil
	}
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 32)
		if err != nil || n == 0 || time.Duration(n) > maxRetention/(24*time.Hour) {
			return 0, fmt.Errorf("%.40q is not a number of days; use the form 365d, or off", s)
		}
		return Retention(time.Duration(n) * 24 * time.Hour), nil
	}
	d, err := parseDuration(s)
	if err != nil {
		return 0, fmt.Errorf("is %.40q; give days or a duration, such as 365d or 720h, or off", s)
	}
	return Retention(d), nil
}

// parseFactor takes a number that is of use; off is 0.
func parseFactor(s string) (Factor, error) {
	if s == "off" {
		return 0, nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || !(f >= 0.01 && f <= 1e6) {
		return 0, fmt.Errorf("is %.40q; give a number from 0.01 to 1000000, or off", s)
	}
	return Factor(f), nil
}

func oneOf[T ~string](choices ...T) func(string) (T, error) {
	return func(s string) (T, error) {
		if slices.Contains(choices, T(s)) {
			return T(s), nil
		}
		return "", fmt.Errorf("is %.40q; give one of %v", s, choices)
	}
}

func parseLogLevel(s string) (LogLevel, error) {
	levels := map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}
	if level, ok := levels[s]; ok {
		return LogLevel(level), nil
	}
	return 0, fmt.Errorf("is %.40q; give debug, info, warn or error", s)
}

package api_test

import (
	"strings"
	"time"
)

// The parts of a message, bent one by one. $domain is the service's own.

var hostileDomains = join(
	header(rejected("domain"),
		"evil.example", "localhost", "localhost:1", "localhost.:$port", "LOCALHOST:$port", "a.localhost:$port",
		"user@$domain", "user:password@$domain", "$domain@evil.example", "127.0.0.1:$port", "[::1]:$port", "localhost:0$port"),
	header(malformed("domain"),
		"", " $domain", "$domain ", "$domain.evil.example", "$domain/evil", "$domain?evil", "$domain#evil", `$domain\evil`,
		"l\u043ecalhost:$port", "%6cocalhost:$port", "%zz$domain", "$domain,evil example"),
	header(rejected("scheme"), "https://$domain", "ftp://$domain", "HTTP://$domain", "javascript://$domain"),
	header(malformed("scheme"), "1http://$domain", "ht tp://$domain"),
	header(malformed("domain"), "http://http://$domain"),
	header(malformed("message"), "://$domain"),
	header(accepted, "http://$domain"),
)

var hostileURIs = join(
	set("URI", rejected("uri"),
		"https://evil.example", "https://$domain", "ws://$domain", "http://localhost", "http://localhost:1", "http://$domain0",
		"http://user@$domain", "http://user:password@$domain/", "http://$domain@evil.example", "http://localhost.:$port",
		"http://LOCALHOST:$port", "http://a.localhost:$port", "http://127.0.0.1:$port",
		"javascript:alert(1)", "data:text/html,x", "urn:isbn:1", "file:///etc/passwd", "http:///$domain", "http:$domain", "did:key:z6Mk"),
	set("URI", malformed("uri"),
		"", "/", "//$domain", "http://$domain\\@evil.example", "http://$domain/a b", "http://$domain/%zz", "http://$domain/\u00e9",
		"http://$domain.evil.example", "http://$domain/<script>", "1http://$domain"),
	set("URI", malformed("message"), "HTTP://$domain"),
	set("URI", accepted, "http://$domain/", "http://$domain/sign-in?next=%2Fa#top"),
)

var hostileFields = join(
	set("Version", malformed("version"), "", "0", "2", "01", "1.0", "+1", " 1", "1 ", "\uff11"),
	set("Chain ID", malformed("chain_id"),
		"", "0", "01", "-1", "+1", "1.0", "1e0", "0x1", "one", " 1", "1 ", "1,1",
		"9223372036854775808", "18446744073709551617", "340282366920938463463374607431768211457", "\u0661"),
	set("Chain ID", rejected("chain_id"), "5", "100", "11", "9223372036854775807"),
	set("Chain ID", accepted, "10"),
	set("Nonce", malformed("nonce"), "", "short12", "with-dash-1234", "with space 12", "\uff41bcdefgh1", "'; DROP TABLE users;--"),
	set("Nonce", rejected("nonce"), "12345678", "0$old", "00$old", "$old0", "$old$old", "abcdefghijklmnopqrstuvwxyz"),
	[]hostileCase{
		bend("nonce in lower case", rejected("nonce"), func(f *forgery) { f.replace(f.value("Nonce"), strings.ToLower(f.value("Nonce"))) }),
		bend("nonce cut short", rejected("nonce"), func(f *forgery) { f.replace(f.value("Nonce"), f.value("Nonce")[:20]) }),
		bend("nonce of 8 KiB", malformed("message"), func(f *forgery) { f.replace(f.value("Nonce"), strings.Repeat("a", 8<<10)) }),
		bend("address of the zero account", rejected("signature"), func(f *forgery) {
			f.replace(f.wallet.Address.Hex(), "0x0000000000000000000000000000000000000000")
		}),
		bend("address in lower case", malformed("address"), func(f *forgery) {
			f.replace(f.wallet.Address.Hex(), strings.ToLower(f.wallet.Address.Hex()))
		}),
		bend("address in upper case", malformed("address"), func(f *forgery) {
			f.replace(f.wallet.Address.Hex(), "0x"+strings.ToUpper(f.wallet.Address.Hex()[2:]))
		}),
		bend("address with 0X", malformed("address"), func(f *forgery) { f.replace("\n0x", "\n0X") }),
		bend("address without 0x", malformed("address"), func(f *forgery) { f.replace("\n0x", "\n") }),
		bend("address one digit short", malformed("address"), func(f *forgery) {
			f.replace(f.wallet.Address.Hex(), f.wallet.Address.Hex()[:41])
		}),
		bend("address one digit long", malformed("address"), func(f *forgery) { f.replace("\n0x", "\n0x0") }),
		bend("address with its chain", malformed("address"), func(f *forgery) { f.replace("\n0x", "\neip155:1:0x") }),
		bend("a name for an address", malformed("address"), func(f *forgery) { f.replace(f.wallet.Address.Hex(), "vitalik.eth") }),
	},
)

var hostileTimes = join(
	[]hostileCase{
		ago("Issued At", -2*time.Minute, rejected("issued_at")),
		ago("Issued At", -61*time.Second, rejected("issued_at")),
		ago("Issued At", -60*time.Second, accepted),
		ago("Issued At", 10*time.Minute, accepted),
		ago("Issued At", 10*time.Minute+time.Microsecond, rejected("issued_at")),
		ago("Issued At", 24*time.Hour, rejected("issued_at")),
		ago("Expiration Time", 0, rejected("expiration_time")), // equal to now is over
		ago("Expiration Time", -time.Microsecond, accepted),
		ago("Expiration Time", time.Second, rejected("expiration_time")),
		ago("Not Before", 0, accepted),
		ago("Not Before", time.Hour, accepted),
		ago("Not Before", -60*time.Second, accepted),
		ago("Not Before", -61*time.Second, rejected("not_before")),
		ago("Not Before", -time.Hour, rejected("not_before")),
		bend("no expiry", accepted, func(f *forgery) { f.replace("\n"+f.line("Expiration Time"), "") }),
		// An expiry alone says nothing about when the message was made.
		bend("expiry without issue", malformed("issued_at"), func(f *forgery) { f.replace("\n"+f.line("Issued At"), "") }),
		bend("old, with an expiry that is not over", rejected("issued_at"), func(f *forgery) {
			f.replace(f.line("Issued At"), "Issued At: "+f.app.Now().Add(-time.Hour).Format(time.RFC3339))
		}),
		bend("expired before it was issued", rejected("expiration_time"), func(f *forgery) {
			f.replace(f.line("Issued At"), "Issued At: "+f.app.Now().Add(30*time.Second).Format(time.RFC3339Nano))
			f.replace(f.line("Expiration Time"), "Expiration Time: "+f.app.Now().Add(20*time.Second).Format(time.RFC3339Nano))
		}),
	},
	set("Issued At", rejected("issued_at"), "9999-12-31T23:59:59Z", "1970-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
	set("Issued At", malformed("issued_at"),
		"", "now", "1700000000", "2026-01-01", "2026-01-01T00:00:00", "2026-01-01 00:00:00Z", "2026-01-01t00:00:00z",
		"2026-01-01T00:00:00,5Z", "2026-01-01T24:00:00Z", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-01-01T00:00:60Z",
		"2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00+0100", "2026-1-1T0:0:0Z", "10000-01-01T00:00:00Z", "-2026-01-01T00:00:00Z",
		"$old ", " $old", "$old$old", "Thu, 01 Jan 2026 00:00:00 GMT", "\uff12026-01-01T00:00:00Z"),
	set("Expiration Time", malformed("expiration_time"), "", "never", "2099-01-01", "2099-01-01T00:00:00", "2099-02-29T00:00:00Z", "9999999999"),
	add(malformed("not_before"), "\nNot Before: ", "\nNot Before: never", "\nNot Before: 2000-01-01"),
)

func join(lists ...[]hostileCase) []hostileCase {
	var out []hostileCase
	for _, l := range lists {
		out = append(out, l...)
	}
	return out
}

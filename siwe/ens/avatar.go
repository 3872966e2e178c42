package ens

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

const maxAvatarBytes = 1024

// urlText matches URLs without the quotes of markup and style sheets, and without
// characters that browsers drop or rewrite, such as tabs and backslashes.
var urlText = regexp.MustCompile(`^[A-Za-z0-9\-._~:/?#\[\]@!$&()*+,;=%]+$`)

// hostName matches names of the public DNS. The last label starts with a letter:
// browsers take a host that ends in a number for an IPv4 address, even 127.1 and
// 0x7f000001.
var hostName = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]$`)

// privateDomains resolve only in the viewer's own network.
var privateDomains = []string{"localhost", "local", "internal", "arpa"}

// avatarURL returns an avatar record if it is safe to give to a browser, or "".
// The viewer's browser loads it, so it must not name a host of the viewer's
// network, credentials or a port.
func avatarURL(record string) string {
	if len(record) > maxAvatarBytes || !urlText.MatchString(record) {
		return ""
	}
	u, err := url.Parse(record)
	if err != nil || u.Scheme != "https" || u.Opaque != "" || u.User != nil || u.Port() != "" {
		return ""
	}
	host := strings.ToLower(u.Host)
	if len(host) > 253 || !hostName.MatchString(host) || slices.Contains(privateDomains, host[strings.LastIndexByte(host, '.')+1:]) {
		return ""
	}
	return u.String()
}

package ens

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

const maxAvatarBytes = 1024

// urlText has neither what markup and style sheets quote with nor what browsers
// drop or turn into something else, such as tabs and backslashes.
var urlText = regexp.MustCompile(`^[A-Za-z0-9\-._~:/?#\[\]@!$&()*+,;=%]+$`)

// hostName is one of the public DNS. The last label starts with a letter: what
// ends in a number is an IPv4 address to a browser, 127.1 and 0x7f000001 too.
var hostName = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]$`)

// privateDomains are those that only the viewer's own network knows.
var privateDomains = []string{"localhost", "local", "internal", "arpa"}

// avatarURL returns an avatar record that a browser may be given, or nothing.
// The viewer's browser is what loads it, hence no host of the viewer's network
// and no credentials or port to send there.
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

package latchkey

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

const wellKnownResource = "/.well-known/oauth-protected-resource"

// ResourceMetadata serves the metadata of an API that agents call (RFC 9728): who
// signs people in for it, and which scopes there are. resource is its URI as in
// `latchkey resource create --uri`. Mount it at [ResourceMetadataPath], and have 401s
// name it by [WithResource].
func ResourceMetadata(issuer, resource string, scopes ...string) http.Handler {
	document, err := json.Marshal(struct {
		Resource             string   `json:"resource"`
		AuthorizationServers []string `json:"authorization_servers"`
		BearerMethods        []string `json:"bearer_methods_supported"`
		Scopes               []string `json:"scopes_supported,omitempty"`
	}{resource, []string{strings.TrimSuffix(issuer, "/")}, []string{"header"}, scopes})
	if err != nil {
		panic(err) // texts alone
	}
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		// Agents in a browser read it from any origin.
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(document)
	})
}

// ResourceMetadataPath returns where an API serves its metadata: the path of its URI
// comes after the well-known one (RFC 9728, section 3.1).
func ResourceMetadataPath(resource string) string {
	u, err := url.Parse(resource)
	if err != nil {
		return wellKnownResource
	}
	return wellKnownResource + strings.TrimSuffix(u.EscapedPath(), "/")
}

// ResourceMetadataURL returns the address of the metadata.
func ResourceMetadataURL(resource string) string {
	u, err := url.Parse(resource)
	if err != nil {
		return wellKnownResource
	}
	return u.Scheme + "://" + u.Host + ResourceMetadataPath(resource)
}

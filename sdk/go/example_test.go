package latchkey_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	latchkey "github.com/latchkey/latchkey/sdk/go"
)

func Example() {
	// docs:net-http
	v := latchkey.NewVerifier("https://auth.example.com", "https://api.example.com")

	mux := http.NewServeMux()
	mux.HandleFunc("GET /", func(w http.ResponseWriter, _ *http.Request) { // anybody may see it
		_, _ = fmt.Fprintln(w, "hello")
	})
	mux.Handle("GET /me", v.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, _ := latchkey.UserFrom(r.Context())
		_, _ = fmt.Fprintln(w, user.ID)
	})))
	admins := latchkey.RequireTeamRole(latchkey.Admin, func(r *http.Request) string { return r.PathValue("team") })
	mux.Handle("DELETE /teams/{team}/notes", v.Middleware(admins(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNoContent)
	}))))
	// docs:end

	for _, path := range []string{"/", "/me"} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, http.NoBody))
		fmt.Println(w.Code)
	}
	// Output:
	// 200
	// 401
}

func ExampleVerifier_Verify() {
	v := latchkey.NewVerifier("http://127.0.0.1:1", "https://api.example.com") // nothing answers there

	// docs:verify
	userOf := func(r *http.Request) (user *latchkey.User, status int) {
		user, err := v.Verify(r.Context(), latchkey.BearerToken(r.Header))
		switch {
		case errors.Is(err, latchkey.ErrUnauthenticated):
			return nil, http.StatusUnauthorized
		case err != nil: // ErrUnavailable: to sign in again would not help
			return nil, http.StatusServiceUnavailable
		}
		return user, http.StatusOK
	}
	// docs:end

	r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
	fmt.Println(userOf(r))
	r.Header.Set("Authorization", "bearer eyJhbGciOiJFZERTQSIsInR5cCI6ImF0K2p3dCIsImtpZCI6ImsifQ.e30.AAAA")
	fmt.Println(userOf(r))
	// Output:
	// <nil> 401
	// <nil> 503
}

func ExampleResourceMetadata() {
	// docs:resource
	const issuer, resource = "https://auth.example.com", "https://mcp.example.com/mcp"
	v := latchkey.NewVerifier(issuer, resource, latchkey.WithResource(resource))

	mux := http.NewServeMux()
	mux.Handle("GET "+latchkey.ResourceMetadataPath(resource), latchkey.ResourceMetadata(issuer, resource, "tools:call"))
	mux.Handle("/mcp", v.Middleware(http.NotFoundHandler()))
	// docs:end

	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/mcp", http.NoBody))
	fmt.Println(w.Code, w.Header().Get("WWW-Authenticate"))
	// Output:
	// 401 Bearer resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp"
}

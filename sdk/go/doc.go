// Package latchkey lets a service recognize the users of Latchkey by their access
// tokens (RFC 9068), without a request to Latchkey for each of its own.
//
//	v := latchkey.NewVerifier("https://auth.example.com", "https://api.example.com")
//	http.Handle("/notes", v.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
//		user, _ := latchkey.UserFrom(r.Context())
//		fmt.Fprintln(w, user.ID)
//	})))
//
// A token says who sent a request. A body, a query or another header never does.
//
// [Verifier] checks tokens by Latchkey's public keys. A session that has ended is
// refused within five minutes, when its last token has expired. Where that is too
// long, [Introspector] asks Latchkey about every token.
//
// A token that is refused is [ErrUnauthenticated], answered with 401. What cannot be
// decided, because Latchkey does not answer, is [ErrUnavailable], answered with 503. It
// never counts as signed in.
package latchkey

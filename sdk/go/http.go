package latchkey

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
)

// Authenticator says who sent a request. [Verifier] and [Introspector] implement it.
type Authenticator interface {
	// Authenticate returns the request with its user, or its machine, in the context.
	// The error is ErrUnauthenticated or ErrUnavailable.
	Authenticate(r *http.Request) (*http.Request, error)

	// WriteError answers a request that Authenticate refused.
	WriteError(w http.ResponseWriter, err error)
}

var (
	_ Authenticator = (*Verifier)(nil)
	_ Authenticator = (*Introspector)(nil)
)

// BearerToken returns the token of the Authorization header (RFC 6750, section 2.1), ""
// if there is none. The scheme is in any case (RFC 9110, section 11.1). Of two headers
// neither counts.
func BearerToken(h http.Header) string {
	values := h.Values("Authorization")
	if len(values) != 1 {
		return ""
	}
	scheme, token, _ := strings.Cut(strings.TrimSpace(values[0]), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// Authenticate implements [Authenticator].
func (v *Verifier) Authenticate(r *http.Request) (*http.Request, error) {
	return authenticate(r, v.verify, v != nil && v.options.machines)
}

// Middleware answers 401 without a valid access token, 403 for that of a machine, 503 if
// it cannot be checked, and otherwise calls next, which finds the user with [UserFrom].
func (v *Verifier) Middleware(next http.Handler) http.Handler { return require(v, next) }

// Optional calls next for every request, for pages that anybody may see. [UserFrom]
// finds a user only if there is a valid token: one that is refused or cannot be checked
// counts as none.
func (v *Verifier) Optional(next http.Handler) http.Handler { return optional(v, next) }

// WriteError implements [Authenticator].
func (v *Verifier) WriteError(w http.ResponseWriter, err error) {
	if v == nil {
		writeError(w, err, "")
		return
	}
	writeError(w, err, v.options.resource)
}

func authenticate(r *http.Request, verify func(ctx context.Context, token, ip string) (caller, error), machines bool) (*http.Request, error) {
	token := BearerToken(r.Header)
	if token == "" {
		return nil, errNoToken
	}
	c, err := verify(r.Context(), token, clientIP(r))
	if err != nil {
		return nil, err
	}
	if c.machine != nil && !machines {
		return nil, ErrMachine
	}
	return r.WithContext(context.WithValue(r.Context(), callerKey{}, c)), nil
}

func require(a Authenticator, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		authenticated, err := a.Authenticate(r)
		if err != nil {
			a.WriteError(w, err)
			return
		}
		next.ServeHTTP(w, authenticated)
	})
}

func optional(a Authenticator, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// A caller whom an outer middleware found does not outlive a token that is refused.
		anonymous := r.WithContext(context.WithValue(r.Context(), callerKey{}, caller{}))
		if authenticated, err := a.Authenticate(r); err == nil {
			next.ServeHTTP(w, authenticated)
			return
		}
		next.ServeHTTP(w, anonymous)
	})
}

type callerKey struct{}

func callerFrom(ctx context.Context) caller {
	c, _ := ctx.Value(callerKey{}).(caller)
	return c
}

// UserFrom returns the user whom the middleware found. ok is false if there is none: the
// request passed no middleware, or is of a machine.
func UserFrom(ctx context.Context) (user *User, ok bool) {
	user = callerFrom(ctx).user
	return user, user != nil
}

// MachineFrom returns the machine that the middleware found, see [WithMachines].
func MachineFrom(ctx context.Context) (machine *Machine, ok bool) {
	machine = callerFrom(ctx).machine
	return machine, machine != nil
}

// WithUser returns a context with a user, for tests of handlers.
func WithUser(ctx context.Context, user *User) context.Context {
	return context.WithValue(ctx, callerKey{}, caller{user: user})
}

// RequireRole returns a middleware, for behind [Verifier.Middleware], that answers 403
// unless the token acts in a team and with at least a role. It says nothing about which
// team: a handler for one that the request names uses [RequireTeamRole].
func RequireRole(role Role) func(http.Handler) http.Handler {
	return RequireTeamRole(role, func(r *http.Request) string { return TeamFrom(r.Context()) })
}

// RequireTeamRole is [RequireRole] in the team that a request is about, such as
// r.PathValue("team").
func RequireTeamRole(role Role, team func(*http.Request) string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if err := CheckRole(r.Context(), team(r), role); err != nil {
				writeError(w, err, "")
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// TeamFrom returns the team that the request's token acts in, "" for none.
func TeamFrom(ctx context.Context) string {
	switch c := callerFrom(ctx); {
	case c.user != nil:
		return c.user.Team
	case c.machine != nil:
		return c.machine.Team
	}
	return ""
}

// CheckRole returns nil if the user, or the machine, of a context has at least a role
// in a team. Without either it is ErrUnauthenticated, otherwise ErrForbidden.
func CheckRole(ctx context.Context, team string, role Role) error {
	c := callerFrom(ctx)
	switch {
	case c.user == nil && c.machine == nil:
		return errNoToken
	case c.user.HasRole(team, role), c.machine.HasRole(team, role):
		return nil
	}
	return ErrForbidden
}

// WriteError answers with the status of an error, a problem document (RFC 9457) with
// the code that Latchkey itself would use, and WWW-Authenticate where RFC 6750 asks for
// it. It says nothing of why a token was refused. The cause of a 503 goes to
// [slog.Default].
func WriteError(w http.ResponseWriter, err error) { writeError(w, err, "") }

func writeError(w http.ResponseWriter, err error, resource string) {
	status, code, title := http.StatusServiceUnavailable, "unavailable", "Sign-in service unavailable"
	switch {
	case errors.Is(err, ErrForbidden), errors.Is(err, ErrMachine):
		status, code, title = http.StatusForbidden, "forbidden", "Forbidden"
	case errors.Is(err, ErrUnauthenticated):
		status, code, title = http.StatusUnauthorized, "unauthenticated", "Not signed in"
		challenge := "Bearer"
		var parameters []string
		if !errors.Is(err, errNoToken) {
			parameters = append(parameters, `error="invalid_token"`)
		}
		if resource != "" {
			parameters = append(parameters, `resource_metadata="`+ResourceMetadataURL(resource)+`"`)
		}
		if len(parameters) > 0 {
			challenge += " " + strings.Join(parameters, ", ")
		}
		w.Header().Set("WWW-Authenticate", challenge)
	default:
		// The client is not shown why, such as an API key that has expired.
		slog.Error("latchkey: a request could not be checked", "error", err)
		w.Header().Set("Retry-After", "5")
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"type": "about:blank", "title": title, "status": status, "code": code})
}

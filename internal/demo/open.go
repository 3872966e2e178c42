package demo

import (
	"context"
	"crypto/subtle"
	"net/http"
	"slices"
	"strings"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
)

// Path is where Handler is served.
const Path = "/dev/demo/"

// Handler signs a browser in as one of Roles who opens the right address. It is for
// development servers, which anyone can sign in to as anyone.
type Handler struct {
	Store    Store
	Sessions *session.Service
	// Cookie returns the cookie that holds a session's token.
	Cookie func(token string) *http.Cookie
	Now    identity.Clock
	public string // the origin that browsers open
	key    string
}

// NewHandler returns a handler whose addresses are known to no other page: a page of another
// site cannot sign a browser in here.
func NewHandler(public string, store Store, sessions *session.Service, cookie func(token string) *http.Cookie, now identity.Clock) *Handler {
	key, _ := identity.NewSecret()
	return &Handler{Store: store, Sessions: sessions, Cookie: cookie, Now: now, public: public, key: key}
}

// URL returns the address that signs in as one of Roles.
func (h *Handler) URL(role string) string { return h.public + Path + role + "?key=" + h.key }

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	role := strings.TrimPrefix(r.URL.Path, Path)
	right := subtle.ConstantTimeCompare([]byte(r.URL.Query().Get("key")), []byte(h.key)) == 1
	if r.Method != http.MethodGet || !right || !slices.Contains(Roles, role) {
		http.NotFound(w, r)
		return
	}
	token, to, err := h.signIn(r.Context(), role, identity.RequestOrigin{IP: "127.0.0.1", UserAgent: r.UserAgent()})
	if err != nil {
		http.Error(w, "could not sign in as the "+role+": start the server with --demo on an empty database", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	http.SetCookie(w, h.Cookie(token))
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// signIn starts a session as a sign-in with Google would, and returns the page that
// the person would look at.
func (h *Handler) signIn(ctx context.Context, role string, from identity.RequestOrigin) (token, to string, err error) {
	err = h.Store.InTx(ctx, func(ctx context.Context) error {
		via, user, err := h.Store.IdentityOwner(ctx, identity.ProviderGoogle, subjectOf(role))
		if err != nil {
			return err
		}
		issued, secret, err := h.Sessions.Issue(ctx, via, from, nil)
		if err != nil {
			return err
		}
		token = secret
		if to, err = h.landing(ctx, role, user.ID); err != nil {
			return err
		}
		return h.Store.RecordEvents(ctx, identity.Event{
			ID: identity.NewID(), At: h.Now(), Action: identity.ActionSessionCreated, ActorID: &user.ID, UserID: &user.ID, SessionID: &issued.ID,
			IP: from.IP, UserAgent: from.UserAgent,
			Data: identity.Metadata{"provider": via.Provider, "subject": via.Subject, "purpose": identity.PurposeSignIn, "reason": "identity_owned"},
		})
	})
	return token, to, err
}

func (h *Handler) landing(ctx context.Context, role string, user identity.ID) (string, error) {
	switch role {
	case "operator":
		return "/admin", nil
	case "member":
		return "/account", nil
	}
	memberships, err := h.Store.MembershipsWithTeam(ctx, user, identity.Page{Limit: 10})
	for _, p := range memberships {
		if p.TeamName == largeName {
			return "/teams/" + p.TeamID.String(), err
		}
	}
	return "/", err
}

package api

import (
	"context"

	"github.com/gin-gonic/gin"

	"github.com/latchkey/latchkey/api/contract"
)

const (
	logoutPath  = "/oauth2/logout"
	signOutPage = "/sign-out"
)

// Logout ends the browser's session for an application, or asks the person first.
func (s *Server) Logout(ctx context.Context, _ contract.LogoutRequestObject) (contract.LogoutResponseObject, error) {
	c, info := ctx.(*gin.Context), requestInfoOf(ctx)
	form := present(c.Request.URL.Query())
	o, err := s.AuthServer.Logout(ctx, form, info.principal, info.origin)
	if err != nil {
		return nil, err
	}
	to := o.Redirect
	switch {
	case o.Ask: // the page comes back here once the session has ended
		to = signOutPage + "?" + form.Encode()
	case to == "":
		to = signOutPage
	}
	if o.SignOut {
		if err := s.Sessions.SignOut(ctx, s.actor(ctx)); err != nil {
			return nil, err
		}
		if !info.bearer {
			s.cookies.clearSession(c)
		}
	}
	return contract.Logout302Response{Headers: contract.Logout302ResponseHeaders{Location: &to}}, nil
}

// LogoutByForm sends a browser that posts the parameters to the same request with GET,
// as AuthorizeByForm does.
func (s *Server) LogoutByForm(ctx context.Context, _ contract.LogoutByFormRequestObject) (contract.LogoutByFormResponseObject, error) {
	to := logoutPath + "?" + requestInfoOf(ctx).form.Encode()
	return contract.LogoutByForm303Response{Headers: contract.LogoutByForm303ResponseHeaders{Location: &to}}, nil
}

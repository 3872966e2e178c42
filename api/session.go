package api

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/latchkey/latchkey/api/contract"
	"github.com/latchkey/latchkey/identity/session"
)

// GetSession returns who is signed in. It is what applications ask most, and one
// read; another for a team that the session did not enter last.
func (s *Server) GetSession(ctx context.Context, r contract.GetSessionRequestObject) (contract.GetSessionResponseObject, error) {
	p := requestInfoOf(ctx).principal
	if id := r.Params.TeamId; id != nil {
		in, err := s.TeamSessions.ActingIn(ctx, *p, *id, requestInfoOf(ctx).origin)
		if err != nil {
			return nil, err
		}
		p = &in
	}
	if written := p.Memo.Load(); written != nil {
		return writtenSession(written), nil
	}
	out := contract.GetSession200JSONResponse{User: principalUserOf(*p), Session: s.sessionOf(p.Session, true)}
	out.FormerIds = *out.User.FormerIds
	if by := p.MadeBy; by != nil {
		out.Identity = &contract.SessionIdentity{Id: by.ID, Provider: by.Provider}
		if w := by.Wallet; w != nil {
			out.Identity.Wallet = &contract.SessionWallet{Address: w.Address, ChainId: w.ChainID, Kind: contract.SessionWalletKind(w.Kind)}
		}
	}
	if p.Team != nil {
		entered := enteredOf(*p, out.Session, s.Now())
		out.TeamSession = &entered
	}
	if refused := p.Refused; refused != nil {
		out.TeamRefusal = teamRefusalOf(refused.TeamID, refused.Refusal)
	}
	written, err := json.Marshal(out)
	if err != nil {
		return nil, err
	}
	p.Memo.Keep(written)
	return writtenSession(written), nil
}

// writtenSession is the answer of GetSession as it goes out.
type writtenSession []byte

// VisitGetSessionResponse implements GetSessionResponseObject.
func (w writtenSession) VisitGetSessionResponse(to http.ResponseWriter) error {
	to.Header()["Content-Type"] = jsonContent
	_, err := to.Write(w)
	return err
}

var jsonContent = []string{"application/json"}

// SignOut ends the session in hand and clears its cookie.
func (s *Server) SignOut(ctx context.Context, _ contract.SignOutRequestObject) (contract.SignOutResponseObject, error) {
	if err := s.Sessions.SignOut(ctx, s.actor(ctx)); err != nil {
		return nil, err
	}
	if !requestInfoOf(ctx).bearer {
		s.cookies.clearSession(ctx.(*gin.Context))
	}
	return contract.SignOut204Response{}, nil
}

// ListMySessions lists the user's devices.
func (s *Server) ListMySessions(ctx context.Context, r contract.ListMySessionsRequestObject) (contract.ListMySessionsResponseObject, error) {
	p, err := page(r.Params.Limit, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	rows, next, err := s.Sessions.List(ctx, userID(ctx), p)
	return contract.ListMySessions200JSONResponse{
		Data:       each(rows, func(l session.Session) contract.Session { return s.sessionOf(l, isCurrent(ctx, l.ID)) }),
		NextCursor: nextCursor(next),
	}, err
}

// EndMySession ends one of the user's sessions.
func (s *Server) EndMySession(ctx context.Context, r contract.EndMySessionRequestObject) (contract.EndMySessionResponseObject, error) {
	return contract.EndMySession204Response{}, s.Sessions.End(ctx, s.actor(ctx), r.Session)
}

// EndOtherSessions ends every session of the user but the one in hand.
func (s *Server) EndOtherSessions(ctx context.Context, _ contract.EndOtherSessionsRequestObject) (contract.EndOtherSessionsResponseObject, error) {
	return contract.EndOtherSessions204Response{}, s.Sessions.EndOthers(ctx, s.actor(ctx))
}

package api

import (
	"context"
	"errors"
	"slices"

	"github.com/gin-gonic/gin"

	"github.com/latchkey/latchkey/api/contract"
	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/linking"
)

// DeleteMe deletes the signed-in user's account after the grace.
func (s *Server) DeleteMe(ctx context.Context, r contract.DeleteMeRequestObject) (contract.DeleteMeResponseObject, error) {
	var l linking.Leaving
	if r.Body != nil {
		l.Teams = fatesOf(r.Body.Teams)
	}
	d, err := s.Linking.Leave(ctx, s.actor(ctx), userID(ctx), l)
	if err != nil {
		return nil, err
	}
	if !requestInfoOf(ctx).bearer {
		s.cookies.clearSession(ctx.(*gin.Context))
	}
	return contract.DeleteMe202JSONResponse{DeletesAt: d.DeletesAt}, nil
}

// AdminDeleteUser deletes a user after the grace, for operators. By a former id it is
// the user that it became.
func (s *Server) AdminDeleteUser(ctx context.Context, r contract.AdminDeleteUserRequestObject) (contract.AdminDeleteUserResponseObject, error) {
	u, err := s.Users.Get(ctx, r.User)
	if err != nil {
		return nil, err
	}
	var l linking.Leaving
	if r.Body != nil {
		l.Teams, l.Reason = fatesOf(r.Body.Teams), value(r.Body.Reason)
	}
	actor := s.actor(ctx)
	if actor.KeyID == nil && actor.UserID == u.ID {
		return nil, identity.NewError(identity.CodeForbidden, "delete your own account from your account page")
	}
	d, err := s.Linking.Leave(ctx, actor, u.ID, l)
	return contract.AdminDeleteUser202JSONResponse{DeletesAt: d.DeletesAt}, err
}

// AdminCancelDeletion restores a user whose deletion is pending, for operators.
func (s *Server) AdminCancelDeletion(ctx context.Context, r contract.AdminCancelDeletionRequestObject) (contract.AdminCancelDeletionResponseObject, error) {
	reason := ""
	if r.Body != nil {
		reason = value(r.Body.Reason)
	}
	return contract.AdminCancelDeletion204Response{}, s.Linking.CancelDeletion(ctx, s.actor(ctx), r.User, reason)
}

func fatesOf(teams *map[string]contract.TeamFate) map[identity.ID]linking.TeamFate {
	out := map[identity.ID]linking.TeamFate{}
	for id, fate := range value(teams) {
		var team identity.ID
		_ = team.UnmarshalText([]byte(id)) // what is no id is no team of theirs
		out[team] = linking.TeamFate{TransferTo: fate.TransferTo, Delete: fate.Delete != nil && bool(*fate.Delete)}
	}
	return out
}

// RestoreMe restores the account while its deletion is pending.
func (s *Server) RestoreMe(ctx context.Context, r contract.RestoreMeRequestObject) (contract.RestoreMeResponseObject, error) {
	c, info := ctx.(*gin.Context), requestInfoOf(ctx)
	result, err := s.Linking.Return(ctx, *info.principal, info.origin)
	if err != nil {
		return nil, err
	}
	token := info.bearer
	if r.Body != nil {
		token = asToken(ctx, r.Body.Delivery)
	}
	s.deliver(c, result, token)
	out := contract.RestoreMe200JSONResponse{
		Outcome: contract.ProofResultOutcome(result.Outcome), User: userOf(result.User), Session: s.sessionOf(result.Session, true),
	}
	if token {
		out.Token = &result.Token
	}
	return out, nil
}

// maxExported bounds an export, in rows of each kind.
const maxExported = 10_000

// ExportMe returns everything that is kept about the signed-in user.
func (s *Server) ExportMe(ctx context.Context, _ contract.ExportMeRequestObject) (contract.ExportMeResponseObject, error) {
	out, err := s.export(ctx, requestInfoOf(ctx).principal.User.ID)
	name := `attachment; filename="latchkey-export.json"`
	return contract.ExportMe200JSONResponse{Body: out, Headers: contract.ExportMe200ResponseHeaders{ContentDisposition: &name}}, err
}

// Export returns what ExportMe does about a user, without a request.
func Export(ctx context.Context, deps Deps, id identity.ID) (contract.MyExport, error) {
	return (&Server{Deps: deps}).export(ctx, id)
}

func (s *Server) export(ctx context.Context, id identity.ID) (contract.MyExport, error) {
	whole, err := s.Users.Get(ctx, id)
	if err != nil {
		return contract.MyExport{}, err
	}
	u := whole.User
	former := whole.MergedFrom
	out := contract.MyExport{
		ExportedAt: s.Now(), User: userOf(whole.User), ExternalId: whole.ExternalID, AppMetadata: whole.AppMetadata.Map(),
		FormerIds: append([]identity.ID{}, former...),
	}
	leaving, err := s.Linking.Leaving(ctx, u.ID)
	if err == nil {
		out.DeletesAt = &leaving.DeletesAt
	} else if !errors.Is(err, identity.ErrNotFound) {
		return out, err
	}
	if out.Emails, err = s.emailsOf(ctx, u); err != nil {
		return out, err
	}
	if out.Identities, _, err = exported(func(p identity.Page) ([]contract.Identity, *identity.ID, error) {
		rows, next, err := s.Users.Identities(ctx, u.ID, p)
		return each(rows, s.identityOf), next, err
	}); err != nil {
		return out, err
	}
	if out.Sessions, _, err = exported(func(p identity.Page) ([]contract.Session, *identity.ID, error) {
		rows, next, err := s.Sessions.List(ctx, u.ID, p)
		return each(rows, func(l session.Session) contract.Session { return s.sessionOf(l, isCurrent(ctx, l.ID)) }), next, err
	}); err != nil {
		return out, err
	}
	if out.Teams, _, err = exported(func(p identity.Page) ([]contract.Membership, *identity.ID, error) {
		rows, next, err := s.Teams.Places(ctx, u.ID, p)
		return each(rows, membershipOf), next, err
	}); err != nil {
		return out, err
	}
	if err := s.exportAround(ctx, u.ID, &out); err != nil {
		return out, err
	}
	ids := append(slices.Clone(former), u.ID)
	out.History, out.HistoryComplete, err = exported(func(p identity.Page) ([]contract.MyEvent, *identity.ID, error) {
		rows, next, err := s.Linking.History(ctx, ids, p)
		return each(rows, func(e identity.Event) contract.MyEvent { return myEventOf(e, ids) }), next, err
	})
	return out, err
}

// exportAround adds what others keep about the user, or share with them.
func (s *Server) exportAround(ctx context.Context, id identity.ID, out *contract.MyExport) (err error) {
	if out.EndedSessions, _, err = exported(func(p identity.Page) ([]contract.Session, *identity.ID, error) {
		rows, next, err := s.Sessions.ListAll(ctx, session.Filter{UserID: &id, Status: session.StatusRevoked}, p)
		return each(rows, func(l session.Listed) contract.Session { return s.sessionOf(l.Session, false) }), next, err
	}); err != nil {
		return err
	}
	if out.Grants, _, err = exported(func(p identity.Page) ([]contract.Grant, *identity.ID, error) {
		rows, next, err := s.Clients.ListOwn(ctx, id, p)
		return each(rows, clientGrantOf), next, err
	}); err != nil {
		return err
	}
	if out.Merges, _, err = exported(func(p identity.Page) ([]contract.MyMerge, *identity.ID, error) {
		rows, next, err := s.Linking.Merges(ctx, &id, p)
		return each(rows, myMergeOf), next, err
	}); err != nil {
		return err
	}
	if out.Invitations, _, err = exported(func(p identity.Page) ([]contract.MyInvitation, *identity.ID, error) {
		rows, next, err := s.Teams.Received(ctx, id, p)
		return each(rows, receivedOf), next, err
	}); err != nil {
		return err
	}
	out.RecoveryCodes.Remaining, out.RecoveryCodes.CreatedAt, err = s.Linking.RecoveryCodes(ctx, id)
	return err
}

// exported reads the pages of a list, and reports whether that was all of it.
func exported[T any](read func(p identity.Page) ([]T, *identity.ID, error)) (all []T, complete bool, err error) {
	p := identity.Page{Limit: 200}
	for all = []T{}; len(all) < maxExported; {
		rows, next, err := read(p)
		all = append(all, rows...)
		if err != nil || next == nil {
			return all, err == nil, err
		}
		p.After = next
	}
	return all, false, nil
}

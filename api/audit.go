package api

import (
	"context"
	"encoding/hex"
	"net/netip"

	"github.com/latchkey/latchkey/api/contract"
	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/audit"
)

// ListTeamAudit shows those who manage the team what happened in it.
func (s *Server) ListTeamAudit(ctx context.Context, r contract.ListTeamAuditRequestObject) (contract.ListTeamAuditResponseObject, error) {
	q := r.Params
	f, p, err := auditPage(contract.AdminListAuditParams{
		TeamId: &r.Team, UserId: q.UserId, ActorId: q.ActorId, SessionId: q.SessionId, Action: q.Action, Ip: q.Ip,
		From: q.From, To: q.To, Limit: q.Limit, Cursor: q.Cursor,
	})
	if err != nil {
		return nil, err
	}
	if err := s.Teams.RequireManager(ctx, s.actor(ctx), r.Team); err != nil {
		return nil, err
	}
	data, next, err := s.auditEvents(ctx, f, p, false)
	return contract.ListTeamAudit200JSONResponse{Data: data, NextCursor: next}, err
}

// AdminListAudit shows operators what happened anywhere.
func (s *Server) AdminListAudit(ctx context.Context, r contract.AdminListAuditRequestObject) (contract.AdminListAuditResponseObject, error) {
	f, p, err := auditPage(r.Params)
	if err != nil {
		return nil, err
	}
	data, next, err := s.auditEvents(ctx, f, p, true)
	return contract.AdminListAudit200JSONResponse{Data: data, NextCursor: next}, err
}

// ExportTeamAudit streams the team's trail to those who manage it.
func (s *Server) ExportTeamAudit(ctx context.Context, r contract.ExportTeamAuditRequestObject) (contract.ExportTeamAuditResponseObject, error) {
	q := r.Params
	f, err := auditFilter(contract.AdminListAuditParams{
		TeamId: &r.Team, UserId: q.UserId, ActorId: q.ActorId, SessionId: q.SessionId, Action: q.Action, Ip: q.Ip, From: q.From, To: q.To,
	})
	if err != nil {
		return nil, err
	}
	return s.auditExport(ctx, f, func() error { return s.recheckManager(ctx, r.Team) })
}

// AdminExportAudit streams the whole trail to operators.
func (s *Server) AdminExportAudit(ctx context.Context, r contract.AdminExportAuditRequestObject) (contract.AdminExportAuditResponseObject, error) {
	q := r.Params
	f, err := auditFilter(contract.AdminListAuditParams{
		TeamId: q.TeamId, UserId: q.UserId, ActorId: q.ActorId, SessionId: q.SessionId, Action: q.Action, Ip: q.Ip, From: q.From, To: q.To,
	})
	if err != nil {
		return nil, err
	}
	return s.auditExport(ctx, f, func() error { return s.recheckOperator(ctx) })
}

func auditPage(q contract.AdminListAuditParams) (audit.Filter, identity.Page, error) {
	p, err := page(q.Limit, q.Cursor)
	if err != nil {
		return audit.Filter{}, p, err
	}
	f, err := auditFilter(q)
	return f, p, err
}

func auditFilter(q contract.AdminListAuditParams) (audit.Filter, error) {
	f := audit.Filter{
		TeamID: q.TeamId, UserID: q.UserId, ActorID: q.ActorId, SessionID: q.SessionId,
		Action: identity.Action(value(q.Action)), From: q.From, To: q.To,
	}
	if q.Ip != nil {
		// In the one spelling in which addresses are kept.
		address, err := netip.ParseAddr(*q.Ip)
		if err != nil {
			return f, errInvalidRequest("this is not an IP address").WithField("ip")
		}
		f.IP = address.Unmap().String()
	}
	if f.From != nil && f.To != nil && !f.From.Before(*f.To) {
		return f, errInvalidRequest("this must be later than from").WithField("to")
	}
	return f, nil
}

func (s *Server) auditEvents(ctx context.Context, f audit.Filter, p identity.Page, addresses bool) ([]contract.AuditEvent, *string, error) {
	rows, next, err := s.Audit.List(ctx, f, p)
	if err != nil {
		return nil, nil, err
	}
	var ids []*identity.ID
	for _, r := range rows {
		ids = append(ids, r.ActorID, r.UserID)
	}
	who, err := s.partiesOf(ctx, ids, addresses)
	return each(rows, func(r audit.Record) contract.AuditEvent { return auditEventOf(r, who) }), nextCursor(next), err
}

func auditEventOf(r audit.Record, who parties) contract.AuditEvent {
	e := eventOf(r.Event, who)
	out := contract.AuditEvent{
		V: audit.Version, Seq: r.Seq, Id: e.Id, At: e.At, Action: e.Action, ActorId: e.ActorId, UserId: e.UserId, TeamId: e.TeamId,
		SessionId: e.SessionId, Ip: e.Ip, UserAgent: e.UserAgent, Data: e.Data, Actor: e.Actor, User: who.named(e.UserId),
	}
	if r.Seq != nil {
		out.PrevHash, out.Hash = new(hex.EncodeToString(r.PrevHash)), new(hex.EncodeToString(r.Hash))
	}
	return out
}

// parties are those whom ids in a trail name.
type parties struct {
	known     map[identity.ID]audit.Party
	addresses bool // are shown too
}

func (s *Server) partiesOf(ctx context.Context, ids []*identity.ID, addresses bool) (parties, error) {
	var asked []identity.ID
	for _, id := range ids {
		if id != nil {
			asked = append(asked, *id)
		}
	}
	known, err := s.Audit.Parties(ctx, asked)
	return parties{known, addresses}, err
}

func (p parties) named(id *identity.ID) *contract.AuditParty {
	if id == nil {
		return nil
	}
	of, known := p.known[*id]
	switch {
	case !known:
		return nil
	case of.User == nil:
		return &contract.AuditParty{Kind: contract.AuditPartyKindApiKey, DisplayName: of.KeyName}
	}
	out := contract.AuditParty{Kind: contract.AuditPartyKindUser, DisplayName: of.User.DisplayName, PrimaryWallet: of.User.PrimaryWallet}
	if p.addresses {
		out.PrimaryEmail = of.User.PrimaryEmail
	}
	return &out
}

package api

import (
	"cmp"
	"context"
	"slices"
	"strings"

	openapi_types "github.com/oapi-codegen/runtime/types"

	"github.com/latchkey/latchkey/api/contract"
	"github.com/latchkey/latchkey/identity/figures"
	"github.com/latchkey/latchkey/identity/method"
	"github.com/latchkey/latchkey/identity/team"
)

// AdminGetOverview counts what operators look at first.
func (s *Server) AdminGetOverview(ctx context.Context, _ contract.AdminGetOverviewRequestObject) (contract.AdminGetOverviewResponseObject, error) {
	o, err := s.Figures.Overview(ctx)
	if err != nil {
		return nil, err
	}
	out := contract.AdminOverview{At: o.At, Teams: o.Teams, Duplicates: o.Duplicates, Merges: o.Merges, Database: s.Config.Database, Version: s.Config.Version}
	out.Users.Total, out.Users.New = o.Users, o.NewUsers
	out.Sessions.Active, out.Sessions.InTeams = o.Sessions, o.TeamSessions
	out.SignIns.LastDay, out.Refusals.LastDay = o.LastDay, o.RefusedDay
	for _, day := range o.SignIns {
		out.SignIns.Days = append(out.SignIns.Days, contract.SignInsOfDay{Day: openapi_types.Date{Time: day.Day}, Providers: providerCounts(day.Counts)})
	}
	out.Refusals.Reasons = each(o.Refusals, func(n figures.Named) contract.ReasonCount { return contract.ReasonCount{Reason: n.Name, Count: n.N} })
	out.Mail.Waiting, out.Mail.OldestAt = o.Mails, o.OldestMail
	out.Webhooks.Enabled, out.Webhooks.Failing, out.Webhooks.Waiting, out.Webhooks.Lost = o.Webhooks, o.FailingWebhooks, o.Deliveries, o.LostDeliveries
	out.Providers = each(s.Methods, func(m method.Offered) contract.ProviderSuccess {
		p := contract.ProviderSuccess{Name: m.Name}
		if i := slices.IndexFunc(o.LastSuccess, func(l figures.LastSuccess) bool { return l.Provider == m.Name }); i >= 0 {
			p.LastSuccessAt = &o.LastSuccess[i].At
		}
		return p
	})
	return contract.AdminGetOverview200JSONResponse(out), nil
}

// AdminListTeams lists the teams of the deployment, to operators.
func (s *Server) AdminListTeams(ctx context.Context, r contract.AdminListTeamsRequestObject) (contract.AdminListTeamsResponseObject, error) {
	p, err := page(r.Params.Limit, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	rows, next, err := s.Teams.All(ctx, strings.TrimSpace(value(r.Params.Search)), p)
	return contract.AdminListTeams200JSONResponse{Data: each(rows, func(c team.Counted) contract.AdminTeam {
		return contract.AdminTeam{Id: c.ID, Name: c.Name, CreatedAt: c.CreatedAt, Members: c.Members, Sessions: c.Sessions}
	}), NextCursor: nextCursor(next)}, err
}

// providerCounts are counts by provider, most frequent first.
func providerCounts(counts map[string]int) []contract.ProviderCount {
	out := make([]contract.ProviderCount, 0, len(counts))
	for provider, n := range counts {
		out = append(out, contract.ProviderCount{Provider: provider, Count: n})
	}
	slices.SortFunc(out, func(a, b contract.ProviderCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Provider, b.Provider))
	})
	return out
}

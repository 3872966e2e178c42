package importer

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/team"
)

// teamsAtOnce is how many organizations are read at once.
const teamsAtOnce = 100

// teams brings organizations over, each in one transaction, after the users.
func (r *run) teams(ctx context.Context) error {
	for {
		page, err := r.src.Teams(ctx, teamsAtOnce)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, t := range page {
			done, err := r.team(ctx, t)
			if err != nil {
				return err
			}
			done.Skipped, done.Notes = nil, nil
			if err := r.merge(done); err != nil {
				return err
			}
		}
	}
}

// teamPlan is what an organization becomes.
type teamPlan struct {
	from    Team
	users   map[string]identity.User // by id in the source
	team    team.Team
	now     time.Time
	members []team.Membership
	names   map[identity.ID]string // ids in the source
	report  *Report
}

func (p *teamPlan) note(skipped bool, reason, column, value string) {
	p.report.enter(Entry{Skipped: skipped, Reason: reason, ID: p.from.ID, Column: column, Value: mask(value)})
}

func (r *run) team(ctx context.Context, from Team) (*Report, error) {
	var report *Report
	err := r.store.InTx(ctx, func(ctx context.Context) error {
		p := &teamPlan{from: from, now: r.o.Now(), report: NewReport(), names: map[identity.ID]string{}}
		report = p.report
		if !usableID(from.ID) {
			p.note(true, "team whose id is no text of 1 to 255 bytes", "", "")
			return nil
		}
		var err error
		if p.users, err = r.usersOf(ctx, from); err != nil {
			return err
		}
		before, err := r.store.ImportedTeams(ctx, r.o.Origin, []string{from.ID})
		if err != nil {
			return err
		}
		if len(before) > 0 {
			return r.teamAgain(ctx, p, before[0].TeamID)
		}
		return r.newTeam(ctx, p)
	})
	return report, err
}

// usersOf finds who the people of an organization are here, and holds them: before the
// team, as everywhere.
func (r *run) usersOf(ctx context.Context, from Team) (map[string]identity.User, error) {
	var ids []string
	for _, m := range from.Members {
		ids = append(ids, m.UserID)
	}
	for _, i := range from.Invitations {
		ids = append(ids, i.InviterID)
	}
	out := map[string]identity.User{}
	if r.memory != nil {
		err := r.memory.recall(ctx, noteDone, ids, func(n noteRow) {
			out[n.k] = identity.User{ID: parseID(n.v), Status: identity.Status(n.w)}
		})
		return out, err
	}
	found, err := importedUsers(ctx, r.store, r.o, ids)
	if err != nil {
		return nil, err
	}
	var users []identity.ID
	for _, i := range found {
		users = append(users, i.UserID)
	}
	survivors, err := r.store.Survivors(ctx, users)
	if err != nil || len(survivors) == 0 {
		return out, err
	}
	here := map[identity.ID]bool{}
	for _, u := range survivors {
		here[u.ID] = true
	}
	locked, err := lockUsers(ctx, r.store, slices.Collect(maps.Keys(here)))
	for _, i := range found {
		if u, ok := locked[survivors[i.UserID].ID]; ok {
			out[i.SourceID] = u
		}
	}
	return out, err
}

// memberships are the places of the people who are here, one each with the highest
// role.
func (p *teamPlan) memberships() {
	at := map[identity.ID]int{}
	for _, m := range p.from.Members {
		u, here := p.users[m.UserID]
		if !here {
			p.note(false, "member of a team who was not imported", "member", m.UserID)
			continue
		}
		role, known := readRole(m.Role)
		if !known {
			p.note(false, "role in a team that Latchkey does not have: member instead", "role", m.Role)
		}
		created := p.now
		if m.CreatedAt != nil && m.CreatedAt.Before(p.now) {
			created = *m.CreatedAt
		}
		if i, twice := at[u.ID]; twice {
			if role.Above(p.members[i].Role) {
				p.members[i].Role = role
			}
			continue
		}
		at[u.ID], p.names[u.ID] = len(p.members), m.UserID
		p.members = append(p.members, team.Membership{TeamID: p.team.ID, UserID: u.ID, Role: role, CreatedAt: created})
	}
}

// readRole reads a role, the highest of several.
func readRole(s string) (role team.Role, known bool) {
	role, known = team.RoleMember, true
	for part := range strings.SplitSeq(strings.ToLower(s), ",") {
		next := team.Role(strings.TrimPrefix(strings.TrimSpace(part), "org:"))
		switch next {
		case team.RoleOwner, team.RoleAdmin, team.RoleMember:
		case "":
			next = team.RoleMember
		default:
			known, next = false, team.RoleMember
		}
		if next.Above(role) {
			role = next
		}
	}
	return role, known
}

// owner is an owner who can sign in, nil for none.
func (p *teamPlan) owner() *identity.ID {
	for _, m := range p.members {
		if m.Role == team.RoleOwner && p.users[p.names[m.UserID]].Active() {
			return &m.UserID
		}
	}
	return nil
}

func (r *run) newTeam(ctx context.Context, p *teamPlan) error {
	p.team = team.Team{ID: identity.NewID(), Name: identity.OneLine(p.from.Name, maxTeam), CreatedAt: p.now, UpdatedAt: p.now}
	if c := p.from.CreatedAt; c != nil && c.Before(p.now) {
		p.team.CreatedAt = *c
	}
	if p.team.Name == "" {
		p.team.Name = identity.OneLine(p.from.ID, maxTeam)
	}
	if id, ok := keptID(p.from.ID); ok && r.o.KeepIDs {
		taken, err := r.store.TakenTeamIDs(ctx, []identity.ID{id})
		if err != nil {
			return err
		}
		if len(taken) == 0 {
			p.team.ID = id
		} else {
			p.note(false, "id that another team here has: the team has a new one", "", "")
		}
	}
	p.memberships()
	owner := p.owner()
	if owner == nil {
		p.note(true, "team without an owner who was imported and can sign in", "", "")
		return nil
	}
	p.report.Teams++
	p.report.Members += len(p.members)
	invited := p.invitations(nil, *owner)
	p.report.Invited += len(invited)
	if r.o.DryRun {
		return nil // its members were rolled back
	}
	if err := r.store.InsertTeam(ctx, p.team); err != nil {
		return err
	}
	if err := r.store.RecordImportedTeam(ctx, identity.ImportedTeam{
		Origin: r.o.Origin, SourceID: p.from.ID, TeamID: p.team.ID, ImportedAt: p.now,
	}); err != nil {
		return err
	}
	if err := r.store.RecordEvents(ctx, r.teamEvent(p, identity.ActionTeamCreated, nil, identity.Metadata{"name": p.team.Name})); err != nil {
		return err
	}
	if err := r.insertMembers(ctx, p, p.members); err != nil {
		return err
	}
	return r.insertInvitations(ctx, p, invited)
}

// teamAgain looks for members and invitations that came since. Who was removed here
// does not come back.
func (r *run) teamAgain(ctx context.Context, p *teamPlan, id identity.ID) error {
	t, err := r.store.LockTeam(ctx, id)
	if errors.Is(err, identity.ErrNotFound) {
		return nil // deleted here
	}
	if err != nil {
		return err
	}
	p.team = t
	current, err := r.store.MembersOf(ctx, id)
	if err != nil {
		return err
	}
	before, err := r.store.ImportedMembers(ctx, id)
	if err != nil {
		return err
	}
	invited, err := r.store.InvitedTo(ctx, id)
	if err != nil {
		return err
	}
	said := p.report
	p.report = NewReport() // the first import has named what is odd
	p.memberships()
	p.report = said
	added := slices.DeleteFunc(slices.Clone(p.members), func(m team.Membership) bool {
		return slices.Contains(before, m.UserID) || slices.ContainsFunc(current, func(c team.Membership) bool { return c.UserID == m.UserID })
	})
	owner := p.owner()
	for _, c := range current {
		if c.Role == team.RoleOwner && owner == nil {
			owner = &c.UserID
		}
	}
	var open []team.Invitation
	if owner != nil {
		open = p.invitations(invited, *owner)
	}
	p.report.Changes[ChangeMember] += len(added)
	p.report.Changes[ChangeInvitation] += len(open)
	if !r.o.Update || r.o.DryRun {
		return nil
	}
	p.report.Members += len(added)
	p.report.Invited += len(open)
	if err := r.insertMembers(ctx, p, added); err != nil {
		return err
	}
	return r.insertInvitations(ctx, p, open)
}

// invitations are the open ones to addresses that were never invited before. One whose
// sender may not send it is the owner's.
func (p *teamPlan) invitations(before []string, owner identity.ID) []team.Invitation {
	var out []team.Invitation
	for _, i := range p.from.Invitations {
		address, err := identity.CanonicalEmail(i.Email)
		switch {
		case err != nil:
			p.note(false, "invitation to an address that is not valid", "email", i.Email)
			continue
		case slices.Contains(before, address), i.ExpiresAt != nil && !i.ExpiresAt.After(p.now):
			continue
		}
		before = append(before, address)
		role, known := readRole(i.Role)
		if !known {
			p.note(false, "role in a team that Latchkey does not have: member instead", "role", i.Role)
		}
		by := owner
		for _, m := range p.members {
			if p.names[m.UserID] == i.InviterID && m.Role.Manages() && m.Role.ActsOn(role) && p.users[i.InviterID].Active() {
				by = m.UserID
			}
		}
		until := p.now.Add(maxInvitation)
		if i.ExpiresAt != nil && i.ExpiresAt.Before(until) {
			until = *i.ExpiresAt
		}
		out = append(out, team.Invitation{
			ID: identity.NewID(), TeamID: p.team.ID, Email: &address, Role: role, InvitedBy: by, CreatedAt: p.now, ExpiresAt: until,
		})
	}
	return out
}

// maxInvitation is how long an invitation lasts at most.
const maxInvitation = 14 * 24 * time.Hour

func (r *run) insertMembers(ctx context.Context, p *teamPlan, members []team.Membership) error {
	for _, m := range members {
		m.TeamID = p.team.ID
		joined, err := r.store.ImportMember(ctx, m, p.now)
		if err != nil {
			return err
		}
		if !joined {
			continue
		}
		if err := r.store.RecordEvents(ctx, r.teamEvent(p, identity.ActionMemberAdded, &m.UserID, identity.Metadata{"role": m.Role})); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) insertInvitations(ctx context.Context, p *teamPlan, open []team.Invitation) error {
	for _, i := range open {
		i.TeamID = p.team.ID
		inserted, err := r.store.InsertInvitation(ctx, i)
		if err != nil {
			return err
		}
		if !inserted {
			continue
		}
		data := identity.Metadata{"invitation_id": i.ID, "role": i.Role, "email": *i.Email}
		if err := r.store.RecordEvents(ctx, r.teamEvent(p, identity.ActionInvitationCreated, nil, data)); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) teamEvent(p *teamPlan, action identity.Action, user *identity.ID, data identity.Metadata) identity.Event {
	data["reason"], data["from"], data["source_id"] = "imported", r.o.Origin, p.from.ID
	return identity.Event{ID: identity.NewID(), At: p.now, Action: action, TeamID: &p.team.ID, UserID: user, Data: data}
}

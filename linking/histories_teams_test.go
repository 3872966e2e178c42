package linking_test

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
)

func (h *history) time() {
	by := session.RecentlyVerifiedFor
	if !h.jumped && between(h.r, "long", 0, 9) == 0 {
		by, h.jumped = undoFor, true
	}
	h.Clock.Advance(by)
}

// disable disables an active user, or restores them. It is done by hand, and
// not to the last owner of a team.
func (h *history) disable() {
	id := h.anyone()
	p := h.m.people[id]
	if p.into != nil {
		return
	}
	p.disabled = !p.disabled
	for t, members := range h.m.teams {
		if members[id].role == team.RoleOwner && h.m.owners(t) == 0 {
			p.disabled = false
			return
		}
	}
	status := identity.StatusActive
	if p.disabled {
		status = identity.StatusDisabled
	}
	if err := h.Exec("UPDATE users SET status = ? WHERE id = ?", string(status), id.String()); err != nil {
		h.r.Fatal(err)
	}
}

func (h *history) operator() {
	id, operator := h.anyone(), rapid.Bool().Draw(h.r, "operator")
	code := identity.Code("")
	if !h.m.active(id) {
		code = identity.CodeNotFound
	}
	_, err := h.users.SetOperator(h.t.Context(), id, operator)
	h.want("operator", err, code)
	if code == "" {
		h.m.people[id].operator = operator
	}
}

func (h *history) createTeam() {
	actor, ok := h.actor()
	if !ok || len(h.m.teams) == 3 {
		return
	}
	mine, err := h.teams.Create(h.t.Context(), actor, "Keys")
	h.want("create a team", err, "")
	h.m.teams[mine.ID] = map[identity.ID]placement{actor.UserID: h.place(team.RoleOwner)}
}

func (h *history) place(role team.Role) placement {
	h.serial++
	return placement{role: role, serial: h.serial}
}

// aTeam draws a team and an actor; false if there are none.
func (h *history) aTeam() (identity.ID, identity.Actor, bool) {
	if len(h.m.teams) == 0 {
		return identity.ID{}, identity.Actor{}, false
	}
	ids := slices.SortedFunc(maps.Keys(h.m.teams), func(a, b identity.ID) int { return bytes.Compare(a[:], b[:]) })
	id := pick(h.r, "team", ids)
	members := slices.DeleteFunc(h.open(), func(s *held) bool { return h.m.teams[id][s.user].role == "" })
	if len(members) == 0 || between(h.r, "foreign", 0, 7) == 0 {
		actor, ok := h.actor()
		return id, actor, ok
	}
	_, p := h.principal(pick(h.r, "member", members))
	return id, p.Actor(h.Clock.Now(), identity.RequestOrigin{}), true
}

func (h *history) role() team.Role {
	return pick(h.r, "role", []team.Role{team.RoleOwner, team.RoleAdmin, team.RoleMember})
}

func (h *history) enter() {
	id, actor, ok := h.aTeam()
	if !ok {
		return
	}
	code := identity.CodeNotFound
	if _, member := h.m.teams[id][actor.UserID]; member {
		code = ""
	}
	_, _, err := h.inTeams.Enter(h.t.Context(), actor, id, false)
	h.want("enter", err, code)
}

func (h *history) invite() {
	id, actor, ok := h.aTeam()
	if !ok {
		return
	}
	role, now := h.role(), h.Clock.Now()
	i := &invitation{team: id, by: actor.UserID, role: role, expires: now.Add(14 * 24 * time.Hour)}
	to := team.Target{}
	if rapid.Bool().Draw(h.r, "by wallet") {
		i.wallet = fmt.Sprintf("%ss%d", h.prefix, between(h.r, "subject", 0, 2))
		to.Wallet = &i.wallet
	} else {
		i.email = fmt.Sprintf("%sa%d@example.com", h.prefix, between(h.r, "address", 1, 2))
		to.Email = &i.email
	}
	by, member := h.m.teams[id][actor.UserID]
	code := identity.Code("")
	switch {
	case !member:
		code = identity.CodeNotFound
	case !by.role.Manages() || !by.role.ActsOn(role):
		code = identity.CodeForbidden
	case h.listed(id, i):
		code = identity.CodeAlreadyMember
	}
	for _, other := range h.m.invited {
		if code == "" && other.team == id && other.email == i.email && other.wallet == i.wallet && !other.closed && other.expires.After(now) {
			code = identity.CodeAlreadyInvited
		}
	}
	got, err := h.teams.Invite(h.t.Context(), actor, id, to, role)
	h.want("invite", err, code)
	if code == "" {
		i.id = got.ID
		h.m.invited = append(h.m.invited, i)
	}
}

// listed reports whether the inviter sees a member by what the invitation names.
func (h *history) listed(id identity.ID, i *invitation) bool {
	members, err := h.DB.Members(h.t.Context(), id, identity.Page{Limit: 100})
	if err != nil {
		h.r.Fatal(err)
	}
	is := func(shown *string, named string) bool { return shown != nil && named != "" && *shown == named }
	return slices.ContainsFunc(members, func(m team.Member) bool { return is(m.PrimaryEmail, i.email) || is(m.PrimaryWallet, i.wallet) })
}

// invitee is somebody signed in whom the invitation is to, or nil.
func (h *history) invitee(i *invitation) *held {
	for _, s := range h.open() {
		w := h.m.ways["siwe "+i.wallet]
		if i.email != "" && h.m.addresses[i.email] == s.user || i.wallet != "" && w != nil && w.owner == s.user {
			return s
		}
	}
	return nil
}

func (h *history) accept() {
	actor, ok := h.actor()
	if !ok || len(h.m.invited) == 0 {
		return
	}
	i := pick(h.r, "invitation", h.m.invited)
	if own := h.invitee(i); own != nil && between(h.r, "foreign", 0, 7) > 0 {
		_, p := h.principal(own)
		actor = p.Actor(h.Clock.Now(), identity.RequestOrigin{})
	}
	w := h.m.ways["siwe "+i.wallet]
	members, live := h.m.teams[i.team]
	by, member := members[i.by]
	_, already := members[actor.UserID]
	code := identity.Code("")
	switch {
	case i.email != "" && h.m.addresses[i.email] != actor.UserID, i.wallet != "" && (w == nil || w.owner != actor.UserID):
		code = identity.CodeNotFound
	case !live || i.closed || !i.expires.After(h.Clock.Now()) || !member || !by.role.Manages() || !by.role.ActsOn(i.role):
		code = identity.CodeInvitationClosed
	case already:
		code = identity.CodeAlreadyMember
	}
	_, err := h.teams.Accept(h.t.Context(), actor, i.id)
	h.want("accept", err, code)
	if code == "" {
		i.closed, members[actor.UserID] = true, h.place(i.role)
	}
}

// change expects what an actor may do to a member, and that an owner stays.
func (h *history) change(id identity.ID, actor identity.Actor, user identity.ID, leaving bool, role team.Role) identity.Code {
	members := h.m.teams[id]
	by, in := members[actor.UserID]
	target, member := members[user]
	switch {
	case !in:
		return identity.CodeNotFound
	case !leaving && !by.role.Manages():
		return identity.CodeForbidden
	case !member:
		return identity.CodeNotFound
	case !leaving && !by.role.ActsOn(target.role), role != "" && !by.role.ActsOn(role):
		return identity.CodeForbidden
	case target.role != team.RoleOwner || role == team.RoleOwner:
		return ""
	}
	owners := h.m.owners(id)
	if h.m.active(user) {
		owners--
	}
	if owners == 0 {
		return identity.CodeLastOwner
	}
	return ""
}

// member draws a member of the team, or sometimes anyone.
func (h *history) member(id identity.ID) identity.ID {
	members := slices.DeleteFunc(slices.Clone(h.m.order), func(u identity.ID) bool { return h.m.teams[id][u].role == "" })
	if between(h.r, "member", 0, 7) == 0 {
		members = h.m.order
	}
	return pick(h.r, "user", members)
}

func (h *history) remove() {
	id, actor, ok := h.aTeam()
	if !ok {
		return
	}
	user := h.member(id)
	code := h.change(id, actor, user, user == actor.UserID, "")
	h.want("remove", h.teams.Remove(h.t.Context(), actor, id, user), code)
	if code == "" {
		delete(h.m.teams[id], user)
	}
}

func (h *history) changeRole() {
	id, actor, ok := h.aTeam()
	if !ok {
		return
	}
	user, role := h.member(id), h.role()
	code := h.change(id, actor, user, false, role)
	_, err := h.teams.ChangeRole(h.t.Context(), actor, id, user, role, false)
	h.want("change a role", err, code)
	if code == "" {
		if h.m.teams[id][user].role != role {
			h.m.teams[id][user] = h.place(role)
		}
	}
}

func (h *history) deleteTeam() {
	id, actor, ok := h.aTeam()
	if !ok {
		return
	}
	by, member := h.m.teams[id][actor.UserID]
	code := identity.Code("")
	switch {
	case !member:
		code = identity.CodeNotFound
	case by.role != team.RoleOwner:
		code = identity.CodeForbidden
	case !actor.RecentlyVerified:
		code = identity.CodeReauthRequired
	}
	h.want("delete a team", h.teams.Delete(h.t.Context(), actor, id), code)
	if code == "" {
		delete(h.m.teams, id)
	}
}

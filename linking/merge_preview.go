package linking

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/team"
)

// preview computes a merge of two locked or unlocked users. Who of them
// survives is wished for, or the older.
func (s *Service) preview(ctx context.Context, id identity.ID, a, b identity.User, w MergeChoices) (Preview, error) {
	source, survivor, err := sides(a, b, w.Survivor)
	if err != nil {
		return Preview{}, err
	}
	p := Preview{ID: id, Source: source, Survivor: survivor}
	p.Plan.Source, p.Plan.Before = profileOf(source), profileOf(survivor)
	if p.Plan.Identities, err = s.store.IdentitiesOf(ctx, []identity.ID{source.ID}); err != nil {
		return p, err
	}
	if p.Plan.Emails, err = s.store.EmailsOf(ctx, source.ID); err != nil {
		return p, err
	}
	if p.Plan.Vouchers, err = s.store.VoucherIDsOf(ctx, source.ID); err != nil {
		return p, err
	}
	memberships, err := s.store.MembershipsOf(ctx, source.ID, survivor.ID)
	if err != nil {
		return p, err
	}
	p.Plan.Memberships = moved(memberships, source.ID, survivor.ID)
	now := s.now()
	if p.Sessions, err = s.store.CountOpenSessions(ctx, source.ID, now); err != nil {
		return p, err
	}
	if p.Invitations, err = s.store.CountOpenInvitationsBy(ctx, source.ID, now); err != nil {
		return p, err
	}
	p.Plan.After, p.Conflicts = joined(p.Plan.Source, p.Plan.Before, w.Choices)
	p.Gains, p.SourceGains = gains(p.Plan), sourceGains(p.Plan, memberships, source.ID, survivor.ID)
	p.Fingerprint = p.fingerprint()
	return p, nil
}

// sides decides who survives: the one wished for, else the older account.
func sides(a, b identity.User, wished *identity.ID) (source, survivor identity.User, err error) {
	older, younger := a, b
	if b.CreatedAt.Before(a.CreatedAt) || b.CreatedAt.Equal(a.CreatedAt) && slices.Compare(b.ID[:], a.ID[:]) < 0 {
		older, younger = b, a
	}
	switch {
	case wished == nil || *wished == older.ID:
		return younger, older, nil
	case *wished == younger.ID:
		return older, younger, nil
	}
	return source, survivor, identity.NewError(identity.CodeInvalidRequest,
		"the survivor must be one of the two accounts").WithField("survivor_id")
}

func moved(memberships []team.MembershipWithTeam, source, survivor identity.ID) []MovedMembership {
	current := map[identity.ID]team.Membership{}
	for _, m := range memberships {
		if m.UserID == survivor {
			current[m.TeamID] = m.Membership
		}
	}
	var out []MovedMembership
	for _, m := range memberships {
		if m.UserID != source {
			continue
		}
		mm := MovedMembership{TeamID: m.TeamID, TeamName: m.TeamName, Role: m.Role, Becomes: m.Role, CreatedAt: m.CreatedAt, RoleSince: m.RoleSince}
		if own, both := current[m.TeamID]; both {
			mm.Current, mm.CurrentCreatedAt, mm.CurrentRoleSince = &own.Role, &own.CreatedAt, own.RoleSince
			if !m.Role.Above(own.Role) {
				mm.Becomes = own.Role
			}
		}
		out = append(out, mm)
	}
	return out
}

// joined is the survivor's profile after the merge. A value that only one of
// them has is taken; where both have one and they differ, the choice decides. So it
// is for each key of the metadata, unless all of it together is too large: then the
// choice is between the two as they are, a conflict of the field "metadata".
func joined(source, survivor Profile, choices map[string]Side) (Profile, []Conflict) {
	var conflicts []Conflict
	// pick reports whether the source's value is taken.
	pick := func(field string, fromSource, fromSurvivor any, sourceHas, survivorHas bool) bool {
		if !sourceHas || !survivorHas || reflect.DeepEqual(fromSource, fromSurvivor) {
			return sourceHas && !survivorHas
		}
		choice := SideSurvivor
		if choices[field] == SideSource {
			choice = SideSource
		}
		conflicts = append(conflicts, Conflict{Field: field, Source: fromSource, Survivor: fromSurvivor, Choice: choice})
		return choice == SideSource
	}
	after := survivor
	after.Operator = survivor.Operator || source.Operator
	if pick("display_name", source.DisplayName, survivor.DisplayName, source.DisplayName != "", survivor.DisplayName != "") {
		after.DisplayName = source.DisplayName
	}
	if pick("avatar_url", source.AvatarURL, survivor.AvatarURL, source.AvatarURL != "", survivor.AvatarURL != "") {
		after.AvatarURL = source.AvatarURL
	}
	if pick("primary_email", text(source.PrimaryEmail), text(survivor.PrimaryEmail), source.PrimaryEmail != nil, survivor.PrimaryEmail != nil) {
		after.PrimaryEmail = source.PrimaryEmail
	}
	if survivor.OnboardedAt == nil {
		after.OnboardedAt = source.OnboardedAt
	}
	before := len(conflicts)
	after.Metadata = identity.Metadata{}
	maps.Copy(after.Metadata, survivor.Metadata)
	for _, key := range slices.Sorted(maps.Keys(source.Metadata)) {
		theirs, both := survivor.Metadata[key]
		if pick("metadata."+key, source.Metadata[key], theirs, true, both) {
			after.Metadata[key] = source.Metadata[key]
		}
	}
	if identity.CheckMetadata(after.Metadata) != nil {
		// Together it is more than a user may have, so that no application could
		// change it any more: one of the two is kept, whole.
		conflicts, after.Metadata = conflicts[:before], survivor.Metadata
		if pick("metadata", source.Metadata, survivor.Metadata, len(source.Metadata) > 0, len(survivor.Metadata) > 0) {
			after.Metadata = source.Metadata
		}
	}
	return after, conflicts
}

// gains lists what the survivor can do after the merge that they could not before.
func gains(p Plan) []Gain {
	var out []Gain
	if p.After.Operator && !p.Before.Operator {
		out = append(out, Gain{Kind: "operator"})
	}
	for _, m := range p.Memberships {
		g := Gain{Kind: "membership", TeamID: &m.TeamID, TeamName: m.TeamName, Role: m.Becomes}
		switch {
		case m.Current == nil:
		case *m.Current != m.Becomes:
			g.Kind = "role"
		default:
			continue
		}
		out = append(out, g)
	}
	return out
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// Redeemable tells how long a preview's ticket can still be confirmed.
func (t Ticket) Redeemable(now time.Time) bool { return t.Kind == TicketMerge && t.Open(now) }

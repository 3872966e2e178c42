package linking

import (
	"context"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/team"
)

// A merge adds up what two users may do, so it is a grant of rights. These are
// the rules about who may make one:
//
//   - A person who proved both accounts merges them, unless one of them is an
//     operator's: operators are made on the command line alone.
//   - An operator merges any two accounts that are not operators'.
//   - An API key may preview what an operator may merge. It confirms only a pair
//     of the duplicates report that is certain, and only if neither of the two
//     accounts gains anything: a key must not end in more power than it has.
//   - The command line, which is the nil actor, merges any two accounts.

// requireNoOperator refuses a merge that an operator takes part in, whichever of
// the two survives.
func (p Preview) requireNoOperator() error {
	if p.Source.Operator || p.Survivor.Operator {
		return errOperatorMerge("merge")
	}
	return nil
}

// mayMerge decides whether the actor may make the merge of a preview, whose users
// are locked. Nil is the command line.
func (s *Service) mayMerge(ctx context.Context, actor *identity.Actor, p Preview, dryRun bool) error {
	if actor == nil {
		return nil
	}
	if err := p.requireNoOperator(); err != nil {
		return err
	}
	if actor.KeyID == nil || dryRun {
		return nil
	}
	pairs, err := s.store.DuplicatesBetween(ctx, p.Source.ID, p.Survivor.ID)
	if err != nil {
		return err
	}
	certain := false
	for _, d := range pairs {
		certain = certain || d.Kind.Certain()
	}
	if !certain {
		return identity.NewError(identity.CodeForbidden,
			"API keys can only merge accounts that the duplicates report lists with the same verified address; an operator must merge these")
	}
	if len(p.Gains) > 0 || len(p.SourceGains) > 0 {
		return identity.NewError(identity.CodeForbidden,
			"an API key merges only accounts of which neither gains a team or a role: an operator has to merge these")
	}
	return nil
}

// mayUndo decides whether the actor may undo a merge, of which the survivor is
// locked. Nil is the command line, which alone makes the source an operator
// again. An API key takes nothing off an operator's account either.
func mayUndo(actor *identity.Actor, m Merge, survivor identity.User) error {
	if actor == nil {
		return nil
	}
	if m.Plan.Source.Operator || actor.KeyID != nil && (survivor.Operator || m.Plan.Before.Operator) {
		return errOperatorMerge("merge undo")
	}
	return nil
}

func errOperatorMerge(command string) error {
	return identity.NewError(identity.CodeOperatorMerge,
		"one of these accounts is an operator's: an administrator must run `latchkey %s` on the server", command)
}

// sourceGains lists what the person of the source may do after the merge that
// they may not before: the other direction of gains.
func sourceGains(plan Plan, memberships []team.MembershipWithTeam, source, survivor identity.ID) []Gain {
	own := map[identity.ID]team.Role{}
	for _, m := range memberships {
		if m.UserID == source {
			own[m.TeamID] = m.Role
		}
	}
	var out []Gain
	if plan.Before.Operator && !plan.Source.Operator {
		out = append(out, Gain{Kind: "operator"})
	}
	for _, m := range memberships {
		if m.UserID != survivor || !m.Role.Above(own[m.TeamID]) {
			continue
		}
		g := Gain{Kind: "role", TeamID: &m.TeamID, TeamName: m.TeamName, Role: m.Role}
		if own[m.TeamID] == "" {
			g.Kind = "membership"
		}
		out = append(out, g)
	}
	return out
}

// Package feed is the ordered feed of events that applications read, and what is
// pushed to their webhooks. Every event of the feed is an audit event: what commits with
// a change is in the feed, and nothing else is.
package feed

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/latchkey/latchkey/identity"
)

// APIVersion is of the form of events.
const APIVersion = "v1"

// Keep is how long events are kept.
const Keep = 90 * 24 * time.Hour

// Type names an event, as applications see it.
type Type string

// The types of events. Others than Test are of changes.
const (
	UserCreated           Type = "user.created"
	UserUpdated           Type = "user.updated"
	UserSuspended         Type = "user.suspended"
	UserRestored          Type = "user.restored"
	UserMerged            Type = "user.merged"
	UserMergeUndone       Type = "user.merge_undone"
	UserDeletionRequested Type = "user.deletion_requested"
	UserDeletionCancelled Type = "user.deletion_cancelled"
	UserDeleted           Type = "user.deleted"
	IdentityLinked        Type = "identity.linked"
	IdentityUnlinked      Type = "identity.unlinked"
	SessionCreated        Type = "session.created"
	SessionEnded          Type = "session.ended"
	TeamCreated           Type = "team.created"
	TeamUpdated           Type = "team.updated"
	TeamDeleted           Type = "team.deleted"
	MemberAdded           Type = "member.added"
	MemberRoleChanged     Type = "member.role_changed"
	MemberRemoved         Type = "member.removed"
	TeamSessionCreated    Type = "team_session.created"
	TeamSessionRevoked    Type = "team_session.revoked"
	InvitationCreated     Type = "invitation.created"
	InvitationAccepted    Type = "invitation.accepted"
	InvitationDeclined    Type = "invitation.declined"
	InvitationCancelled   Type = "invitation.cancelled"
	DuplicateFound        Type = "duplicate.found"
	Test                  Type = "webhook.test" // goes to the webhook that it was asked for, whatever its types
)

// Types are all types, in the order in which they are shown.
var Types = []Type{
	UserCreated, UserUpdated, UserSuspended, UserRestored, UserMerged, UserMergeUndone, UserDeletionRequested, UserDeletionCancelled, UserDeleted,
	IdentityLinked, IdentityUnlinked, SessionCreated, SessionEnded, TeamCreated, TeamUpdated, TeamDeleted,
	MemberAdded, MemberRoleChanged, MemberRemoved, TeamSessionCreated, TeamSessionRevoked,
	InvitationCreated, InvitationAccepted, InvitationDeclined, InvitationCancelled, DuplicateFound, Test,
}

// Event is an event of the feed.
type Event struct {
	Seq    int64 // from 1, without gaps, in the order of the audit trail
	ID     identity.ID
	Type   Type
	At     time.Time
	UserID *identity.ID // whom it is about
	Data   identity.Metadata
}

// MarshalJSON returns the event as it is pushed, and read.
func (e Event) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		ID         identity.ID       `json:"id"`
		Type       Type              `json:"type"`
		Seq        int64             `json:"seq"`
		At         time.Time         `json:"at"`
		APIVersion string            `json:"api_version"`
		Data       identity.Metadata `json:"data"`
	}{e.ID, e.Type, e.Seq, e.At.UTC(), APIVersion, e.Data})
}

// source says what becomes of the audit events with an action.
type source struct {
	is Type
	// data are the fields of the audit event's data that the event has too. Personal
	// values, networks and free texts are not among them: deliveries leave the service.
	data []string
	// unsent is why there is no event; "" if there is one.
	unsent string
}

func unsent(why string) source { return source{unsent: why} }

func becomes(is Type, data ...string) source { return source{is: is, data: data} }

const (
	ofOperators    = "it is about the service and its operators, not about users or teams"
	ofApplications = "it is about an application's access, not about who the user is; the end of a session is an event of its own"
	ofSignIn       = "nothing about a user or a team changes by it"
)

// Actions are those of all audit events, sorted, whether the feed has them or not.
func Actions() []identity.Action { return slices.Sorted(maps.Keys(sources)) }

// sources has every action. One that is not here is in no feed: a test finds it.
var sources = map[identity.Action]source{
	identity.ActionUserCreated:           becomes(UserCreated, "provider", "providers"),
	identity.ActionUserUpdated:           becomes(UserUpdated, "fields"),
	identity.ActionIdentityUpdated:       becomes(UserUpdated, "identity_id", "provider"),
	identity.ActionEmailRemoved:          becomes(UserUpdated),
	identity.ActionUserSuspended:         becomes(UserSuspended),
	identity.ActionUserRestored:          becomes(UserRestored),
	identity.ActionUserMerged:            becomes(UserMerged, "merge_id", "from", "into"),
	identity.ActionUserMergeUndone:       becomes(UserMergeUndone, "merge_id", "from", "into"),
	identity.ActionUserDeletionRequested: becomes(UserDeletionRequested, "deletes_at"),
	identity.ActionUserDeletionCancelled: becomes(UserDeletionCancelled),
	identity.ActionUserDeleted:           becomes(UserDeleted),
	identity.ActionIdentityLinked:        becomes(IdentityLinked, "identity_id", "provider"),
	identity.ActionIdentityUnlinked:      becomes(IdentityUnlinked, "identity_id", "provider"),
	identity.ActionSessionCreated:        becomes(SessionCreated, "provider", "client_id", "application_session_id"),
	identity.ActionSessionEnded:          becomes(SessionEnded, "reason", "kind", "all", "job_id"),
	identity.ActionTeamCreated:           becomes(TeamCreated, "name"),
	identity.ActionTeamUpdated:           becomes(TeamUpdated, "name"),
	identity.ActionTeamDeleted:           becomes(TeamDeleted, "name"),
	identity.ActionMemberAdded:           becomes(MemberAdded, "role"),
	identity.ActionMemberRoleChanged:     becomes(MemberRoleChanged, "before", "role"),
	identity.ActionMemberRemoved:         becomes(MemberRemoved, "role", "left", "reason"),
	identity.ActionTeamSessionCreated:    becomes(TeamSessionCreated, "team_session_id", "role", "kind"),
	identity.ActionTeamSessionRevoked:    becomes(TeamSessionRevoked, "reason", "all", "job_id"),
	identity.ActionInvitationCreated:     becomes(InvitationCreated, "invitation_id", "role"),
	identity.ActionInvitationAccepted:    becomes(InvitationAccepted, "invitation_id", "role"),
	identity.ActionInvitationDeclined:    becomes(InvitationDeclined, "invitation_id", "role"),
	identity.ActionInvitationRevoked:     becomes(InvitationCancelled, "invitation_id", "role", "reason"),
	identity.ActionDuplicateFound:        becomes(DuplicateFound, "users", "kind"),
	identity.ActionWebhookTested:         becomes(Test, "webhook_id"),

	identity.ActionRecoveryCreated:     unsent("the codes are the person's alone"),
	identity.ActionRecoveryUsed:        unsent("the session that it opens is an event of its own"),
	identity.ActionOperatorGranted:     unsent(ofOperators),
	identity.ActionOperatorRevoked:     unsent(ofOperators),
	identity.ActionProofRefused:        unsent(ofSignIn),
	identity.ActionProofVouched:        unsent(ofSignIn),
	identity.ActionPasskeySuspected:    unsent(ofSignIn),
	identity.ActionDeviceApproved:      unsent(ofApplications),
	identity.ActionDeviceDenied:        unsent(ofApplications),
	identity.ActionLinkGranted:         unsent(ofSignIn),
	identity.ActionLinkDismissed:       unsent(ofSignIn),
	identity.ActionEmailSettled:        unsent("the address stays the user's"),
	identity.ActionSessionSteppedUp:    unsent("the session stays"),
	identity.ActionSessionRotated:      unsent("the session stays"),
	identity.ActionTeamPolicyChanged:   unsent("what it ends are events of their own"),
	identity.ActionTeamBreakGlass:      unsent("the team session stays"),
	identity.ActionSigningKeyCreated:   unsent(ofOperators),
	identity.ActionSigningKeyResealed:  unsent(ofOperators),
	identity.ActionSigningKeyRemoved:   unsent(ofOperators),
	identity.ActionAPIKeyCreated:       unsent(ofOperators),
	identity.ActionAPIKeyRotated:       unsent(ofOperators),
	identity.ActionAPIKeyRevoked:       unsent(ofOperators),
	identity.ActionClientCreated:       unsent(ofOperators),
	identity.ActionClientUpdated:       unsent(ofOperators),
	identity.ActionClientRotated:       unsent(ofOperators),
	identity.ActionClientDeleted:       unsent(ofOperators),
	identity.ActionResourceCreated:     unsent(ofOperators),
	identity.ActionGrantCreated:        unsent(ofApplications),
	identity.ActionGrantUpdated:        unsent(ofApplications),
	identity.ActionGrantRevoked:        unsent(ofApplications),
	identity.ActionApplicationSignedIn: unsent(ofApplications),
	identity.ActionCodeReplayed:        unsent(ofApplications),
	identity.ActionRefreshCreated:      unsent(ofApplications),
	identity.ActionRefreshReused:       unsent(ofApplications),
	identity.ActionRefreshEnded:        unsent(ofApplications),
	identity.ActionWebhookCreated:      unsent(ofOperators),
	identity.ActionWebhookUpdated:      unsent(ofOperators),
	identity.ActionWebhookRotated:      unsent(ofOperators),
	identity.ActionWebhookDeleted:      unsent(ofOperators),
	identity.ActionWebhookReplayed:     unsent(ofOperators),
	identity.ActionWebhookDisabled:     unsent(ofOperators),
	identity.ActionAuditRewritten:      unsent(ofOperators),
}

// Of returns the event of the feed that an audit event is, without its seq. It reports
// false for what is in no feed.
func Of(a identity.Event) (Event, bool) {
	from, known := sources[a.Action]
	if !known || from.unsent != "" {
		return Event{}, false
	}
	data := identity.Metadata{}
	for name, id := range map[string]*identity.ID{"user_id": a.UserID, "team_id": a.TeamID, "actor_id": a.ActorID} {
		if id != nil {
			data[name] = *id
		}
	}
	for _, name := range from.data {
		if v, ok := a.Data[name]; ok {
			data[name] = v
		}
	}
	switch from.is {
	case SessionCreated:
		if a.SessionID != nil {
			data["session_id"] = *a.SessionID
		}
		if id, ok := a.Data["application_session_id"]; ok { // opened from the browser's session
			data["session_id"] = id
			delete(data, "application_session_id")
		}
	case SessionEnded:
		data["session_ids"] = ids(a.Data, "ended_session_id", "ended_session_ids")
	case TeamSessionRevoked:
		data["team_session_ids"] = ids(a.Data, "team_session_id", "team_session_ids")
	}
	return Event{ID: a.ID, Type: from.is, At: a.At, UserID: a.UserID, Data: data}, true
}

// ids are those that the data of an audit event names: one by itself, or several.
func ids(data identity.Metadata, one, several string) any {
	if all, ok := data[several]; ok {
		return all
	}
	if id, ok := data[one]; ok {
		return []any{id}
	}
	return []any{}
}

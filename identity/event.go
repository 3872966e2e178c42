package identity

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"time"
)

// Action names what happened, as object.verb.
type Action string

// The actions of the audit trail.
const (
	ActionUserCreated           Action = "user.created"
	ActionUserUpdated           Action = "user.updated"
	ActionUserSuspended         Action = "user.suspended"
	ActionUserRestored          Action = "user.restored"
	ActionUserDeletionRequested Action = "user.deletion_requested"
	ActionUserDeletionCancelled Action = "user.deletion_cancelled"
	ActionUserDeleted           Action = "user.deleted"
	ActionUserMerged            Action = "user.merged"
	ActionUserMergeUndone       Action = "user.merge_undone"
	ActionRecoveryCreated       Action = "recovery.codes_created"
	ActionRecoveryUsed          Action = "recovery.used"
	ActionOperatorGranted       Action = "operator.granted"
	ActionOperatorRevoked       Action = "operator.revoked"
	ActionIdentityLinked        Action = "identity.linked"
	ActionPasskeySuspected      Action = "passkey.clone_suspected" //nolint:gosec // no secret: its counter went back
	ActionIdentityUnlinked      Action = "identity.unlinked"
	ActionIdentityUpdated       Action = "identity.updated"
	ActionProofRefused          Action = "proof.refused"
	ActionProofVouched          Action = "proof.vouched"
	ActionLinkGranted           Action = "link.granted"
	ActionLinkDismissed         Action = "link.dismissed"
	ActionEmailRemoved          Action = "email.removed"
	ActionEmailSettled          Action = "email.settled"
	ActionSessionCreated        Action = "session.created"
	ActionSessionSteppedUp      Action = "session.stepped_up"
	ActionSessionRotated        Action = "session.rotated"
	ActionSessionEnded          Action = "session.ended"
	ActionTeamCreated           Action = "team.created"
	ActionTeamUpdated           Action = "team.updated"
	ActionTeamDeleted           Action = "team.deleted"
	ActionTeamPolicyChanged     Action = "team.policy_changed"
	ActionTeamBreakGlass        Action = "team.glass_broken"
	ActionTeamSessionCreated    Action = "team_session.created"
	ActionTeamSessionRevoked    Action = "team_session.revoked"
	ActionMemberAdded           Action = "member.added"
	ActionMemberRoleChanged     Action = "member.role_changed"
	ActionMemberRemoved         Action = "member.removed"
	ActionInvitationCreated     Action = "invitation.created"
	ActionInvitationRevoked     Action = "invitation.revoked"
	ActionInvitationAccepted    Action = "invitation.accepted"
	ActionInvitationDeclined    Action = "invitation.declined"
	ActionSigningKeyCreated     Action = "signing_key.created"
	ActionSigningKeyResealed    Action = "signing_key.resealed"
	ActionSigningKeyRemoved     Action = "signing_key.removed"
	ActionAPIKeyCreated         Action = "api_key.created"
	ActionAPIKeyRotated         Action = "api_key.rotated" //nolint:gosec // the name of an action
	ActionAPIKeyRevoked         Action = "api_key.revoked"
	ActionClientCreated         Action = "client.created"
	ActionClientUpdated         Action = "client.updated"
	ActionClientRotated         Action = "client.secret_rotated"
	ActionClientDeleted         Action = "client.deleted"
	ActionResourceCreated       Action = "resource.created"
	ActionGrantCreated          Action = "grant.created"
	ActionGrantUpdated          Action = "grant.updated"
	ActionGrantRevoked          Action = "grant.revoked"
	ActionDeviceApproved        Action = "device.approved"
	ActionDeviceDenied          Action = "device.denied"
	ActionApplicationSignedIn   Action = "application.signed_in"
	ActionCodeReplayed          Action = "code.replayed"
	ActionRefreshCreated        Action = "refresh.created"
	ActionRefreshReused         Action = "refresh.reused"
	ActionRefreshEnded          Action = "refresh.ended"
	ActionDuplicateFound        Action = "duplicate.found"
	ActionWebhookCreated        Action = "webhook.created"
	ActionWebhookUpdated        Action = "webhook.updated"
	ActionWebhookRotated        Action = "webhook.secret_rotated"
	ActionWebhookDeleted        Action = "webhook.deleted"
	ActionWebhookTested         Action = "webhook.tested"
	ActionWebhookReplayed       Action = "webhook.replayed"
	ActionWebhookDisabled       Action = "webhook.disabled" // because deliveries failed
	ActionAuditRewritten        Action = "audit.rewritten"  // a chain got new hashes, see docs/audit.md
)

// Event is one line of the audit trail. It is written in the transaction of its
// change, and never holds a secret.
type Event struct {
	ID        ID
	At        time.Time
	Action    Action
	ActorID   *ID // the user who did it, or the API key; nil for the command line
	UserID    *ID // the user it happened to
	TeamID    *ID
	SessionID *ID
	IP        string
	UserAgent string
	Data      Metadata // what else explains it: provider, reason, role ...
}

// Metadata is a JSON object. It scans from and writes to a database column as
// JSON text, which both engines take.
type Metadata map[string]any

// Value implements driver.Valuer. A NUL, which PostgreSQL keeps in no JSON,
// becomes U+FFFD on both engines; what comes from clients is refused before.
func (m Metadata) Value() (driver.Value, error) {
	if m == nil {
		return "{}", nil
	}
	b, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	for i := 0; i < len(b)-5; i++ {
		if b[i] != '\\' {
			continue
		}
		if string(b[i+1:i+6]) == "u0000" {
			copy(b[i+1:], "ufffd")
		}
		i++ // what is escaped escapes nothing
	}
	return string(b), nil
}

// Scan implements sql.Scanner.
func (m *Metadata) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*m = nil
		return nil
	case []byte:
		return json.Unmarshal(v, m)
	case string:
		return json.Unmarshal([]byte(v), m)
	}
	return fmt.Errorf("metadata: cannot scan %T", src)
}

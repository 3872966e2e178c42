package storage_test

import (
	"context"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/apikey"
	"github.com/latchkey/latchkey/identity/audit"
	"github.com/latchkey/latchkey/identity/revocation"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/identity/token"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
	"github.com/latchkey/latchkey/linking"
)

// world is what rows can refer to, and how a sound row of each table looks.
type world struct {
	d                                      *storagetest.Database
	user, other, team, session, identityID string
	teamSession, apiKey, job, client       string
	otherAddress, address                  string
	subject, invited, invitedWallet        string
	token, ticket, deviceHash              []byte
	chained                                int64
	sound                                  map[string]func() row
}

func newWorld(t *testing.T, d *storagetest.Database) *world {
	t.Helper()
	u, other := d.User(t), d.User(t)
	tm, s := d.Team(t, u.ID), d.Session(t, u.ID)
	primary, foreign := d.Email(t, u.ID, "own@example.com"), d.Email(t, other.ID, "other@example.com")
	if err := d.Exec("UPDATE users SET primary_email = ? WHERE id = ?", primary.Address, u.ID.String()); err != nil {
		t.Fatal(err)
	}
	d.Wallet(t, u.ID, func(i *identity.Identity) { i.IsPrimary = true })
	ts := d.TeamSession(t, tm.ID, s)
	d.Do(t, func(ctx context.Context) error {
		return d.InsertSigningKey(ctx, token.Key{Kid: storagetest.Word(), Alg: token.EdDSA, Sealed: hash(), CreatedAt: d.Clock.Now(), ActiveAt: d.Clock.Now()})
	})
	mail := d.Invite(t, tm.ID, u.ID)
	wallet := d.Invite(t, tm.ID, u.ID, func(i *team.Invitation) { i.Wallet = new(storagetest.Address()) })
	w := &world{
		d: d, user: u.ID.String(), other: other.ID.String(), team: tm.ID.String(), session: s.ID.String(), token: s.TokenHash,
		teamSession: ts.ID.String(),
		identityID:  d.Identity(t, u.ID, "google", "taken").ID.String(), subject: "taken",
		address: primary.Address, otherAddress: foreign.Address, invited: *mail.Email, invitedWallet: *wallet.Wallet,
	}
	d.RecordChained(t, tm.ID, d.Event(&tm.ID))
	d.RecordChained(t, audit.Deployment, d.Event(nil))
	w.chained = 1
	w.apiKey = strings.ToLower(storagetest.Word()[:12])
	d.Do(t, func(ctx context.Context) error {
		return d.InsertAPIKey(ctx, apikey.Key{
			ID: identity.NewID(), Prefix: w.apiKey, SecretHash: hash(), Name: "n", Scopes: apikey.AllScopes,
			CreatedAt: d.Clock.Now(), ExpiresAt: d.Clock.Now().Add(1e9),
		})
	})
	job := revocation.Job{ID: identity.NewID(), Kind: revocation.JobEndSessions, CreatedAt: d.Clock.Now()}
	w.job = job.ID.String()
	d.Do(t, func(ctx context.Context) error { return d.InsertJob(ctx, job) })
	w.client = storagetest.Word()
	if err := insertRow(d, "clients", soundClient().with(row{"id": w.client})); err != nil {
		t.Fatal(err)
	}
	for _, team := range []any{nil, w.team} {
		if err := insertRow(d, "client_grants", row{"id": newID(), "user_id": w.user, "client_id": w.client, "team_id": team, "scopes": "", "resources": "", "created_at": instant, "updated_at": instant}); err != nil {
			t.Fatal(err)
		}
	}
	w.deviceHash = hash()
	if err := insertRow(d, "device_requests", row{
		"id": newID(), "client_id": w.client, "device_hash": w.deviceHash, "user_mac": w.deviceHash, "scopes": "", "resources": "", "ip": "", "user_agent": "",
		"created_at": instant, "expires_at": afterwards, "poll_interval": 5, "decided_ip": "",
	}); err != nil {
		t.Fatal(err)
	}
	w.ticket = hash()
	d.Do(t, func(ctx context.Context) error {
		return d.InsertTicket(ctx, linking.Ticket{
			ID: identity.NewID(), TokenHash: w.ticket, Kind: linking.TicketLink, OwnerID: u.ID, BrowserHash: hash(),
			CreatedAt: d.Clock.Now(), ExpiresAt: d.Clock.Now(),
		})
	})
	w.sound = map[string]func() row{
		"users": func() row {
			return row{"id": newID(), "display_name": "", "avatar_url": "", "status": "active", "operator": false, "metadata": "{}", "created_at": instant, "updated_at": instant}
		},
		"emails": func() row {
			return row{"address": storagetest.Word(), "user_id": w.user, "source": "google", "verified_at": instant}
		},
		"identities": func() row {
			return row{
				"id": newID(), "user_id": w.user, "provider": "google", "subject": storagetest.Word(), "label": "", "email": "",
				"email_authoritative": false, "is_primary": false, "created_at": instant, "last_used_at": instant,
			}
		},
		"sessions": func() row {
			return row{
				"id": newID(), "user_id": w.user, "token_hash": hash(), "methods": "google", "ip": "", "user_agent": "", "created_at": instant,
				"authenticated_at": instant, "last_seen_at": instant, "idle_expires_at": instant, "expires_at": instant,
			}
		},
		"teams": func() row { return row{"id": newID(), "name": "n", "created_at": instant, "updated_at": instant} },
		"memberships": func() row {
			return row{"team_id": w.team, "user_id": d.User(t).ID.String(), "role": "member", "created_at": instant}
		},
		"team_sessions": func() row {
			return row{"id": newID(), "team_id": d.Team(t, u.ID).ID.String(), "session_id": w.session, "user_id": w.user, "created_at": instant}
		},
		"invitations": func() row {
			return row{
				"id": newID(), "team_id": w.team, "email": storagetest.Word(), "role": "member", "invited_by": w.user,
				"created_at": instant, "expires_at": instant,
			}
		},
		"signing_keys": func() row {
			return row{"kid": storagetest.Word(), "alg": "EdDSA", "public_jwk": "{}", "sealed": hash(), "created_at": instant, "active_at": instant, "expires_at": afterwards}
		},
		"refresh_families": func() row {
			return row{
				"id": newID(), "session_id": w.session, "user_id": w.user, "client_id": "web", "seed": hash(), "generation": 1,
				"created_at": instant, "rotated_at": instant,
			}
		},
		"api_keys": func() row {
			return row{
				"id": newID(), "prefix": storagetest.Word()[:12], "secret_hash": hash(), "name": "n", "scopes": "introspect", "created_at": instant, "expires_at": afterwards,
			}
		},
		"resources": func() row { return row{"uri": storagetest.Word(), "name": "", "scopes": "", "created_at": instant} },
		"clients":   soundClient,
		"client_grants": func() row {
			return row{"id": newID(), "user_id": d.User(t).ID.String(), "client_id": w.client, "scopes": "", "resources": "", "created_at": instant, "updated_at": instant}
		},
		"device_requests": func() row {
			return row{
				"id": newID(), "client_id": w.client, "device_hash": hash(), "user_mac": hash(), "scopes": "", "resources": "", "ip": "", "user_agent": "",
				"created_at": instant, "expires_at": afterwards, "poll_interval": 5, "decided_ip": "",
			}
		},
		"jobs":           func() row { return row{"id": newID(), "kind": "end_sessions", "reason": "r", "created_at": instant} },
		"job_items":      func() row { return row{"job_id": w.job, "item_id": newID()} },
		"burned_secrets": func() row { return row{"hash": hash(), "expires_at": instant} },
		"tickets": func() row {
			return row{
				"id": newID(), "token_hash": hash(), "kind": "link", "owner_id": w.user, "browser_hash": hash(), "proof": "{}",
				"created_at": instant, "expires_at": instant,
			}
		},
		"audit_events": func() row {
			return row{"id": newID(), "at": instant, "action": "x", "ip": "", "user_agent": "", "data": "{}"}
		},
		"audit_heads": func() row { return row{"chain": newID(), "seq": 1, "hash": hash()} },
		"audit_seals": func() row {
			return row{"chain": newID(), "seq": 1, "epoch": 1, "position": 1, "event_id": newID(), "prev_hash": hash(), "links": append(hash(), 1, 2, 3, 4)}
		},
	}
	return w
}

// soundClient is a public client.
func soundClient() row {
	return row{
		"id": storagetest.Word(), "name": "n", "logo_uri": "", "kind": "public", "redirect_uris": "", "post_logout_uris": "", "backchannel_uri": "",
		"grants": "authorization_code", "scopes": "", "resources": "", "id_token_alg": "RS256", "trusted": false, "created_at": instant, "updated_at": instant,
	}
}

func (w *world) refusals() []refusal {
	stranger := newID()
	wallet := row{"provider": "siwe", "wallet_address": "0x", "wallet_chain_id": 1, "wallet_kind": "eoa"}
	merge := row{"kind": "merge", "holder_id": w.other, "session_id": w.session}
	sameOpen := row{"team_id": w.team, "session_id": w.session}
	chained := row{"seq": 1, "prev_hash": hash(), "hash": hash()}
	return []refusal{
		{"users", "unknown status", row{"status": "gone"}},
		{"users", "a tombstone that leads nowhere", row{"status": "merged"}},
		{"users", "a tombstone without a survivor", row{"status": "merged", "merged_into": stranger}},
		{"users", "a tombstone that leads to itself", row{"id": stranger, "status": "merged", "merged_into": stranger}},
		{"users", "an active user who is merged", row{"merged_into": w.other}},
		{"users", "a disabled user who is merged", row{"status": "disabled", "merged_into": w.other}},
		{"users", "a tombstone that is operator", row{"status": "merged", "merged_into": w.other, "operator": true}},
		{"users", "a primary address without an owner", row{"primary_email": "nobody@example.com"}},
		{"users", "a primary address of another", row{"primary_email": w.otherAddress}},
		{"emails", "an address of two users", row{"address": w.address, "user_id": w.other}},
		{"emails", "an address without a user", row{"user_id": stranger}},
		{"identities", "one subject of two users", row{"subject": w.subject, "user_id": w.other}},
		{"identities", "without a user", row{"user_id": stranger}},
		{"identities", "siwe without a wallet", row{"provider": "siwe"}},
		{"identities", "siwe without an address", wallet.with(row{"wallet_address": nil})},
		{"identities", "siwe without a chain", wallet.with(row{"wallet_chain_id": nil})},
		{"identities", "siwe without a kind", wallet.with(row{"wallet_kind": nil})},
		{"identities", "a wallet that is not siwe", wallet.with(row{"provider": "google"})},
		{"identities", "chain 0", wallet.with(row{"wallet_chain_id": 0})},
		{"identities", "a negative chain", wallet.with(row{"wallet_chain_id": -1})},
		{"identities", "unknown kind", wallet.with(row{"wallet_kind": "safe"})},
		{"identities", "a primary that is no wallet", row{"is_primary": true}},
		{"identities", "a second primary wallet", wallet.with(row{"is_primary": true})},
		{"sessions", "one token for two sessions", row{"token_hash": w.token}},
		{"sessions", "a short token hash", row{"token_hash": w.token[1:]}},
		{"sessions", "without a user", row{"user_id": stranger}},
		{"sessions", "by no identity there is", row{"identity_id": stranger}},
		{"sessions", "ended for no reason", row{"ended_at": instant}},
		{"sessions", "a reason without an end", row{"end_reason": "x"}},
		{"teams", "without a name", row{"name": ""}},
		{"memberships", "twice in a team", row{"user_id": w.user}},
		{"memberships", "without a user", row{"user_id": stranger}},
		{"memberships", "in no team", row{"team_id": stranger}},
		{"memberships", "unknown role", row{"role": "boss"}},
		{"team_sessions", "two open ones of one session", sameOpen},
		{"team_sessions", "in no team", row{"team_id": stranger}},
		{"team_sessions", "of no session", row{"session_id": stranger}},
		{"team_sessions", "without a user", row{"user_id": stranger}},
		{"team_sessions", "ended by no user", row{"ended_at": instant, "end_reason": "x", "ended_by": stranger}},
		{"team_sessions", "ended for no reason", row{"ended_at": instant}},
		{"team_sessions", "a reason without an end", row{"end_reason": "x"}},
		{"invitations", "to no address", row{"email": nil}},
		{"invitations", "to two", row{"wallet": "0x"}},
		{"invitations", "unknown role", row{"role": "boss"}},
		{"invitations", "to no team", row{"team_id": stranger}},
		{"invitations", "by no user", row{"invited_by": stranger}},
		{"invitations", "closed without an outcome", row{"closed_at": instant}},
		{"invitations", "an outcome while open", row{"outcome": "revoked"}},
		{"invitations", "unknown outcome", row{"closed_at": instant, "outcome": "lost"}},
		{"invitations", "a second open one to an address", row{"email": w.invited}},
		{"invitations", "a second open one to a wallet", row{"email": nil, "wallet": w.invitedWallet}},
		{"signing_keys", "unknown algorithm", row{"alg": "HS256"}},
		{"signing_keys", "a second newest", row{"expires_at": nil}},
		{"signing_keys", "signs before it is made", row{"created_at": afterwards}},
		{"signing_keys", "expires before it signs", row{"expires_at": instant}},
		{"refresh_families", "of no session", row{"session_id": stranger}},
		{"refresh_families", "without a user", row{"user_id": stranger}},
		{"refresh_families", "of no client", row{"client_id": ""}},
		{"refresh_families", "a short seed", row{"seed": w.token[1:]}},
		{"refresh_families", "before the first token", row{"generation": 0}},
		{"refresh_families", "a role in no team", row{"role": "member"}},
		{"refresh_families", "in a team without a role", row{"team_session_id": w.teamSession}},
		{"refresh_families", "in no team session there is", row{"team_session_id": stranger, "role": "member"}},
		{"refresh_families", "unknown role", row{"team_session_id": w.teamSession, "role": "boss"}},
		{"refresh_families", "ended for no reason", row{"ended_at": instant}},
		{"refresh_families", "a reason without an end", row{"end_reason": "x"}},
		{"jobs", "unknown kind", row{"kind": "x"}},
		{"jobs", "of a team's sessions, in no team", row{"kind": "end_team_sessions"}},
		{"jobs", "of everyone's, in a team", row{"team_id": w.team}},
		{"jobs", "below the first count", row{"epoch": 0}},
		{"jobs", "below the owners' first count", row{"owner_epoch": 0}},
		{"jobs", "ends fewer than none", row{"ended": -1}},
		{"jobs", "has fewer than none", row{"total": -1}},
		{"job_items", "of no job", row{"job_id": stranger}},
		{"api_keys", "a short prefix", row{"prefix": "a"}},
		{"api_keys", "one prefix for two", row{"prefix": w.apiKey}},
		{"api_keys", "a short hash", row{"secret_hash": w.token[1:]}},
		{"api_keys", "without a name", row{"name": ""}},
		{"api_keys", "for nothing", row{"scopes": ""}},
		{"api_keys", "of a team with a scope", row{"team_id": w.team, "role": "member"}},
		{"api_keys", "of a team without a role", row{"team_id": w.team, "scopes": ""}},
		{"api_keys", "a role in no team", row{"role": "member"}},
		{"api_keys", "an owner", row{"team_id": w.team, "role": "owner", "scopes": ""}},
		{"api_keys", "of no team there is", row{"team_id": stranger, "role": "member", "scopes": ""}},
		{"api_keys", "created by an unknown user", row{"created_by": stranger}},
		{"api_keys", "replaced by none there is", row{"replaced_by": stranger}},
		{"api_keys", "expired when made", row{"expires_at": instant}},
		{"resources", "without a URI", row{"uri": ""}},
		{"clients", "without an id", row{"id": ""}},
		{"clients", "without a name", row{"name": ""}},
		{"clients", "unknown kind", row{"kind": "x"}},
		{"clients", "without a grant", row{"grants": ""}},
		{"clients", "signed by HS256", row{"id_token_alg": "HS256"}},
		{"clients", "a public one with a secret", row{"secret_hash": w.token}},
		{"clients", "a confidential one without a secret", row{"kind": "confidential"}},
		{"clients", "a short secret hash", row{"kind": "confidential", "secret_hash": w.token[1:]}},
		{"clients", "a former secret for ever", row{"previous_secret_hash": w.token}},
		{"clients", "the end of no former secret", row{"previous_secret_until": instant}},
		{"clients", "a short former secret hash", row{"previous_secret_hash": w.token[1:], "previous_secret_until": instant}},
		{"clients", "trusted by its own document", row{"document_hash": w.token, "trusted": true}},
		{"clients", "confidential by its own document", row{"document_hash": w.token, "kind": "confidential", "secret_hash": w.token}},
		{"clients", "a short document hash", row{"document_hash": w.token[1:]}},
		{"clients", "of no team there is", row{"team_id": stranger}},
		{"clients", "created by an unknown user", row{"created_by": stranger}},
		{"client_grants", "by an unknown user", row{"user_id": stranger}},
		{"client_grants", "for an unknown client", row{"client_id": stranger}},
		{"client_grants", "in no team there is", row{"team_id": stranger}},
		{"client_grants", "a short document hash", row{"document_hash": w.token[1:]}},
		{"client_grants", "two live ones", row{"user_id": w.user}},
		{"client_grants", "two live ones in a team", row{"user_id": w.user, "team_id": w.team}},
		{"device_requests", "of an unknown client", row{"client_id": stranger}},
		{"device_requests", "a short hash of its code", row{"device_hash": w.token[1:]}},
		{"device_requests", "a short MAC", row{"user_mac": w.token[1:]}},
		{"device_requests", "one code for two", row{"device_hash": w.deviceHash}},
		{"device_requests", "one code for two people", row{"user_mac": w.deviceHash}},
		{"device_requests", "expired when made", row{"expires_at": instant}},
		{"device_requests", "polled without a pause", row{"poll_interval": 0}},
		{"device_requests", "decided by nobody", row{"approved": true, "session_id": newID()}},
		{"device_requests", "decided by an unknown user", row{"approved": true, "user_id": stranger, "session_id": newID()}},
		{"device_requests", "decided in no session", row{"approved": true, "user_id": w.user}},
		{"device_requests", "somebody's, not decided", row{"user_id": w.user, "session_id": newID()}},
		{"device_requests", "used, not decided", row{"used_at": instant}},
		{"device_requests", "used after a refusal", row{"approved": false, "user_id": w.user, "session_id": newID(), "used_at": instant}},
		{"device_requests", "by no grant there is", row{"approved": true, "user_id": w.user, "session_id": newID(), "grant_id": stranger}},
		{"burned_secrets", "a short hash", row{"hash": w.token[1:]}},
		{"tickets", "one token for two", row{"token_hash": w.ticket}},
		{"tickets", "a short token hash", row{"token_hash": w.token[1:]}},
		{"tickets", "a short browser hash", row{"browser_hash": []byte{}}},
		{"tickets", "unknown kind", row{"kind": "gift"}},
		{"tickets", "without a user", row{"owner_id": stranger}},
		{"tickets", "a merge without a holder", merge.with(row{"holder_id": nil})},
		{"tickets", "a merge by no session", merge.with(row{"session_id": nil})},
		{"tickets", "held by no user", merge.with(row{"holder_id": stranger})},
		{"tickets", "by no session there is", merge.with(row{"session_id": stranger})},
		{"audit_events", "chained twice at one place", chained.with(row{"seq": w.chained, "team_id": w.team})},
		{"audit_events", "chained twice at one place, of no team", chained.with(row{"seq": w.chained})},
		{"audit_events", "chained before the first", chained.with(row{"seq": 0})},
		{"audit_events", "chained at no place", chained.with(row{"seq": nil})},
		{"audit_events", "chained without a hash", chained.with(row{"hash": nil})},
		{"audit_events", "chained to nothing", chained.with(row{"prev_hash": nil})},
		{"audit_events", "chained by a short hash", chained.with(row{"hash": w.token[1:]})},
		{"audit_events", "chained to a short hash", chained.with(row{"prev_hash": w.token[1:]})},
		{"audit_heads", "before the first", row{"seq": 0}},
		{"audit_heads", "with a short hash", row{"hash": w.token[1:]}},
		{"audit_seals", "before the first", row{"seq": 0}},
		{"audit_seals", "of nothing", row{"links": []byte{}}},
		{"audit_seals", "with a part of a link", row{"links": hash()}},
		{"audit_seals", "behind a short hash", row{"prev_hash": w.token[1:]}},
	}
}

// statements are changes that the schema must refuse, each with its arguments.
func (w *world) statements() map[string][]any {
	return map[string][]any{
		"the primary address goes":            {"DELETE FROM emails WHERE address = ?", w.address},
		"the primary address changes hands":   {"UPDATE emails SET user_id = ? WHERE address = ?", w.other, w.address},
		"the primary address becomes foreign": {"UPDATE users SET primary_email = ? WHERE id = ?", w.otherAddress, w.user},
		"a user goes who has identities":      {"DELETE FROM users WHERE id = ?", w.other},
		"a team goes that has members":        {"DELETE FROM teams WHERE id = ?", w.team},
		"a second wallet becomes primary": {
			"UPDATE identities SET provider = 'siwe', wallet_address = '0x', wallet_chain_id = 1, wallet_kind = 'eoa', is_primary = true WHERE id = ?", w.identityID,
		},
	}
}

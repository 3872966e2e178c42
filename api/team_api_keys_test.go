package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

// machine makes a key of the team and returns its id and a service that has it.
func (c crew) machine(t *testing.T, by *apptest.Browser, role string) (id string, service *apptest.Browser) {
	t.Helper()
	made := by.POST(c.path+"/api-keys", object{"name": "a service", "role": role}).Want(http.StatusCreated)
	return made.String("key.id"), machineOf(t, c.App, made)
}

// machineOf is the service that a key was just made for.
func machineOf(t *testing.T, a *apptest.App, made *apptest.Answer) *apptest.Browser {
	t.Helper()
	service := a.Browser()
	service.T, service.Bearer = t, made.String("secret")
	return service
}

func TestTeamAPIKeys(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		a.Freeze()
		c := newCrew(t, a, "Keys")
		keys := c.path + "/api-keys"
		made := c.admin.POST(keys, object{"name": " ci ", "role": "admin", "expires_in_days": 10}).Want(http.StatusCreated)
		secret, service := made.String("secret"), machineOf(t, a, made)
		if !strings.HasPrefix(secret, made.String("key.prefix")+"_") || len(secret) != 59 || made.String("key.name") != "ci" ||
			made.String("key.role") != "admin" || made.String("key.created_by") != c.ids["admin"] {
			t.Errorf("%s", made.Body)
		}
		if got := service.GET(c.path).Want(http.StatusOK); got.String("role") != "admin" || got.String("id") != c.path[len("/v1/teams/"):] {
			t.Errorf("%s", got.Body)
		}
		list := c.owner.GET(keys).Want(http.StatusOK)
		if list.Len("data") != 1 || list.String("data.0.status") != "active" || list.String("data.0.last_used_at") == "" || strings.Contains(string(list.Body), secret[16:]) {
			t.Errorf("%s", list.Body)
		}
		for table, rows := range a.Snapshot() {
			if strings.Contains(strings.Join(rows, "\n"), secret[16:]) {
				t.Errorf("the secret is in %s", table)
			}
		}

		// Rotated by another, with overlap.
		path := keys + "/" + made.String("key.id")
		rotated := c.owner.POST(path+"/rotate", object{"overlap_seconds": 60}).Want(http.StatusCreated)
		next := machineOf(t, a, rotated)
		if rotated.String("key.role") != "admin" || rotated.String("key.created_by") != c.ids["owner"] {
			t.Errorf("%s", rotated.Body)
		}
		c.owner.POST(path+"/rotate", nil).WantProblem(http.StatusConflict, "key_ended")
		a.Advance(time.Minute - time.Microsecond)
		for _, b := range []*apptest.Browser{service, next} {
			b.GET(c.path + "/sessions").Want(http.StatusOK)
		}
		a.Advance(time.Microsecond)
		service.GET(c.path).WantProblem(http.StatusUnauthorized, "unauthenticated")
		next.GET(c.path).Want(http.StatusOK)

		// Revoked, twice.
		path = keys + "/" + rotated.String("key.id")
		for range 2 {
			c.admin.DELETE(path).Want(http.StatusNoContent)
		}
		next.GET(c.path).WantProblem(http.StatusUnauthorized, "unauthenticated")
		c.admin.POST(path+"/rotate", nil).WantProblem(http.StatusConflict, "key_ended")

		// Its maker leaves: it goes on, and says whose it was.
		_, third := c.machine(t, c.admin, "member")
		c.owner.DELETE(c.path + "/members/" + c.ids["admin"]).Want(http.StatusNoContent)
		third.GET(c.path + "/members").Want(http.StatusOK)
		if list := c.owner.GET(keys + "?limit=1").Want(http.StatusOK); list.String("data.0.created_by") != c.ids["admin"] || list.Get("next_cursor") == nil {
			t.Errorf("%s", list.Body)
		}
		c.admin.GET(keys).WantProblem(http.StatusNotFound, "not_found")

		for action, want := range map[string]int{"api_key.created": 3, "api_key.rotated": 1, "api_key.revoked": 1} {
			trail := c.owner.GET(c.path + "/audit?action=" + action).Want(http.StatusOK)
			if trail.Len("data") != want || trail.Get("data.0.session_id") == nil || trail.String("data.0.data.role") == "" {
				t.Errorf("%s: %s, want %d", action, trail.Body, want)
			}
		}

		// An unattended browser cannot create keys.
		a.Advance(11 * time.Minute)
		path = keys + "/" + c.owner.GET(keys).String("data.0.id")
		a.Unchanged(t, func() {
			c.owner.POST(keys, object{"name": "x", "role": "member"}).WantProblem(http.StatusForbidden, "reauth_required")
			c.owner.DELETE(path).WantProblem(http.StatusForbidden, "reauth_required")
			c.owner.POST(path+"/rotate", nil).WantProblem(http.StatusForbidden, "reauth_required")
		}, "sessions")
		a.Advance(90 * 24 * time.Hour)
		third.GET(c.path).WantProblem(http.StatusUnauthorized, "unauthenticated")
		if got := c.owner.GET(keys).String("data.0.status"); got != "expired" {
			t.Errorf("it is %s", got)
		}
	}, "LATCHKEY_SESSION_IDLE=2400h", "LATCHKEY_SESSION_LIFETIME=2400h")
}

// A key has the role it was made with, and that is never owner.
func TestTeamAPIKeyForm(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		c, theirs := newCrew(t, a, "Keys"), newCrew(t, a, "Theirs")
		keys := c.path + "/api-keys"
		id, _ := c.machine(t, c.owner, "member")
		foreign, _ := theirs.machine(t, theirs.owner, "member")
		op := operator(t, a)
		deployments, _ := newKey(t, op, "introspect")
		a.Unchanged(t, func() {
			for _, body := range []object{
				{}, {"name": "x"}, {"role": "member"}, {"name": "x", "role": "owner"}, {"name": "x", "role": ""}, {"name": "x", "role": []string{"admin"}},
				{"name": " ", "role": "member"}, {"name": "a\nb", "role": "member"}, {"name": "x", "role": "member", "scopes": []string{"admin:write"}},
				{"name": "x", "role": "member", "team_id": theirs.path[len("/v1/teams/"):]}, {"name": "x", "role": "member", "created_by": c.ids["owner"]},
				{"name": "x", "role": "member", "expires_in_days": 0}, {"name": "x", "role": "member", "expires_in_days": 367},
			} {
				c.owner.POST(keys, body).WantProblem(http.StatusBadRequest, "invalid_request")
			}
			for _, body := range []object{{"role": "admin"}, {"overlap_seconds": -1}, {"overlap_seconds": 2592001}} {
				c.owner.POST(keys+"/"+id+"/rotate", body).WantProblem(http.StatusBadRequest, "invalid_request")
			}
			for _, method := range []string{http.MethodPatch, http.MethodPut} {
				c.owner.Do(method, keys+"/"+id, object{"role": "admin"}).WantProblem(http.StatusMethodNotAllowed, "method_not_allowed")
			}
			// Members see and make none; for strangers there is no team.
			for b, want := range map[*apptest.Browser]string{c.member: "forbidden", theirs.owner: "not_found"} {
				status := map[string]int{"forbidden": http.StatusForbidden, "not_found": http.StatusNotFound}[want]
				b.GET(keys).WantProblem(status, want)
				b.POST(keys, object{"name": "x", "role": "member"}).WantProblem(status, want)
				b.DELETE(keys+"/"+id).WantProblem(status, want)
				b.POST(keys+"/"+id+"/rotate", nil).WantProblem(status, want)
			}
			// Keys of others do not exist through one's own team, nor as the deployment's.
			for _, other := range []string{foreign, deployments, c.ids["owner"]} {
				c.owner.DELETE(keys+"/"+other).WantProblem(http.StatusNotFound, "not_found")
				c.owner.POST(keys+"/"+other+"/rotate", nil).WantProblem(http.StatusNotFound, "not_found")
			}
			op.DELETE("/v1/admin/api-keys/"+id).WantProblem(http.StatusNotFound, "not_found")
			op.POST("/v1/admin/api-keys/"+id+"/rotate", nil).WantProblem(http.StatusNotFound, "not_found")
			if got := op.GET("/v1/admin/api-keys").Want(http.StatusOK); got.Len("data") != 1 || got.String("data.0.id") != deployments {
				t.Errorf("the deployment's: %s", got.Body)
			}
		})
	})
}

func TestTeamAPIKeysAreBounded(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		a.Freeze()
		c := newCrew(t, a, "Keys")
		keys := c.path + "/api-keys"
		var last string
		for range 100 {
			last, _ = c.machine(t, c.owner, "member")
		}
		more := object{"name": "x", "role": "member"}
		a.Advance(time.Second)
		a.Unchanged(t, func() {
			c.owner.POST(keys, more).WantProblem(http.StatusConflict, "too_many_keys")
			c.owner.POST(keys+"/"+last+"/rotate", nil).WantProblem(http.StatusConflict, "too_many_keys")
		}, "sessions")
		last = c.owner.POST(keys+"/"+last+"/rotate", object{"overlap_seconds": 0}).Want(http.StatusCreated).String("key.id")
		c.owner.DELETE(keys + "/" + last).Want(http.StatusNoContent)
		c.owner.POST(keys, more).Want(http.StatusCreated)
		c.owner.POST(keys, more).WantProblem(http.StatusConflict, "too_many_keys")
	}, "LATCHKEY_RATE_LIMITS=off")
}

// What a machine may do is what a person of its role may, as far as it is let.
func TestTeamAPIKeyRoles(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		c := newCrew(t, a, "Keys")
		adminID, admin := c.machine(t, c.admin, "admin")
		_, member := c.machine(t, c.admin, "member")
		owners, members := c.enter(c.owner).String("id"), c.enter(c.member).String("id")
		invitation, forOwner := c.invite("someone@gmail.com", "member"), c.invite("boss@gmail.com", "owner")

		if got := member.GET(c.path).Want(http.StatusOK); got.String("role") != "member" {
			t.Errorf("%s", got.Body)
		}
		for _, b := range []*apptest.Browser{admin, member} {
			if got := b.GET(c.path + "/members").Want(http.StatusOK); got.Len("data") != 3 {
				t.Errorf("%s", got.Body)
			}
		}
		a.Unchanged(t, func() {
			for _, path := range []string{"/sessions", "/audit", "/audit/export", "/invitations"} {
				member.GET(c.path+path).WantProblem(http.StatusForbidden, "insufficient_scope")
			}
			member.DELETE(c.path+"/sessions/"+members).WantProblem(http.StatusForbidden, "insufficient_scope")
			member.DELETE(c.path+"/invitations/"+invitation).WantProblem(http.StatusForbidden, "insufficient_scope")
			member.POST(c.path+"/sessions/revoke", object{"filter": object{}}).WantProblem(http.StatusForbidden, "insufficient_scope")
			// Of the owners it ends nothing.
			admin.DELETE(c.path+"/sessions/"+owners).WantProblem(http.StatusForbidden, "forbidden")
			admin.DELETE(c.path+"/invitations/"+forOwner).WantProblem(http.StatusForbidden, "forbidden")
		}, "api_keys")
		list := admin.GET(c.path + "/sessions").Want(http.StatusOK)
		if list.Len("data") != 2 || list.Get("data.0.current") != false || list.Get("data.1.current") != false {
			t.Errorf("%s", list.Body)
		}
		if got := admin.GET(c.path + "/invitations").Want(http.StatusOK); got.Len("data") != 2 {
			t.Errorf("%s", got.Body)
		}
		admin.GET(c.path + "/audit").Want(http.StatusOK)
		if got := admin.GET(c.path + "/audit/export").Want(http.StatusOK); !strings.Contains(string(got.Body), "api_key.created") {
			t.Errorf("%s", got.Body)
		}

		admin.DELETE(c.path + "/invitations/" + invitation).Want(http.StatusNoContent)
		for range 2 {
			admin.DELETE(c.path + "/sessions/" + members).Want(http.StatusNoContent)
		}
		if c.member.GET("/v1/session").Get("team_session") != nil {
			t.Error("it has not ended")
		}
		c.enter(c.member).Want(http.StatusCreated)
		for _, filter := range []object{{"others": true}, {}} {
			dry := admin.POST(c.path+"/sessions/revoke", object{"filter": filter, "dry_run": true}).Want(http.StatusOK)
			if dry.Get("count") != 1.0 || dry.Get("skipped") != 1.0 {
				t.Errorf("%s", dry.Body)
			}
		}
		if got := admin.POST(c.path+"/sessions/revoke", object{"filter": object{}}).Want(http.StatusOK); got.Get("count") != 1.0 || got.Get("skipped") != 1.0 {
			t.Errorf("%s", got.Body)
		}
		if c.member.GET("/v1/session").Get("team_session") != nil || c.owner.GET("/v1/session").Get("team_session") == nil {
			t.Error("not the member's has ended")
		}
		if n := a.Count("team_sessions", "ended_at IS NOT NULL AND ended_by IS NULL AND end_reason = 'revoked'"); n != 2 {
			t.Errorf("%d were ended without a user, want both", n)
		}
		trail := c.owner.GET(c.path + "/audit?actor_id=" + adminID).Want(http.StatusOK)
		if trail.Len("data") != 3 || trail.Get("data.0.session_id") != nil || trail.String("data.0.action") != "team_session.revoked" {
			t.Errorf("%s", trail.Body)
		}
	})
}

// Everything else needs a person, and another team does not exist.
func TestTeamAPIKeyIsNoPerson(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		c, theirs := newCrew(t, a, "Keys"), newCrew(t, a, "Theirs")
		id, admin := c.machine(t, c.owner, "admin")
		_, member := c.machine(t, c.owner, "member")
		session := c.enter(c.member).String("id")
		foreign := theirs.enter(theirs.member).String("id")
		invitation := theirs.invite("someone@gmail.com", "member")
		none := object{}
		a.Unchanged(t, func() {
			for _, b := range []*apptest.Browser{admin, member} {
				for _, path := range []string{
					"/v1/session", "/v1/me", "/v1/me/identities", "/v1/me/sessions", "/v1/teams", c.path + "/policy", c.path + "/events", c.path + "/api-keys",
					"/v1/admin/users", "/v1/admin/sessions", "/v1/admin/audit", "/v1/admin/audit/export", "/v1/admin/api-keys",
				} {
					b.GET(path).WantProblem(http.StatusForbidden, "forbidden")
				}
				for _, call := range [][2]string{
					{"PATCH", c.path}, {"DELETE", c.path}, {"PUT", c.path + "/policy"}, {"POST", c.path + "/sessions"}, {"POST", c.path + "/invitations"},
					{"PATCH", c.path + "/members/" + c.ids["member"]}, {"DELETE", c.path + "/members/" + c.ids["member"]}, {"DELETE", c.path + "/members/" + id},
					{"POST", c.path + "/api-keys"}, {"DELETE", c.path + "/api-keys/" + id}, {"POST", c.path + "/api-keys/" + id + "/rotate"},
					{"POST", "/v1/teams"}, {"POST", "/v1/admin/api-keys"},
				} {
					b.Do(call[0], call[1], none).WantProblem(http.StatusForbidden, "forbidden")
				}
				wantOAuth(t, b.POST("/v1/token", nil), http.StatusForbidden, "access_denied", "forbidden")
				wantOAuth(t, b.POST("/v1/introspect", object{"token": "x"}), http.StatusForbidden, "access_denied", "forbidden")
				for _, path := range []string{"", "/members"} {
					b.GET(theirs.path+path).WantProblem(http.StatusNotFound, "not_found")
				}
			}
			for _, path := range []string{"/sessions", "/audit", "/audit/export", "/invitations"} {
				admin.GET(theirs.path+path).WantProblem(http.StatusNotFound, "not_found")
			}
			for _, path := range []string{theirs.path + "/sessions/" + foreign, c.path + "/sessions/" + foreign, theirs.path + "/sessions/" + session, c.path + "/invitations/" + invitation, theirs.path + "/invitations/" + invitation} {
				admin.DELETE(path).WantProblem(http.StatusNotFound, "not_found")
			}
			admin.POST(theirs.path+"/sessions/revoke", object{"filter": none}).WantProblem(http.StatusNotFound, "not_found")

			// The deployment's keys are in no team.
			intruder := a.Browser()
			intruder.SetCookie("latchkey", admin.Bearer) // a cookie is for browsers
			intruder.GET(c.path).WantProblem(http.StatusUnauthorized, "unauthenticated")
			intruder = a.Browser()
			intruder.Bearer = admin.Bearer[:16] + member.Bearer[16:]
			intruder.GET(c.path).WantProblem(http.StatusUnauthorized, "unauthenticated")
		}, "api_keys")
		_, write := newKey(t, operator(t, a), "admin:write", "admin:read", "introspect")
		for _, path := range []string{"", "/members", "/sessions", "/audit", "/audit/export", "/invitations"} {
			write.GET(c.path+path).WantProblem(http.StatusForbidden, "forbidden")
		}
		write.DELETE(c.path+"/sessions/"+session).WantProblem(http.StatusForbidden, "forbidden")
		// As a token of somebody else it is worth nothing.
		if got := introspect(write, admin.Bearer); got.Get("active") != false {
			t.Errorf("%s", got.Body)
		}
	})
}

// A machine is let in from the team's networks; how people sign in is not for it.
func TestTeamPolicyAndAPIKeys(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		c := newCrew(t, a, "Keys")
		_, service := c.machine(t, c.owner, "admin")
		c.put(c.owner, object{"max_age": 1, "idle": 60, "required_providers": []string{"github"}, "exclusive": true, "require_fresh_for_admin": true}).Want(http.StatusOK)
		a.Advance(time.Hour)
		service.GET(c.path).Want(http.StatusOK)
		service.POST(c.path+"/sessions/revoke", object{"filter": object{}}).Want(http.StatusOK)
		again := google(t, a, apptest.Person{Name: "Keys owner", Email: "keys.owner@gmail.com"})
		refused(t, again.POST(c.path+"/api-keys", object{"name": "x", "role": "member"}), "required_providers", "github")
		again.POST(c.path+"/sessions", object{"break_glass": true}).Want(http.StatusCreated)
		c.put(again, object{"allowed_networks": []string{"192.0.2.0/24"}}).Want(http.StatusOK)
		at := func(ip string) *apptest.Browser { return service.With("X-Forwarded-For", ip) }
		for _, path := range []string{"", "/members", "/sessions", "/audit"} {
			at("192.0.2.9").GET(c.path + path).Want(http.StatusOK)
			refused(t, at("192.0.3.9").GET(c.path+path), "allowed_networks")
		}
		refused(t, at("192.0.3.9").POST(c.path+"/sessions/revoke", object{"filter": object{}}), "allowed_networks")
		a.Exec("UPDATE team_policies SET allowed_networks = 'here'")
		refused(t, at("192.0.2.9").GET(c.path), "unreadable")
	}, "LATCHKEY_TRUSTED_PROXIES=127.0.0.0/8")
}

// Keys end with their team.
func TestTeamAPIKeysEndWithTheTeam(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		c, theirs := newCrew(t, a, "Keys"), newCrew(t, a, "Theirs")
		_, service := c.machine(t, c.owner, "admin")
		_, other := theirs.machine(t, theirs.owner, "admin")
		service.GET(c.path).Want(http.StatusOK)
		c.owner.DELETE(c.path).Want(http.StatusNoContent)
		service.GET(c.path).WantProblem(http.StatusUnauthorized, "unauthenticated")
		service.GET(theirs.path).WantProblem(http.StatusUnauthorized, "unauthenticated")
		other.GET(theirs.path).Want(http.StatusOK)
		c.owner.POST(c.path+"/api-keys", object{"name": "x", "role": "member"}).WantProblem(http.StatusNotFound, "not_found")
		trail := operator(t, a).GET("/v1/admin/audit?action=team.deleted").Want(http.StatusOK)
		if a.Count("api_keys", "revoked_at IS NOT NULL") != 1 || trail.Get("data.0.data.api_keys_ended") != 1.0 {
			t.Errorf("one key ends, and the trail says so: %s", trail.Body)
		}
	})
}

// A transfer ends the keys of the former owner if it is asked to, and no others.
func TestTransferEndsKeys(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		c := newCrew(t, a, "Keys")
		_, ends := c.machine(t, c.owner, "admin")
		_, stays := c.machine(t, c.admin, "member")
		body := object{"user_id": c.ids["member"], "end_keys": true}
		if owner := c.owner.POST(c.path+"/transfer", body).Want(http.StatusOK); owner.String("role") != "owner" || owner.String("user.id") != c.ids["member"] {
			t.Errorf("the new owner: %s", owner.Body)
		}
		if role := c.owner.GET(c.path).Want(http.StatusOK).String("role"); role != "admin" {
			t.Errorf("the former owner is %s", role)
		}
		ends.GET(c.path).WantProblem(http.StatusUnauthorized, "unauthenticated")
		stays.GET(c.path).Want(http.StatusOK)
		if n := a.Count("audit_events", "action = 'member.role_changed' AND team_id = '%s'", c.path[len("/v1/teams/"):]); n != 2 {
			t.Errorf("%d events say so", n)
		}
	})
}

// Removing and suspending somebody names the keys that they created, and ends
// those at once if it is asked to.
func TestRemovalAndSuspensionEndKeys(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		for _, suspend := range []bool{false, true} {
			c, op := newCrew(t, a, "Keys"), operator(t, a)
			id, service := c.machine(t, c.admin, "admin")
			_, stays := c.machine(t, c.owner, "member")
			member, user := c.path+"/members/"+c.ids["admin"], "/v1/admin/users/"+c.ids["admin"]
			a.Unchanged(t, func() {
				named := c.owner.DELETE(member + "?dry_run=true").Want(http.StatusOK)
				if named.Get("dry_run") != true || named.Len("api_keys") != 1 || named.String("api_keys.0.id") != id {
					t.Errorf("the removal names %s", named.Body)
				}
				named = op.GET(user + "/api-keys").Want(http.StatusOK)
				if named.Len("data") != 1 || named.String("data.0.id") != id || "/v1/teams/"+named.String("data.0.team_id") != c.path {
					t.Errorf("operators see %s", named.Body)
				}
				c.owner.DELETE(member+"?end_keys=maybe").WantProblem(http.StatusBadRequest, "invalid_request")
				c.member.DELETE(member+"?end_keys=true").WantProblem(http.StatusForbidden, "forbidden")
				op.PATCH(user, object{"status": "active", "end_keys": true}).WantProblem(http.StatusBadRequest, "invalid_request")
			})
			if suspend {
				op.PATCH(user, object{"status": "disabled", "end_keys": true}).Want(http.StatusOK)
			} else if ended := c.owner.DELETE(member + "?end_keys=true").Want(http.StatusOK); ended.Get("dry_run") != false || ended.Len("api_keys") != 1 {
				t.Errorf("the removal ended %s", ended.Body)
			}
			service.GET(c.path).WantProblem(http.StatusUnauthorized, "unauthenticated")
			stays.GET(c.path).Want(http.StatusOK)
			if n := a.Count("audit_events", "action = 'api_key.revoked' AND team_id = '%s'", c.path[len("/v1/teams/"):]); n != 1 {
				t.Errorf("%d events say so", n)
			}
		}
	})
}

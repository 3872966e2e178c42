package api_test

import (
	"net/http"
	"testing"

	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

// crowd gives a user more sessions than one transaction ends, and each of them a
// team session.
func (c crew) crowd(user string) {
	c.T.Helper()
	id, hash := "gen_random_uuid()", "sha256(gen_random_uuid()::text::bytea)"
	if c.Config.Engine() == "sqlite" {
		id, hash = "lower(hex(randomblob(4)) || '-0000-4000-8000-' || hex(randomblob(6)))", "randomblob(32)"
	}
	columns := "methods, created_at, authenticated_at, last_seen_at, idle_expires_at, expires_at"
	c.Exec(`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1100)
		INSERT INTO sessions (id, user_id, token_hash, ip, %[1]s) SELECT %[2]s, user_id, %[3]s, '203.0.113.9', %[1]s
		FROM n, (SELECT * FROM sessions WHERE user_id = '%[4]s' AND ended_at IS NULL ORDER BY id LIMIT 1) AS s`, columns, id, hash, user)
	c.Exec(`INSERT INTO team_sessions (id, team_id, session_id, user_id, created_at)
		SELECT %s, '%s', id, user_id, created_at FROM sessions WHERE ip = '203.0.113.9' AND ended_at IS NULL`, id, c.path[len("/v1/teams/"):])
}

// finished waits for a job and returns it.
func finished(t *testing.T, by *apptest.Browser, path string) *apptest.Answer {
	t.Helper()
	var job *apptest.Answer
	until(t, "the job", func() bool {
		job = by.GET(path).Want(http.StatusOK)
		return job.String("status") == "finished"
	})
	return job
}

func TestEndingMany(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		boss := operator(t, a)
		c := newCrew(t, a, "Many")
		c.enter(c.admin).Want(http.StatusCreated)
		c.enter(c.member).Want(http.StatusCreated)
		c.enter(c.owner).Want(http.StatusCreated)
		c.crowd(c.ids["member"])
		stream := watch(t, c.member, c.path)
		stream.quiet(t)
		raw := offline(t, c.member, "")

		var dry *apptest.Answer
		a.Unchanged(t, func() {
			dry = c.admin.POST(c.path+"/sessions/revoke", object{"filter": object{}, "dry_run": true}).Want(http.StatusOK)
		})
		if dry.Get("count") != 1102.0 || dry.Get("skipped") != 1.0 || dry.Len("ids") != 1000 {
			t.Errorf("the dry run tells of %v, skipped %v", dry.Get("count"), dry.Get("skipped"))
		}
		job := c.admin.POST(c.path+"/sessions/revoke", object{"filter": object{}, "as_of": dry.String("as_of"), "at_most": 1102}).Want(http.StatusAccepted)
		if job.String("status") != "running" || job.Get("access_ended") != true || job.String("kind") != "end_team_sessions" {
			t.Errorf("%s", job.Body)
		}
		for who, b := range map[string]*apptest.Browser{"member": c.member, "admin": c.admin} {
			if s := b.GET("/v1/session").Want(http.StatusOK); s.Get("team_session") != nil {
				t.Errorf("the %s acts in the team", who)
			}
		}
		if s := c.owner.GET("/v1/session").Want(http.StatusOK); s.String("team_session.role") != "owner" {
			t.Errorf("the owner acts in no team: %s", s.Body)
		}
		path := c.path + "/jobs/" + job.String("id")
		c.member.GET(path).WantProblem(http.StatusForbidden, "forbidden")
		boss.GET(path).WantProblem(http.StatusNotFound, "not_found")
		if done := finished(t, c.owner, path); done.Get("ended") != 1102.0 || done.Get("total") != 1102.0 {
			t.Errorf("%s", done.Body)
		}

		all := boss.POST("/v1/admin/sessions/revoke", object{"filter": object{"others": true}}).Want(http.StatusAccepted)
		c.member.GET("/v1/session").WantProblem(http.StatusUnauthorized, "unauthenticated")
		c.owner.GET("/v1/session").WantProblem(http.StatusUnauthorized, "unauthenticated")
		boss.GET("/v1/session").Want(http.StatusOK)
		wantOAuth(t, refresh(a.Browser(), raw), http.StatusUnauthorized, "invalid_grant", "invalid_grant")
		stream.ends(t, "the end of every session")
		list := boss.GET("/v1/admin/sessions?status=active").Want(http.StatusOK)
		if list.Len("data") != 1 {
			t.Errorf("%d sessions are active", list.Len("data"))
		}
		path = "/v1/admin/jobs/" + all.String("id")
		google(t, a, apptest.Person{Name: "Eve", Email: "eve@gmail.com"}).GET(path).WantProblem(http.StatusForbidden, "operator_required")
		boss.GET("/v1/admin/jobs/"+c.ids["owner"]).WantProblem(http.StatusNotFound, "not_found")
		if done := finished(t, boss, path); done.Get("ended") != 1103.0 || done.String("started_by") == "" {
			t.Errorf("%s", done.Body)
		}
	}, clients)
}

// What all replicas remember is forgotten with the ending, not with the job.
func TestReplicasForgetAllThatEnd(t *testing.T) {
	t.Parallel()
	url := apptest.DatabaseURL(t, "postgres")
	first := apptest.StartAt(t, url)
	second := apptest.StartAt(t, url, "LATCHKEY_PUBLIC_URL="+first.URL)
	boss := operator(t, first)
	c := newCrew(t, first, "Many")
	c.crowd(c.ids["member"])
	there := second.Browser()
	there.SetCookie("latchkey", c.member.Cookie("latchkey"))
	for range 2 { // the second time from memory
		there.GET("/v1/session").Want(http.StatusOK)
	}
	boss.POST("/v1/admin/sessions/revoke", object{"filter": object{"user_id": c.ids["member"]}}).Want(http.StatusAccepted)
	until(t, "refused at the second", func() bool { return there.GET("/v1/session").Status == http.StatusUnauthorized })
}

package api_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/identity/client"
	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

// HEAD is answered wherever GET is, with its status and headers, also where the
// answer to GET has no end. A link scanner's HEAD uses nothing up.
func TestHeadIsAnsweredLikeGet(t *testing.T) {
	t.Parallel()
	a := apptest.SQLite(t)
	c := newCrew(t, a, "Keys")
	grantOperator(t, a, c.ids["owner"])
	if status := c.owner.POST(c.path+"/sessions", nil).Status; status >= http.StatusBadRequest {
		t.Fatal(status)
	}
	app := newClient(t, a, func(*client.Client) {})
	fill := strings.NewReplacer(
		"{team}", strings.TrimPrefix(c.path, "/v1/teams/"), "{user}", c.ids["member"], "{user_ref}", c.ids["member"], "{provider}", "google",
		"{client}", app.ID, "{job}", c.ids["owner"], "{merge}", c.ids["owner"],
		"{webhook}", c.ids["owner"],
	)
	paths := []string{"/openapi.yaml"}
	for path, item := range loadSpecification(t).Paths.Map() {
		if item.Get != nil {
			paths = append(paths, fill.Replace(path))
		}
	}
	slices.Sort(paths)
	for _, path := range paths {
		if strings.ContainsAny(path, "{}") {
			t.Errorf("%s: give it a value", path)
		}
		for who, b := range map[string]*apptest.Browser{"owner": c.owner, "stranger": a.Browser()} {
			head := b.Do(http.MethodHead, path, nil)
			if strings.HasSuffix(path, "/callback") || path == "/oauth2/logout" {
				head.Want(http.StatusMethodNotAllowed)
				continue
			}
			if path == c.path+"/events" {
				if want := map[string]int{"owner": http.StatusOK, "stranger": http.StatusUnauthorized}[who]; head.Status != want {
					t.Errorf("HEAD %s by the %s is %d, want %d", path, who, head.Status, want)
				}
				continue
			}
			get := b.GET(path)
			if head.Status != get.Status || head.Header.Get("Content-Type") != get.Header.Get("Content-Type") || len(head.Body) > 0 {
				t.Errorf("HEAD %s by the %s is %d %s, GET %d %s", path, who, head.Status, head.Header.Get("Content-Type"), get.Status, get.Header.Get("Content-Type"))
			}
			b.Do(http.MethodHead, path+"?no_such_parameter=1", nil).Want(b.GET(path + "?no_such_parameter=1").Status)
		}
	}
}

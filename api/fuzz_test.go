package api_test

import (
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

// Requests for each operation, engine and way of being signed in; fewer for
// methods that a path does not take.
const (
	fuzzRounds      = 12
	fuzzOtherRounds = 2
)

// TestNoRequestMakesA500 sends random requests, some right and most not quite,
// to every operation of the specification. The seed is fixed: what fails once
// fails again.
func TestNoRequestMakesA500(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		c := newCrew(t, a, "Keys")
		grantOperator(t, a, c.ids["owner"])
		g := generator{rand.New(rand.NewPCG(4361, 9457)), []string{
			strings.TrimPrefix(c.path, "/v1/teams/"), c.ids["owner"], c.ids["member"], c.invite("x@gmail.com", "member"),
			c.member.POST(c.path+"/sessions", nil).String("id"), c.member.GET("/v1/session").String("session.id"),
		}}
		paths := loadSpecification(t).Paths.Map()
		keys := slices.Sorted(func(yield func(string) bool) {
			for path := range paths {
				if !yield(path) {
					return
				}
			}
		})
		for _, path := range keys {
			operations := paths[path].Operations()
			for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"} {
				op := operations[method]
				rounds := fuzzRounds
				switch {
				case op == nil:
					rounds = fuzzOtherRounds
				case op.OperationID == "watchTeam":
					continue // its answer does not end: see TestTeamEventsTellOfEveryChange
				}
				for range rounds {
					for _, b := range []*apptest.Browser{a.Browser(), c.owner, c.member} {
						g.send(t, b, method, path, paths[path], op)
					}
				}
			}
			// Signing out is an operation too.
			for role, b := range map[string]*apptest.Browser{"owner": c.owner, "member": c.member} {
				if b.GET("/v1/session").Status != http.StatusOK {
					b.Provider("google", "sign_in", apptest.Person{Name: role, Email: "keys." + role + "@gmail.com"})
				}
			}
		}
	})
}

type generator struct {
	*rand.Rand
	ids []string
}

func (g generator) pick(from []string) string { return from[g.IntN(len(from))] }

// text is what breaks programs: other types' spellings, limits, and what
// something behind us may take for its own language.
func (g generator) text() string {
	return g.pick([]string{
		"", " ", "a", "0", "-1", "null", "true", "NaN", "\u0000", "\x00", "\xff\xfe", "\ufeff", "\u202e", "'", `"`, "\\", "%", "%00", "..", "../..", "/", "//", "*", "?",
		"' OR '1'='1", "'; DROP TABLE users; --", "?0", "$1", ":id", "{{x}}", "${x}", "<script>", "\r\nX: y", "\x1b[2J", "\U0001f511", "a\u0301", "\u2028",
		"00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff", "a@gmail.com", "0x0000000000000000000000000000000000000001",
		"9223372036854775808", "1e400", "https://evil.example", "2026-01-01T00:00:00Z", strings.Repeat("a", 300), strings.Repeat("\u00e9", 1000), strings.Repeat("9", 400),
		g.pick(g.ids),
	})
}

func (g generator) value(s *openapi3.Schema, depth int) any {
	if s == nil || g.IntN(4) == 0 || depth > 4 {
		switch g.IntN(8) {
		case 0:
			return nil
		case 1:
			return g.IntN(3) - 1
		case 2:
			return []any{g.text()}
		case 3:
			return map[string]any{g.text(): g.text()}
		case 4:
			return json.Number(g.pick([]string{"1e400", "-0", "1.5", "9223372036854775808", "1e-400"}))
		case 5:
			return g.IntN(2) == 0
		}
		return g.text()
	}
	switch {
	case len(s.Enum) > 0:
		return s.Enum[g.IntN(len(s.Enum))]
	case s.Type.Is("integer"):
		return json.Number(g.pick([]string{"1", "10", "0", "100", "9223372036854775807", "9223372036854775808", "1.0", "1e2"}))
	case s.Type.Is("boolean"):
		return g.IntN(2) == 0
	case s.Type.Is("object"):
		out := map[string]any{}
		for name, property := range s.Properties {
			if g.IntN(3) > 0 {
				out[name] = g.value(property.Value, depth+1)
			}
		}
		if g.IntN(6) == 0 || s.AdditionalProperties.Has != nil && *s.AdditionalProperties.Has {
			out[g.text()] = g.value(nil, depth+1)
		}
		return out
	}
	return g.pick([]string{"Keys", "a@mail.example", "0x8ba1f109551bD432803012645Ac136ddd64DBA72", "https://a.example/b.png", g.text()})
}

func (g generator) send(t *testing.T, b *apptest.Browser, method, path string, item *openapi3.PathItem, op *openapi3.Operation) {
	t.Helper()
	query := url.Values{}
	parameters := item.Parameters
	var body *strings.Reader
	if op != nil {
		parameters = append(slices.Clone(parameters), op.Parameters...)
	}
	for _, p := range parameters {
		switch {
		case p.Value.In == "path":
			v := g.pick([]string{g.pick(g.ids), g.pick(g.ids), "google", "github", g.text()})
			path = strings.Replace(path, "{"+p.Value.Name+"}", url.PathEscape(v), 1)
		case g.IntN(3) > 0:
			v := g.text()
			if enum := p.Value.Schema.Value.Enum; len(enum) > 0 && g.IntN(2) == 0 {
				v, _ = enum[g.IntN(len(enum))].(string)
			}
			query.Add(p.Value.Name, v)
		}
	}
	if g.IntN(8) == 0 {
		query.Add(g.text(), g.text())
	}
	if op != nil && op.RequestBody != nil || g.IntN(10) == 0 {
		var schema *openapi3.Schema
		if op != nil && op.RequestBody != nil {
			for _, media := range op.RequestBody.Value.Content { // the one there is
				schema = media.Schema.Value
			}
		}
		raw, err := json.Marshal(g.value(schema, 0))
		if err != nil {
			raw = []byte(g.text())
		}
		if g.IntN(10) == 0 && len(raw) > 1 {
			raw = raw[:len(raw)-1]
		}
		body = strings.NewReader(string(raw))
	}
	target := path + "?" + query.Encode()
	if u, err := url.Parse(target); err != nil || u.Path == "" {
		return // not something that can be sent
	}
	var answer *apptest.Answer
	if body != nil {
		answer = b.Do(method, target, body)
	} else {
		answer = b.Do(method, target, nil)
	}
	// 5xx but 502 and 503 are reported by the harness; these two are for what is
	// behind us, and nothing behind us is broken.
	if answer.Status >= 500 {
		t.Errorf("%s %.200s: %d %s", method, target, answer.Status, answer.Body)
	}
	if op != nil && op.Extensions["x-oauth-errors"] == true { // RFC 6749, section 5.2
		if answer.Status >= 400 && (!strings.HasPrefix(answer.Header.Get("Content-Type"), "application/json") || answer.String("error") == "") {
			t.Errorf("%s %.200s: %d is no error of OAuth: %s", method, target, answer.Status, answer.Body)
		}
		return
	}
	if answer.Status >= 400 && method != http.MethodHead &&
		(answer.Header.Get("Content-Type") != "application/problem+json" || answer.String("code") == "" || answer.String("request_id") == "") {
		t.Errorf("%s %.200s: %d is no problem document: %s", method, target, answer.Status, answer.Body)
	}
}

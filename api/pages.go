package api

import (
	"html/template"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/latchkey/latchkey/api/contract"
	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/web"
)

// problemTemplate is what a person sees whose browser was sent to a URL of the
// API, as on the way back from a provider, where the web app was not built in.
var problemTemplate = template.Must(template.New("problem").Parse(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Title}}</title>
<style>:root{color-scheme:light dark}body{background:Canvas;color:CanvasText;font:16px/1.5 system-ui,sans-serif;max-width:32rem;margin:15vh auto;padding:0 1rem}</style>
<main>
<h1>{{.Title}}</h1>
<p>{{.Detail}}</p>
<p><a href="/sign-in">Back to sign-in</a></p>
<p><small>{{.Code}} · request {{.RequestId}}</small></p>
</main>
</html>
`))

const problemPagePolicy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// wantsPage reports whether a person is navigating: browsers ask for HTML, and
// only for the redirecting calls of the API.
func wantsPage(c *gin.Context) bool {
	return c.Request.Method == http.MethodGet && (strings.HasPrefix(c.FullPath(), "/v1/auth/:provider/") || c.FullPath() == authorizePath || c.FullPath() == logoutPath) &&
		strings.Contains(c.GetHeader("Accept"), "text/html")
}

// ofApplication reports whether an application is at fault, and signing in would help
// nothing: the person has to read what is wrong, to say so there.
func ofApplication(c *gin.Context, p contract.Problem) bool {
	return c.FullPath() == logoutPath || c.FullPath() == authorizePath && p.Code == string(identity.CodeInvalidRequest)
}

func (s *Server) problemPage(c *gin.Context, p contract.Problem) {
	c.Header("Content-Security-Policy", s.pagePolicy())
	refusal := web.Refusal{Code: p.Code, Detail: p.Detail, RequestID: p.RequestId, ReturnTo: requestInfoOf(c).returnTo}
	if s.Web != nil && !ofApplication(c, p) && s.Web.Refuse(c.Writer, c.Request, p.Status, refusal) {
		return
	}
	c.Header("Content-Security-Policy", problemPagePolicy)
	c.Header("Content-Type", "text/html; charset=utf-8")
	c.Status(p.Status)
	if err := problemTemplate.Execute(c.Writer, p); err != nil {
		s.Log.WarnContext(c, "writing a page", "error", err)
	}
}

// Package latchkeygin is the middleware of package latchkey for Gin.
//
//	v := latchkey.NewVerifier("https://auth.example.com", "https://api.example.com")
//	r := gin.Default()
//	api := r.Group("/api", latchkeygin.Auth(v))
//	api.GET("/me", func(c *gin.Context) { c.JSON(200, gin.H{"id": latchkeygin.User(c).ID}) })
package latchkeygin

import (
	"github.com/gin-gonic/gin"

	latchkey "github.com/latchkey/latchkey/sdk/go"
)

// Auth answers 401 without a valid token, 403 for that of a machine, 503 if it cannot be
// checked, and otherwise goes on. a is a [latchkey.Verifier] or a [latchkey.Introspector].
func Auth(a latchkey.Authenticator) gin.HandlerFunc {
	return func(c *gin.Context) {
		r, err := a.Authenticate(c.Request)
		if err != nil {
			a.WriteError(c.Writer, err)
			c.Abort()
			return
		}
		c.Request = r
		c.Next()
	}
}

// User returns the user whom Auth found, nil if there is none.
func User(c *gin.Context) *latchkey.User {
	user, _ := latchkey.UserFrom(c.Request.Context())
	return user
}

// Machine returns the machine that Auth found, see [latchkey.WithMachines]; nil if there
// is none.
func Machine(c *gin.Context) *latchkey.Machine {
	machine, _ := latchkey.MachineFrom(c.Request.Context())
	return machine
}

// RequireRole goes after Auth and answers 403 unless the token acts in a team with at
// least a role.
func RequireRole(role latchkey.Role) gin.HandlerFunc {
	return requireRole(role, func(c *gin.Context) string { return latchkey.TeamFrom(c.Request.Context()) })
}

// RequireTeamRole is RequireRole in the team that a parameter of the path names, such
// as team in /teams/:team.
func RequireTeamRole(role latchkey.Role, parameter string) gin.HandlerFunc {
	return requireRole(role, func(c *gin.Context) string { return c.Param(parameter) })
}

func requireRole(role latchkey.Role, team func(*gin.Context) string) gin.HandlerFunc {
	return func(c *gin.Context) {
		if err := latchkey.CheckRole(c.Request.Context(), team(c), role); err != nil {
			latchkey.WriteError(c.Writer, err)
			c.Abort()
			return
		}
		c.Next()
	}
}

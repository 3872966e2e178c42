// Command go-gin is a backend for notes that knows its users by Latchkey's access
// tokens.
package main

import (
	"cmp"
	"log"
	"net/http"
	"os"

	"github.com/gin-gonic/gin"

	latchkey "github.com/latchkey/latchkey/sdk/go"
	"github.com/latchkey/latchkey/sdk/go/latchkeygin"
)

func main() {
	gin.SetMode(gin.ReleaseMode)
	address := "127.0.0.1:" + cmp.Or(os.Getenv("PORT"), "8301")
	log.Print("listening on http://", address)
	log.Fatal(router().Run(address))
}

func router() *gin.Engine {
	all := &notes{}
	// docs:verify
	v := latchkey.NewVerifier(os.Getenv("LATCHKEY_URL"), os.Getenv("LATCHKEY_AUDIENCE"))
	r := gin.Default()
	r.GET("/", func(c *gin.Context) { c.JSON(http.StatusOK, gin.H{"notes": all.count()}) }) // public

	api := r.Group("/api", latchkeygin.Auth(v))
	api.GET("/me", func(c *gin.Context) {
		user := latchkeygin.User(c)
		c.JSON(http.StatusOK, gin.H{"id": user.ID, "team": user.Team, "role": user.Role})
	})
	// docs:end
	api.GET("/notes", func(c *gin.Context) { c.JSON(http.StatusOK, all.by(latchkeygin.User(c).ID)) })
	// docs:author
	api.POST("/notes", func(c *gin.Context) {
		var body struct {
			Text string `json:"text" binding:"required"`
		}
		if err := c.ShouldBindJSON(&body); err != nil {
			c.JSON(http.StatusBadRequest, gin.H{"error": "a note needs a text"})
			return
		}
		user := latchkeygin.User(c) // and never from the body
		c.JSON(http.StatusCreated, all.add(note{Author: user.ID, Team: user.Team, Text: body.Text}))
	})
	// docs:end
	// docs:role
	api.DELETE("/teams/:team/notes", latchkeygin.RequireTeamRole(latchkey.Admin, "team"), func(c *gin.Context) {
		all.deleteOf(c.Param("team"))
		c.Status(http.StatusNoContent)
	})
	// docs:end
	// docs:webhook
	r.POST("/webhooks", func(c *gin.Context) {
		event, err := latchkey.VerifyWebhook(c.Request, os.Getenv("WEBHOOK_SECRET"))
		if err != nil {
			latchkey.WriteError(c.Writer, err)
			return
		}
		if event.Type == latchkey.UserMerged { // two accounts of one person became one
			all.move(event.Data.From, event.Data.Into)
		}
		c.Status(http.StatusNoContent)
	})
	// docs:end
	// docs:introspect
	asking := latchkey.NewIntrospector(os.Getenv("LATCHKEY_URL"), os.Getenv("LATCHKEY_API_KEY"), latchkey.WithAudience(os.Getenv("LATCHKEY_AUDIENCE")))
	r.DELETE("/api/account/notes", latchkeygin.Auth(asking), func(c *gin.Context) { // a session that has ended can't do this
		all.deleteBy(latchkeygin.User(c).ID)
		c.Status(http.StatusNoContent)
	})
	// docs:end
	return r
}

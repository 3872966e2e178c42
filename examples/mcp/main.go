// Command mcp is a server for agents (Model Context Protocol), whose tools ask for a role
// in the team that the token acts in.
package main

import (
	"cmp"
	"context"
	"log"
	"net/http"
	"os"
	"sync"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	latchkey "github.com/latchkey/latchkey/sdk/go"
)

func main() {
	port := cmp.Or(os.Getenv("PORT"), "8304")
	resource := cmp.Or(os.Getenv("MCP_RESOURCE"), "http://localhost:"+port+"/mcp")
	log.Print("listening on ", resource)
	log.Fatal(http.ListenAndServe("127.0.0.1:"+port, handler(os.Getenv("LATCHKEY_URL"), resource))) //nolint:gosec // an example
}

func handler(issuer, resource string) http.Handler {
	all := &board{notes: map[string][]string{}}
	// docs:handler
	v := latchkey.NewVerifier(issuer, resource, latchkey.WithResource(resource), latchkey.WithMachines())
	tools := mcp.NewStreamableHTTPHandler(func(r *http.Request) *mcp.Server {
		return newServer(r.Context(), all) // one for each request: it knows who asks
	}, &mcp.StreamableHTTPOptions{Stateless: true, JSONResponse: true})

	mux := http.NewServeMux()
	mux.Handle("GET "+latchkey.ResourceMetadataPath(resource), latchkey.ResourceMetadata(issuer, resource, "tools:call"))
	mux.Handle("/mcp", v.Middleware(tools))
	// docs:end
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("an MCP server at /mcp\n"))
	})
	return mux
}

type nothing struct{}

type note struct {
	Text string `json:"text" jsonschema:"what to write down"`
}

type notes struct {
	Notes []string `json:"notes"`
}

// newServer returns the tools for who sent a request.
func newServer(who context.Context, all *board) *mcp.Server {
	s := mcp.NewServer(&mcp.Implementation{Name: "latchkey-example", Version: "1"}, nil)
	// docs:tools
	team := latchkey.TeamFrom(who) // of the token, and not of what an agent asks for
	mcp.AddTool(s, &mcp.Tool{Name: "list_notes", Description: "Lists the notes of the team. For members."},
		func(context.Context, *mcp.CallToolRequest, nothing) (*mcp.CallToolResult, notes, error) {
			if err := latchkey.CheckRole(who, team, latchkey.Member); err != nil {
				return nil, notes{}, err
			}
			return nil, notes{all.of(team)}, nil
		})
	mcp.AddTool(s, &mcp.Tool{Name: "add_note", Description: "Adds a note of the team. For members."},
		func(_ context.Context, _ *mcp.CallToolRequest, n note) (*mcp.CallToolResult, nothing, error) {
			if err := latchkey.CheckRole(who, team, latchkey.Member); err != nil {
				return nil, nothing{}, err
			}
			all.add(team, n.Text)
			return nil, nothing{}, nil
		})
	mcp.AddTool(s, &mcp.Tool{Name: "delete_notes", Description: "Deletes the notes of the team. For admins."},
		func(context.Context, *mcp.CallToolRequest, nothing) (*mcp.CallToolResult, nothing, error) {
			if err := latchkey.CheckRole(who, team, latchkey.Admin); err != nil {
				return nil, nothing{}, err
			}
			all.clear(team)
			return nil, nothing{}, nil
		})
	// docs:end
	return s
}

// board has the notes of each team, in memory.
type board struct {
	mu    sync.Mutex
	notes map[string][]string
}

func (b *board) of(team string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string{}, b.notes[team]...)
}

func (b *board) add(team, text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.notes[team] = append(b.notes[team], text)
}

func (b *board) clear(team string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.notes, team)
}

package token

import (
	"slices"

	"github.com/latchkey/latchkey/identity"
)

// DefaultClient is the id of the only client if none is
// configured. Its audience is Latchkey's public URL.
const DefaultClient = "default"

// Client is an application that asks for tokens, and who its tokens are for.
type Client struct {
	ID       string
	Audience string // the `aud` of its access tokens: the API that takes them
	Offline  bool   // may have refresh tokens
}

// Clients are the configured clients, in order.
type Clients []Client

// has reports whether a client is configured by this id.
func (c Clients) has(id string) bool {
	return slices.ContainsFunc(c, func(client Client) bool { return client.ID == id })
}

// pick returns the client of an id, or the first for "".
func (c Clients) pick(id string) (Client, error) {
	for _, client := range c {
		if id == "" || client.ID == id {
			return client, nil
		}
	}
	return Client{}, identity.NewError(identity.CodeInvalidClient, "there is no such client; LATCHKEY_CLIENTS lists the clients").WithField("client_id")
}

package oauth_test

import (
	"net/http"
	"testing"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method/oauth"
)

// RFC 6749 section 2.3.1: a client without a secret has nothing to authenticate by.
func TestPublicClientNamesItselfInTheBody(t *testing.T) {
	t.Parallel()
	authorization := ""
	i := newIssuer(t, func(i *issuer) {
		i.client.Secret = ""
		i.Break("/token", func(w http.ResponseWriter, r *http.Request) {
			authorization = r.Header.Get("Authorization")
			i.Answer(w, r)
		})
	})
	if _, err := i.prove(i.provider(func(c *oauth.OIDCConfig) { c.ClientSecret = "" })); err != nil {
		t.Fatal(err)
	}
	if form := i.Form("/token"); authorization != "" || form.Get("client_id") != clientID || form.Has("client_secret") {
		t.Errorf("the client showed %q and %v", authorization, form)
	}
}

// What only looks like a member of the answer is none.
func TestTokenReplyMembersAreExact(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"Access_Token":"access-1","token_type":"Bearer","id_token":"x"}`,
		`{"access_token":"access-1","Token_Type":"DPoP","token_type":"mac","id_token":"x"}`,
		`{"access_token":"access-1","token_type":"Bearer","ID_TOKEN":"x"}`,
		`access_token=access-1&token_type=Bearer&id_token=x`, // a form, announced as text
	} {
		i := newIssuer(t, func(i *issuer) { i.Break("/token", status(http.StatusOK, body)) })
		_, err := i.prove(i.provider(nil))
		wantCode(t, err, identity.CodeProviderFailed)
		wantNoSecrets(t, err, i.Secrets())
	}
}

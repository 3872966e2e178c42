package api

import (
	"net/http"

	"github.com/latchkey/latchkey/api/contract"
	"github.com/latchkey/latchkey/identity"
)

// oauthErrors are the codes of ours that have a name in RFC 6749 (section 5.2) or
// RFC 6750 (section 3.1). Others are called by their status.
var oauthErrors = map[identity.Code]string{
	identity.CodeUnauthenticated:    "invalid_token",
	identity.CodeInsufficientScope:  "insufficient_scope",
	identity.CodeInvalidGrant:       "invalid_grant",
	identity.CodeInvalidClient:      "invalid_client",
	identity.CodeUnauthorizedClient: "unauthorized_client",
}

// oauthError returns a problem in the form that OAuth clients read, with the code
// of problem documents added.
func oauthError(e *identity.Error, p contract.Problem) contract.OAuthError {
	name := oauthErrors[e.Code]
	switch {
	case name != "":
	case p.Status == http.StatusServiceUnavailable || p.Status == http.StatusTooManyRequests:
		name = "temporarily_unavailable"
	case p.Status >= http.StatusInternalServerError:
		name = "server_error"
	case p.Status == http.StatusForbidden:
		name = "access_denied"
	default:
		name = "invalid_request"
	}
	return contract.OAuthError{Error: name, ErrorDescription: p.Detail, Code: p.Code, RequestId: p.RequestId, Rule: p.Rule, Missing: p.Missing}
}

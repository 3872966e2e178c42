package api

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/latchkey/latchkey/api/contract"
	"github.com/latchkey/latchkey/identity"
)

// oauthErrors are the codes of ours that have a name in RFC 6749 (section 5.2) or
// RFC 6750 (section 3.1), or in what extends them. Others are called by their status.
var oauthErrors = map[identity.Code]string{
	identity.CodeUnauthenticated:    "invalid_token",
	identity.CodeInsufficientScope:  "insufficient_scope",
	identity.CodeInvalidGrant:       "invalid_grant",
	identity.CodeInvalidClient:      "invalid_client",
	identity.CodeUnauthorizedClient: "unauthorized_client",
	identity.CodeUnsupportedGrant:   "unsupported_grant_type",
	identity.CodeInvalidScope:       "invalid_scope",
	identity.CodeInvalidTarget:      "invalid_target",        // RFC 8707, section 2
	identity.CodePending:            "authorization_pending", // RFC 8628, section 3.5
	identity.CodeSlowDown:           "slow_down",
	identity.CodeExpiredToken:       "expired_token",
	identity.CodeAccessDenied:       "access_denied",

	identity.CodeInvalidRedirectURI:    "invalid_redirect_uri", // RFC 7591, section 3.2.2
	identity.CodeInvalidClientMetadata: "invalid_client_metadata",
}

// oauthStatus is the status at an endpoint of the authorization server (RFC 6749,
// section 5.2), where elsewhere it is another.
func oauthStatus(code identity.Code, status int) int {
	if code == identity.CodeInvalidGrant || code == identity.CodeAccessDenied {
		return http.StatusBadRequest
	}
	return status
}

// challengeFor says how to authenticate (RFC 6749, section 5.2; RFC 6750, section 3).
func challengeFor(c *gin.Context, code identity.Code, status int) string {
	op := requestInfoOf(c).operation
	switch {
	case status == http.StatusUnauthorized && code == identity.CodeInvalidClient && op != nil && op.oauth2:
		return `Basic realm="latchkey"`
	case status != http.StatusUnauthorized && !(code == identity.CodeInsufficientScope && op != nil && op.oauth2):
		return ""
	case op != nil && op.oauth2 && c.GetHeader("Authorization") != "":
		return `Bearer realm="latchkey", error="` + oauthErrors[code] + `"`
	}
	return `Bearer realm="latchkey"`
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

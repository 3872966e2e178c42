package oauth

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/latchkey/latchkey/identity"
)

// maxRetryAfter bounds what a provider may ask for, so that a wild value does
// not reach our own clients.
const maxRetryAfter = time.Hour

// AuthorizationError turns the `error` of an authorization response (RFC 6749
// section 4.1.2.1) into a refusal: CodeAccessDenied when the person or the
// provider said no, CodeProviderUnavailable for its passing troubles,
// CodeProviderFailed for everything else. The provider's own words are not
// repeated: anybody can write them into a callback URL.
func AuthorizationError(provider, code string) *identity.Error {
	switch code {
	case "access_denied", "consent_required", "interaction_required", "login_required", "account_selection_required":
		return identity.NewError(identity.CodeAccessDenied, "the request was cancelled at %s", provider)
	case "temporarily_unavailable", "server_error":
		return identity.NewError(identity.CodeProviderUnavailable, "%s has a temporary problem; try again", provider)
	}
	return identity.NewError(identity.CodeProviderFailed, "%s refused the request", provider)
}

// Unproven is the refusal of what came back and does not hold.
func Unproven(provider, format string, args ...any) *identity.Error {
	return identity.NewError(identity.CodeInvalidProof, "the answer of %s could not be verified; start again", provider).
		Wrap(fmt.Errorf(format, args...))
}

// Failed is for a provider that answered with nothing usable; trying again does not
// help until it is fixed.
func Failed(provider, format string, args ...any) *identity.Error {
	return identity.NewError(identity.CodeProviderFailed, "%s gave an unusable answer", provider).
		Wrap(fmt.Errorf(format, args...))
}

// Unavailable is for a provider that did not answer in time, or said that it cannot now.
func Unavailable(provider, format string, args ...any) *identity.Error {
	return identity.NewError(identity.CodeProviderUnavailable, "%s cannot be reached now; try again later", provider).
		Wrap(fmt.Errorf(format, args...))
}

// transportError classifies a request that brought no whole response.
func transportError(provider string, err error) *identity.Error {
	if errors.Is(err, errBodyTooLarge) || errors.Is(err, errNotPublic) {
		return Failed(provider, "%w", err)
	}
	return Unavailable(provider, "%w", err)
}

// StatusError classifies a response by its status alone.
func StatusError(provider, what string, res *Response) *identity.Error {
	if res.Status != http.StatusTooManyRequests && res.Status < 500 {
		return Failed(provider, "%s: status %d", what, res.Status)
	}
	err := Unavailable(provider, "%s: status %d", what, res.Status)
	// Only the seconds form: the date form of RFC 9110 needs clocks that agree.
	if n, convErr := strconv.Atoi(res.Header.Get("Retry-After")); convErr == nil && n > 0 {
		err.RetryAfter = min(time.Duration(min(n, 1<<20))*time.Second, maxRetryAfter)
	}
	return err
}

package api

import (
	"context"

	"github.com/latchkey/latchkey/api/contract"
	"github.com/latchkey/latchkey/identity/client"
	"github.com/latchkey/latchkey/identity/token"
)

// GetServerMetadata returns the authorization server metadata (RFC 8414).
func (s *Server) GetServerMetadata(context.Context, contract.GetServerMetadataRequestObject) (contract.GetServerMetadataResponseObject, error) {
	return contract.GetServerMetadata200JSONResponse{
		Headers: contract.GetServerMetadata200ResponseHeaders{CacheControl: cacheKeys}, Body: s.metadata(),
	}, nil
}

// GetOpenIDConfiguration returns the same (OpenID Connect Discovery, section 4).
func (s *Server) GetOpenIDConfiguration(context.Context, contract.GetOpenIDConfigurationRequestObject) (contract.GetOpenIDConfigurationResponseObject, error) {
	return contract.GetOpenIDConfiguration200JSONResponse{
		Headers: contract.GetOpenIDConfiguration200ResponseHeaders{CacheControl: cacheKeys}, Body: s.metadata(),
	}, nil
}

func (s *Server) metadata() contract.ServerMetadata {
	public := origin(s.Config.PublicURL)
	algs := make([]string, len(token.IDTokenAlgs))
	for i, alg := range token.IDTokenAlgs {
		algs[i] = string(alg)
	}
	bySecret := []string{"client_secret_basic", "client_secret_post"}
	var registration *string
	if s.Registrations != nil {
		registration = new(public + "/oauth2/register")
	}
	return contract.ServerMetadata{
		Issuer: public, AuthorizationEndpoint: public + authorizePath, DeviceAuthorizationEndpoint: public + "/oauth2/device", TokenEndpoint: public + "/oauth2/token",
		UserinfoEndpoint: public + "/oauth2/userinfo", JwksUri: public + "/.well-known/jwks.json",
		RevocationEndpoint: public + "/oauth2/revoke", IntrospectionEndpoint: public + "/oauth2/introspect",
		RegistrationEndpoint:             registration,
		ServiceDocumentation:             public + "/docs",
		ResponseTypesSupported:           []string{"code"},
		ResponseModesSupported:           []string{"query"},
		GrantTypesSupported:              []string{client.GrantCode, client.GrantRefresh, client.GrantDevice, "client_credentials"},
		ScopesSupported:                  client.StandardScopes,
		SubjectTypesSupported:            []string{"public"},
		IdTokenSigningAlgValuesSupported: algs,
		ClaimsSupported: []string{
			"sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "amr", "azp", "at_hash", "sid", "name", "picture",
			"preferred_username", "updated_at", "onboarded", "email", "email_verified", "wallets", "team", "role", "former_subs", "app",
		},
		PromptValuesSupported:                      []string{"none", "login", "consent", "select_account"},
		CodeChallengeMethodsSupported:              []string{"S256"},
		TokenEndpointAuthMethodsSupported:          append(bySecret[:2:2], "none"),
		RevocationEndpointAuthMethodsSupported:     append(bySecret[:2:2], "none"),
		IntrospectionEndpointAuthMethodsSupported:  append(bySecret[:2:2], "Bearer"),
		AuthorizationResponseIssParameterSupported: true,
		ClientIdMetadataDocumentSupported:          s.Config.ClientDocuments,
		BackchannelLogoutSupported:                 true,
		BackchannelLogoutSessionSupported:          true,
		EndSessionEndpoint:                         public + logoutPath,
		AccessTokenSigningAlgValuesSupported:       []string{string(token.EdDSA), string(token.ES256)},
	}
}

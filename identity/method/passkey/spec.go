package passkey

import (
	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method"
)

// Spec offers passkeys.
var Spec = method.Spec{Kind: method.ByPasskey, Name: identity.ProviderPasskey, ImportNames: []string{"webauthn"}}

package email

import (
	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method"
)

// Spec offers sign-in by mail, where mail can leave.
var Spec = method.Spec{
	Kind: method.ByEmail,
	Name: identity.ProviderEmail,
	// Passwords are not imported: people who had one verify the address by mail.
	ImportNames: []string{"credential", "credentials", "magic-link", "email-otp", "nodemailer", "resend"},
}

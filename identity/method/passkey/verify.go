package passkey

import (
	"bytes"
	"encoding/base64"
	"encoding/json"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"

	"github.com/latchkey/latchkey/identity"
)

// peek reads which ceremony a response is of, and its challenge. Nothing of it is
// verified yet.
func peek(response []byte) (created bool, challenge string, err error) {
	var r struct {
		Response struct {
			ClientDataJSON    protocol.URLEncodedBase64 `json:"clientDataJSON"`
			AttestationObject *string                   `json:"attestationObject"`
		} `json:"response"`
	}
	var client protocol.CollectedClientData
	if err := json.Unmarshal(response, &r); err != nil {
		return false, "", malformed("credential", err)
	}
	if err := json.Unmarshal(r.Response.ClientDataJSON, &client); err != nil {
		return false, "", malformed("clientDataJSON", err)
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(client.Challenge)
	if err != nil {
		return false, "", malformed("challenge", err)
	}
	return r.Response.AttestationObject != nil, string(raw), nil
}

// created is a new passkey with the id of its credential.
type created struct {
	identity.Passkey
	credential string
}

// verifyCreation is WebAuthn section 7.1. No attestation is asked for, so a statement
// that comes nonetheless is left unread: it would prove a make, not a person.
func (s *Service) verifyCreation(response []byte, challenge, origin string) (created, error) {
	parsed, err := protocol.ParseCredentialCreationResponseBytes(response)
	if err != nil {
		return created{}, malformed("response", err)
	}
	attested := &parsed.Response.AttestationObject
	attested.Format, attested.AttStatement, attested.SubStatements = string(protocol.AttestationFormatNone), nil, nil
	if parsed.Response.CollectedClientData.Origin != origin {
		return created{}, refused("origin", "the passkey was created for a different page", nil)
	}
	_, err = parsed.Verify(encode(challenge), s.cfg.Domain, []string{origin}, nil, nil, protocol.TopOriginExplicitVerificationMode, false,
		s.cfg.needsVerification(identity.PurposeLink), true, nil, algorithms, protocol.AttestationPolicy{}, protocol.SignaturePolicy{})
	if err != nil {
		return created{}, refused("response", "the new passkey does not match this challenge, or it did not verify you", err)
	}
	data := attested.AuthData
	if _, err := webauthncose.ParsePublicKey(data.AttData.CredentialPublicKey); err != nil {
		return created{}, refused("response", "the new passkey's public key cannot be used", err)
	}
	out := created{credential: base64.RawURLEncoding.EncodeToString(parsed.RawID)}
	out.PublicKey, out.SignCount = data.AttData.CredentialPublicKey, int64(data.Counter)
	out.BackupEligible, out.BackedUp = data.Flags.HasBackupEligible(), data.Flags.HasBackupState()
	out.Transports = transports(parsed.Response.Transports)
	return out, checkBackup(out.Passkey)
}

func parseAssertion(response []byte) (*protocol.ParsedCredentialAssertionData, error) {
	parsed, err := protocol.ParseCredentialRequestResponseBytes(response)
	if err != nil {
		return nil, malformed("response", err)
	}
	return parsed, nil
}

// verifyAssertion is WebAuthn section 7.2, for the passkey of the credential's id. It
// returns the passkey as it is now; comparing counters is for the transaction.
func (s *Service) verifyAssertion(parsed *protocol.ParsedCredentialAssertionData, known identity.Passkey, challenge, origin string, purpose identity.Purpose) (identity.Passkey, error) {
	if parsed.Response.CollectedClientData.Origin != origin {
		return known, refused("origin", "the passkey was used on a different page", nil)
	}
	// Only a passkey that was asked for by its id may leave out whose it is.
	handle := parsed.Response.UserHandle
	if (len(handle) > 0 || purpose != identity.PurposeStepUp) && !bytes.Equal(handle, known.UserHandle) {
		return known, refused("userHandle", "the passkey belongs to another user", nil)
	}
	err := parsed.Verify(encode(challenge), s.cfg.Domain, "", []string{origin}, nil, nil, protocol.TopOriginExplicitVerificationMode, false,
		s.cfg.needsVerification(purpose), true, known.PublicKey, protocol.SignaturePolicy{})
	if err != nil {
		return known, refused("response", "the passkey does not match this challenge, or it did not verify you", err)
	}
	data := parsed.Response.AuthenticatorData
	if data.Flags.HasBackupEligible() != known.BackupEligible {
		return known, refused("authenticatorData", "the passkey changed whether it can be backed up", nil)
	}
	known.SignCount, known.BackedUp = int64(data.Counter), data.Flags.HasBackupState()
	return known, checkBackup(known)
}

// checkBackup refuses a passkey that is backed up although it cannot be.
func checkBackup(p identity.Passkey) error {
	if p.BackedUp && !p.BackupEligible {
		return refused("authenticatorData", "the passkey reports that it is backed up although it cannot be", nil)
	}
	return nil
}

// encode is how browsers write a challenge.
func encode(challenge string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(challenge))
}

// transports keeps the words that WebAuthn knows (section 5.8.4): what a client sends
// comes back to browsers.
func transports(given []protocol.AuthenticatorTransport) string {
	out := ""
	for _, known := range []protocol.AuthenticatorTransport{protocol.USB, protocol.NFC, protocol.BLE, protocol.SmartCard, protocol.Hybrid, protocol.Internal} {
		for _, t := range given {
			if t == known {
				out += " " + string(t)
				break
			}
		}
	}
	if out == "" {
		return ""
	}
	return out[1:]
}

func malformed(field string, cause error) *identity.Error {
	return identity.NewError(identity.CodeInvalidMessage, "%s", field+" is not what an authenticator returns").WithField(field).Wrap(cause)
}

func refused(field, why string, cause error) *identity.Error {
	return identity.NewError(identity.CodeInvalidProof, "%s", why).WithField(field).Wrap(cause)
}

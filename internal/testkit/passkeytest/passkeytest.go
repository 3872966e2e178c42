// Package passkeytest is a browser with an authenticator, in software (WebAuthn level 3),
// that also answers wrongly.
package passkeytest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"testing"

	"github.com/go-webauthn/webauthn/protocol/webauthncbor"
)

// The flags of authenticator data (section 6.1).
const (
	UserPresent    = 0x01
	UserVerified   = 0x04
	BackupEligible = 0x08
	BackedUp       = 0x10
	attested       = 0x40
)

// Passkey is a credential of an authenticator.
type Passkey struct {
	ID, Handle []byte
	Key        *ecdsa.PrivateKey
	Count      uint32 // of the last answer; it stays 0 if Still
	Still      bool   // does not count, as passkeys that are synchronized
	Flags      byte
}

// New returns a passkey with a key and an id, of an authenticator that verifies people.
func New(t testing.TB) *Passkey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id := make([]byte, 32)
	_, _ = rand.Read(id)
	return &Passkey{ID: id, Key: key, Flags: UserPresent | UserVerified}
}

// Answer is what a browser and an authenticator answer, before it is written.
type Answer struct {
	Client    map[string]any // the client data
	RPID      string
	ID        []byte
	Handle    []byte // nil to leave it out
	Flags     byte
	Count     uint32
	Key       *ecdsa.PrivateKey
	Format    string         // of the attestation
	Statement map[string]any // of the attestation
	// Signature changes the signature, nil for none.
	Signature func([]byte) []byte
	// Whole changes the whole credential, nil for none.
	Whole func(map[string]any)
}

// Create answers creation options as a page at an origin; change, if not nil, makes the
// answer another.
func (p *Passkey) Create(t testing.TB, options map[string]any, origin string, change func(*Answer)) map[string]any {
	t.Helper()
	user, _ := options["user"].(map[string]any)
	p.Handle = decode(t, user["id"])
	rp, _ := options["rp"].(map[string]any)
	a := p.answer("webauthn.create", options, origin, rp["id"], change)
	data := a.authData(attested)
	data = append(data, make([]byte, 16)...)                      // AAGUID
	data = binary.BigEndian.AppendUint16(data, uint16(len(a.ID))) //nolint:gosec // an id is 32 bytes
	data = append(append(data, a.ID...), cose(t, a.Key)...)
	object, err := webauthncbor.Marshal(map[string]any{"fmt": a.Format, "attStmt": a.Statement, "authData": data})
	if err != nil {
		t.Fatal(err)
	}
	return a.credential(map[string]any{"clientDataJSON": encode(a.client(t)), "attestationObject": encode(object), "transports": []string{"internal", "hybrid", "<script>"}})
}

// Get answers request options as a page at an origin, as Create does.
func (p *Passkey) Get(t testing.TB, options map[string]any, origin string, change func(*Answer)) map[string]any {
	t.Helper()
	a := p.answer("webauthn.get", options, origin, options["rpId"], change)
	data, client := a.authData(0), a.client(t)
	hash := sha256.Sum256(client)
	sum := sha256.Sum256(append(append([]byte{}, data...), hash[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, a.Key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	if a.Signature != nil {
		signature = a.Signature(signature)
	}
	response := map[string]any{"clientDataJSON": encode(client), "authenticatorData": encode(data), "signature": encode(signature)}
	if a.Handle != nil {
		response["userHandle"] = encode(a.Handle)
	}
	return a.credential(response)
}

func (p *Passkey) answer(ceremony string, options map[string]any, origin string, rpID any, change func(*Answer)) *Answer {
	if !p.Still {
		p.Count++
	}
	domain, _ := rpID.(string)
	a := &Answer{
		Client: map[string]any{"type": ceremony, "challenge": options["challenge"], "origin": origin, "crossOrigin": false},
		RPID:   domain, ID: p.ID, Handle: p.Handle, Flags: p.Flags, Count: p.Count, Key: p.Key, Format: "none", Statement: map[string]any{},
	}
	if change != nil {
		change(a)
	}
	return a
}

func (a *Answer) authData(more byte) []byte {
	hash := sha256.Sum256([]byte(a.RPID))
	return binary.BigEndian.AppendUint32(append(hash[:], a.Flags|more), a.Count)
}

func (a *Answer) client(t testing.TB) []byte {
	t.Helper()
	raw, err := json.Marshal(a.Client)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func (a *Answer) credential(response map[string]any) map[string]any {
	out := map[string]any{"id": encode(a.ID), "rawId": encode(a.ID), "type": "public-key", "clientExtensionResults": map[string]any{}, "authenticatorAttachment": "platform", "response": response}
	if a.Whole != nil {
		a.Whole(out)
	}
	return out
}

// cose writes a public key as a COSE_Key (RFC 9053 section 7.1).
func cose(t testing.TB, key *ecdsa.PrivateKey) []byte {
	t.Helper()
	point, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := webauthncbor.Marshal(map[int]any{1: 2, 3: -7, -1: 1, -2: point[1:33], -3: point[33:]})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func decode(t testing.TB, v any) []byte {
	t.Helper()
	text, _ := v.(string)
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(raw) == 0 {
		t.Fatalf("%v is no bytes in base64url: %v", v, err)
	}
	return raw
}

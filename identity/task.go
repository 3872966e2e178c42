package identity

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/json"
	"errors"
	"time"
)

// TaskKind names what a task has to do.
type TaskKind string

// The kinds of tasks.
const (
	TaskMail       TaskKind = "mail"       // payload: Mail
	TaskLogout     TaskKind = "logout"     // payload: Logout, which is not sealed
	TaskInvitation TaskKind = "invitation" // payload: the invitation's id; the letter is written when it is sent
)

// TaskKinds are all kinds of tasks. It must not be modified.
var TaskKinds = []TaskKind{TaskMail, TaskLogout, TaskInvitation}

// Sealed reports whether the payload of such tasks is sealed. What any process may
// leave to be done, also one that has no secret, is not: it holds none either.
func (k TaskKind) Sealed() bool { return k != TaskLogout }

// Logout is a session of an application that has ended, of which the application is
// notified (OpenID Connect Back-Channel Logout 1.0).
type Logout struct {
	ClientID string `json:"client_id"`
	URI      string `json:"uri"`
	Alg      string `json:"alg"` // of the token
	Subject  ID     `json:"sub"`
	Session  *ID    `json:"sid,omitempty"` // nil for all of the subject's
}

// Task is work that must not happen unless its transaction commits, and must
// happen once it has: it is written there and done afterwards, see
// internal/outbox. It is done at least once; after a crash, maybe twice.
type Task struct {
	ID            ID
	Kind          TaskKind
	Payload       []byte // sealed, see Sealer and TaskKind.Sealed
	Attempts      int
	CreatedAt     time.Time
	NextAttemptAt time.Time
	ExpiresAt     time.Time // from then on it has no use any more
}

// Mail is a letter to be written: what the template makes of the data.
type Mail struct {
	To       string            `json:"to"` // canonical
	Language Language          `json:"language,omitempty"`
	Template MailTemplate      `json:"template"`
	Data     map[string]string `json:"data"`
}

// MailTemplate names a mail. Its texts are in internal/mail.
type MailTemplate string

// MailNotice reports a change to an account.
const MailNotice MailTemplate = "notice" // data: kind, what, at, from, link

// MailInvitation asks somebody into a team.
const MailInvitation MailTemplate = "invitation" // data: team, role, until, link

// MailProof is the letter with a link and, unless it is "", a code.
const MailProof MailTemplate = "proof" // data: purpose, which may be "any"; link, code, minutes

// OutboxUse is what the keys are for that seal the payloads of tasks.
const OutboxUse = "outbox"

// Sealer encrypts secrets that must be kept in a form that can be read again
// (AES-256-GCM), such as what tasks have to know. What it seals opens only in the
// context it was sealed for: a payload in its task.
type Sealer struct{ aeads []cipher.AEAD } // the first seals, each opens

var errNotSealed = errors.New("task: the payload was not sealed for this task under this key")

// NewSealer takes keys of DeriveKey: it seals under the first, and opens what was
// sealed under any of them.
func NewSealer(keys ...[]byte) Sealer {
	var s Sealer
	for _, key := range keys {
		block, err := aes.NewCipher(key)
		if err != nil {
			panic(err) // only for lengths DeriveKey does not give
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			panic(err) // only for blocks other than AES
		}
		s.aeads = append(s.aeads, aead)
	}
	return s
}

// NewTask returns a task that is due at once. The payload is kept as JSON.
func (s Sealer) NewTask(kind TaskKind, payload any, now, expires time.Time) (Task, error) {
	plain, err := json.Marshal(payload)
	if err != nil {
		return Task{}, err
	}
	t := Task{ID: NewID(), Kind: kind, CreatedAt: now, NextAttemptAt: now, ExpiresAt: expires}
	t.Payload = s.Seal(plain, t.context())
	return t, nil
}

// Open reads the payload of a task.
func (s Sealer) Open(t Task, payload any) error {
	plain, err := s.Unseal(t.Payload, t.context())
	if err != nil {
		return errNotSealed
	}
	return json.Unmarshal(plain, payload)
}

// Seal encrypts a value that opens only with the same context, such as the id
// of the row it is kept in.
func (s Sealer) Seal(plain, context []byte) []byte {
	return s.aeads[0].Seal(nil, nil, plain, context) //nolint:gosec // the AEAD makes a random nonce itself: NewGCMWithRandomNonce
}

// Unseal opens what Seal made, under one of the keys and with the same context.
func (s Sealer) Unseal(sealed, context []byte) ([]byte, error) {
	plain, _, err := s.unseal(sealed, context)
	return plain, err
}

func (s Sealer) unseal(sealed, context []byte) (plain []byte, key int, err error) {
	for i, aead := range s.aeads {
		if plain, err = aead.Open(nil, nil, sealed, context); err == nil {
			return plain, i, nil
		}
	}
	return nil, 0, err
}

// Reseal returns what was sealed under another key than the first, sealed under the
// first. It reports false for what is so already.
func (s Sealer) Reseal(sealed, context []byte) (resealed []byte, changed bool, err error) {
	plain, key, err := s.unseal(sealed, context)
	if err != nil || key == 0 {
		return sealed, false, err
	}
	return s.Seal(plain, context), true, nil
}

// Reseal is Sealer.Reseal for the payload of a task.
func (t Task) Reseal(s Sealer) (resealed Task, changed bool, err error) {
	t.Payload, changed, err = s.Reseal(t.Payload, t.context())
	return t, changed, err
}

func (t Task) context() []byte { return append(t.ID[:], t.Kind...) }
